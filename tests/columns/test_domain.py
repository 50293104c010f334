"""Distance from the training data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from diffmp_core.columns.domain import TrainingDomain, fit_domain
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import open_columns, stack_inputs
from diffmp_core.variables import KNOWN_INPUTS, PAPER, Channels
from tests.synthetic import make_columns

MEAN = np.array([270.0, 6e-3, 1e5, 20.0, 90.0, 300.0])[:, None]
SPREAD = np.array([10.0, 4e-3, 800.0, 30.0, 60.0, 200.0])[:, None]


def gaussian_inputs(count: int, seed: int = 0) -> np.ndarray:
    """Inputs whose 64 numbers are independent and normal, in plausible units."""
    rng = np.random.default_rng(seed)
    inputs = MEAN + SPREAD * rng.normal(size=(count, 6, 30))
    inputs[:, 2:] = inputs[:, 2:, :1]
    return inputs.astype(np.float32)


DOMAIN = fit_domain(gaussian_inputs(2000), channels=PAPER.inputs, generator=np.random.default_rng(0))


def test_distance_of_independent_inputs_is_the_root_mean_square_deviation():
    fresh = gaussian_inputs(500, seed=1)
    standard = (fresh - MEAN) / SPREAD
    features = np.concatenate([standard[:, 0], standard[:, 1], standard[:, 2:, 0]], axis=1)
    expected = np.sqrt((features**2).mean(axis=1))
    assert np.corrcoef(DOMAIN.distance(fresh), expected)[0, 1] > 0.95
    assert DOMAIN.distance(fresh).mean() == pytest.approx(1.0, abs=0.05)


def test_percentiles_are_those_of_the_training_columns():
    inputs = stack_inputs(make_columns(cells=100, times=30))
    domain = fit_domain(inputs, channels=PAPER.inputs, generator=np.random.default_rng(0))
    percentile = domain.percentile(domain.distance(inputs))
    assert np.quantile(percentile, [0.1, 0.5, 0.9]) == pytest.approx([10, 50, 90], abs=1.0)
    assert percentile.max() == pytest.approx(100.0)
    assert 0 < domain.is_out_of_range(inputs).mean() < 0.005


def test_a_correlation_that_is_broken_is_out_of_range_though_no_input_is_extreme():
    rng = np.random.default_rng(2)
    inputs = gaussian_inputs(3000)
    inputs[:, 0] = 270.0 + 10.0 * rng.normal(size=(3000, 1)) + 0.3 * rng.normal(size=(3000, 30))
    domain = fit_domain(inputs, channels=PAPER.inputs, generator=np.random.default_rng(0))
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


def test_clusters_tell_a_mixture_of_climates_from_both():
    # Two narrow climates: a column midway between them is far from either, though the overall mean is exactly there.
    inputs = gaussian_inputs(3000)
    inputs[:, 0] = 270.0 + 0.1 * (inputs[:, 0] - 270.0)
    inputs[:1500, 0] -= 30.0
    inputs[1500:, 0] += 30.0
    domain = fit_domain(inputs, channels=PAPER.inputs, generator=np.random.default_rng(0))
    middle = inputs[:50].copy()
    middle[:, 0] += 30.0
    assert len(domain.centre) == 2
    assert domain.is_out_of_range(middle).all()
    assert domain.is_out_of_range(inputs).mean() < 0.01


def test_an_input_that_never_varies_is_no_obstacle():
    inputs = gaussian_inputs(300)
    inputs[:, 5] = 0.0
    domain = fit_domain(inputs, channels=PAPER.inputs, generator=np.random.default_rng(0))
    assert np.isfinite(domain.distance(inputs)).all()


def test_saved_domain_answers_bit_exactly(tmp_path):
    path = DOMAIN.save(tmp_path / "domain.safetensors")
    fresh = gaussian_inputs(20, seed=5)
    np.testing.assert_array_equal(TrainingDomain.load(path, PAPER.inputs).distance(fresh), DOMAIN.distance(fresh))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_foreign_truncated_or_missing_files_are_refused(tmp_path):
    path = DOMAIN.save(tmp_path / "domain.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DiffmpError, match="nothing readable"):
        TrainingDomain.load(path, PAPER.inputs)
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(DiffmpError, match="other tensors"):
        TrainingDomain.load(path, PAPER.inputs)
    with pytest.raises(DiffmpError, match="nothing readable"):
        TrainingDomain.load(tmp_path / "none.safetensors", PAPER.inputs)


def test_inputs_on_other_levels_are_refused():
    with pytest.raises(DiffmpError, match="expected inputs with 64 numbers a column"):
        DOMAIN.distance(gaussian_inputs(3)[:, :, :20])


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(DiffmpError, match="2 or more training columns"):
        fit_domain(gaussian_inputs(1), channels=PAPER.inputs, generator=np.random.default_rng(0))


def other_inputs(count: int, seed: int = 0) -> tuple[np.ndarray, Channels]:
    """LHF, qv on 12 levels, cloud water that is there in one column of fifty, and T."""
    rng = np.random.default_rng(seed)
    channels = Channels(KNOWN_INPUTS[name] for name in ("LHF", "qv", "qc", "T"))
    inputs = rng.normal(size=(count, 4, 12)) * [[60.0], [4e-3], [0.0], [10.0]] + [[90.0], [6e-3], [0.0], [270.0]]
    inputs[:, 2] = rng.exponential(1e-5, (count, 12)) * (rng.random((count, 12)) < 0.02)
    inputs[:, 0] = inputs[:, 0, :1]
    return inputs.astype(np.float32), channels


def test_inputs_of_any_kind_and_order_have_a_domain(tmp_path):
    inputs, channels = other_inputs(3000)
    domain = fit_domain(inputs, channels=channels, generator=np.random.default_rng(0))
    assert domain.mean.shape == (1 + 3 * 12,)
    back = TrainingDomain.load(domain.save(tmp_path / "domain.safetensors"), channels)
    fresh, _ = other_inputs(500, seed=1)
    np.testing.assert_array_equal(back.distance(fresh), domain.distance(fresh))
    column = fresh[0].copy()
    column[3, 5] = 400.0
    farthest = back.farthest_input(column)
    assert (farthest.variable, farthest.level, farthest.is_outside) == ("T", 5, True)


def test_cloud_counts_by_its_extremes_alone():
    inputs, channels = other_inputs(3000)
    domain = fit_domain(inputs, channels=channels, generator=np.random.default_rng(0))
    usual, cloudy = inputs[:200].copy(), inputs[:200].copy()
    usual[:, 2], cloudy[:, 2] = 0.0, 1e-5
    np.testing.assert_array_equal(domain.distance(cloudy), domain.distance(usual))
    assert domain.is_out_of_range(cloudy).mean() < 0.01
    cloudy[:, 2, 4] = 1e-3
    assert domain.is_out_of_range(cloudy).all()
    assert {domain.farthest_input(column).variable for column in usual} <= {"LHF", "qv", "T"}
    only = Channels([KNOWN_INPUTS["qc"]])
    assert fit_domain(inputs[:, 2:3], channels=only, generator=np.random.default_rng(0)).mean.shape == (12,)


def test_a_domain_of_other_inputs_is_refused(tmp_path):
    path = DOMAIN.save(tmp_path / "domain.safetensors")
    for names in (("LHF", "SHF", "T", "qv", "u"), ("Ps", "LHF"), ("T", "qv", "u", "v", "SHF")):
        channels = Channels(KNOWN_INPUTS[name] for name in names)
        with pytest.raises(DiffmpError, match=f"numbers of {', '.join(names)} in .*, found 64 of other inputs; copy"):
            TrainingDomain.load(path, channels)


@pytest.mark.parametrize(
    ("name", "distances", "farthest"),
    [
        ("simulator-120km-calibrated", (0.3831989553842774, 0.5108450772875668, 0.36485522004766907), ("Ps", None)),
        ("climsim-lowres-calibrated", (2.29553597458178, 2.5734478488493138, 2.373115461727999), ("qv", 28)),
    ],
)
def test_shipped_domains_answer_as_before_they_knew_their_inputs(name, distances, farthest):
    root = Path(__file__).parents[2]
    columns = open_columns(root / "data" / "demo" / "columns.nc").isel(time=[0], cell=[0, 5000, 10000])
    domain = TrainingDomain.load(root / "assets" / "emulators" / name / "domain.safetensors", PAPER.inputs)
    found = domain.farthest_input(stack_inputs(columns)[1])
    assert tuple(domain.distance(stack_inputs(columns))) == distances
    assert (found.variable, found.level) == farthest
