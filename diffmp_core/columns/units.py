"""Units as files write them, by UDUNITS: which one a text means, and how it becomes the unit that is wanted."""

from __future__ import annotations

import functools
import re

import xarray as xr
from cf_units import Unit

from diffmp_core.errors import DiffmpError

MOST_LETTERS = 60
"""Letters of a unit that are looked at; a file from outside could hold a megabyte of them."""

_SPELLINGS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-", "{}[]$\\")
"""TeX braces (MPAS writes ``W m^{-2}``), brackets around the whole, superscripts: not UDUNITS, but plain to read."""

_NAMES = {
    **dict.fromkeys(("-", "none", "dimensionless", "unitless", "nondimensional", "fraction", "ratio", "0-1"), "1"),
    **dict.fromkeys(("deg k", "degree k", "degrees k", "deg kelvin", "degrees kelvin"), "K"),
    **dict.fromkeys(("c", "deg c", "degree c", "degrees c", "deg celsius", "degrees celsius"), "degC"),
    **dict.fromkeys(("deg", "deg_north", "deg_east", "°n", "°e"), "degree"),
    **dict.fromkeys(("mb", "millibars"), "mbar"),
    "gpm": "m",
}
"""Other names, in lower case, that UDUNITS does not know or takes for something else (``C``, ``mb``, ``degrees K``)."""


@functools.lru_cache(maxsize=256)
def conversion(found: str, wanted: str) -> tuple[float, float] | None:
    """Factor and offset from a unit to another, ``value * factor + offset``; None if it is none or of another kind."""
    if len(found) > MOST_LETTERS:
        return None
    text = re.sub(r"\s+", " ", found.strip(" \0").translate(_SPELLINGS))
    text = re.sub(r"\bdeg\b", "degree", _NAMES.get(text.casefold(), text))
    try:
        unit = Unit(text)
        if unit.is_unknown() or unit.is_no_unit() or unit.is_time_reference():
            return None
        offset, one, two = (float(unit.convert(value, Unit(wanted))) for value in (0.0, 1.0, 2.0))
    except ValueError:  # what cf-units raises for any text that is no unit, and for one of another kind
        return None
    straight = abs(two - 2.0 * one + offset) < 1e-9 * abs(two)  # decibels are not
    return (one - offset, offset) if straight else None


def is_unit(found: str, wanted: str) -> bool:
    """Whether a text means the unit that is wanted, however it is spelled."""
    factor = conversion(found, wanted)
    return factor is not None and abs(factor[0] - 1.0) < 1e-9 and abs(factor[1]) < 1e-9


def require_unit(array: xr.DataArray, unit: str, where: str) -> None:
    """Raise a :class:`DiffmpError` if the array's ``units`` attribute names another unit; none at all passes."""
    found = str(array.attrs.get("units", "")).strip()
    if not found or is_unit(found, unit):
        return
    factor = conversion(found, unit)
    means = "" if factor is None else f" (times {factor[0]:.6g}{f' plus {factor[1]:g}' if factor[1] else ''})"
    raise DiffmpError(
        f"expected unit {unit!r} of {array.name} in {where}, found {found[:MOST_LETTERS]!r}{means}; convert it first"
    )
