"""Bins and ranks."""

import numpy as np
import pytest
from scipy import stats

from diffmp_core.scores.histograms import BINS, SPAN, bin_edges, column_ranks, count_ranks, count_values
from diffmp_core.variables import PAPER

OUTPUTS = PAPER.outputs


def test_zero_is_the_middle_of_a_bin_of_tendencies_and_the_first_edge_of_clouds():
    edges = bin_edges(OUTPUTS)
    middle = BINS // 2
    for row, variable in zip(edges, OUTPUTS, strict=True):
        assert row.shape == (BINS + 1,)
        if variable.non_negative:
            assert row[0] == 0
        else:
            assert row[middle] == pytest.approx(-row[middle + 1])


def test_counts_are_those_of_numpy_in_units_and_hold_what_lies_beyond():
    rng = np.random.default_rng(6)
    unit = np.array([3.0, 1.0, 1e-5, 1e-4])
    values = rng.normal(size=(5000, 4, 2)) * unit[:, None] * 3
    edges, counts = bin_edges(OUTPUTS), np.zeros((4, 2, BINS), dtype=np.int64)
    count_values(values, unit, counts, edges)
    assert (counts.sum(axis=2) == 5000).all()
    for v in range(4):
        inside = np.clip(values[:, v, 1] / unit[v], edges[v, 0], edges[v, -1] - 1e-9)
        np.testing.assert_array_equal(counts[v, 1], np.histogram(inside, edges[v])[0])


def test_values_far_out_are_in_the_end_bins_and_nan_in_none():
    counts = np.zeros((4, 1, BINS), dtype=np.int64)
    values = np.tile(np.array([-SPAN * 9, SPAN * 9, np.nan, 0.0])[:, None, None], (1, 4, 1))
    count_values(values, np.array([1.0, 1.0, 1.0, np.nan]), counts, bin_edges(OUTPUTS))
    assert counts[0, 0, [0, BINS // 2, -1]].tolist() == [1, 1, 1]
    assert counts[2, 0, [0, -1]].tolist() == [2, 1]
    assert counts[3].sum() == 0


def test_ranks_without_ties_are_the_members_below():
    counts = np.zeros((1, 1, 5))
    below = np.array([0, 4, 4, 2], dtype=np.int32).reshape(4, 1, 1)
    count_ranks(below, np.zeros_like(below), counts)
    assert counts.ravel().tolist() == [1, 0, 1, 0, 2]


def test_a_tie_is_shared_evenly_among_the_ranks_it_allows():
    counts = np.zeros((1, 1, 5))
    below, equal = (np.array(values, dtype=np.int32).reshape(3, 1, 1) for values in ([0, 1, 0], [1, 2, 4]))
    count_ranks(below, equal, counts)
    half, third, fifth = 1 / 2, 1 / 3, 1 / 5
    expected = [half + fifth, half + third + fifth, third + fifth, third + fifth, fifth]
    np.testing.assert_allclose(counts.ravel(), expected)


def test_a_perfect_ensemble_is_flat_in_spite_of_ties():
    rng = np.random.default_rng(7)
    draw = np.maximum(rng.normal(size=(30_000, 9)), 0)  # half of all are exactly zero, as cloud water is
    below = (draw[:, 1:] < draw[:, :1]).sum(axis=1).astype(np.int32).reshape(-1, 1, 1)
    equal = (draw[:, 1:] == draw[:, :1]).sum(axis=1).astype(np.int32).reshape(-1, 1, 1)
    counts = np.zeros((1, 1, 9))
    count_ranks(below, equal, counts)
    assert counts.sum() == pytest.approx(30_000)
    assert stats.chisquare(counts.ravel()).pvalue > 0.01
    biased = np.bincount(below.ravel(), minlength=9)
    assert biased[0] > 1.5 * counts.ravel()[0]


def test_ranks_by_column_add_up_to_those_of_all_columns():
    truth, members = np.zeros((3, 2, 4)), np.zeros((3, 5, 2, 4))
    rng = np.random.default_rng(0)
    truth[:, 0], members[:, :, 0] = rng.normal(size=(3, 4)), rng.normal(size=(3, 5, 4))  # the other is all ties
    below = (members < truth[:, None]).sum(axis=1).astype(np.int32)
    equal = (members == truth[:, None]).sum(axis=1).astype(np.int32)
    shares = column_ranks(below, equal, members=5)
    np.testing.assert_allclose(shares[:, 1], 1 / 6)
    counts = np.zeros((2, 4, 6))
    count_ranks(below, equal, counts)
    np.testing.assert_allclose(shares.sum(axis=0), counts.mean(axis=1))
