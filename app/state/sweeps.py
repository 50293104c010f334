"""Sliders of the Sensitivity tab as axes of a sweep: which settings they move, between which values, in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diffmp_core.physics.sliders import SLIDERS

from .choices import Bounds, Choices, field_bounds

ONE_WAY, TWO_WAY = 21, 11
"""Values of a slider at most, swept alone or with another one; odd, so that the middle is among them."""


@dataclass(frozen=True, kw_only=True)
class SweptSlider:
    """A slider, or two that move together.

    Attributes:
        label: what it changes, in words.
        settings: names in ``Choices`` and ``Perturbation``.
        unit, factor: how values are read, ``shown = setting * factor``.
        whole: only whole numbers.
    """

    label: str
    settings: tuple[str, ...]
    unit: str
    factor: float = 1.0
    whole: bool = False

    @property
    def neutral(self) -> float:
        """The setting that changes nothing; where every setting does, the one at the start."""
        return float(Choices.model_fields[self.settings[0]].default)

    @property
    def axis_label(self) -> str:
        """Words for an axis."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    def values(self, most: int, bounds: Mapping[str, Bounds]) -> tuple[float, ...]:
        """Settings from one end of the slider to the other, evenly spread, at most so many.

        ``bounds`` are those that only the experiment knows.
        """
        low, high = bounds.get(self.settings[0]) or field_bounds(self.settings[0]) or (0.0, 1.0)
        if not self.whole:
            return tuple(float(value) for value in np.linspace(low, high, most).round(6))
        return tuple(range(int(low), int(high) + 1, -(-int(high - low + 1) // most)))


SWEPT_SLIDERS: Mapping[str, SweptSlider] = {
    "fluxes": SweptSlider(label="both surface fluxes", settings=("scale_SHF", "scale_LHF"), unit="%", factor=100.0),
    **{
        name: SweptSlider(label=slider.quantity, settings=(name,), unit=slider.unit, factor=slider.factor)
        for name, slider in SLIDERS.items()
    },
    "top_level": SweptSlider(label="levels in the changed layer", settings=("top_level",), unit="", whole=True),
}
"""Sliders by the names that ``Choices.sweep`` takes."""
