"""Sweeps: right where the answer is known, with common random numbers, point by point and stoppable."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffmp_core.columns.domain import fit_domain
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.response.sensitivity import respond
from diffmp_core.response.sweep import SweepAxis, significant, sweep
from diffmp_core.response.verdict import ASSOCIATION
from diffmp_core.schema import ColumnSchema
from diffmp_core.stores import stack_inputs
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

CP = 1004.64
SHF = 3
FLUX = SweepAxis(name="flux", settings=("scale_SHF", "scale_LHF"), values=(0.0, 0.5, 1.0, 2.0))
WARMING = SweepAxis(name="warming", settings=("warming",), values=(-1.0, 0.0, 1.0))


class Linear:
    """Emulator with a known answer: heating 1e-7 SHF plus noise at all levels, other outputs noise."""

    kind = "linear"
    schema = ColumnSchema(PAPER, np.arange(30.0), np.linspace(1e5, 1e4, 30))

    def __init__(self) -> None:
        self.asked = 0

    def sample(self, inputs, members, *, generator, steps, guidance):
        self.asked += 1
        noise = 1e-3 * torch.randn(len(inputs), members, 4, inputs.shape[2], generator=generator)
        noise[:, :, 0] += 1e-7 * inputs[:, None, SHF]
        return noise


def test_a_sweep_of_a_linear_emulator_is_a_line(inputs, air):
    found = sweep(Linear(), inputs, Perturbation(), [FLUX], **air, members=6)
    slope = CP * (1e-7 * inputs[:, SHF] * air["layer_mass"]).sum(axis=1).mean()
    heating = found.sel(integral="heating")
    np.testing.assert_allclose(heating["change"], slope * (np.array(FLUX.values) - 1), rtol=1e-3, atol=1e-9 * slope)
    np.testing.assert_allclose(heating["perturbed"] - heating["change"], heating["baseline"])
    np.testing.assert_array_equal(found.sel(integral="moistening")["change"], 0.0)
    assert list(heating["significant"].values) == [True, True, False, True]
    assert not found.sel(integral="moistening")["significant"].any()
    assert np.isnan(found["out_of_range"]).all()


def test_each_point_of_two_axes_is_the_response_there(inputs, air):
    found = sweep(Linear(), inputs, Perturbation(moistening=-0.1), [WARMING, FLUX], **air, members=4, seed=3)
    assert found["change"].dims == ("integral", "warming", "flux")
    alone = respond(
        Linear(),
        inputs,
        Perturbation(moistening=-0.1, warming=1.0, scale_SHF=0.5, scale_LHF=0.5),
        **air,
        members=4,
        seed=3,
    )
    point = found.sel(warming=1.0, flux=0.5)
    for change in alone.changes:
        here = point.sel(integral=change.name)
        assert float(here["change"]) == change.change
        assert float(here["standard_error_columns"]) == change.standard_error_columns
    spread = point["quantiles"].sel(integral="heating")
    assert (np.diff(spread.values) > 0).all()


def test_progress_is_told_and_ends_the_sweep(inputs, air):
    told, emulator = [], Linear()

    def stop_at_two(done: int, total: int) -> None:
        told.append((done, total))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sweep(emulator, inputs, Perturbation(), [FLUX], **air, members=2, progress=stop_at_two)
    assert told == [(0, 4), (1, 4), (2, 4)]
    assert emulator.asked == 3  # the baseline and two points


def test_points_outside_the_training_data_are_marked(air):
    every = stack_inputs(make_columns(cells=200))
    domain = fit_domain(every, channels=PAPER.inputs, generator=np.random.default_rng(0))
    axis = SweepAxis(name="warming", settings=("warming",), values=(0.0, 30.0))
    shared = {"pressure": air["pressure"], "layer_mass": air["layer_mass"][0]}
    found = sweep(Linear(), every[98:103], Perturbation(top_level=3), [axis], **shared, members=2, domain=domain)
    np.testing.assert_array_equal(found["out_of_range"], [0.0, 1.0])


def test_significance_by_hand():
    change = np.array([[10.0, 0.1, 0.0, 1.0], [0.1, 0.1, 0.1, 0.1]])
    error = np.array([[1.0, 1.0, 0.0, np.nan], [1.0, 1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(significant(change, error, samples=32), [[True, False, False, False], [False] * 4])
    assert not significant(np.array([[3.0]]), np.array([[1.0]]), samples=2).any()  # t of 1 degree of freedom: p = 0.20
    assert significant(np.array([[3.0]]), np.array([[1.0]]), samples=40).all()  # p = 0.005


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([], "one or two axes"),
        ([FLUX, SweepAxis(name="other", settings=("scale_SHF",), values=(1.0,))], "different settings"),
        ([SweepAxis(name="a", settings=("nonsense",), values=(1.0,))], "different settings"),
        ([SweepAxis(name="a", settings=("warming",), values=())], "one or two axes"),
        ([SweepAxis(name="a", settings=("warming",), values=(99.0,))], "expected warming from -30 to 30"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_is_drawn(inputs, air, axes, words):
    emulator = Linear()
    with pytest.raises(DiffmpError, match=words):
        sweep(emulator, inputs, Perturbation(), axes, **air)
    assert emulator.asked == 0


class Moody:
    """Emulator whose members answer to SHF with a factor of their own, the same for every column."""

    kind = "moody"
    schema = Linear.schema

    def sample(self, inputs, members, *, generator, steps, guidance):
        factor = torch.randn(1, members, 1, 1, generator=generator)
        return 1e-7 * factor * inputs[:, None, SHF, None].expand(-1, members, 4, -1)


def test_alike_columns_do_not_make_a_change_certain_that_members_dispute(inputs):
    alike = {"pressure": np.linspace(1e5, 5e3, 30), "layer_mass": np.full(30, 300.0)}
    found = sweep(Moody(), inputs[[0, 0]], Perturbation(), [FLUX], **alike, members=6).sel(integral="heating")
    np.testing.assert_allclose(found["standard_error_columns"], 0.0, atol=1e-9)
    assert (found["standard_error"].values[[0, 1, 3]] > 1.0).all()
    assert not found["significant"].any()


def test_a_sweep_says_how_many_points_leave_the_training_data_and_how(inputs, air):
    domain = fit_domain(
        stack_inputs(make_columns(cells=200)), channels=PAPER.inputs, generator=np.random.default_rng(0)
    )
    far = SweepAxis(name="warming", settings=("warming",), values=(0.0, 0.05, 30.0))
    said = sweep(Linear(), inputs, Perturbation(top_level=3), [far], **air, members=2, domain=domain).attrs["cautions"]
    count = len(inputs)
    assert said.startswith("1 of 3 points of the sweep have columns outside the training data; at the farthest: ")
    assert f"{count} of {count} columns lie outside the training data" in said
    assert "Warming or cooling: " in said
    near = SweepAxis(name="warming", settings=("warming",), values=(0.0, 0.05))
    said = sweep(Linear(), inputs, Perturbation(top_level=3), [near], **air, members=2, domain=domain).attrs["cautions"]
    assert "outside" not in said
    assert ASSOCIATION in said
