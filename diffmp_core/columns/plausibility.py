"""Limits outside which a value is taken for a fill value, a wrong unit or a broken file, not for weather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.coordinates import time_text
from diffmp_core.variables import KNOWN_INPUTS, KNOWN_OUTPUTS

LIMITS: dict[str, tuple[float, float, str]] = {
    "T": (120.0, 350.0, "degrees Celsius"),
    "qv": (-1e-6, 0.06, "g/kg"),
    "Ps": (3.0e4, 1.2e5, "hPa"),
    "SHF": (-900.0, 3e3, "J m-2"),
    "LHF": (-900.0, 4e3, "J m-2"),
    "SOLIN": (-1.0, 1.5e3, "J m-2"),
    "tend_T_sgs": (-0.2, 0.2, "K/day"),
    "tend_qv_sgs": (-1e-3, 1e-3, "g/kg/day"),
    "qc": (0.0, 0.02, "g/kg"),
    "qi": (0.0, 0.02, "g/kg"),
    "q": (-1e-6, 0.06, "g/kg"),
    "tend_q_sgs": (-1e-3, 1e-3, "g/kg/day"),
    **dict.fromkeys(("u", "v"), (-350.0, 350.0, "km/h")),
    **dict.fromkeys(("land_fraction", "ocean_fraction", "ice_fraction"), (-1e-6, 1.0 + 1e-6, "per cent")),
    "lat": (-90.0, 90.0, "radians"),
    "cos_zenith": (0.0, 1.0 + 1e-6, "degrees"),
    "RH": (-1e-3, 10.0, "per cent"),
    "T_minus_below": (-150.0, 150.0, "K/km"),
    "qv_minus_below": (-0.06, 0.06, "g/kg"),
    "PRECC": (0.0, 1e-4, "mm/day"),
    "NETSW": (-1.0, 1.5e3, "J m-2"),
    "FLWDS": (0.0, 1e3, "J m-2"),
}
"""Lowest and highest plausible value in the unit of the table of variables, and the unit it may have been given in."""

POINT_LIMITS: dict[str, tuple[float, float, str]] = LIMITS | {
    "w": (-150.0, 150.0, "Pa s-1"),
    **dict.fromkeys(("tend_T_mp", "tend_T_flux"), (-2.0, 2.0, "K/day")),
    **dict.fromkeys(("tend_qv_mp", "tend_qv_flux"), (-1e-3, 1e-3, "g/kg/day")),
    **dict.fromkeys(("qv", "qc", "qi"), (-1e-4, 0.06, "g/kg")),
}
"""The same of a point of a high-resolution run, or of a state that a column is computed from: what is not a column's
own, stronger tendencies, and the small negative water that advection leaves."""

_ANY = (-np.inf, np.inf, "another unit")

_UNITS = {
    **{name: variable.unit for name, variable in {**KNOWN_INPUTS, **KNOWN_OUTPUTS}.items()},
    "w": "m s-1",
    **dict.fromkeys(("tend_T_mp", "tend_T_flux"), "K s-1"),
    **dict.fromkeys(("tend_qv_mp", "tend_qv_flux"), "kg kg-1 s-1"),
}


def check_values(
    name: str,
    values: np.ndarray,
    where: str,
    *,
    limits: Mapping[str, tuple[float, float, str]] = LIMITS,
    used: np.ndarray | None = None,
    dims: Sequence[str] = (),
    start: Sequence[int] = (),
    times: np.ndarray | None = None,
) -> None:
    """Check a block of values of one variable: finite and within limits.

    Args:
        name: of the variable in ``limits``; of any other, values need only be finite.
        values: a block of any shape.
        where: name of the file for messages.
        limits: :data:`LIMITS` of columns or :data:`POINT_LIMITS`.
        used: indices along the last dim that count; all if None.
        dims, start, times: of the block in the whole array, and all its dates, to say where a bad value is.

    Raises:
        DiffmpError: a value that is not finite or that no atmosphere has.
    """
    low, high, mistaken = limits.get(name, _ANY)
    within = values.size == 0 or (values.min() >= low and values.max() <= high)  # false where one is NaN
    if within and (name in limits or np.isfinite(values).all()):
        return
    counts = True if used is None else np.isin(np.arange(values.shape[-1]), used)
    missing, out = ~np.isfinite(values) & counts, ((values < low) | (values > high)) & counts
    bad = missing if missing.any() else out
    if not bad.any():
        return
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    place = _place([i + first for i, first in zip(index, start, strict=False)], dims, times)
    found = f"found {values[index]:.6g}{place} ({np.count_nonzero(bad)} of {values.size} values looked at)"
    if missing.any():
        raise DiffmpError(
            f"expected finite values of {name} in {where}, {found}: a fill value or a gap; repair or drop those times"
        )
    raise DiffmpError(
        f"expected {name} of {low:g} to {high:g} {_UNITS[name]} in {where}, {found}; convert the unit (is it in "
        f"{mistaken}?), or repair it if it stands for a missing value"
    )


def with_checks(
    data: xr.Dataset,
    names: Mapping[str, str],
    where: str,
    *,
    limits: Mapping[str, tuple[float, float, str]] = LIMITS,
    points: np.ndarray | None = None,
) -> xr.Dataset:
    """The same lazy dataset, each block of which is checked when it is read, before anything is computed from it.

    Args:
        data: dask arrays, and the dates of their dim ``time``.
        names: variables, as far as the dataset has them, and which of ``limits`` each is checked against.
        where: name of the file for messages.
        limits: :data:`LIMITS` or :data:`POINT_LIMITS`.
        points: those along ``point``, the last dim, that columns are made of; all if None.

    Raises:
        DiffmpError: a variable that holds no numbers; a bad value when its block is computed.
    """
    checked, used = data.copy(), None if points is None else np.unique(points[points >= 0])
    for name, kind in names.items():
        if name not in data:
            continue
        array = data[name]
        if array.dtype.kind not in "fiu":
            raise DiffmpError(
                f"expected numbers of {name} in {where}, found values of type {array.dtype}; convert them"
            )
        check = partial(
            _checked_block,
            name=kind,
            where=where,
            limits=limits,
            used=used,
            dims=tuple(map(str, array.dims)),
            times=np.atleast_1d(data["time"].values),
        )
        checked[name] = array.copy(data=array.data.map_blocks(check, dtype=array.dtype, meta=np.array((), array.dtype)))
    return checked


def _checked_block(values: np.ndarray, *, block_info: Any = None, name: str, where: str, **options: Any) -> np.ndarray:
    check_values(name, values, where, start=[first for first, _ in block_info[0]["array-location"]], **options)
    return values


def _place(index: Sequence[int], dims: Sequence[str], times: np.ndarray | None) -> str:
    """Where a value is, in words: date, point, cell and level by number from 0."""
    parts = []
    for number, dim in zip(index, dims, strict=False):
        if dim == "time" and times is not None:
            parts.append(f"time {time_text(times[number])}")
        else:
            parts.append(f"level {number} from the ground" if dim in ("z", "level") else f"{dim} {number}")
    return f" at {', '.join(parts)}" if parts else ""


def check_upright(humidity: np.ndarray, where: str) -> None:
    """Raise a :class:`DiffmpError` if a block ``(..., level)`` of humidity has more vapour at the top than below."""
    if humidity.size and humidity[..., 0].mean() < humidity[..., -1].mean():
        raise DiffmpError(
            f"expected most water vapour at the surface in {where}, found it at the top: levels upside down; flip them"
        )
