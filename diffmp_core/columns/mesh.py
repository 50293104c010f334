"""Horizontal meshes of foreign runs: where the points of a field lie, how large they are, which ones touch.

A point of a field is a face of the mesh: a polygon of a UGRID, MPAS or ICON mesh, or a box of a regular
latitude-longitude grid. uxarray (the extra ``mesh``) tells the formats apart and reads corners and faces. Centres,
areas and neighbours follow from the corners here, in one way for every format: corners are compared by place, so that
faces touch across a date line where a file lists the same corner twice, at -180 and at 180 degrees. Faces touch where
they share an edge; a shared corner, as of all boxes around a pole, is not enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffmp_core.columns.units import require_unit
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.coordinates import check_places
from diffmp_core.storage.files import refuse_devices

CORNER_TOLERANCE = 1e-8
"""Corners nearer than about this [rad], 6 cm on the Earth, are one."""

EVEN_SPACING = 0.01
"""Longitudes of a regular grid may differ from even spacing by this share of the spacing."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Points of a horizontal mesh.

    Attributes:
        direction: ``(point, 3)`` unit vectors of the centres, z toward the north pole, x toward 0 E.
        area: ``(point,)`` [sr].
        neighbours: ``(point, k)`` points that share an edge, padded with -1.
    """

    direction: np.ndarray
    area: np.ndarray
    neighbours: np.ndarray

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.area)


def direction_of(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Unit vectors ``(..., 3)`` of latitudes and longitudes [degrees]."""
    lat, lon = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def place_of(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude [degrees] of vectors ``(..., 3)`` of any length."""
    x, y, z = np.moveaxis(direction, -1, 0)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def read_mesh(path: Path) -> Mesh:
    """Mesh of a UGRID, MPAS or ICON file, whatever of them uxarray finds in it.

    Raises:
        DiffmpError: uxarray is not installed, no such file, no mesh in it, corners not in degrees, or faces without
            area.
    """
    if not path.exists():
        raise DiffmpError(f"expected a mesh file at {path}, found nothing; check the path")
    refuse_devices(path)
    try:
        import uxarray
    except ImportError as error:
        raise DiffmpError(
            f"expected the package uxarray to read the mesh {path.name}, found it not installed; "
            "install it with: pip install 'diffmp[mesh]'"
        ) from error
    try:
        grid = uxarray.open_grid(path)
        faces = grid.face_node_connectivity.values
        lat, lon = grid.node_lat.values, grid.node_lon.values
    except Exception as error:  # uxarray raises what the format at hand happens to raise
        raise DiffmpError(
            f"expected a UGRID, MPAS or ICON mesh in {path.name}, found none that uxarray can read "
            f"({type(error).__name__}); name the file that holds the mesh"
        ) from error
    for corners in (grid.node_lat, grid.node_lon):
        require_unit(corners, "degree", path.name)
    return polygon_mesh(lat, lon, faces, where=path.name)


def polygon_mesh(lat: np.ndarray, lon: np.ndarray, faces: np.ndarray, *, where: str) -> Mesh:
    """Mesh of polygons with great-circle sides.

    Args:
        lat, lon: ``(corner,)`` [degrees].
        faces: ``(face, k)`` corners of each face in order around it, whole numbers of any type; negative entries at the
            end, or NaN, are padding.
        where: name of the file for messages.

    Raises:
        DiffmpError: corners that are not there, not on the globe or no whole numbers, faces of fewer than three, or no
            area, or too much.
    """
    faces, numbers = np.nan_to_num(np.asarray(faces), nan=-1, posinf=-1, neginf=-1).astype(np.int64), faces
    if (odd := numbers[np.isfinite(numbers) & (numbers != faces)]).size:
        raise DiffmpError(f"expected whole numbers of corners in {where}, found {odd[0]:g}; mend the mesh")
    there = faces >= 0
    if faces.size == 0 or faces.max() >= len(lat) or (there.sum(axis=1) < 3).any() or not there[:, 0].all():
        raise DiffmpError(
            f"expected faces of 3 or more of the {len(lat)} corners in {where}, found others; mend the mesh"
        )
    check_places(lat, lon, where)
    corner = np.where(there, faces, faces[:, :1])  # padding repeats the first corner: sides of no length
    direction = direction_of(lat, lon)
    centre = np.zeros((len(faces), 3))
    for k in range(faces.shape[1]):
        centre += direction[corner[:, k]] * there[:, k, None]
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    area = np.zeros(len(faces))
    for k in range(faces.shape[1]):
        area += _triangle(centre, direction[corner[:, k]], direction[corner[:, (k + 1) % faces.shape[1]]])
    area = np.abs(area)
    if not (area > 0).all() or area.sum() > 4.0 * np.pi * 1.01:
        raise DiffmpError(
            f"expected faces with an area, together at most the sphere, in {where}, found {area.min():.3g} to "
            f"{area.max():.3g} sr, in all {area.sum():.4g} sr; check that corners are in degrees (MPAS, ICON: radians)"
        )
    return Mesh(direction=centre, area=area, neighbours=_neighbours(_places(lat, lon)[corner]))


def regular_mesh(lat: np.ndarray, lon: np.ndarray, *, where: str) -> Mesh:
    """Boxes of a latitude-longitude grid, points in the order (lat, lon).

    Sides lie halfway between the centres; the outer ones as far beyond, but not beyond a pole. Where the longitudes go
    round the globe, the last box touches the first.

    Args:
        lat, lon: centres [degrees]; latitudes may rise or fall.
        where: name of the file for messages.

    Raises:
        DiffmpError: fewer than two of either, latitudes out of order, uneven or repeated longitudes.
    """
    check_places(lat, lon, where)
    lat, lon = np.asarray(lat, dtype=float), np.asarray(lon, dtype=float)
    if lat.ndim != 1 or lon.ndim != 1 or min(lat.size, lon.size) < 2:
        raise DiffmpError(
            f"expected 2 or more latitudes and longitudes, each along a dimension of its own, in {where}, found shapes "
            f"{lat.shape} and {lon.shape}; name a mesh file if the grid is not regular"
        )
    rising = np.diff(lat)
    if not ((rising > 0).all() or (rising < 0).all()):
        raise DiffmpError(f"expected latitudes that rise or fall in {where}, found others; sort them")
    steps = np.diff(lon)
    spacing = steps.mean()
    if spacing == 0 or np.abs(steps - spacing).max() > EVEN_SPACING * abs(spacing):
        raise DiffmpError(f"expected evenly spaced longitudes in {where}, found others; put them in order first")
    uncovered = 360.0 - abs(spacing) * lon.size
    if uncovered < -0.5 * abs(spacing):
        raise DiffmpError(
            f"expected each meridian once in {where}, found more than 360 degrees; drop the repeated ones"
        )
    goes_round = uncovered < 0.5 * abs(spacing)
    middle = 0.5 * (lat[1:] + lat[:-1])
    sides = np.concatenate([[2 * lat[0] - middle[0]], middle, [2 * lat[-1] - middle[-1]]]).clip(-90.0, 90.0)
    height = np.abs(np.diff(np.sin(np.radians(sides))))
    point = np.arange(lat.size * lon.size, dtype=np.int32).reshape(lat.size, lon.size)
    none = np.full_like(point, -1)
    south, north, west, east = (none.copy() for _ in range(4))
    south[1:], north[:-1] = point[:-1], point[1:]
    west[:, 1:], east[:, :-1] = point[:, :-1], point[:, 1:]
    if goes_round:
        west[:, 0], east[:, -1] = point[:, -1], point[:, 0]
    return Mesh(
        direction=direction_of(*np.broadcast_arrays(lat[:, None], lon)).reshape(-1, 3),
        area=np.repeat(height * np.radians(abs(spacing)), lon.size),
        neighbours=np.stack([south, north, west, east], axis=-1).reshape(-1, 4),
    )


def _triangle(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Signed solid angle ``(n,)`` [sr] of spherical triangles with unit vectors ``(n, 3)`` at their corners.

    Van Oosterom and Strackee (1983), doi:10.1109/TBME.1983.325207.
    """
    volume = np.einsum("ni,ni->n", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("ni,ni->n", p, q) for p, q in ((a, b), (b, c), (c, a)))
    return 2.0 * np.arctan2(volume, 1.0 + ab + bc + ca)


def _places(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Numbers ``(corner,)`` that are equal where corners lie at the same place."""
    around = round(2 * np.pi / CORNER_TOLERANCE)
    row = np.rint(np.radians(lat) / CORNER_TOLERANCE).astype(np.int64)
    column = np.rint(lon % 360.0 / 360.0 * around).astype(np.int64) % around
    at_pole = np.abs(np.abs(row) - round(0.5 * np.pi / CORNER_TOLERANCE)) <= 1
    return np.unique(row * around + np.where(at_pole, 0, column), return_inverse=True)[1]


def _neighbours(corner: np.ndarray) -> np.ndarray:
    """Faces ``(face, k)`` that share a side, padded with -1, from the corners ``(face, k)`` around each face."""
    faces, sides = corner.shape
    ends = np.stack([corner, np.roll(corner, -1, axis=1)], axis=-1).reshape(-1, 2)
    low, high = ends.min(axis=1).astype(np.int64), ends.max(axis=1).astype(np.int64)
    face = np.repeat(np.arange(faces, dtype=np.int32), sides)
    real = low != high
    key, face = (low * (int(corner.max()) + 1) + high)[real], face[real]
    order = np.argsort(key, kind="stable")
    key, face = key[order], face[order]
    shared = np.flatnonzero(key[1:] == key[:-1])
    one, other = face[shared], face[shared + 1]
    return _table(np.concatenate([one, other]), np.concatenate([other, one]), faces)


def _table(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """Partners ``(count, k)`` of each, padded with -1, from pairs."""
    order = np.argsort(one, kind="stable")
    one, other = one[order], other[order]
    partners = np.bincount(one, minlength=count)
    table = np.full((count, max(1, partners.max())), -1, dtype=np.int32)
    table[one, np.arange(one.size) - np.repeat(np.cumsum(partners) - partners, partners)] = other
    return table
