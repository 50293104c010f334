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
from diffmp_core.physics.moisture import mixing_ratio, per_moist_air, relative_humidity, vapour_name
from diffmp_core.variables import Channels

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
        if self.top_level < 1:
            raise DiffmpError(f"expected top_level of 1 or more, found {self.top_level}; choose a level")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise DiffmpError(f"expected {name} from {low:g} to {high:g}, found {value!r}; choose one between")

    @property
    def changes_nothing(self) -> bool:
        """Whether the inputs stay as they are."""
        return not self.settings

    @property
    def changes_layer(self) -> bool:
        """Whether profiles change, so that it matters how deep the layer is."""
        return any(not name.startswith("scale_") for name in self.settings)

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
        layer = ("top_level",) if self.changes_layer else ()
        return tuple((name, round(float(getattr(self, name)), 6)) for name in (*layer, *self.settings))


def settings_of(inputs: Channels) -> tuple[str, ...]:
    """Settings that can act on these inputs, in the order of :class:`Perturbation`; the others have no meaning."""
    return tuple(name for name, needed in _needs(inputs).items() if all(variable in inputs for variable in needed))


def _needs(inputs: Channels) -> dict[str, tuple[str, ...]]:
    """What each setting needs among the inputs: what it acts on first, then what makes relative humidity follow."""
    vapour = vapour_name(inputs) or "qv"
    follows = "RH" in inputs
    warmth = ("T", *([vapour] if follows else []))
    moisture = (vapour, *(["T"] if follows else []))
    layer = {"neutralise_T": warmth, "neutralise_qv": moisture, "warming": warmth, "moistening": moisture}
    return layer | {f"scale_{name}": (name,) for name in ("SHF", "LHF", "SOLIN")}


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


def perturb_temperature(
    temperature: NDArray, perturbation: Perturbation, *, pressure: NDArray, layer_mass: NDArray
) -> Array:
    """Temperature [K] of the changed layer: neutralised, then warmed.

    Args:
        temperature: ``(..., level)`` of the levels 0 to ``top_level - 1`` alone.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or of the shape of the profiles.
        layer_mass: [kg m-2], ``(level,)`` or of the shape of the profiles.
    """
    return neutralise_temperature(temperature, pressure, layer_mass, perturbation.neutralise_T) + perturbation.warming


def perturb_vapour(vapour: NDArray, perturbation: Perturbation, *, layer_mass: NDArray) -> Array:
    """Vapour [kg kg-1] of the changed layer: neutralised, then moistened, never below 0; else as for temperature."""
    moistened = neutralise_vapour(vapour, layer_mass, perturbation.neutralise_qv) * (1.0 + perturbation.moistening)
    return np.maximum(moistened, 0.0)


def perturb(
    inputs: NDArray, perturbation: Perturbation, *, channels: Channels, pressure: NDArray, layer_mass: NDArray
) -> NDArray[np.float32]:
    """Perturbed inputs (Figures 12 and 13): neutralised, then warmed and moistened, fluxes scaled; vapour stays >= 0.

    Inputs that are derived from temperature and vapour (relative and specific humidity, differences between levels)
    follow; all others, winds and cloud too, stay as they are.

    Args:
        inputs: ``(column, input, level)`` in physical units.
        perturbation: what to change.
        channels: of the inputs.
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.

    Returns:
        ``(column, input, level)`` float32; the inputs themselves are not touched.

    Raises:
        DiffmpError: arrays whose shapes do not fit, or a setting that acts on none of these inputs.
    """
    inputs = np.asarray(inputs)
    least = perturbation.top_level if perturbation.changes_layer else 1
    if inputs.ndim != 3 or inputs.shape[1] != len(channels) or inputs.shape[2] < least:
        raise DiffmpError(
            f"expected inputs (column, {len(channels)}, level) with at least {least} levels, found {inputs.shape}; "
            "stack the channels of a column store, or change a shallower layer"
        )
    columns, _, levels = inputs.shape
    for name, values in (("pressure", pressure), ("layer_mass", layer_mass)):
        if np.shape(values) not in ((levels,), (columns, levels)):
            raise DiffmpError(
                f"expected {name} ({levels},) or ({columns}, {levels}), found {np.shape(values)}; take the columns'"
            )
    known, needs = settings_of(channels), _needs(channels)
    if missing := [name for name in perturbation.settings if name not in known]:
        raise DiffmpError(
            f"expected {' and '.join(needs[missing[0]])} among the inputs for {missing[0]}, found "
            f"{', '.join(channels.names)}; leave that setting as it is"
        )
    layer = np.s_[..., : perturbation.top_level]
    mass, air = np.asarray(layer_mass)[layer], np.asarray(pressure)[layer]
    changed = inputs.astype(np.float64)
    if "warming" in known:
        temperature = changed[:, channels.channel("T")][layer]
        temperature[:] = perturb_temperature(temperature, perturbation, pressure=air, layer_mass=mass)
    if "moistening" in known:
        vapour = changed[:, channels.channel(needs["moistening"][0])][layer]
        vapour[:] = perturb_vapour(vapour, perturbation, layer_mass=mass)
    for setting in known:
        if setting.startswith("scale_"):
            changed[:, channels.channel(needs[setting][0])] *= getattr(perturbation, setting)
    _follow(changed, inputs.astype(np.float64), channels, pressure)
    return changed.astype(np.float32)


def _follow(changed: Array, before: Array, channels: Channels, pressure: NDArray) -> None:
    """Bring inputs ``(column, input, level)`` that are derived from others along with those, in place.

    By what they change, so that they stay as they are to the last digit where nothing does.
    """
    both = (before, changed)
    temperature = [inputs[:, channels.channel("T")] for inputs in both] if "T" in channels else []
    vapour = [mixing_ratio(inputs, channels) for inputs in both] if vapour_name(channels) else []
    for name, pair in (("T_step", temperature), ("qv_step", vapour)):
        if name in channels and pair:
            changed[:, channels.channel(name), 1:] += np.diff(pair[1] - pair[0], axis=-1)
    if "q" in channels and vapour_name(channels) == "qv":
        old, new = (per_moist_air(ratio, ratio) for ratio in vapour)
        changed[:, channels.channel("q")] += new - old
    if "RH" in channels and temperature and vapour:
        old, new = (relative_humidity(t, r, pressure) for t, r in zip(temperature, vapour, strict=True))
        humidity = changed[:, channels.channel("RH")]
        humidity[:] = np.where(old > 0, humidity * np.divide(new, old, out=np.ones_like(new), where=old > 0), new)
