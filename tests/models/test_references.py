"""Reference ensembles."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from diffmp_core.errors import DiffmpError
from diffmp_core.models import references
from diffmp_core.models.references import AnalogueEnsemble, ClimatologicalEnsemble
from diffmp_core.stores import stack_inputs, stack_outputs


@pytest.fixture(scope="module")
def inputs(columns) -> torch.Tensor:
    return torch.from_numpy(stack_inputs(columns))


@pytest.fixture(scope="module")
def analogue(columns):
    return AnalogueEnsemble.from_columns(columns)


def test_a_training_column_is_its_own_nearest_analogue(columns, inputs, analogue):
    sample = analogue.sample(inputs[::7], 3)
    assert sample.shape == (110, 3, 4, 30)
    np.testing.assert_array_equal(sample[:, 0], stack_outputs(columns)[::7])


def test_neighbours_are_those_of_an_exact_search_in_standardised_units(inputs, analogue, monkeypatch):
    values = inputs.double().numpy()
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    points = np.concatenate([standard[:, :2].reshape(len(values), -1), 2 * standard[:, 2:, 0]], axis=1)
    moved = inputs + 0.1 * inputs.std(dim=0) * torch.randn(inputs.shape, generator=torch.Generator().manual_seed(0))
    moved[:, 2:] = moved[:, 2:, :1]
    shifted = (moved.double().numpy() - values.mean(axis=0)) / values.std(axis=0)
    queries = np.concatenate([shifted[:, :2].reshape(len(values), -1), 2 * shifted[:, 2:, 0]], axis=1)
    monkeypatch.setattr(references, "PAIRS_AT_ONCE", 7000)  # many small parts
    # standard deviations of surface variables are over all levels of all columns, the same as over columns
    _, expected = cKDTree(points).query(queries, k=5)
    assert (analogue.nearest(moved, 5).numpy() == expected).mean() > 0.999


def test_members_are_nearer_than_all_others(inputs, analogue):
    nearest = analogue.nearest(inputs[:10], 6)
    distances = torch.cdist(analogue.features[:10].double(), analogue.features.double())
    chosen = distances.gather(1, nearest)
    assert (chosen.diff(dim=1) >= -1e-3).all()
    others = distances.scatter(1, nearest, torch.inf).amin(dim=1)
    assert (others >= chosen[:, -1] - 1e-3).all()


def test_more_members_than_columns_are_refused(inputs, analogue):
    with pytest.raises(DiffmpError, match="expected at most 768 members"):
        analogue.sample(inputs, 769)


def test_climatology_draws_training_columns_evenly_whatever_the_input(columns, inputs):
    climatology = ClimatologicalEnsemble.from_columns(columns)
    truth = torch.from_numpy(stack_outputs(columns))
    sample = climatology.sample(inputs, 100, generator=torch.Generator().manual_seed(1))
    assert sample.shape == (768, 100, 4, 30)
    same = climatology.sample(inputs * 0, 100, generator=torch.Generator().manual_seed(1))
    assert torch.equal(sample, same)
    scale = truth.std(dim=0) / 277  # 76,800 draws
    assert ((sample.mean(dim=(0, 1)) - truth.mean(dim=0)).abs() <= 5 * scale + 1e-12).all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_inputs_that_are_not_finite_get_no_answer_from_references_either(columns, inputs, analogue, value):
    broken = inputs[:3].clone()
    broken[2, 4] = value
    for emulator in (analogue, ClimatologicalEnsemble.from_columns(columns)):
        with pytest.raises(DiffmpError, match="finite values of LHF, found NaN or infinity in 1 of 3 columns"):
            emulator.sample(broken, 4, generator=torch.Generator().manual_seed(0))
