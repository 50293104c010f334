"""Coarse graining and subgrid diagnosis: equations 1 to 5 of the paper, one pure function each.

Arrays carry a point axis next to last and a level axis last, (..., point, level): the fine points of one coarse cell.
Any unstructured mesh is brought to that form by `gather` with a table of the points of each cell; where cells have
unequal numbers of points, the table is padded with -1 and `where=points_of_cell >= 0` keeps the padding out.
The column simulator already has the point axis and passes its arrays directly.
"""

from __future__ import annotations

import numpy as np

from diffmp_core.errors import DiffmpError


def points_of_cell(cell_of_point: np.ndarray) -> np.ndarray:
    """Turn a map point -> cell, (point,) int with -1 for "in no cell", into a table (cell, n) of points, -1 padded."""
    cell_of_point = np.asarray(cell_of_point)
    points = np.flatnonzero(cell_of_point >= 0)
    if points.size == 0:
        raise DiffmpError("expected at least one point inside a cell, found none (cell_of_point); check the map.")
    cells = cell_of_point[points]
    order = np.argsort(cells, kind="stable")
    points, cells = points[order], cells[order]
    counts = np.bincount(cells)
    table = np.full((counts.size, counts.max()), -1, dtype=np.int64)
    table[cells, np.arange(points.size) - np.repeat(np.cumsum(counts) - counts, counts)] = points
    return table


def gather(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Bring field (..., point, level) to (..., cell, n, level) with a table (cell, n); -1 entries become NaN."""
    field = np.asarray(field)
    if points.max() >= field.shape[-2]:
        raise DiffmpError(
            f"expected points below {field.shape[-2]}, found {points.max()} (points of a cell); "
            "use the table of this mesh."
        )
    out = field[..., np.maximum(points, 0), :]
    if (points < 0).any():
        out = np.where((points >= 0)[..., None], out, np.nan)
    return out


def horizontal_mean(a: np.ndarray, *, where: np.ndarray | None = None) -> np.ndarray:
    """Equation 1: mean over the points of a cell, (..., point, level) -> (..., level).

    where: (..., point) bool, points that take part; all if None.
    """
    if where is None:
        return np.mean(a, axis=-2)
    return np.mean(a, axis=-2, where=np.asarray(where)[..., None])


def subgrid_vertical_flux(a: np.ndarray, w: np.ndarray, *, where: np.ndarray | None = None) -> np.ndarray:
    """Equation 2: mean of a'w' over the points of a cell, (..., point, level) -> (..., level), in units of a times m/s.

    Primes are departures from the mean of equation 1 over the same points; a and w sit at the same levels.
    """
    a_prime = a - horizontal_mean(a, where=where)[..., None, :]
    w_prime = w - horizontal_mean(w, where=where)[..., None, :]
    return horizontal_mean(a_prime * w_prime, where=where)


def flux_tendency(
    flux: np.ndarray,
    heights: np.ndarray,
    density: np.ndarray | None = None,
    *,
    layer_density: np.ndarray | None = None,
    staggered: bool = False,
) -> np.ndarray:
    """Equation 3: tendency by a subgrid vertical flux, -d(flux)/dz, per second.

    flux: (..., level) at the (level,) heights in m; the answer is at the same heights, by centred differences. With
    staggered=True flux and heights are at the n + 1 layer interfaces and the answer is at the n layers.
    density: None follows the paper's letter. With density (kg/m3, where the flux is) the anelastic form
    -(1/rho) d(rho flux)/dz is taken: it conserves the column integral of rho times the quantity, which the paper's
    form does not. layer_density: (..., n) for the staggered form; None takes the mean of the two interfaces.
    """
    flux, heights = np.asarray(flux), np.asarray(heights)
    if flux.shape[-1] != heights.size:
        raise DiffmpError(
            f"expected a flux on {heights.size} heights, found {flux.shape[-1]} levels (flux_tendency); "
            "give the heights of the flux."
        )
    if density is not None:
        flux = density * flux
    if not staggered:
        tendency = -np.gradient(flux, heights, axis=-1)
        return tendency if density is None else tendency / density
    tendency = -np.diff(flux, axis=-1) / np.diff(heights)
    if density is None:
        return tendency
    if layer_density is None:
        layer_density = 0.5 * (np.asarray(density)[..., 1:] + np.asarray(density)[..., :-1])
    return tendency / layer_density


def subgrid_moistening(microphysics: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Equation 4: subgrid tendency of vapour, kg/kg/s: mean microphysics tendency plus flux tendency, (..., level)."""
    return microphysics + flux


def subgrid_heating(microphysics: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Equation 5: subgrid tendency of temperature, K/s: mean microphysics tendency plus flux tendency, (..., level)."""
    return microphysics + flux
