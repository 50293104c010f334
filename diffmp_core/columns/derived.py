"""Inputs computed from other inputs, place or date; available for every source.

If the source holds the variable, its own values are used.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from diffmp_core.physics.buoyancy import level_pressure
from diffmp_core.physics.moisture import per_moist_air, relative_humidity
from diffmp_core.physics.solar import cosine_zenith, declination_of, hour_of

Inputs = Mapping[str, xr.DataArray]
"""Inputs by name, (time, cell[, level]) or of one column (level), in the units of the variables."""


@dataclass(frozen=True)
class FromInputs:
    """An input computed from other inputs.

    Attributes:
        requires: names of those inputs.
        compute: gives it, from them and from the pressure of the air on the levels [Pa], computed only on request.
        comment: stored as its ``comment``.
    """

    requires: tuple[str, ...]
    compute: Callable[[Inputs, Callable[[], xr.DataArray]], xr.DataArray]
    comment: str


@dataclass(frozen=True)
class Places:
    """Dates ``(time,)`` and, of each cell ``(cell,)``, latitude and longitude [degrees] and land fraction."""

    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    land_fraction: np.ndarray


@dataclass(frozen=True)
class FromPlaces:
    """A single value (time, cell) computed from place and date; ``comment`` is stored as its ``comment``."""

    compute: Callable[[Places], np.ndarray]
    comment: str


def hydrostatic_pressure(surface: xr.DataArray, layer_mass: np.ndarray, top_pressure: float) -> xr.DataArray:
    """Pressure on levels [Pa] (time, cell, level) by :func:`diffmp_core.physics.buoyancy.level_pressure`, lazily."""
    return xr.apply_ufunc(
        level_pressure,
        surface,
        xr.DataArray(layer_mass, dims=("cell", "level")),
        kwargs={"top_pressure": top_pressure},
        input_core_dims=[[], ["level"]],
        output_core_dims=[["level"]],
        dask="parallelized",
        output_dtypes=[np.float64],
    )


def minus_below(profile: xr.DataArray) -> xr.DataArray:
    """A profile less its value one level below, 0 at the lowest."""
    below = np.maximum(np.arange(profile.sizes["level"]) - 1, 0)
    return profile - profile.isel(level=below)


def _relative_humidity(inputs: Inputs, pressure: Callable[[], xr.DataArray]) -> xr.DataArray:
    return xr.apply_ufunc(relative_humidity, inputs["T"], inputs["qv"], pressure(), dask="allowed")


def _at_all_times(places: Places, values: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(values, dtype=np.float32), (len(places.time), len(values)))


def _cosine_zenith(places: Places) -> np.ndarray:
    declination, hour = declination_of(places.time)[:, None], hour_of(places.time)[:, None]
    return cosine_zenith(places.lat, places.lon, declination, hour)


FROM_INPUTS: Mapping[str, FromInputs] = {
    "q": FromInputs(
        ("qv",), lambda inputs, _: per_moist_air(inputs["qv"], inputs["qv"]), "from the mixing ratio, qv/(1+qv)"
    ),
    "RH": FromInputs(
        ("T", "qv", "Ps"),
        _relative_humidity,
        "vapour pressure over that of saturation over liquid water, Bolton (1980), equation 10, at all temperatures",
    ),
    "T_minus_below": FromInputs(("T",), lambda inputs, _: minus_below(inputs["T"]), "of the levels of this store"),
    "qv_minus_below": FromInputs(("qv",), lambda inputs, _: minus_below(inputs["qv"]), "of the levels of this store"),
}
"""Inputs computed from other inputs, by name."""

LEVEL_DIFFERENCES = ("T_minus_below", "qv_minus_below")
"""Valid only on the levels they were computed on."""

FROM_PLACES: Mapping[str, FromPlaces] = {
    "lat": FromPlaces(lambda places: _at_all_times(places, places.lat), "of the centre of the cell"),
    "land_fraction": FromPlaces(lambda places: _at_all_times(places, places.land_fraction), "the same at all times"),
    "cos_zenith": FromPlaces(
        _cosine_zenith, "at the time of the column, mean solar time; declination by Spencer (1971)"
    ),
}
"""Inputs that follow from where and when a column is, by name."""

DERIVED = (*FROM_INPUTS, *FROM_PLACES)


def needed(inputs: Iterable[str], given: Container[str]) -> tuple[str, ...]:
    """Names of the inputs that a source itself has to give, each once: those wanted, or what they are computed from."""
    names: dict[str, None] = {}
    for name in inputs:
        if name in given or name not in DERIVED:
            names[name] = None
        elif name in FROM_INPUTS:
            names |= dict.fromkeys(FROM_INPUTS[name].requires)
    return tuple(names)


def derive(name: str, inputs: Inputs, pressure: Callable[[], xr.DataArray], places: Places) -> tuple[xr.DataArray, str]:
    """A derived input, and the ``comment`` stored with it; arguments are those of the functions of the two tables."""
    if name in FROM_INPUTS:
        return FROM_INPUTS[name].compute(inputs, pressure), FROM_INPUTS[name].comment
    return xr.DataArray(FROM_PLACES[name].compute(places), dims=("time", "cell")), FROM_PLACES[name].comment
