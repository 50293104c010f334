"""Ensembles of a store: the same seed gives the same answer, however the columns are walked through."""

import copy

import numpy as np
import pytest
import torch

from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id
from diffmp_core.models.folder import load_emulator
from diffmp_core.sampling import draw
from diffmp_core.sampling.draw import COLUMNS_AT_ONCE, columns_together, draw_ensemble
from diffmp_core.sampling.generate import default_split, ensembles, generate
from diffmp_core.stores import open_store, select_split, stack_inputs, stack_outputs, write_store
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns


@pytest.fixture(scope="module")
def emulator(folder):
    return load_emulator(folder, precision="float32")


def collect(emulator, columns, **options):
    batches = list(ensembles(emulator, columns, members=4, steps=2, **options))
    truth, members = (
        np.concatenate(parts) for parts in zip(*((b.outputs, drawn) for b, drawn in batches), strict=True)
    )
    return [batch.rows for batch, _ in batches], truth, members


def test_rows_cover_the_store_and_truth_is_the_stores(emulator, columns):
    test = columns.isel(time=[4, 5], cell=slice(80))
    rows, truth, members = collect(emulator, test, batch=64)
    assert [(r.start, r.stop) for r in rows] == [(0, 64), (64, 80), (80, 144), (144, 160)]
    np.testing.assert_array_equal(truth, stack_outputs(test))
    assert members.shape == (160, 4, 4, 30)
    assert members.dtype == np.float32
    assert np.isfinite(members).all()


def test_answer_does_not_depend_on_the_size_of_a_batch(emulator, columns):
    test = columns.isel(time=[4, 5], cell=slice(80))
    np.testing.assert_array_equal(collect(emulator, test, batch=32)[2], collect(emulator, test, batch=96)[2])


@pytest.mark.parametrize("sampler", ["dpm_solver_pp_2m", "dpm_solver_pp_2m_sde"])
def test_a_gpu_takes_many_blocks_together_and_answers_alike(emulator, columns, monkeypatch, sampler):
    emulator = copy.copy(emulator)
    emulator.config = emulator.config.model_copy(update={"sampler": sampler})
    inputs = stack_inputs(columns.isel(time=[0], cell=slice(80)))
    passes = []
    sample = emulator.sample_drawn

    def watched(part, *rest, **options):
        passes.append(len(part))
        return sample(part, *rest, **options)

    monkeypatch.setattr(emulator, "sample_drawn", watched)
    apart = draw_ensemble(emulator, inputs, members=4, seed=3, start=80)
    assert passes == [32, 32, 16]
    monkeypatch.setattr(draw, "columns_together", lambda device: 64)
    together = draw_ensemble(emulator, inputs, members=4, seed=3, start=80)
    assert passes[3:] == [64, 16]
    scale = apart.std(axis=(0, 1, 3))[:, None]
    np.testing.assert_allclose(together / scale, apart / scale, atol=1e-3)
    assert columns_together(torch.device("cuda")) % COLUMNS_AT_ONCE == 0


def test_seed_members_and_columns_have_noise_of_their_own(emulator, columns):
    part = columns.isel(time=[5])
    first, second = collect(emulator, part, seed=0)[2], collect(emulator, part, seed=1)[2]
    assert not np.allclose(first[:, :, 0], second[:, :, 0])
    np.testing.assert_array_equal(first, collect(emulator, part, seed=0)[2])
    same = columns.isel(time=[5], cell=[0] * 64)
    drawn = collect(emulator, same)[2][:, :, 0].reshape(64 * 4, 30)
    assert len(np.unique(drawn, axis=0)) == 64 * 4


def test_other_inputs_get_the_same_noise(emulator, columns):
    """Common random numbers: with a network that ignores its condition, other inputs change nothing."""
    inputs = stack_inputs(columns.isel(time=[0], cell=slice(3)))
    blind = Blind(emulator, inputs)
    first = draw_ensemble(blind, inputs, members=4, seed=3)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, draw_ensemble(blind, inputs * 1.01, members=4, seed=3))


class Blind:
    """The same emulator, which is always shown the same columns."""

    def __init__(self, emulator, shown) -> None:
        self.kind, self.schema = "blind", emulator.schema
        self.emulator, self.shown = emulator, torch.from_numpy(shown)

    def sample(self, inputs, members, *, generator, steps, guidance):
        return self.emulator.sample(self.shown, members, generator=generator, steps=steps, guidance=guidance)


def test_store_holds_the_ensemble_of_the_unseen_split(folder, columns, column_store, tmp_path):
    seen = []
    out = generate(
        folder, column_store, tmp_path / "ensemble.zarr", members=3, steps=2, seed=5, device="cpu",
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    store = open_store(out)
    test = select_split(columns, "test")
    assert store.attrs["diffmp_kind"] == "ensemble"
    assert store.attrs["split"] == "test"
    assert store.attrs["columns_id"] == columns_id(test)
    assert store.sizes == {"time": 1, "cell": 128, "member": 3, "level": 30}
    np.testing.assert_array_equal(store["time"], test["time"])
    np.testing.assert_array_equal(store["lat"], test["lat"])
    expected = np.concatenate(
        [members for _, members in ensembles(load_emulator(folder), test, members=3, steps=2, seed=5)]
    )
    for channel, name in enumerate(PAPER.outputs.names):
        assert store[name].dims == ("time", "cell", "member", "level")
        assert store[name].attrs["units"] == PAPER.outputs[channel].unit
        np.testing.assert_array_equal(store[name].values[0], expected[:, :, channel])
    assert seen == [(128, 128)]
    assert [path.name for path in tmp_path.iterdir()] == ["ensemble.zarr"]


def test_unseen_columns_are_the_test_split_of_the_training_store_and_all_of_another(folder, columns):
    assert default_split(folder, columns) == "test"
    assert default_split(folder, make_columns(cells=42)) == "all"


def test_emulators_own_guidance_is_the_default(emulator, columns, monkeypatch):
    strengths = []

    def drawn(inputs, members, *, draw, steps, guidance):
        strengths.append(guidance)
        return torch.zeros(len(inputs), members, 4, 30)

    own = emulator.config.model_copy(update={"guidance": (0.5, 0.5, 0.0, 0.0)})
    monkeypatch.setattr(emulator, "config", own)
    monkeypatch.setattr(emulator, "sample_drawn", drawn)
    part = columns.isel(time=[0], cell=slice(2))
    list(ensembles(emulator, part, members=2))
    list(ensembles(emulator, part, members=2, guidance=(0.0, 0.0, 0.0, 1.0)))
    assert strengths == [(0.5, 0.5, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)]


def test_columns_on_other_levels_are_refused(emulator, columns):
    raised = columns.assign_coords(height=columns["height"] + 50)
    with pytest.raises(DiffmpError, match="levels at"):
        next(ensembles(emulator, raised, members=2))


@pytest.mark.parametrize("name", ["columns.zarr", "notes.txt", "ensemble.nc"])
def test_place_that_is_taken_is_refused_unharmed(folder, column_store, tmp_path, name):
    out = tmp_path / name
    if name == "columns.zarr":
        write_store(make_columns(), out)
    elif name == "notes.txt":
        out.write_text("precious")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(DiffmpError, match="expected"):
        generate(folder, column_store, out, members=2, device="cpu")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_failure_half_way_leaves_nothing(folder, column_store, tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(folder, column_store, tmp_path / "ensemble.zarr", members=2, steps=1, device="cpu", progress=stop)
    assert list(tmp_path.iterdir()) == []
