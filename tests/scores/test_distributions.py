"""Differences of binned distributions, by hand and against draws of perfect ensembles."""

import numpy as np
import pytest

from diffmp_core.scores.distributions import NOISE_WIDTH, log_ratio, shares, wasserstein, wasserstein_floor

EDGES = np.linspace(-2.0, 2.0, 5)
TRUTH = np.array([[0, 100, 100, 0], [0, 200, 0, 0], [50, 50, 50, 50]], dtype=float)
SHIFTED = np.array([[0, 0, 1000, 1000], [0, 2000, 0, 0], [500, 500, 500, 500]], dtype=float)


def test_shares_of_a_level_sum_to_one_and_an_empty_level_stays_empty():
    np.testing.assert_allclose(shares([[1, 3], [0, 0]]), [[0.25, 0.75], [0, 0]])


def test_wasserstein_of_a_shift_by_one_bin_is_the_bin_width():
    np.testing.assert_allclose(wasserstein(TRUTH, SHIFTED, EDGES), [1.0, 0.0, 0.0], atol=1e-12)


def test_wasserstein_by_hand():
    # a quarter of the values goes two bins of width 3 up
    np.testing.assert_allclose(wasserstein([[2, 2, 0]], [[1, 2, 1]], [0.0, 3.0, 6.0, 9.0]), [1.5])


def test_wasserstein_takes_the_centres_of_unequal_bins():
    # centres 0.5 and 3; half of the values moves
    np.testing.assert_allclose(wasserstein([[2, 0]], [[1, 1]], [0.0, 1.0, 5.0]), [1.25])


def test_wasserstein_does_not_depend_on_the_number_of_members_and_is_symmetric():
    np.testing.assert_allclose(wasserstein(TRUTH, 7 * TRUTH, EDGES), 0.0, atol=1e-12)
    np.testing.assert_allclose(wasserstein(SHIFTED, TRUTH, EDGES), wasserstein(TRUTH, SHIFTED, EDGES))


def test_a_level_without_values_has_no_distance():
    counts, empty = np.array([[1.0, 1.0]]), np.zeros((1, 2))
    assert np.isnan(wasserstein(empty, counts, [0, 1, 2]))
    assert np.isnan(wasserstein(counts, empty, [0, 1, 2]))
    assert np.isnan(wasserstein_floor(empty, [0, 1, 2], members=8))


def test_floor_by_hand():
    # one inner edge with F = 1/2, n = 200, M = 4, centres 1 apart: sqrt(2/pi * 1/4 * 5/4 / 200)
    np.testing.assert_allclose(wasserstein_floor([[100, 100]], [0, 1, 2], members=4), [0.031539], rtol=1e-4)


def test_floor_is_the_mean_distance_of_perfect_ensembles():
    rng = np.random.default_rng(1)
    edges = np.linspace(-4, 4, 33)
    columns, members, draws = 400, 4, 200

    def count(size):
        return np.histogram(rng.normal(size=size), edges)[0][None].astype(float)

    truth = count(400_000)
    found = np.mean([wasserstein(count(columns), count(columns * members), edges) for _ in range(draws)])
    floor = wasserstein_floor(truth * columns / truth.sum(), edges, members=members)
    assert floor[0] == pytest.approx(found, rel=0.05)


def test_ratio_of_a_perfect_ensemble_is_blank_but_for_stray_specks():
    rng = np.random.default_rng(2)
    edges = np.linspace(-5, 5, 101)
    truth = np.stack([np.histogram(rng.normal(size=4000), edges)[0] for _ in range(30)])
    members = np.stack([np.histogram(rng.normal(size=64_000), edges)[0] for _ in range(30)])
    assert np.isfinite(log_ratio(truth, members)).mean() < 0.01


def test_ratio_says_how_many_times_too_rare_or_too_frequent():
    np.testing.assert_allclose(log_ratio([[4000, 4000]], [[2000, 6000]]), [[-1.0, np.log2(1.5)]], atol=1e-3)


def test_ratio_of_a_bin_without_truth_counts_half_a_value():
    # shares (0 + 1/2)/1000 and (40 + 1/2)/1000
    assert log_ratio([[0, 1000]], [[40, 960]])[0, 0] == pytest.approx(np.log2(81))


def test_ratio_is_blank_up_to_the_noise():
    # three errors are 3 sqrt(100.5 + d + 0.5): 46.7 for d = 141, which is 41 more, and 47.5 for d = 150, 50 more
    few, many = (log_ratio([[100, 9900]], [[found, 10_000 - found]])[0, 0] for found in (141, 150))
    assert NOISE_WIDTH == 3.0
    assert np.isnan(few)
    assert many == pytest.approx(np.log2(150.5 / 100.5))
