"""Equations (1) to (3) of the paper on fields that are larger than memory, block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from diffmp_core.physics.coarse_grain import flux_tendency, gather, horizontal_mean, subgrid_vertical_flux

PROFILES = {
    "T": "K",
    "qv": "kg kg-1",
    "w": "m s-1",
    "tend_T_mp": "K s-1",
    "tend_qv_mp": "kg kg-1 s-1",
    "qc": "kg kg-1",
    "qi": "kg kg-1",
}
"""Fields on levels that equations (1) to (5) need, and their units."""

SURFACE = {"Ps": "Pa", "SHF": "W m-2", "LHF": "W m-2", "SOLIN": "W m-2"}
"""Fields of one level that they need, upward fluxes positive, and their units."""

_GATHERED_VALUES = 2**18
"""Values of a field that are gathered for cells at a time, in double precision."""


def coarse_grain(raw: xr.Dataset, points: np.ndarray) -> tuple[dict[str, xr.DataArray], dict[str, xr.DataArray]]:
    """Equations (1) and (2): means of all fields but w, and fluxes of T and qv, by name and lazily.

    All fields on levels go through one function, so that a block that was read is used once and then forgotten: were
    means and fluxes apart, the fields of many times would wait in memory for the second use.

    Args:
        raw: dask arrays of the fields on levels (time, z, point) and of one level (time, point), whole in points.
        points: ``(cell, n)`` points of each cell, padded with -1.

    Returns:
        Means and fluxes, dims (time, z, cell) or (time, cell), in double precision.
    """
    scalars = [name for name in PROFILES if name != "w"]
    carried = ("T", "qv")

    def means_and_fluxes(w: np.ndarray, *fields: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, ...]:
        means = [horizontal_mean(field, where=where) for field in fields]
        return *means, *(subgrid_vertical_flux(fields[scalars.index(name)], w, where=where) for name in carried)

    found = _by_cell(means_and_fluxes, len(scalars) + len(carried), points, *(raw[name] for name in ("w", *scalars)))
    mean = dict(zip(scalars, found, strict=False)) | {name: coarse_mean(raw[name], points) for name in SURFACE}
    return mean, dict(zip(carried, found[len(scalars) :], strict=True))


def coarse_mean(field: xr.DataArray, points: np.ndarray) -> xr.DataArray:
    """Equation (1), block by block: (..., point) -> (..., cell)."""
    return _by_cell(lambda a, where: (horizontal_mean(a, where=where),), 1, points, field)[0]


def coarse_flux_tendency(flux: xr.DataArray, heights: np.ndarray) -> xr.DataArray:
    """Equation (3): (time, z, cell) -> (time, cell, z), on heights ``(z,)`` or ``(cell, z)``."""
    flux = flux.transpose("time", "cell", "z").chunk({"z": -1})
    return xr.apply_ufunc(
        _tendency, flux, kwargs={"heights": heights}, input_core_dims=[["cell", "z"]],
        output_core_dims=[["cell", "z"]], dask="parallelized", output_dtypes=[np.float64],
    )  # fmt: skip


def _tendency(flux: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Equation (3) of ``(..., cell, z)`` on common heights ``(z,)`` or on those of each cell ``(cell, z)``."""
    if heights.ndim == 1:
        return flux_tendency(flux, heights)
    return np.stack([flux_tendency(flux[..., cell, :], own) for cell, own in enumerate(heights)], axis=-2)


def _by_cell(
    function: Callable[..., tuple[np.ndarray, ...]], outputs: int, points: np.ndarray, *fields: xr.DataArray
) -> tuple[xr.DataArray, ...]:
    """Apply a function of gathered points ``(..., cell, n, 1)`` and of which are there, some cells at a time."""

    def blocks(*values: np.ndarray) -> tuple[np.ndarray, ...]:
        found = np.empty((outputs, *values[0].shape[:-1], len(points)))
        step = max(1, _GATHERED_VALUES // (points.shape[1] * (values[0].size // values[0].shape[-1])))
        for first in range(0, len(points), step):
            some = points[first : first + step]
            gathered = (gather(value[..., None], some).astype(np.float64) for value in values)
            for target, result in zip(found, function(*gathered, where=some >= 0), strict=True):
                target[..., first : first + step] = result[..., 0]
        return tuple(found) if outputs > 1 else found[0]

    result = xr.apply_ufunc(
        blocks, *fields, input_core_dims=[["point"]] * len(fields), output_core_dims=[["cell"]] * outputs,
        dask="parallelized", output_dtypes=[np.float64] * outputs,
        dask_gufunc_kwargs={"output_sizes": {"cell": len(points)}},
    )  # fmt: skip
    return result if outputs > 1 else (result,)
