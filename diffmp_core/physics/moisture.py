"""Water vapour of columns, by whatever name they have it: mixing ratio, specific humidity, relative humidity.

Saturation is that of Bolton (1980), doi:10.1175/1520-0493(1980)108<1046:TCOEPT>2.0.CO;2, over liquid water.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, GAS_CONSTANT_VAPOUR
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import Channels

EPSILON = GAS_CONSTANT_DRY_AIR / GAS_CONSTANT_VAPOUR

Array = NDArray[np.float64]
Values = TypeVar("Values", np.ndarray, xr.DataArray)


def vapour_name(inputs: Channels) -> str | None:
    """Under which name columns have their vapour: ``qv``, mixing ratio, or ``q``, specific humidity; None if neither.

    Columns that have both mean the mixing ratio.
    """
    return next((name for name in ("qv", "q") if name in inputs), None)


def moistening_name(outputs: Channels) -> str | None:
    """Under which name columns have the tendency of vapour: ``tend_qv_sgs``, ``tend_q_sgs``, None if neither."""
    return next((name for name in ("tend_qv_sgs", "tend_q_sgs") if name in outputs), None)


def mixing_ratio(inputs: NDArray[np.floating], channels: Channels) -> NDArray[np.floating]:
    """Vapour mixing ratio ``(..., level)`` [kg kg-1] of inputs ``(..., input, level)``, from whichever they have.

    Raises:
        DiffmpError: the inputs have no vapour.
    """
    name = vapour_name(channels)
    if name is None:
        raise DiffmpError(
            f"expected vapour among the inputs, qv or q, found {', '.join(channels.names)}; use columns that have it"
        )
    vapour = inputs[..., channels.channel(name), :]
    return vapour if name == "qv" else per_dry_air(vapour, vapour)


def per_dry_air(amount: Values, humidity: Values) -> Values:
    """Mixing ratio r = q / (1 - q_v) of what is given per mass of moist air; humidity: of vapour, q_v [kg kg-1]."""
    return amount / (1.0 - humidity)


def per_moist_air(amount: Values, vapour: Values) -> Values:
    """Undo :func:`per_dry_air`: q = r / (1 + r_v); vapour: its mixing ratio r_v [kg kg-1]."""
    return amount / (1.0 + vapour)


def vapour_pressure(temperature: NDArray) -> Array:
    """Saturation vapour pressure over liquid [Pa] of temperature [K]; Bolton (1980), equation 10."""
    return 611.2 * np.exp(17.67 * (temperature - 273.15) / (temperature - 29.65))


def saturation_mixing_ratio(temperature: NDArray, pressure: NDArray) -> Array:
    """Saturation mixing ratio over liquid [kg kg-1], at most ``EPSILON``: hotter or thinner air would boil."""
    vapour = vapour_pressure(temperature)
    return EPSILON * vapour / np.maximum(pressure - vapour, vapour)


def relative_humidity(temperature: NDArray, vapour: NDArray, pressure: NDArray) -> Array:
    """Vapour pressure ``r p / (epsilon + r)`` over that of saturation over liquid [1].

    Both the formula and liquid water at all temperatures are those of the World Meteorological Organization
    (WMO-No. 8, 2018, volume I, annexes 4.A and 4.B).

    Args:
        temperature [K], vapour as mixing ratio [kg kg-1], pressure [Pa]: of shapes that fit together.
    """
    return vapour * pressure / (EPSILON + vapour) / vapour_pressure(temperature)
