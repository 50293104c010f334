"""Inputs that follow from others, from where a column is or from the date: every source has them.

They are offered by name beside what the source itself holds; of a name that it holds, its own values are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from diffmp_core.physics.buoyancy import level_pressure
from diffmp_core.physics.moisture import per_moist_air, relative_humidity
from diffmp_core.physics.solar import cosine_zenith, declination_of, hour_of


@dataclass(frozen=True)
class Known:
    """What is known of columns when an input is derived.

    Attributes:
        inputs: by name, (time, cell[, level]), in the units of the variables.
        time: dates ``(time,)``.  lat, lon: ``(cell,)`` degrees.  land_fraction: ``(cell,)``.
        layer_mass: ``(cell, level)`` [kg m-2].  pressure: ``(level,)`` nominal [Pa].
        air_pressure: (time, cell, level) [Pa], where the source knows it.
    """

    inputs: Mapping[str, xr.DataArray]
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    land_fraction: np.ndarray
    layer_mass: np.ndarray
    pressure: np.ndarray
    air_pressure: xr.DataArray | None = None

    def pressure_on_levels(self) -> xr.DataArray:
        """Pressure of the air [Pa] (time, cell, level): the source's, or from surface pressure and layer mass."""
        if self.air_pressure is not None:
            return self.air_pressure
        return xr.apply_ufunc(
            level_pressure,
            self.inputs["Ps"],
            xr.DataArray(self.layer_mass, dims=("cell", "level")),
            kwargs={"top_pressure": float(self.pressure[-1])},
            input_core_dims=[[], ["level"]],
            output_core_dims=[["level"]],
            dask="parallelized",
            output_dtypes=[np.float64],
        )


@dataclass(frozen=True)
class Derived:
    """One derived input.

    Attributes:
        of: other inputs that it is made of.
        make: gives it, dims (time, cell[, level]).
        comment: what a store says of it.
    """

    of: tuple[str, ...]
    make: Callable[[Known], xr.DataArray]
    comment: str


def step_from_below(profile: xr.DataArray) -> xr.DataArray:
    """A profile less its value one level below, 0 at the lowest."""
    below = np.maximum(np.arange(profile.sizes["level"]) - 1, 0)
    return profile - profile.isel(level=below)


def _of_cell(known: Known, values: np.ndarray) -> xr.DataArray:
    shape = len(known.time), len(values)
    return xr.DataArray(np.broadcast_to(np.asarray(values, dtype=np.float32), shape), dims=("time", "cell"))


def _cosine_zenith(known: Known) -> xr.DataArray:
    declination, hour = declination_of(known.time)[:, None], hour_of(known.time)[:, None]
    return xr.DataArray(cosine_zenith(known.lat, known.lon, declination, hour), dims=("time", "cell"))


DERIVED: Mapping[str, Derived] = {
    "q": Derived(
        ("qv",), lambda known: per_moist_air(known.inputs["qv"], known.inputs["qv"]), "from the mixing ratio, qv/(1+qv)"
    ),
    "RH": Derived(
        ("T", "qv", "Ps"),
        lambda known: xr.apply_ufunc(
            relative_humidity, known.inputs["T"], known.inputs["qv"], known.pressure_on_levels(), dask="allowed"
        ),
        "vapour pressure over that of saturation over liquid water, Bolton (1980), equation 10, at all temperatures",
    ),
    "T_step": Derived(("T",), lambda known: step_from_below(known.inputs["T"]), "of the levels of this store"),
    "qv_step": Derived(("qv",), lambda known: step_from_below(known.inputs["qv"]), "of the levels of this store"),
    "lat": Derived((), lambda known: _of_cell(known, known.lat), "of the centre of the cell"),
    "land_fraction": Derived((), lambda known: _of_cell(known, known.land_fraction), "the same at all times"),
    "cos_zenith": Derived(
        (), _cosine_zenith, "at the time of the column, mean solar time; declination by Spencer (1971)"
    ),
}
"""Derived inputs by name."""


def needed(inputs: Iterable[str], given: Container[str]) -> tuple[str, ...]:
    """Names of the inputs that a source itself has to give, each once: those wanted, and what others are made of."""
    names: dict[str, None] = {}
    for name in inputs:
        own = name in given or name not in DERIVED
        names |= dict.fromkeys((name,) if own else DERIVED[name].of)
    return tuple(names)
