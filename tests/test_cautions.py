"""Cautions: every reason to doubt an answer is said, once, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from diffmp_core.columns.domain import fit_domain
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.response.cautions import NO_DOMAIN, find_cautions
from diffmp_core.response.verdict import ASSOCIATION
from diffmp_core.stores import stack_inputs
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    return stack_inputs(make_columns(cells=200))


@pytest.fixture(scope="module")
def domain(inputs):
    return fit_domain(inputs, channels=PAPER.inputs, generator=np.random.default_rng(0))


@pytest.fixture(scope="module")
def air(inputs) -> dict:
    levels = inputs.shape[2]
    return {"channels": PAPER.inputs, "pressure": np.linspace(1e5, 5e3, levels), "layer_mass": np.full(levels, 300.0)}


def test_a_usual_column_as_it_is_needs_no_caution(inputs, domain, air):
    found = find_cautions(inputs[50:51], domain, **air)
    assert found.sentences() == ()
    assert not found.is_out_of_range


def test_a_change_is_an_association_and_says_what_it_goes_with(inputs, domain, air):
    drier = find_cautions(inputs[50:51], domain, Perturbation(moistening=-0.05), **air)
    assert drier.sentences()[-2:] == (ASSOCIATION, SLIDERS["moistening"].also_tells)
    fluxes = find_cautions(inputs[50:51], domain, Perturbation(scale_SHF=0.9, scale_LHF=0.9), **air)
    assert fluxes.sentences().count(SLIDERS["scale_SHF"].also_tells) == 1


def test_leaving_the_training_data_is_said_first_with_setting_input_and_place(inputs, domain, air):
    found = find_cautions(inputs[98:103], domain, Perturbation(warming=30.0, top_level=3), **air)
    first, setting, *rest = found.sentences()
    assert first.startswith(
        "5 of 5 columns lie outside the training data (on the mean they are farther out than 100.0 %"
    )
    assert "air temperature at level " in first
    assert " hPa, 3" in first
    assert setting.startswith("Warming or cooling: 5 of 5 columns out of range: air temperature at level")
    assert rest[0] == "A mean over 5 columns: single ones may answer otherwise."


def test_columns_that_were_out_before_the_change_are_told_from_those_that_it_moved(inputs, domain, air):
    odd = inputs[50:52].copy()
    odd[0, 0] += 40.0
    unchanged = find_cautions(odd, domain, **air)
    assert unchanged.sentences()[0].startswith("1 of 2 columns lies outside the training data")
    assert "Unchanged" not in unchanged.sentences()[0]
    assert find_cautions(odd, domain, Perturbation(scale_LHF=0.99), **air).sentences()[0].endswith("Unchanged, 1 do.")


def test_an_emulator_without_a_domain_cannot_tell_and_says_so(inputs, air):
    found = find_cautions(inputs[:1], None, Perturbation(warming=30.0), notes=["A column of your own."], **air)
    assert found.range is None
    assert found.sentences()[:2] == ("A column of your own.", NO_DOMAIN)
