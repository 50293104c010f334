"""The error of the ensemble mean by spread: of a perfect ensemble near the diagonal, of one too narrow above it."""

import numpy as np
import pytest

from diffmp_core.scores.spread_error import EDGES, MIN_VALUES, spread_against_error

MEMBERS = 8
MIDDLE = slice(*np.searchsorted(EDGES, [0.03, 0.2]))
"""Bins far from the ends of the widths drawn."""


def drawn(size: int, *, narrower: float = 1.0):
    """Squared errors and spreads of ensembles whose width differs from value to value."""
    rng = np.random.default_rng(0)
    width = 10 ** rng.uniform(-2, 0, size)
    truth = width * rng.standard_normal(size)
    members = narrower * width * rng.standard_normal((MEMBERS, size))
    return (members.mean(0) - truth) ** 2, members.std(0, ddof=1)


def test_a_perfect_ensemble_has_the_error_that_its_spread_says():
    found = spread_against_error([drawn(400_000)], members=MEMBERS)
    # given s^2 and widths even over decades, the variance is (M - 1)/(M - 3) s^2 on average
    expected = found.spread[MIDDLE] * ((MEMBERS - 1) / (MEMBERS - 3)) ** 0.5
    np.testing.assert_allclose(found.error[MIDDLE], expected, rtol=0.02)


def test_one_too_narrow_has_larger_errors_than_spreads():
    found = spread_against_error([drawn(400_000, narrower=0.5)], members=MEMBERS)
    assert (found.error[MIDDLE] > 2 * found.spread[MIDDLE]).all()


def test_one_bin_by_hand_in_parts():
    mse, spread = np.full(MIN_VALUES, 0.25), np.full(MIN_VALUES, 0.3)
    found = spread_against_error([(mse, spread), (np.full(MIN_VALUES, 0.75), spread)], members=4)
    bin_ = np.flatnonzero(found.count)
    assert found.count[bin_] == [2 * MIN_VALUES]
    assert EDGES[bin_] < 0.3 * 1.25**0.5 < EDGES[bin_ + 1]
    assert found.spread[bin_] == pytest.approx([0.3 * 1.25**0.5])
    assert found.error[bin_] == pytest.approx([0.5**0.5])


def test_few_values_and_none_without_spread_are_left_out():
    few = (np.ones(MIN_VALUES - 1), np.full(MIN_VALUES - 1, 0.3))
    none = (np.zeros(1000), np.zeros(1000))
    found = spread_against_error([few, none], members=4)
    assert np.isnan(found.error).all()
    assert found.count.sum() == MIN_VALUES - 1
