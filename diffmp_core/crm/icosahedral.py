"""The global icosahedral grid: geodesic vertices are the centres of hexagonal (and 12 pentagonal) cells."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import SphericalVoronoi

from diffmp_core.errors import DiffmpError

MAXIMUM_LEVEL = 6


class IcosahedralGrid(NamedTuple):
    """Cell centres and areas.

    lat, lon: (cell,) degrees, lon in -180..180.  area: (cell,) steradian, sums to 4 pi.
    """

    lat: np.ndarray
    lon: np.ndarray
    area: np.ndarray


def grid_level(name: str) -> int:
    """Bisection level n of a grid name "Gn"; a wrong name raises DiffmpError."""
    valid = [f"G{level}" for level in range(MAXIMUM_LEVEL + 1)]
    if name not in valid:
        raise DiffmpError(f"expected a grid among {', '.join(valid)}, found {name!r} (grid); choose one of these.")
    return int(name[1:])


def cell_count(level: int) -> int:
    """Number of cells, 10 * 4^n + 2."""
    return 10 * 4**level + 2


def icosahedron() -> tuple[np.ndarray, np.ndarray]:
    """Unit vertices (12, 3) with one at each pole, and triangles (20, 3)."""
    ring = np.arctan(0.5)
    upper = 2 * np.pi * np.arange(5) / 5
    lower = upper + np.pi / 5
    lat = np.concatenate([[np.pi / 2], np.full(5, ring), np.full(5, -ring), [-np.pi / 2]])
    lon = np.concatenate([[0.0], upper, lower, [0.0]])
    vertices = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    triangles = []
    for i in range(5):
        j = (i + 1) % 5
        triangles += [(0, 1 + i, 1 + j), (1 + i, 6 + i, 1 + j), (6 + i, 6 + j, 1 + j), (11, 6 + j, 6 + i)]
    return vertices, np.array(triangles)


def bisect(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split every triangle in four at its edge midpoints, pushed out to the unit sphere."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    midpoints = vertices[unique].sum(axis=1)
    midpoints /= np.linalg.norm(midpoints, axis=1, keepdims=True)
    middle = (len(vertices) + inverse.reshape(3, -1)).T  # columns: ab, bc, ca
    a, b, c = triangles.T
    ab, bc, ca = middle.T
    split = np.concatenate([np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return np.concatenate([vertices, midpoints]), split


def icosahedral_grid(name: str) -> IcosahedralGrid:
    """Geodesic grid "G0" (12 cells) ... "G6" (40,962 cells); areas of the spherical Voronoi cells.

    Heikes and Randall (1995), doi:10.1175/1520-0493(1995)123<1881:NIOTSW>2.0.CO;2 (without their twist).
    """
    vertices, triangles = icosahedron()
    for _ in range(grid_level(name)):
        vertices, triangles = bisect(vertices, triangles)
    lat = np.degrees(np.arcsin(np.clip(vertices[:, 2], -1.0, 1.0)))
    lon = np.degrees(np.arctan2(vertices[:, 1], vertices[:, 0]))
    area = SphericalVoronoi(vertices, radius=1.0, threshold=1e-9).calculate_areas()
    return IcosahedralGrid(lat, lon, area * (4 * np.pi / area.sum()))
