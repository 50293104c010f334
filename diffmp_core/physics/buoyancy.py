"""Work that buoyancy does on a parcel of the lowest level: convective available potential energy, and inhibition.

The parcel rises dry-adiabatically to its lifting condensation level, then along a pseudo-adiabat: what condenses is
liquid and falls out at once, and the equivalent potential temperature of Bolton (1980),
doi:10.1175/1520-0493(1980)108<1046:TCOEPT>2.0.CO;2, keeps its value. Saturation
(:mod:`diffmp_core.physics.moisture`) is his, too: his formulas were fitted together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diffmp_core.constants import (
    GAS_CONSTANT_DRY_AIR,
    GAS_CONSTANT_VAPOUR,
    LATENT_HEAT_VAPORISATION,
    REFERENCE_PRESSURE,
)
from diffmp_core.physics.moisture import EPSILON, saturation_mixing_ratio

ITERATIONS = 3
"""Steps of Newton's method for the temperature of a saturated parcel: within 0.01 K at all levels below 20 km."""

DRIEST = 1e-9
"""Least vapour of a parcel [kg kg-1], so that it has a condensation level."""

Array = NDArray[np.float64]


def virtual_temperature(temperature: NDArray, vapour: NDArray) -> Array:
    """Temperature of dry air of the same density [K]; vapour as mixing ratio [kg kg-1]."""
    return temperature * (1.0 + vapour / EPSILON) / (1.0 + vapour)


def condensation_temperature(temperature: NDArray, vapour: NDArray, pressure: NDArray) -> Array:
    """Temperature at the lifting condensation level [K], at most ``temperature``; Bolton (1980), equation 21."""
    partial = vapour * pressure / (EPSILON + vapour)
    return np.minimum(2840.0 / (3.5 * np.log(temperature) - np.log(partial / 100.0) - 4.805) + 55.0, temperature)


def dry_exponent(vapour: NDArray) -> Array:
    """R/c_p of air with vapour [kg kg-1], for dry ascent; Bolton (1980), equation 22."""
    return 0.2854 * (1.0 - 0.28 * vapour)


def log_equivalent_temperature(
    temperature: NDArray, vapour: NDArray, pressure: NDArray, condensation: NDArray
) -> Array:
    """Logarithm of the equivalent potential temperature [K]; Bolton (1980), equation 43.

    condensation: temperature at the lifting condensation level [K]; that of the air itself where it is saturated.
    """
    latent = (3376.0 / condensation - 2.54) * vapour * (1.0 + 0.81 * vapour)
    return np.log(temperature) + dry_exponent(vapour) * np.log(REFERENCE_PRESSURE / pressure) + latent


def rising_parcel(temperature: NDArray, vapour: NDArray, pressure: NDArray) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Temperature [K] and vapour [kg kg-1] of a parcel lifted from the lowest level, and whether it is saturated.

    Args:
        temperature, vapour: of the lowest level, ``(...,)``.
        pressure: of all levels [Pa], ``(..., level)``, the lowest first.

    Returns:
        Three arrays ``(..., level)``.
    """
    first, vapour = pressure[..., 0], np.maximum(vapour, DRIEST)
    condensation, exponent = condensation_temperature(temperature, vapour, first), dry_exponent(vapour)
    kept = log_equivalent_temperature(temperature, vapour, first, condensation)[..., None]
    base = first * (condensation / temperature) ** (1.0 / exponent)
    saturated = pressure < base[..., None]
    found = condensation[..., None] * np.minimum(pressure / base[..., None], 1.0) ** 0.2
    for _ in range(ITERATIONS):
        content = saturation_mixing_ratio(found, pressure)
        excess = log_equivalent_temperature(found, content, pressure, found) - kept
        moistening = content * LATENT_HEAT_VAPORISATION / (GAS_CONSTANT_VAPOUR * found**2)
        slope = 1.0 / found + (3376.0 / found - 2.54) * moistening - 3376.0 * content / found**2
        found = np.maximum(found - excess / slope, 100.0)
    dry = temperature[..., None] * (pressure / first[..., None]) ** exponent[..., None]
    return (
        np.where(saturated, found, dry),
        np.where(saturated, saturation_mixing_ratio(found, pressure), vapour[..., None]),
        saturated,
    )


def energy_and_inhibition(temperature: NDArray, vapour: NDArray, pressure: NDArray) -> tuple[Array, Array]:
    """Convective available potential energy and inhibition [J kg-1] of a parcel of the lowest level, ``(...,)``.

    Both are integrals of R_d (T_v of the parcel - T_v of the air) over ln p (Doswell and Rasmussen 1994,
    doi:10.1175/1520-0434(1994)009<0625:TEONTV>2.0.CO;2), linear between levels: the energy where the parcel is lighter,
    the inhibition where it is heavier below its level of free convection, the lowest level at which it is saturated and
    lighter. Where there is no such level, the inhibition is what it takes to lift it to the highest one.

    Args:
        temperature [K], vapour as mixing ratio [kg kg-1], pressure [Pa]: ``(..., level)``, the lowest first.
    """
    parcel, content, saturated = rising_parcel(temperature[..., 0], vapour[..., 0], pressure)
    lift = GAS_CONSTANT_DRY_AIR * (virtual_temperature(parcel, content) - virtual_temperature(temperature, vapour))
    below, above = lift[..., :-1], lift[..., 1:]
    depth = np.log(pressure[..., :-1] / pressure[..., 1:])
    lighter, heavier = _part_above_zero(below, above) * depth, _part_above_zero(-below, -above) * depth
    never_free = np.logical_and.accumulate(~(saturated & (lift > 0.0)), axis=-1)
    return lighter.sum(axis=-1), (heavier * never_free[..., :-1]).sum(axis=-1)


def _part_above_zero(first: Array, second: Array) -> Array:
    """Mean of max(x, 0) along a straight line from one value to the other."""
    both, larger = 0.5 * (first + second), np.maximum(first, second)
    crosses = (first > 0.0) != (second > 0.0)
    part = larger**2 / (2.0 * np.where(crosses, np.abs(first - second), 1.0))
    return np.where(crosses, part, np.maximum(both, 0.0))


def level_pressure(surface_pressure: NDArray, layer_mass: NDArray, top_pressure: float) -> Array:
    """Pressure of a column's own levels [Pa], ``(..., level)``: as much of the air lies below each as of the mass.

    Args:
        surface_pressure: [Pa], ``(...,)``.
        layer_mass: [kg m-2], of a shape that fits ``(..., level)``.
        top_pressure: of the highest level [Pa]; it differs little from column to column.
    """
    below = np.cumsum(layer_mass, axis=-1, dtype=np.float64) - 0.5 * np.asarray(layer_mass, dtype=np.float64)
    surface = np.asarray(surface_pressure, dtype=np.float64)[..., None]
    return surface - (surface - top_pressure) * (below / below[..., -1:])
