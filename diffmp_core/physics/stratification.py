"""Stratification of a layer: potential temperature, and what mixing would leave of temperature and vapour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, REFERENCE_PRESSURE, SPECIFIC_HEAT_DRY_AIR

Array = NDArray[np.float64]


def exner(pressure: NDArray) -> Array:
    """Exner function ``(p / p_0)^(R_d / c_p)`` [1] of pressure [Pa]."""
    kappa = GAS_CONSTANT_DRY_AIR / SPECIFIC_HEAT_DRY_AIR
    return (np.asarray(pressure, dtype=np.float64) / REFERENCE_PRESSURE) ** kappa


def potential_temperature(temperature: NDArray, pressure: NDArray) -> Array:
    """Potential temperature ``T (p_0 / p)^(R_d / c_p)`` [K] of temperature [K] and pressure [Pa]."""
    return np.asarray(temperature, dtype=np.float64) / exner(pressure)


def neutralise_temperature(temperature: NDArray, pressure: NDArray, layer_mass: NDArray, share: float) -> Array:
    """Temperature of a layer ``(column, level)`` blended toward uniform potential temperature.

    ``theta = sum(m T) / sum(m Pi)`` is the uniform potential temperature of the same enthalpy ``sum(m c_p T)``, as in
    dry convective adjustment (Manabe and Strickler 1964, doi:10.1175/1520-0469(1964)021<0361:TEOTAW>2.0.CO;2); a blend
    of both profiles keeps the enthalpy, too.

    Args:
        temperature: [K].
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: m [kg m-2], ``(level,)`` or ``(column, level)``.
        share: 0 keeps the profile, 1 gives the neutral one.
    """
    temperature = np.asarray(temperature, dtype=np.float64)
    factor = np.broadcast_to(exner(pressure), temperature.shape)
    mass = np.broadcast_to(np.asarray(layer_mass, dtype=np.float64), temperature.shape)
    theta = (mass * temperature).sum(-1, keepdims=True) / (mass * factor).sum(-1, keepdims=True)
    return temperature + share * (theta * factor - temperature)


def neutralise_vapour(vapour: NDArray, layer_mass: NDArray, share: float) -> Array:
    """Vapour of a layer ``(column, level)`` [kg kg-1] blended toward its mass-weighted mean; keeps ``sum(m qv)``."""
    vapour = np.asarray(vapour, dtype=np.float64)
    mass = np.broadcast_to(np.asarray(layer_mass, dtype=np.float64), vapour.shape)
    mean = (mass * vapour).sum(-1, keepdims=True) / mass.sum(-1, keepdims=True)
    return vapour + share * (mean - vapour)
