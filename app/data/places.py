"""Places on the globe: in words, from words, and the column next to one."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from diffmp_core.columns.mesh import direction_of
from diffmp_core.errors import DiffmpError

BEARINGS = {"east": (1.0, 0.0), "west": (-1.0, 0.0), "north": (0.0, 1.0), "south": (0.0, -1.0)}
"""Components towards east and north."""
NEIGHBOURS = 12
"""Nearest columns among which the next one is sought."""
WIDEST = 0.5
"""The next column lies within 60 degrees of the bearing: its cosine is at least this."""
NUMBER = re.compile(r"([+\-−]?\d{1,3}(?:\.\d{1,9})?)\s*°?\s*([NSEW]?)", re.IGNORECASE)

Array = NDArray[np.float64]


def place(lat: float, lon: float) -> str:
    """A place in words, ``12.8° N 46.5° E``."""
    return f"{abs(lat):.1f}° {'N' if lat >= 0 else 'S'} {abs(lon):.1f}° {'E' if lon >= 0 else 'W'}"


def parse_place(text: str) -> tuple[float, float]:
    """Latitude and longitude [degrees] of ``-3.4, 155``, ``3.4 S 155 E`` or what :func:`place` writes.

    Raises:
        DiffmpError: it is none.
    """
    found = [(number.replace("−", "-"), letter.upper()) for number, letter in NUMBER.findall(text[:60])]
    rest = re.sub(r"[\s,;]", "", NUMBER.sub("", text[:60]))
    letters = "".join(letter for _, letter in found)
    if len(found) == 2 and not rest and re.fullmatch("[NS]?[EW]?", letters) and len(text) <= 60:
        signs = [-1.0 if letter in ("S", "W") and letter else 1.0 for _, letter in found]
        lat, lon = (sign * float(number) for sign, (number, _) in zip(signs, found, strict=True))
        if abs(lat) <= 90 and abs(lon) <= 360:
            return lat, lon
    raise DiffmpError(f"expected latitude and longitude such as 12.5, -30 or 12.5 N 30 W, found {text[:40]!r}")


def cell_tree(lat: np.ndarray, lon: np.ndarray) -> cKDTree:
    """Search tree over cell centres [degrees]; the nearest chord is the nearest great circle."""
    return cKDTree(direction_of(lat, lon))


def nearest(tree: cKDTree, lat: float, lon: float) -> int:
    """The column nearest to a place."""
    return int(tree.query(direction_of(np.asarray(lat), np.asarray(lon)))[1])


def next_column(tree: cKDTree, lat: Array, lon: Array, cell: int, bearing: str) -> int:
    """The nearest column towards a bearing ('east', 'north', ...), or the same one where there is none.

    Args:
        tree: over the unit vectors of the columns.
        lat, lon: of all columns (cell,) [degrees].
    """
    here = direction_of(lat[cell], lon[cell])
    found = np.atleast_1d(tree.query(here, k=min(NEIGHBOURS + 1, lat.size))[1])
    found = found[found != cell]
    if not found.size:
        return cell
    step = direction_of(lat[found], lon[found]) - here
    phi, lam = np.radians(lat[cell]), np.radians(lon[cell])
    east = np.array([-np.sin(lam), np.cos(lam), 0.0])
    north = np.array([-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)])
    along = np.stack([step @ east, step @ north], axis=-1)
    length = np.hypot(*along.T)
    cosine = np.where(length > 0, along @ np.asarray(BEARINGS[bearing]) / np.maximum(length, 1e-12), -1.0)
    cost = np.where(cosine >= WIDEST, length / np.maximum(cosine, WIDEST) ** 2, np.inf)
    return int(found[cost.argmin()]) if np.isfinite(cost).any() else cell
