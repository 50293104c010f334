"""Tests of differences between two emulators: by hand, against exact tests, and on fields without any difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from diffmp_core.scores.significance import (
    LEAST_POOLED,
    POOLED,
    RATE,
    design_effect,
    discoveries,
    mean_interval,
    nearest_cells,
    p_values,
    paired_interval,
    pool_size,
)


def sphere(cells: int) -> np.ndarray:
    """Points spread evenly on the unit sphere (golden spiral)."""
    place = np.arange(cells)
    z = 1 - (2 * place + 1) / cells
    angle = np.pi * (1 + 5**0.5) * place
    return np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=-1)


def smooth(points: np.ndarray, size: int, rng: np.random.Generator, times: int) -> np.ndarray:
    """Heavy-tailed noise ``(time, cell)`` of no mean, whose neighbours are correlated."""
    noise = rng.standard_t(3, size=(times, len(points)))
    return (nearest_cells(points, size) @ noise.T).T


def test_a_pool_has_enough_differences():
    assert [pool_size(times) for times in (1, 2, 3, 7, 100)] == [61, 37, 19, 7, 7]
    assert all(pool_size(times) * times >= POOLED for times in range(1, 20))


def test_a_pool_is_a_cell_and_its_nearest():
    points = sphere(200)
    near = nearest_cells(points, 7)
    assert near.shape == (200, 200)
    distance = np.linalg.norm(points - points[5], axis=1)
    assert set(near[5].indices) == set(np.argsort(distance)[:7])


def test_z_is_the_one_of_mcnemar_and_never_above_the_root_of_the_pool():
    one = csr_matrix(np.ones((1, 60)))
    differences = np.array([1.0] * 25 + [-1.0] * 10 + [0.0] * 25)[None]
    expected = 2 * stats.norm.sf(15 / np.sqrt(35))
    assert p_values(differences, one, design=1.0)[0] == pytest.approx(expected)
    wild = np.zeros((1, 60))
    wild[0, 0] = 1e9
    assert p_values(wild, one, design=1.0)[0] == pytest.approx(2 * stats.norm.sf(1.0))
    assert p_values(np.zeros((1, 60)), one, design=1.0)[0] == 1.0
    assert p_values(differences, one, design=4.0)[0] == pytest.approx(2 * stats.norm.sf(15 / np.sqrt(35) / 2))


def test_p_agrees_with_signs_flipped_at_random():
    rng = np.random.default_rng(0)
    found = rng.exponential(size=(1, 60)) * rng.choice([-1, 1], 60, p=[0.35, 0.65])
    flips = rng.choice([-1.0, 1.0], (40_000, 60))
    exact = np.mean(np.abs(flips @ found[0]) >= np.abs(found.sum()))
    assert p_values(found, csr_matrix(np.ones((1, 60))), design=1.0)[0] == pytest.approx(exact, abs=0.005)


def test_the_design_effect_is_one_for_independent_columns_and_the_pool_for_equal_ones():
    rng, points = np.random.default_rng(1), sphere(2000)
    near, noise = nearest_cells(points, 19), rng.normal(size=(50, 2000))
    assert design_effect(noise, near) == pytest.approx(1.0, abs=0.06)
    assert design_effect(np.repeat([[1.0], [-1.0]], 2000, axis=1), near) == pytest.approx(19.0)
    place = np.sin(3 * points[:, 0]) * 10  # skill that is constant in time is no dependence
    assert design_effect(noise + place, near) == pytest.approx(design_effect(noise, near))
    levels = rng.normal(size=(2, 4, 2000))
    np.testing.assert_allclose(design_effect(levels, near)[2], design_effect(levels[:, 2], near))


def test_one_time_tells_nothing_about_dependence():
    near = nearest_cells(sphere(100), 7)
    assert np.isnan(design_effect(np.ones((1, 100)), near))
    assert np.isnan(p_values(np.ones((1, 100)), near, design=np.nan)).all()
    assert not discoveries(np.full(100, np.nan)).any()


def test_columns_that_are_not_selected_do_not_count():
    points, rng = sphere(800), np.random.default_rng(2)
    near, differences = nearest_cells(points, 37), rng.normal(size=(2, 800)) + 1.0
    differences[:, points[:, 2] < 0] = np.nan
    design = design_effect(differences, near)
    p = p_values(differences, near, design=design)
    count = 2 * (near @ (points[:, 2] >= 0).astype(float))
    np.testing.assert_array_equal(np.isfinite(p), count >= LEAST_POOLED)
    assert discoveries(p)[points[:, 2] > 0.3].all()


@pytest.mark.parametrize("size", [1, 7, 19])
def test_false_discoveries_keep_to_their_rate(size: int):
    rng, points = np.random.default_rng(size), sphere(1500)
    near, fields = nearest_cells(points, pool_size(2)), 60
    found = []
    for _ in range(fields):
        noise = smooth(points, size, rng, 2)
        found.append(discoveries(p_values(noise, near, design=design_effect(noise, near))).any())
    assert np.mean(found) <= RATE + 2 * np.sqrt(RATE * (1 - RATE) / fields)


def test_a_difference_is_found_where_it_is():
    rng, points = np.random.default_rng(5), sphere(1500)
    near, north, south = nearest_cells(points, 37), points[:, 2] > 0.25, points[:, 2] < -0.25
    hits, false = [], []
    for _ in range(20):
        differences = smooth(points, 7, rng, 2)
        differences[:, points[:, 2] > 0] -= 1.5 * differences.std()
        found = discoveries(p_values(differences, near, design=design_effect(differences, near)))
        hits.append(found[north].mean())
        false.append(found[south].sum() / found.sum())
    assert np.mean(hits) > 0.95
    assert np.mean(false) < RATE


def test_the_interval_of_a_mean_holds_it_as_often_as_it_says():
    rng, points = np.random.default_rng(7), sphere(600)
    near, area, inside = nearest_cells(points, 37), rng.uniform(0.5, 1.5, 600), []
    for _ in range(200):
        differences = smooth(points, 7, rng, 2) + 3.0
        _, low, high = mean_interval(differences, area, design=float(design_effect(differences, near)))
        inside.append(low <= 3.0 <= high)
    assert 0.89 <= np.mean(inside) <= 1.0
    mean, low, high = mean_interval(np.array([[1.0, 3.0]]), [3.0, 1.0], design=1.0)
    assert mean == 1.5
    assert high - low == pytest.approx(2 * 1.959964 * np.sqrt(9 * 0.25 + 2.25) / 4, rel=1e-6)
    assert np.isnan(mean_interval(np.full((2, 3), np.nan), np.ones(3), design=1.0)).all()


def test_members_are_paired():
    rng = np.random.default_rng(3)
    first, noise = rng.normal(size=(16, 5)), rng.normal(size=(16, 5))
    mean, low, high, p = paired_interval(first + 0.5, first + 0.1 * noise)
    expected = stats.ttest_rel(first + 0.5, first + 0.1 * noise, axis=0)
    np.testing.assert_allclose(p, expected.pvalue)
    interval = expected.confidence_interval()
    np.testing.assert_allclose([low, high], [interval.low, interval.high])
    mean, low, high, p = paired_interval(np.ones((4, 2)), np.array([[1.0, 0.0]] * 4))
    np.testing.assert_array_equal([mean, low, high, p], [[0, 1], [0, 1], [0, 1], [1, 0]])
