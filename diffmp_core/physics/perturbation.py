"""Changes of a column by hand (Section 4.3, Figures 12 and 13 of the paper): what the sliders mean, as pure functions.

Below a chosen level the stratification of temperature or vapour is neutralised as mixing would do it, conserving the
enthalpy and the water of the layer; the boundary layer is warmed or moistened; surface fluxes and radiation are scaled.
What each slider does is said in :mod:`diffmp_core.physics.sliders`. The emulator's answer is
:mod:`diffmp_core.response.sensitivity`, the cloud-resolving model's :mod:`diffmp_core.crm.response`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.moisture import mixing_ratio, per_moist_air, relative_humidity, vapour_name
from diffmp_core.physics.sliders import SLIDERS, InputColumns
from diffmp_core.variables import Channels

Array = NDArray[np.float64]


@dataclass(frozen=True, init=False)
class Perturbation:
    """A change of the inputs of a column: the layer, and settings of sliders; none changes nothing.

    Attributes:
        top_level: the layer that is changed has the levels 0 to ``top_level - 1``.
        changed: name and setting of each slider that is not neutral, in the order of :data:`SLIDERS`.
    """

    top_level: int
    changed: tuple[tuple[str, float], ...]

    def __init__(self, *, top_level: int = 11, **settings: float) -> None:
        """``settings`` by the names of sliders; the others are neutral.

        Raises:
            DiffmpError: an unknown slider, or a value out of its bounds.
        """
        if top_level < 1:
            raise DiffmpError(f"expected top_level of 1 or more, found {top_level}; choose a level")
        for name, value in settings.items():
            low, high = SLIDERS.find(name).bounds
            if not low <= value <= high:
                raise DiffmpError(f"expected {name} from {low:g} to {high:g}, found {value!r}; choose one between")
        names = [name for name, slider in SLIDERS.items() if settings.get(name, slider.neutral) != slider.neutral]
        object.__setattr__(self, "top_level", top_level)
        object.__setattr__(self, "changed", tuple((name, settings[name]) for name in names))

    def __getitem__(self, name: str) -> float:
        """The setting of a slider."""
        return dict(self.changed).get(name, SLIDERS[name].neutral)

    def as_dict(self) -> dict[str, float]:
        """``top_level`` and the setting of every slider, by name."""
        return {"top_level": self.top_level, **{name: self[name] for name in SLIDERS}}

    @property
    def changes_nothing(self) -> bool:
        """Whether the inputs stay as they are."""
        return not self.changed

    @property
    def changes_layer(self) -> bool:
        """Whether a layer changes, so that it matters how deep it is."""
        return any(SLIDERS[name].of_layer for name in self.settings)

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the sliders that are not neutral."""
        return tuple(name for name, _ in self.changed)

    @property
    def identity(self) -> tuple[tuple[str, float], ...]:
        """What it does, the same for any two that do the same: settings by name, ``top_level`` where it matters."""
        layer = [("top_level", self.top_level)] if self.changes_layer else []
        return tuple((name, round(float(value), 6)) for name, value in (*layer, *self.changed))

    @property
    def words(self) -> str:
        """The change in words."""
        below = f" below level {self.top_level}"
        parts = (f"{SLIDERS[n].words(value)}{below if SLIDERS[n].of_layer else ''}" for n, value in self.changed)
        return ", ".join(parts) or "nothing changed"

    @property
    def not_in_model(self) -> tuple[str, ...]:
        """Sliders that are not neutral and have no like in the cloud-resolving model."""
        return tuple(name for name in self.settings if not SLIDERS[name].in_model)


def perturb_layer(
    inputs: Mapping[str, NDArray], perturbation: Perturbation, *, pressure: NDArray, layer_mass: NDArray
) -> dict[str, Array]:
    """Inputs of the changed layer, by all sliders that act on it, one after the other; vapour stays >= 0.

    Args:
        inputs: by name ``(..., level)`` of the levels 0 to ``top_level - 1`` alone; vapour as its mixing ratio ``qv``.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or of the shape of the profiles.
        layer_mass: [kg m-2], ``(level,)`` or of the shape of the profiles.
    """
    found = _applied(inputs, perturbation, pressure=pressure, layer_mass=layer_mass, of_layer=True)
    return found | ({"qv": np.maximum(found["qv"], 0.0)} if "qv" in found else {})


