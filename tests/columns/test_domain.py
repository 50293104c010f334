"""Distance from the training data."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from diffmp_core.columns.domain import TrainingDomain, fit_domain
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_inputs
from tests.synthetic import make_columns

MEAN = np.array([270.0, 6e-3, 1e5, 20.0, 90.0, 300.0])[:, None]
SPREAD = np.array([10.0, 4e-3, 800.0, 30.0, 60.0, 200.0])[:, None]


def gaussian_inputs(count: int, seed: int = 0) -> np.ndarray:
    """Inputs whose 64 numbers are independent and normal, in plausible units."""
    rng = np.random.default_rng(seed)
    inputs = MEAN + SPREAD * rng.normal(size=(count, 6, 30))
    inputs[:, 2:] = inputs[:, 2:, :1]
    return inputs.astype(np.float32)


DOMAIN = fit_domain(gaussian_inputs(2000), generator=np.random.default_rng(0))


def test_distance_of_independent_inputs_is_the_root_mean_square_deviation():
    fresh = gaussian_inputs(500, seed=1)
    standard = (fresh - MEAN) / SPREAD
    features = np.concatenate([standard[:, 0], standard[:, 1], standard[:, 2:, 0]], axis=1)
    expected = np.sqrt((features**2).mean(axis=1))
    assert np.corrcoef(DOMAIN.distance(fresh), expected)[0, 1] > 0.95
    assert DOMAIN.distance(fresh).mean() == pytest.approx(1.0, abs=0.05)


def test_percentiles_are_those_of_the_training_columns():
    inputs = stack_inputs(make_columns(cells=100, times=30))
    domain = fit_domain(inputs, generator=np.random.default_rng(0))
    percentile = domain.percentile(domain.distance(inputs))
    assert np.quantile(percentile, [0.1, 0.5, 0.9]) == pytest.approx([10, 50, 90], abs=1.0)
    assert percentile.max() == pytest.approx(100.0)
    assert 0 < domain.is_out_of_range(inputs).mean() < 0.005


def test_a_correlation_that_is_broken_is_out_of_range_though_no_input_is_extreme():
    rng = np.random.default_rng(2)
    inputs = gaussian_inputs(3000)
    inputs[:, 0] = 270.0 + 10.0 * rng.normal(size=(3000, 1)) + 0.3 * rng.normal(size=(3000, 30))
    domain = fit_domain(inputs, generator=np.random.default_rng(0))
    zigzag = inputs[:1].copy()
    zigzag[0, 0] = 270.0 + 10.0 * (-1.0) ** np.arange(30)
    assert domain.is_out_of_range(zigzag).all()
    assert not domain.farthest_input(zigzag[0]).is_outside


def test_an_input_beyond_the_training_extremes_is_out_of_range_and_named():
    column = gaussian_inputs(1, seed=3)
    column[0, 1, 7] = 0.05
    assert DOMAIN.is_out_of_range(column).all()
    farthest = DOMAIN.farthest_input(column[0])
    assert (farthest.variable, farthest.level, farthest.is_outside) == ("qv", 7, True)
    assert farthest.high < farthest.value == pytest.approx(0.05)
    column = gaussian_inputs(1, seed=3)
    column[0, 4] = 5000.0
    farthest = DOMAIN.farthest_input(column[0])
    assert (farthest.variable, farthest.level) == ("LHF", None)
    assert farthest.deviations == pytest.approx((5000 - 90) / 60, rel=0.1)


def test_regimes_tell_a_mixture_of_climates_from_both():
    # Two narrow climates: a column midway between them is far from either, though the overall mean is exactly there.
    inputs = gaussian_inputs(3000)
    inputs[:, 0] = 270.0 + 0.1 * (inputs[:, 0] - 270.0)
    inputs[:1500, 0] -= 30.0
    inputs[1500:, 0] += 30.0
    domain = fit_domain(inputs, generator=np.random.default_rng(0))
    middle = inputs[:50].copy()
    middle[:, 0] += 30.0
    assert len(domain.centre) == 2
    assert domain.is_out_of_range(middle).all()
    assert domain.is_out_of_range(inputs).mean() < 0.01


def test_an_input_that_never_varies_is_no_obstacle():
    inputs = gaussian_inputs(300)
    inputs[:, 5] = 0.0
    domain = fit_domain(inputs, generator=np.random.default_rng(0))
    assert np.isfinite(domain.distance(inputs)).all()


def test_saved_domain_answers_bit_exactly(tmp_path):
    path = DOMAIN.save(tmp_path / "domain.safetensors")
    fresh = gaussian_inputs(20, seed=5)
    np.testing.assert_array_equal(TrainingDomain.load(path).distance(fresh), DOMAIN.distance(fresh))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_foreign_truncated_or_missing_files_are_refused(tmp_path):
    path = DOMAIN.save(tmp_path / "domain.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DiffmpError, match="nothing readable"):
        TrainingDomain.load(path)
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(DiffmpError, match="other tensors"):
        TrainingDomain.load(path)
    with pytest.raises(DiffmpError, match="nothing readable"):
        TrainingDomain.load(tmp_path / "none.safetensors")


def test_inputs_on_other_levels_are_refused():
    with pytest.raises(DiffmpError, match="expected inputs with 64 numbers a column"):
        DOMAIN.distance(gaussian_inputs(3)[:, :, :20])


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(DiffmpError, match="2 or more training columns"):
        fit_domain(gaussian_inputs(1), generator=np.random.default_rng(0))
