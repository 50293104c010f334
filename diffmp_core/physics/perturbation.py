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
from diffmp_core.physics.sliders import SLIDERS, InputColumns
from diffmp_core.variables import INPUT_NAMES, LEVELS

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
        if not 1 <= top_level <= LEVELS:
            raise DiffmpError(f"expected top_level from 1 to {LEVELS}, found {top_level}; choose one")
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
    def settings(self) -> tuple[str, ...]:
        """Names of the sliders that are not neutral."""
        return tuple(name for name, _ in self.changed)

    @property
    def identity(self) -> tuple[tuple[str, float], ...]:
        """What it does, the same for any two that do the same: settings by name, ``top_level`` where it matters."""
        layer = [("top_level", self.top_level)] if any(SLIDERS[name].of_layer for name in self.settings) else []
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
        inputs: by name ``(..., level)`` of the levels 0 to ``top_level - 1`` alone; ``qv`` among them.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or of the shape of the profiles.
        layer_mass: [kg m-2], ``(level,)`` or of the shape of the profiles.
    """
    found = _applied(inputs, perturbation, pressure=pressure, layer_mass=layer_mass, of_layer=True)
    return found | {"qv": np.maximum(found["qv"], 0.0)}


def perturb(
    inputs: NDArray, perturbation: Perturbation, *, pressure: NDArray, layer_mass: NDArray
) -> NDArray[np.float32]:
    """Perturbed inputs (Figures 12 and 13): those of the layer, then of the whole column; vapour stays >= 0.

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
    changed = dict(zip(INPUT_NAMES, inputs.astype(np.float64).swapaxes(0, 1), strict=True))
    air = {"pressure": np.asarray(pressure), "layer_mass": np.asarray(layer_mass)}
    layer = np.s_[..., : perturbation.top_level]
    below = {name: values[layer] for name, values in changed.items()}
    for name, values in perturb_layer(
        below, perturbation, **{name: values[layer] for name, values in air.items()}
    ).items():
        changed[name][layer] = values
    whole = _applied(changed, perturbation, **air, of_layer=False)
    return np.stack([whole[name] for name in INPUT_NAMES], axis=1).astype(np.float32)


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