def sliders_of(inputs: Channels) -> tuple[str, ...]:
    """Sliders that have something to change among these inputs, in their order; the others have no meaning.

    Vapour is there under either name. Where relative humidity is, too, a change of temperature or vapour needs both, so
    that it can follow.
    """
    return tuple(name for name in SLIDERS if not _missing(name, inputs))


def _missing(slider: str, inputs: Channels) -> tuple[str, ...]:
    """What a slider needs and these inputs lack."""
    there = {*inputs.names, *(["qv"] if vapour_name(inputs) else [])}
    needed = dict.fromkeys(SLIDERS[slider].changes)
    if "RH" in inputs and needed.keys() & {"T", "qv"}:
        needed |= dict.fromkeys(("T", "qv"))
    return tuple(name for name in needed if name not in there)


def perturb(
    inputs: NDArray, perturbation: Perturbation, *, channels: Channels, pressure: NDArray, layer_mass: NDArray
) -> NDArray[np.float32]:
    """Perturbed inputs (Figures 12 and 13): those of the layer, then of the whole column; vapour stays >= 0.

    Sliders change vapour as a mixing ratio, whichever humidity the inputs have. What is derived from temperature and
    vapour (relative and specific humidity, differences between levels) follows; all else, winds and cloud too, stays.

    Args:
        inputs: ``(column, input, level)`` in physical units.
        perturbation: what to change.
        channels: of the inputs.
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.

    Returns:
        ``(column, input, level)`` float32; the inputs themselves are not touched.

    Raises:
        DiffmpError: arrays whose shapes do not fit, or a slider that has nothing to change among these inputs.
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
    for name in perturbation.settings:
        if missing := _missing(name, channels):
            raise DiffmpError(
                f"expected {' and '.join(missing)} among the inputs for {name}, found {', '.join(channels.names)}; "
                "leave that slider as it is"
            )
    before = _by_name(inputs, channels)
    changed = {name: values.copy() for name, values in before.items()}
    air = {"pressure": np.asarray(pressure), "layer_mass": np.asarray(layer_mass)}
    layer = np.s_[..., : perturbation.top_level]
    below = {name: values[layer] for name, values in changed.items()}
    for name, values in perturb_layer(
        below, perturbation, **{name: values[layer] for name, values in air.items()}
    ).items():
        changed[name][layer] = values
    whole = _applied(changed, perturbation, **air, of_layer=False)
    followed = whole | _derived(before, whole, pressure)
    return np.stack([followed[name] for name in channels.names], axis=1).astype(np.float32)


def _by_name(inputs: NDArray, channels: Channels) -> dict[str, Array]:
    """Inputs by name ``(column, level)``, and their vapour as its mixing ratio ``qv``."""
    found = dict(zip(channels.names, inputs.astype(np.float64).swapaxes(0, 1), strict=True))
    if vapour_name(channels) == "q":
        found["qv"] = np.asarray(mixing_ratio(inputs.astype(np.float64), channels))
    return found


def _derived(before: Mapping[str, Array], changed: Mapping[str, Array], pressure: NDArray) -> dict[str, Array]:
    """Inputs ``(column, level)`` that follow from T and vapour: as before, to the last digit, where these are."""
    found: dict[str, Array] = {}
    for name, of in (("T_minus_below", "T"), ("qv_minus_below", "qv")):
        if name in changed and of in changed:
            step = np.diff(changed[of] - before[of], axis=-1, prepend=0.0)
            found[name] = changed[name] + np.where(np.arange(step.shape[-1]) > 0, step, 0.0)
    if "q" in changed:
        moved = changed["qv"] != before["qv"]
        found["q"] = np.where(moved, per_moist_air(changed["qv"], changed["qv"]), changed["q"])
    if {"RH", "T", "qv"} <= changed.keys():
        old, new = (relative_humidity(values["T"], values["qv"], pressure) for values in (before, changed))
        share = np.divide(new, old, out=np.ones_like(new), where=old > 0)
        found["RH"] = np.where(old > 0, changed["RH"] * share, new)
    return found


def _applied(
    inputs: Mapping[str, NDArray],
    perturbation: Perturbation,
    *,
    pressure: NDArray,
    layer_mass: NDArray,
    of_layer: bool,
) -> dict[str, Array]:
    """Inputs by name, changed by the sliders of the layer or by the others."""
    found = {name: np.asarray(values, dtype=np.float64) for name, values in inputs.items()}
    for name, setting in perturbation.changed:
        if SLIDERS[name].of_layer == of_layer:
            found |= SLIDERS[name].change(InputColumns(found, pressure, layer_mass), setting)
    return found
