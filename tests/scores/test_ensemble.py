"""Reduction over members by hand and against numpy and scoringrules."""

import time

import numpy as np
import pytest
import scoringrules

from diffmp_core.scores.ensemble import crps_fair, reduce_members

UNIT = np.array([2.0, 1.0, 0.5, 1e-5])


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = (rng.normal(size=(9, 4, 30)) * UNIT[:, None]).astype(np.float32)
    members = (rng.normal(size=(9, 8, 4, 30)) * UNIT[:, None]).astype(np.float32)
    return truth, members


def one_value(truth: float, members: list[float]):
    """Ensemble of a single value at one variable and level."""
    return reduce_members(np.full((1, 1, 1), truth), np.reshape(members, (1, -1, 1, 1)), np.ones(1))


def test_by_hand():
    ensemble = one_value(1.0, [0.0, 2.0, 4.0, 6.0])
    assert ensemble.members.mean.item() == 3.0
    assert ensemble.error.item() == 2.0
    assert ensemble.variance.item() == pytest.approx(20 / 3)
    assert ensemble.covered.item()
    assert (ensemble.below.item(), ensemble.equal.item()) == (1, 0)
    # mean |x - y| = (1 + 1 + 3 + 5)/4; mean distance of different members = (6*2 + 4*4 + 2*6)/12
    assert ensemble.crps_fair.item() == pytest.approx(2.5 - 0.5 * 40 / 12)


@pytest.mark.parametrize(
    ("truth", "members", "covered"),
    [
        (0.0, [1.0, 2.0], False),
        (3.0, [1.0, 2.0], False),
        (1.0, [1.0, 2.0], True),
        (2.0, [1.0, 2.0], True),
        (0.0, [0.0, 0.0], True),
        (1.5, [1.5], True),
    ],
)
def test_the_ends_of_the_range_cover(truth, members, covered):
    assert one_value(truth, members).covered.item() is covered


@pytest.mark.parametrize(
    ("truth", "members", "covered"),
    [
        (1.0, [0.0, 2.0, 3.0], 1.0),  # inside
        (-1.0, [0.0, 2.0, 3.0], 0.0),  # outside
        (0.0, [0.0, 2.0, 3.0], 1 / 2),  # rank 0 or 1, of which 0 is outside
        (3.0, [0.0, 3.0, 3.0], 2 / 3),  # rank 1, 2 or 3, of which 3 is outside
        (2.0, [0.0, 2.0, 3.0], 1.0),  # rank 1 or 2, both inside
        (0.0, [0.0, 0.0, 0.0], 2 / 4),  # any of the ranks 0 to 3
        (5.0, [0.0, 0.0, 0.0], 0.0),
        (1.5, [1.5], 0.0),  # a single member has no inside
    ],
)
def test_coverage_with_ties_split(truth, members, covered):
    assert one_value(truth, members).covered_ties.item() == pytest.approx(covered)


def test_ties_split_are_ties_broken_at_random_on_average():
    rng = np.random.default_rng(12)
    values = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 2.0])
    for place, truth in enumerate(values):
        members = np.delete(values, place)
        shuffles = rng.random((20_000, values.size))
        ranks = (members < truth).sum() + ((members == truth) & (shuffles[:, 1:] < shuffles[:, :1])).sum(axis=1)
        drawn = np.mean((ranks > 0) & (ranks < members.size))
        assert one_value(truth, members).covered_ties.item() == pytest.approx(drawn, abs=0.015)


@pytest.mark.parametrize("values", [[0, 0, 0, 0], [0, 0, 1, 2], [0, 1, 1, 1], [3, 1, 2, 0], [0, 0, 5, 5]])
def test_whichever_value_is_called_the_truth_coverage_with_ties_split_is_the_same_on_average(values):
    turns = [one_value(y, values[:i] + values[i + 1 :]).covered_ties.item() for i, y in enumerate(values)]
    assert np.mean(turns) == pytest.approx(1 - 2 / 4)


def test_ties_are_counted():
    ensemble = one_value(0.0, [0.0, 0.0, 1.0, -1.0])
    assert (ensemble.below.item(), ensemble.equal.item()) == (1, 2)


def test_moments_are_those_of_numpy_in_units_of_the_truth(case):
    truth, members = case
    ensemble = reduce_members(truth, members, UNIT)
    scaled = members.astype(float) / UNIT[:, None]
    np.testing.assert_allclose(ensemble.members.mean, scaled.mean(axis=1), atol=1e-13)
    np.testing.assert_allclose(ensemble.variance, scaled.var(axis=1, ddof=1), rtol=1e-12)
    gaps = scaled - scaled.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(ensemble.members.m3, (gaps**3).sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(ensemble.members.m4, (gaps**4).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(ensemble.error, scaled.mean(axis=1) - truth / UNIT[:, None], atol=1e-6)


def test_order_of_members_does_not_matter(case):
    truth, members = case
    there, back = reduce_members(truth, members, UNIT), reduce_members(truth, members[:, ::-1], UNIT)
    np.testing.assert_allclose(there.members.m4, back.members.m4, rtol=1e-12)
    np.testing.assert_allclose(there.crps_fair, back.crps_fair, atol=1e-14)
    np.testing.assert_array_equal(there.below, back.below)


def test_crps_is_the_fair_one_of_scoringrules_and_of_its_formula(case):
    truth, members = (array.astype(float) / UNIT[:, None] for array in case)
    pairs = np.abs(members[:, :, None] - members[:, None]).sum(axis=(1, 2)) / (8 * 7)
    formula = np.abs(members - truth[:, None]).mean(axis=1) - 0.5 * pairs
    np.testing.assert_allclose(crps_fair(truth, members), formula, atol=1e-13)
    library = scoringrules.crps_ensemble(truth, members, m_axis=1, estimator="fair", backend="numpy")
    np.testing.assert_allclose(formula, library, atol=1e-13)


def test_fair_crps_is_unbiased_whatever_the_number_of_members():
    rng = np.random.default_rng(4)
    truth, members = rng.normal(size=40_000), rng.normal(size=(40_000, 32))
    exact = 1 / np.sqrt(np.pi)  # E CRPS of N(0, 1) for a truth from N(0, 1)
    for count in (2, 5, 32):
        assert crps_fair(truth, members[:, :count]).mean() == pytest.approx(exact, abs=4 * 0.6 / 200)


def test_a_single_member_has_no_spread_and_its_absolute_error_as_crps():
    ensemble = one_value(1.0, [3.0])
    assert ensemble.crps_fair.item() == 2.0
    assert np.isnan(ensemble.spread.item())


def test_a_variable_without_unit_has_no_scores_but_coverage(case):
    truth, members = case
    ensemble = reduce_members(truth, members, np.array([np.nan, 1, 1, 1]))
    assert np.isnan(ensemble.error[:, 0]).all()
    assert np.isnan(ensemble.crps_fair[:, 0]).all()
    assert np.isfinite(ensemble.error[:, 1:]).all()
    assert ensemble.covered[:, 0].any()


def test_a_thousand_columns_take_less_than_half_a_second():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(1000, 4, 30)).astype(np.float32)
    members = rng.normal(size=(1000, 32, 4, 30)).astype(np.float32)
    reduce_members(truth[:1], members[:1], UNIT)
    start = time.process_time()
    reduce_members(truth, members, UNIT)
    assert time.process_time() - start < 0.5
