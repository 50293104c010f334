"""Changes of a column by hand (Section 4.3, Figures 12 and 13 of the paper): what the sliders mean, as pure functions.

Below a chosen level the stratification of temperature or vapour is neutralised as mixing would do it, conserving the
enthalpy and the water of the layer; the boundary layer is warmed or moistened; surface fluxes and radiation are scaled.
The emulator's answer is :mod:`diffmp_core.response.sensitivity`, the cloud-resolving model's
:mod:`diffmp_core.crm.response`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, REFERENCE_PRESSURE, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import INPUT_NAMES, LEVELS

Array = NDArray[np.float64]

_BOUNDS = {
    "neutralise_T": (0.0, 1.0),
    "neutralise_qv": (0.0, 1.0),
    "warming": (-30.0, 30.0),
    "moistening": (-1.0, 1.0),
    "scale_SHF": (0.0, 2.0),
    "scale_LHF": (0.0, 2.0),
    "scale_SOLIN": (0.0, 2.0),
}


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """A change of the inputs of a column; the defaults change nothing.

    Attributes:
        top_level: the layer that is changed has the levels 0 to ``top_level - 1``.
        neutralise_T: share of the stratification of temperature that is mixed away there, 0 to 1.
        neutralise_qv: the same of the vapour.
        warming: temperature added there [K].
        moistening: relative change of the vapour there, -0.2 takes a fifth away.
        scale_SHF, scale_LHF, scale_SOLIN: factors on the fluxes and the radiation, 0 to 2.

    Raises:
        DiffmpError: a value out of its bounds.
    """

    top_level: int = 11
    neutralise_T: float = 0.0
    neutralise_qv: float = 0.0
    warming: float = 0.0
    moistening: float = 0.0
    scale_SHF: float = 1.0
    scale_LHF: float = 1.0
    scale_SOLIN: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.top_level <= LEVELS:
            raise DiffmpError(f"expected top_level from 1 to {LEVELS}, found {self.top_level}; choose one")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise DiffmpError(f"expected {name} from {low:g} to {high:g}, found {value!r}; choose one between")

    @property
    def changes_nothing(self) -> bool:
        """Whether the inputs stay as they are."""
        return not self.settings

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the settings that are not as they are at first, ``top_level`` aside."""
        return tuple(
            field.name
            for field in fields(Perturbation)
            if field.name != "top_level" and getattr(self, field.name) != field.default
        )

    @property
    def identity(self) -> tuple[tuple[str, float], ...]:
        """What it does, the same for any two that do the same: settings by name, ``top_level`` where it matters."""
        names = self.settings
        layer = ("top_level",) if any(not name.startswith("scale_") for name in names) else ()
        return tuple((name, round(float(getattr(self, name)), 6)) for name in (*layer, *names))


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


def perturb_layer(
    temperature: NDArray, vapour: NDArray, perturbation: Perturbation, *, pressure: NDArray, layer_mass: NDArray
) -> tuple[Array, Array]:
    """Temperature [K] and vapour [kg kg-1] of the changed layer: neutralised, then warmed and moistened, vapour >= 0.

    Args:
        temperature, vapour: ``(..., level)`` of the levels 0 to ``top_level - 1`` alone.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or of the shape of the profiles.
        layer_mass: [kg m-2], ``(level,)`` or of the shape of the profiles.
    """
    warmed = neutralise_temperature(temperature, pressure, layer_mass, perturbation.neutralise_T) + perturbation.warming
    moistened = neutralise_vapour(vapour, layer_mass, perturbation.neutralise_qv) * (1.0 + perturbation.moistening)
    return warmed, np.maximum(moistened, 0.0)


def perturb(
    inputs: NDArray, perturbation: Perturbation, *, pressure: NDArray, layer_mass: NDArray
) -> NDArray[np.float32]:
    """Perturbed inputs (Figures 12 and 13): neutralised, then warmed and moistened, fluxes scaled; vapour stays >= 0.

    Args:
        inputs: ``(column, 6, level)`` in physical units.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.

    Returns:
        ``(column, 6, level)`` float32; the inputs themselves are not touched.

    Raises:
        DiffmpError: arrays whose shapes do not fit.
    """
    inputs = np.asarray(inputs)
    if inputs.ndim != 3 or inputs.shape[1] != len(INPUT_NAMES) or perturbation.top_level > inputs.shape[2]:
        raise DiffmpError(
            f"expected inputs (column, {len(INPUT_NAMES)}, level) with at least {perturbation.top_level} levels, "
            f"found {inputs.shape}; stack the channels of a column store"
        )
    columns, _, levels = inputs.shape
    for name, values in (("pressure", pressure), ("layer_mass", layer_mass)):
        if np.shape(values) not in ((levels,), (columns, levels)):
            raise DiffmpError(
                f"expected {name} ({levels},) or ({columns}, {levels}), found {np.shape(values)}; take the columns'"
            )
    layer = np.s_[..., : perturbation.top_level]
    mass, air = np.asarray(layer_mass)[layer], np.asarray(pressure)[layer]
    changed = inputs.astype(np.float64)
    temperature, vapour = changed[:, INPUT_NAMES.index("T")][layer], changed[:, INPUT_NAMES.index("qv")][layer]
    temperature[:], vapour[:] = perturb_layer(temperature, vapour, perturbation, pressure=air, layer_mass=mass)
    for name in ("SHF", "LHF", "SOLIN"):
        changed[:, INPUT_NAMES.index(name)] *= getattr(perturbation, f"scale_{name}")
    return changed.astype(np.float32)
