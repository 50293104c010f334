"""Groups of exactly n connected points, as near to hexagons as the mesh allows (Section 2 of the paper).

Two steps. First the mesh is cut into convex cells of as nearly equal numbers of points as can be: a power diagram
whose sites move to the means of their cells, which turns cells into hexagons (the capacity-constrained relaxation of
Balzer et al. 2009, doi:10.1145/1531326.1531392). Counting points rather than area lets cells follow a mesh that is
finer in places. Each cell gets :data:`SPARE` more points than needed. Then each group takes the n points of its cell
nearest the site, gives back what is not connected, and goes on growing over free points along the mesh until it has n.
A group that cannot reach n is left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from diffmp_core.columns.mesh import Mesh
from diffmp_core.errors import DiffmpError

GROUP_SIZES = (576, 144, 36, 9)
"""Points of a group for 120, 60, 30 and 15 km from a mesh of 5 km (Section 2 of the paper)."""

SPARE = 0.05
"""Share of the points of a cell beyond those of its group: room in which neighbours fit together."""

ROUNDS = 20
"""Rounds of the relaxation; numbers of points of cells of 36 and more then differ by about 3 %."""

_STEP = 0.6
"""Share of the error in the number of points that one round corrects (1 would be Newton's step for hexagons)."""

_HEXAGON = 5.0 / (18.0 * np.sqrt(3.0))
"""Mean squared distance from the centre of a regular hexagon, in units of its area."""

_BLOCK = 2**20
"""Points looked up at a time."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of points of a mesh.

    Attributes:
        points: ``(group, n)`` points of each group.
        compactness: ``(group,)`` mean squared distance from the centre of a regular hexagon of the same area, divided
            by the group's: 1 for a hexagon, 1.01 for a disc, 0.96 for a square, 0.77 for a rectangle of two squares.
        left_out: groups that could not reach n.
        points_left_out: points that are in no group.
    """

    points: np.ndarray
    compactness: np.ndarray
    left_out: int
    points_left_out: int


def form_groups(mesh: Mesh, size: int, *, generator: np.random.Generator) -> Groups:
    """Cut a mesh into connected, compact groups of ``size`` points that share none.

    Args:
        mesh: of any kind, the whole globe or a part of it.
        size: points of a group, n.
        generator: draws the directions of the first cuts.

    Raises:
        DiffmpError: fewer points than a group needs, or no group that reaches its number.
    """
    if mesh.size < size:
        raise DiffmpError(f"expected at least {size} points for one group, found {mesh.size}; choose fewer points")
    count = max(1, int(mesh.size / (size * (1.0 + SPARE))))
    sites, weights, cell = _equal_cells(mesh, _bisected(mesh.direction, count, generator))
    group = _nearest_connected(mesh, sites, cell, size)
    _grow(mesh, sites, weights, group, size)
    full = np.flatnonzero(np.bincount(group[group >= 0], minlength=count) == size)
    if full.size == 0:
        raise DiffmpError(f"expected connected groups of {size} points, found none on this mesh; choose fewer points")
    number = np.full(count, -1)
    number[full] = np.arange(full.size)
    group = np.where(group >= 0, number[group], -1)
    points = np.argsort(group, kind="stable")[(group < 0).sum() :].reshape(full.size, size)
    return Groups(
        points=points,
        compactness=_compactness(mesh, points),
        left_out=count - full.size,
        points_left_out=mesh.size - points.size,
    )


def _bisected(direction: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Part ``(point,)`` of a cut in halves, over and over, across the longest extent, into parts of equal size.

    The direction of each cut is tilted at random, the more the rounder the piece is.
    """
    part = np.zeros(len(direction), dtype=np.int64)
    pieces = [(np.arange(len(direction)), 0, count)]
    while pieces:
        piece, first, parts = pieces.pop()
        if parts == 1:
            part[piece] = first
            continue
        offset = direction[piece] - direction[piece].mean(axis=0)
        axis = (offset.T @ offset) @ generator.standard_normal(3)
        half = parts // 2
        cut = round(len(piece) * half / parts)
        order = np.argpartition(offset @ axis, cut)
        pieces += [(piece[order[:cut]], first, half), (piece[order[cut:]], first + half, parts - half)]
    return part


def _equal_cells(mesh: Mesh, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sites ``(cell, 3)``, their weights and the cell ``(point,)`` of a power diagram of equal numbers of points.

    A point belongs to the site of the least squared distance minus weight. That is the nearest site in four
    dimensions, the fourth being the root of what the weight lacks to the largest.
    """
    count = int(cell.max()) + 1
    wanted = mesh.size / count
    weights = np.zeros(count)
    sites = _means(mesh.direction, cell, np.zeros((count, 3)))
    for _ in range(ROUNDS):
        tree = KDTree(np.column_stack([sites, np.sqrt(weights.max() - weights)]))
        for first in range(0, mesh.size, _BLOCK):
            points = mesh.direction[first : first + _BLOCK]
            cell[first : first + _BLOCK] = tree.query(np.column_stack([points, np.zeros(len(points))]), workers=-1)[1]
        found = np.bincount(cell, minlength=count)
        area = wanted * np.bincount(cell, mesh.area, minlength=count) / np.maximum(found, 1)
        weights += _STEP * np.clip(1.0 - found / wanted, -1.0, 1.0) * area / np.sqrt(3.0)
        sites = _means(mesh.direction, cell, sites)
    return sites, weights, cell


def _means(direction: np.ndarray, cell: np.ndarray, default: np.ndarray) -> np.ndarray:
    """Unit vectors ``(cell, 3)`` of the mean of each cell, the default where it is empty."""
    total = np.stack([np.bincount(cell, component, minlength=len(default)) for component in direction.T], axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / np.where(length > 0, length, 1.0), default)


def _nearest_connected(mesh: Mesh, sites: np.ndarray, cell: np.ndarray, size: int) -> np.ndarray:
    """Group ``(point,)``, -1 for none: the ``size`` points of each cell nearest its site, as far as connected."""
    distance = ((mesh.direction - sites[cell]) ** 2).sum(axis=1)
    order = np.lexsort((distance, cell))
    found = np.bincount(cell, minlength=len(sites))
    rank = np.arange(mesh.size) - np.repeat(np.cumsum(found) - found, found)
    group = np.full(mesh.size, -1, dtype=np.int64)
    near = order[rank < size]
    group[near] = cell[near]
    start = order[rank == 0]
    other = group[mesh.neighbours]
    inside = (mesh.neighbours >= 0) & (group >= 0)[:, None] & (other == group[:, None])
    one = np.nonzero(inside)[0]
    links = coo_array((np.ones(one.size, bool), (one, mesh.neighbours[inside])), shape=(mesh.size, mesh.size))
    piece = connected_components(links, directed=False)[1]
    kept = np.full(len(sites), -1)
    kept[cell[start]] = piece[start]
    return np.where((group >= 0) & (piece == kept[cell]), group, -1)


def _grow(mesh: Mesh, sites: np.ndarray, weights: np.ndarray, group: np.ndarray, size: int) -> None:
    """Let groups below ``size`` take free points that touch them, nearest first, ring by ring; in place."""
    lacking = size - np.bincount(group[group >= 0], minlength=len(sites))
    front = np.flatnonzero((group >= 0) & (lacking[group] > 0))
    while True:
        front = front[lacking[group[front]] > 0]
        beside = mesh.neighbours[front]
        free = (beside >= 0) & (group[beside] < 0)
        point, taker = beside[free], np.broadcast_to(group[front][:, None], beside.shape)[free]
        if point.size == 0:
            return
        distance = ((mesh.direction[point] - sites[taker]) ** 2).sum(axis=1) - weights[taker]
        order = np.lexsort((distance, point))  # each point to the nearest of the groups that ask for it
        order = order[np.concatenate([[True], np.diff(point[order]) > 0])]
        order = order[np.lexsort((distance[order], taker[order]))]  # each group the nearest, as many as it lacks
        asked = np.bincount(taker[order], minlength=len(sites))
        rank = np.arange(order.size) - np.repeat(np.cumsum(asked) - asked, asked)
        order = order[rank < lacking[taker[order]]]
        group[point[order]] = taker[order]
        lacking -= np.bincount(taker[order], minlength=len(sites))
        front = np.concatenate([front, point[order]])


def _compactness(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    """See :class:`Groups`; each point counts with its area, spread out as a hexagon of that area is."""
    direction, area = mesh.direction[points], mesh.area[points]
    total = area.sum(axis=1)
    centre = np.einsum("gn,gni->gi", area, direction)
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    squares = ((direction - centre[:, None]) ** 2).sum(axis=2) + _HEXAGON * area
    return _HEXAGON * total**2 / (area * squares).sum(axis=1)
