"""Combination of moments against scipy and numpy, whatever the parts."""

import numpy as np
import pytest
from scipy import stats

from diffmp_core.scores.moments import Comoments, Moments, Sums, stack

CUTS = [[500], [1, 2, 3, 499], [250, 250], list(range(1, 500))]


@pytest.fixture
def skewed() -> np.ndarray:
    return np.random.default_rng(1).gamma(0.7, 2.0, 500) - 0.4


@pytest.mark.parametrize("cuts", CUTS)
def test_moments_of_parts_are_those_of_the_whole(skewed, cuts):
    parts = [Moments.of(part).merge(0) for part in np.split(skewed, [c for c in cuts if c < 500])]
    whole = stack(parts).merge(0)
    assert whole.count == 500
    assert whole.mean == pytest.approx(skewed.mean(), rel=1e-12)
    assert whole.std == pytest.approx(skewed.std(), rel=1e-12)
    assert whole.skewness == pytest.approx(stats.skew(skewed), rel=1e-12)
    assert whole.kurtosis == pytest.approx(stats.kurtosis(skewed, fisher=False), rel=1e-12)


def test_moments_do_not_cancel_far_from_zero(skewed):
    far = Moments.of(skewed + 1e6).merge(0)
    assert far.std == pytest.approx(skewed.std(), rel=1e-9)
    assert far.kurtosis == pytest.approx(stats.kurtosis(skewed, fisher=False), rel=1e-8)


def test_moments_by_hand():
    moments = Moments.of([0.0, 0.0, 0.0, 4.0]).merge(0)  # mean 1, departures -1 -1 -1 3
    assert (moments.mean, moments.m2, moments.m3, moments.m4) == (1.0, 12.0, 24.0, 84.0)
    assert moments.skewness == pytest.approx(6 / 3**1.5)
    assert moments.kurtosis == pytest.approx(21 / 9)


def test_merging_over_several_axes_is_merging_one_after_the_other(skewed):
    moments = Moments.of(skewed.reshape(5, 10, 10))
    at_once, stepwise = moments.merge((0, 2)), moments.merge(2).merge(0)
    np.testing.assert_allclose(at_once.m4, stepwise.m4, rtol=1e-12)
    np.testing.assert_allclose(at_once.kurtosis, stats.kurtosis(skewed.reshape(5, 10, 10), axis=(0, 2), fisher=False))


def test_nothing_adds_nothing(skewed):
    zeros = np.zeros(())
    nothing = Moments(zeros, zeros, zeros, zeros, zeros)
    some = Moments.of(skewed).merge(0)
    assert nothing.combine(some).m3 == pytest.approx(float(some.m3), rel=1e-14)
    assert np.isnan(nothing.combine(nothing).std)


def test_constant_values_have_no_skewness_kurtosis_or_correlation():
    same = Moments.of(np.full(7, 3.3)).merge(0)
    assert same.std == pytest.approx(0, abs=1e-15)
    assert np.isnan(same.skewness)
    assert np.isnan(same.kurtosis)
    assert np.isnan(Comoments.of(np.full(7, 3.3), np.arange(7.0)).merge(0).correlation)


@pytest.mark.parametrize("cuts", CUTS)
def test_correlation_of_parts_is_that_of_the_whole(skewed, cuts):
    other = skewed + np.random.default_rng(2).normal(size=500)
    places = [c for c in cuts if c < 500]
    pairs = zip(np.split(skewed, places), np.split(other, places), strict=True)
    parts = [Comoments.of(x, y).merge(0) for x, y in pairs]
    assert stack(parts).merge(0).correlation == pytest.approx(stats.pearsonr(skewed, other).statistic, rel=1e-12)


def test_sums_add_and_entries_can_be_replaced():
    ones = np.ones((3, 2))
    sums = Sums(ones, ones, 2 * ones, ones, ones, ones, ones)
    assert sums.merge(0).squared_error.tolist() == [6.0, 6.0]
    sums.put(slice(0, 1), sums[1:2].combine(sums[2:3]))
    assert sums.squared_error[:, 0].tolist() == [4.0, 2.0, 2.0]
