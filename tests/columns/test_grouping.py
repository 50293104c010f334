"""Groups: exactly n points, connected, compact, the same for the same seed, on any mesh."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from diffmp_core.columns.grouping import form_groups
from diffmp_core.columns.mesh import Mesh, place_of, polygon_mesh, regular_mesh
from diffmp_core.errors import DiffmpError
from tests.columns.foreign_files import icosahedral_triangles


def geodesic(bisections: int) -> Mesh:
    corners, triangles = icosahedral_triangles(bisections)
    return polygon_mesh(*place_of(corners), triangles, where="mesh")


def global_grid(rows: int) -> Mesh:
    step = 180.0 / rows
    return regular_mesh(-90 + step * (np.arange(rows) + 0.5), step * np.arange(2 * rows), where="grid")


def pieces(mesh: Mesh, group: np.ndarray) -> int:
    """Number of connected pieces of a group."""
    inside = np.isin(mesh.neighbours[group], group) & (mesh.neighbours[group] >= 0)
    one, other = group[np.nonzero(inside)[0]], mesh.neighbours[group][inside]
    links = coo_array((np.ones(one.size), (one, other)), shape=(mesh.size, mesh.size))
    return len(np.unique(connected_components(links, directed=False)[1][group]))


@pytest.mark.parametrize("size", [576, 144, 36, 9])
@pytest.mark.parametrize("mesh", [geodesic(4), global_grid(45)], ids=["triangles", "grid"])
def test_groups_are_whole_connected_and_share_no_point(mesh, size):
    groups = form_groups(mesh, size, generator=np.random.default_rng(0))
    assert groups.points.shape[1] == size
    assert len(np.unique(groups.points)) == groups.points.size
    assert groups.points_left_out == mesh.size - groups.points.size
    assert {pieces(mesh, group) for group in groups.points} == {1}
    assert groups.points.size > 0.8 * mesh.size
    assert len(groups.points) + groups.left_out == int(mesh.size / (1.05 * size))


@pytest.mark.parametrize(("size", "least"), [(576, 0.98), (144, 0.96), (36, 0.92)])
def test_groups_are_near_hexagons(size, least):
    groups = form_groups(geodesic(5), size, generator=np.random.default_rng(0))
    assert groups.compactness.mean() > least
    assert groups.compactness.max() < 1.01


def test_compactness_of_a_square_of_boxes_is_that_of_a_square():
    # one group of all 12 x 12 boxes of a tenth of a degree: 0.1604 / (1/6) = 0.962
    side = 0.1 * np.arange(12)
    groups = form_groups(regular_mesh(side, side, where="grid"), 144, generator=np.random.default_rng(0))
    assert groups.compactness == pytest.approx([0.962], abs=2e-3)


def test_a_group_lies_across_the_date_line_and_one_around_the_pole():
    across = regular_mesh(np.array([-1.0, 0.0, 1.0]), np.array([179.0, 180.0, 181.0]), where="grid")
    assert form_groups(across, 9, generator=np.random.default_rng(0)).points.tolist() == [list(range(9))]
    mesh = global_grid(60)
    groups = form_groups(mesh, 144, generator=np.random.default_rng(0))
    lat, lon = place_of(mesh.direction[groups.points])
    crossing = (np.abs(lat) < 60).all(axis=1) & (np.ptp(lon, axis=1) > 300)
    assert crossing.any()  # they lie at -180 and at 180
    assert np.ptp(lon[crossing] % 360, axis=1).max() < 100
    quadrants = np.stack([(lon // 90 == quadrant).any(axis=1) for quadrant in (-2, -1, 0, 1)])
    around = quadrants.all(axis=0)
    assert around.any()
    assert (np.abs(lat[around]) > 70).all()


def test_the_seed_decides():
    mesh = geodesic(3)
    first, again, other = (form_groups(mesh, 36, generator=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_groups_that_cannot_be_whole_are_left_out_and_counted():
    # two strips far apart, 15 and 6 points: one group of 9 fits into the first, none into the second
    neighbours = np.stack([np.arange(21) - 1, np.arange(21) + 1], axis=1)
    neighbours[[0, 15], 0] = -1
    neighbours[[14, 20], 1] = -1
    lon = np.concatenate([0.1 * np.arange(15), 90 + 0.1 * np.arange(6)])
    direction = np.stack([np.cos(np.radians(lon)), np.sin(np.radians(lon)), 0 * lon], axis=1)
    mesh = Mesh(direction=direction, area=np.full(21, 1e-6), neighbours=neighbours)
    groups = form_groups(mesh, 9, generator=np.random.default_rng(0))
    assert groups.points.shape == (1, 9)
    assert groups.points.max() < 15
    assert (groups.left_out, groups.points_left_out) == (1, 12)


def test_too_few_points_are_refused():
    mesh = geodesic(0)
    with pytest.raises(DiffmpError, match="at least 36 points for one group, found 20"):
        form_groups(mesh, 36, generator=np.random.default_rng(0))
    alone = Mesh(direction=mesh.direction, area=mesh.area, neighbours=np.full((20, 1), -1))
    with pytest.raises(DiffmpError, match="connected groups of 9 points, found none"):
        form_groups(alone, 9, generator=np.random.default_rng(0))
