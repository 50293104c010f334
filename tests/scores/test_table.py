"""Scores by hand, and those of ensembles whose scores are known beforehand."""

import numpy as np
import pytest
from scipy import stats

from diffmp_core.scores.ensemble import reduce_members
from diffmp_core.scores.moments import Comoments, stack
from diffmp_core.scores.score import SCORES, perfect_coverage, score_values, spread_scores
from diffmp_core.scores.statistics import Statistics
from diffmp_core.scores.table import markdown_table


def score(truth: np.ndarray, members: np.ndarray, parts: int = 1) -> dict[str, float]:
    """Scores of truth (sample,) and members (sample, member), combined from parts."""
    groups = [
        Statistics.of(reduce_members(t[:, None, None], m[:, :, None, None], np.ones(1))).merge(0)
        for t, m in zip(np.array_split(truth, parts), np.array_split(members, parts), strict=True)
    ]
    return {name: float(value.item()) for name, value in score_values(stack(groups).merge(0)).items()}


def test_by_hand():
    truth = np.array([0.0, 2.0, 4.0])
    members = np.array([[0.0, 2.0], [3.0, 5.0], [1.0, 9.0]])
    scores = score(truth, members)  # means 1 4 5, errors 1 2 1, variances 2 2 32
    assert scores["bias"] == pytest.approx(4 / 3)
    assert scores["mse"] == pytest.approx(2.0)
    assert scores["coverage_ratio"] == pytest.approx(2 / 3)
    assert scores["spread_skill_ratio"] == pytest.approx(np.sqrt(1.5 * 12 / 2))
    assert scores["pcc"] == pytest.approx(np.corrcoef(truth, [1, 4, 5])[0, 1])
    assert scores["spread_skill_correlation"] == pytest.approx(np.corrcoef(np.sqrt([2, 2, 32]), [1, 2, 1])[0, 1])
    assert scores["std_ratio"] == pytest.approx(members.std() / truth.std())
    assert scores["kurtosis_ratio"] == pytest.approx(stats.kurtosis(members, axis=None, fisher=False) / 1.5)
    assert np.isnan(scores["skewness_ratio"])  # the truth is symmetric: no skewness to compare with
    # |x - y| - half the distance of the two: (1 - 1) + (2 - 1) + (4 - 4)
    assert scores["crps_fair"] == pytest.approx(1 / 3)


