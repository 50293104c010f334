"""Coordinates are data, too: limits outside which one is taken for a wrong unit or a broken file; times that rise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from diffmp_core.errors import DiffmpError

SPHERE = 4.0 * np.pi
"""Solid angle of the globe [sr]."""

_IN_RADIANS = 0.06
"""Ends of the globe in radians are known to this share of pi: boxes of 10 degrees have their centres 5 off them."""

_OTHERS = ("rotated", "grid_latitude", "grid_longitude", "projection_", "rlat", "rlon")
"""Words in what CF or people call coordinates that are none of the globe's."""


@dataclass(frozen=True)
class Limits:
    """Lowest and highest value of a coordinate, its unit, what it may be instead, and how far rounding may take it."""

    low: float
    high: float
    unit: str
    mistaken: str
    slack: float = 0.0


_LENGTHS = "kilometres, metres, or degrees that a mesh of radians should not have"

LIMITS = {
    "lat": Limits(-90.0, 90.0, "degree", _LENGTHS, slack=1e-6),
    "lon": Limits(-360.0, 540.0, "degree", _LENGTHS),
    "area": Limits(1e-15, SPHERE * 1.001, "sr", "m2, or a missing value"),
    "land_fraction": Limits(0.0, 1.0, "", "per cent, or a missing value over sea", slack=1e-6),
    "surface": Limits(-500.0, 9000.0, "m", "m2 s-2, or a missing value over sea"),
    "height": Limits(-500.0, 1.2e5, "m", "km, or a pressure"),
    "pressure": Limits(1.0, 1.2e5, "Pa", "a height"),
    "layer_mass": Limits(0.0, 1.2e4, "kg m-2", "Pa"),
    "nominal pressure of hybrid levels": Limits(0.0, 1.2, "", "Pa or hPa"),
}
"""What the values of a coordinate may be, by name."""


def check_coordinate(name: str, values: np.ndarray, where: str) -> np.ndarray:
    """Hold the values of a coordinate against finiteness and :data:`LIMITS`; gives them back in double precision.

    Raises:
        DiffmpError: a value that is missing or out of its limits, with its place.
    """
    values, limits = np.asarray(values, dtype=float), LIMITS[name]
    good = (values >= limits.low - limits.slack) & (values <= limits.high + limits.slack)
    if not good.all():
        place = tuple(int(index) for index in np.argwhere(~good)[0])
        at = f" at index {', '.join(map(str, place))}" if place else ""
        unit = f" {limits.unit}" if limits.unit else ""
        raise DiffmpError(
            f"expected {name} of {limits.low:.4g} to {limits.high:.4g}{unit} in {where}, found {values[place]:.6g}{at} "
            f"({np.count_nonzero(~good)} of {values.size}); repair it or convert the unit (is it in {limits.mistaken}?)"
        )
    return values


def check_places(lat: xr.DataArray | np.ndarray, lon: xr.DataArray | np.ndarray, where: str) -> None:
    """Raise a :class:`DiffmpError` unless these are latitudes and longitudes [degrees] of the globe.

    Coordinates of a rotated pole or a projection are known by what they are called, radians by ranges that are the
    whole globe's in radians.
    """
    for (name, array), other in zip((("lat", lat), ("lon", lon)), ("longitude", "latitude"), strict=True):
        attrs = getattr(array, "attrs", {})
        standard = str(attrs.get("standard_name", ""))
        called = [standard, str(attrs.get("long_name", "")), str(getattr(array, "name", None) or "")]
        if standard == other or any(word in part.casefold() for part in called for word in _OTHERS):
            raise DiffmpError(
                f"expected geographical latitudes and longitudes in {where}, found {' '.join(filter(None, called))!r} "
                f"as {name}; name those of the globe, or a mesh file"
            )
        check_coordinate(name, np.asarray(array), where)
    south, north, west, east = (float(end) for values in (lat, lon) for end in (np.min(values), np.max(values)))
    near = _IN_RADIANS * np.pi
    round_the_pole = abs(south + np.pi / 2) < near and abs(north - np.pi / 2) < near
    if round_the_pole and 0 <= 2 * np.pi - (east - west) < 2 * near and min(abs(west), abs(west + np.pi)) < near:
        raise DiffmpError(
            f"expected latitudes and longitudes in degrees in {where}, found {south:.4g} to {north:.4g} and {west:.4g} "
            f"to {east:.4g}: the globe in radians; convert them"
        )


def check_areas(area: np.ndarray, where: str) -> None:
    """Raise a :class:`DiffmpError` unless each area [sr] is positive and all are at most the sphere's."""
    total = float(check_coordinate("area", area, where).sum())
    if total > SPHERE * 1.01:
        raise DiffmpError(
            f"expected areas of at most {SPHERE:.4g} sr together in {where}, found {total:.6g}; convert the unit (is "
            "it in m2 or degrees?)"
        )


def check_times(times: np.ndarray, where: str) -> None:
    """Raise a :class:`DiffmpError` unless there are times, each of them a date, once, and in order."""
    if len(times) == 0:
        raise DiffmpError(f"expected at least one time in {where}, found none; name another file")
    missing = np.flatnonzero(np.asarray(xr.DataArray(times).isnull()))
    if missing.size:
        raise DiffmpError(f"expected a date of every time in {where}, found none at time {missing[0]}; fill it in")
    steps = np.diff(times)
    for bad, what, mend in (
        (steps == times[0] - times[0], "a time twice", "drop one, or read files that do not overlap"),
        (steps < times[0] - times[0], "an earlier one after it", "sort them"),
    ):
        if bad.any():
            first = int(np.argmax(bad))
            raise DiffmpError(
                f"expected rising times in {where}, found {what}: {time_text(times[first])} (time {first}), then "
                f"{time_text(times[first + 1])}; {mend}"
            )


def time_text(time: object) -> str:
    """A date as people read it, to the second where it is whole."""
    text = str(time).replace("T", " ")
    head, _, fraction = text.partition(".")
    return head if not fraction.strip("0") else text


def check_coordinates(columns: xr.Dataset, where: str) -> None:
    """Hold the coordinates of columns, as far as they are there, against their limits.

    Raises:
        DiffmpError: the first value that is missing or that no globe has.
    """
    for name in ("height", "pressure", "land_fraction", "layer_mass"):
        if name in columns.variables:
            check_coordinate(name, columns[name].values, where)
    if "area" in columns.variables:
        check_areas(columns["area"].values, where)
    if {"lat", "lon"} <= set(columns.variables):
        check_places(columns["lat"], columns["lon"], where)
    if "time" in columns.variables:
        check_times(np.atleast_1d(columns["time"].values), where)