def test_skewness_ratio_is_that_of_scipy():
    rng = np.random.default_rng(0)
    truth, members = rng.gamma(1.0, size=50), rng.gamma(3.0, size=(50, 6))
    expected = stats.skew(members, axis=None) / stats.skew(truth)
    assert score(truth, members)["skewness_ratio"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("parts", [2, 7, 100])
def test_parts_of_any_size_give_the_same(parts):
    rng = np.random.default_rng(1)
    truth, members = rng.normal(5, 1, 100), rng.normal(5, 1, (100, 8))
    whole, cut = score(truth, members), score(truth, members, parts)
    assert [cut[name] for name in SCORES] == pytest.approx([whole[name] for name in SCORES], rel=1e-10)


def test_order_of_members_changes_nothing():
    rng = np.random.default_rng(2)
    truth, members = rng.normal(size=60), rng.normal(size=(60, 8))
    shuffled = rng.permuted(members, axis=1)
    there, back = score(truth, members), score(truth, shuffled)
    assert [back[name] for name in SCORES] == pytest.approx([there[name] for name in SCORES], rel=1e-10)


def test_a_perfect_ensemble_of_32():
    rng = np.random.default_rng(3)
    samples = 60_000
    signal, size = rng.normal(size=(samples, 1)), rng.gamma(2.0, 0.5, (samples, 1))
    draws = signal + size * rng.normal(size=(samples, 33))
    scores = score(draws[:, 0], draws[:, 1:], parts=10)
    assert scores["coverage_ratio"] == pytest.approx(31 / 33, abs=0.003)
    assert scores["coverage_ratio_ties"] == scores["coverage_ratio"]  # nothing ties
    assert perfect_coverage(32) == pytest.approx(31 / 33)
    assert scores["spread_skill_ratio"] == pytest.approx(1, abs=0.01)
    assert scores["std_ratio"] == pytest.approx(1, abs=0.01)
    assert scores["kurtosis_ratio"] == pytest.approx(1, abs=0.06)
    assert scores["bias"] == pytest.approx(0, abs=0.02)
    assert scores["crps_fair"] == pytest.approx(size.mean() / np.sqrt(np.pi), rel=0.02)
    assert scores["spread_skill_correlation"] > 0.3


@pytest.mark.parametrize("zeros", [0.0, 0.4, 0.9, 1.0])
@pytest.mark.parametrize("members", [2, 8, 32])
def test_every_calibrated_ensemble_has_the_same_coverage_with_ties_split(zeros, members):
    # exchangeable draws of a mixture: zero with a probability that differs from sample to sample, else skewed
    rng = np.random.default_rng(8)
    samples = 20_000
    dry = rng.random((samples, 1)) * 0.2 + zeros > rng.random((samples, members + 1)) + 0.1
    draws = np.where(dry, 0.0, rng.gamma(0.7, rng.uniform(0.1, 3.0, (samples, 1)), (samples, members + 1)))
    scores = score(draws[:, 0], draws[:, 1:], parts=4)
    perfect = perfect_coverage(members)
    assert scores["coverage_ratio_ties"] == pytest.approx(perfect, abs=4 * np.sqrt(perfect * (1 - perfect) / samples))
    assert (scores["coverage_ratio"] > perfect + 0.01) == (zeros > 0)


def test_coverage_with_ties_split_sees_what_ties_hide():
    rng = np.random.default_rng(9)
    draws = np.where(rng.random((20_000, 33)) < 0.7, 0.0, rng.gamma(2.0, size=(20_000, 33)))
    narrow = np.where(draws[:, 1:] > 0, 2.0 + 0.1 * (draws[:, 1:] - 2.0), 0.0)
    wide = np.where(draws[:, 1:] > 0, 3.0 * draws[:, 1:], 0.0)
    good, small, large = (score(draws[:, 0], members) for members in (draws[:, 1:], narrow, wide))
    assert small["coverage_ratio_ties"] < good["coverage_ratio_ties"] - 0.01
    assert large["coverage_ratio_ties"] > good["coverage_ratio_ties"] + 0.01
    assert good["coverage_ratio"] > 0.97  # the paper's coverage, far above 31/33 though nothing is wrong


def test_a_deterministic_ensemble_has_its_mean_absolute_error_as_crps_and_no_spread():
    rng = np.random.default_rng(4)
    truth, guess = rng.normal(size=80), rng.normal(size=80)
    scores = score(truth, np.repeat(guess[:, None], 8, axis=1))
    assert scores["crps_fair"] == pytest.approx(np.abs(guess - truth).mean())
    assert scores["coverage_ratio"] == 0
    assert scores["spread_skill_ratio"] == pytest.approx(0)
    assert np.isnan(scores["spread_skill_correlation"])


@pytest.mark.parametrize("std", [0.0, 1e-4])
def test_ratios_are_undefined_where_the_truth_hardly_varies(std):
    rng = np.random.default_rng(5)
    scores = score(std * rng.normal(size=50), rng.normal(size=(50, 8)))
    undefined = {name for name in SCORES if np.isnan(scores[name])}
    assert undefined == set(SCORES) - {"mse", "coverage_ratio", "coverage_ratio_ties", "crps_fair", "bias"}


def test_a_single_member_has_neither_spread_nor_coverage():
    rng = np.random.default_rng(6)
    scores = score(rng.normal(size=20), rng.normal(size=(20, 1)))
    assert {name for name in SCORES if np.isnan(scores[name])} == set(spread_scores())


def test_a_truth_as_good_as_symmetric_has_no_skewness_to_compare_with():
    rng = np.random.default_rng(7)
    half = rng.normal(size=200)
    truth = np.concatenate([half, -half, [0.3]])
    assert 0 < abs(stats.skew(truth)) < 0.1
    scores = score(truth, rng.gamma(1.0, size=(401, 8)))
    assert np.isnan(scores["skewness_ratio"])
    assert np.isfinite(scores["kurtosis_ratio"])


def test_a_correlation_is_never_beyond_one():
    x = np.array([1.0, 2.0, 4.0]) / 3
    for scale in (0.1, 0.3, 0.7, 1.1, 1.9):
        assert abs(Comoments.of(x, scale * x).merge(0).correlation) <= 1


def test_markdown_table_puts_variables_in_their_order_and_dashes_for_nothing():
    table = {"scores": {"tend_T_sgs": {"mse": 0.5, "pcc": 0.987}, "qc": {"mse": 0.25, "pcc": None}}}
    lines = markdown_table([("A", table), ("B", table)], ("mse", "pcc")).splitlines()
    assert lines[0] == "|  | MSE | PCC |"
    assert lines[2] == "| A | 0.50/0.25 | 0.99/– |"
    assert lines[3].startswith("| B |")
