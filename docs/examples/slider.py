"""A slider: the lapse rate of the layer, by warming its top and cooling its base as much."""

from collections.abc import Mapping

import numpy as np

from diffmp_core.physics.sliders import SLIDERS, Array, InputColumns, Slider


def tilt(columns: InputColumns, kelvin: float) -> Mapping[str, Array]:
    """Temperature with ``kelvin`` added at the top of the layer and taken away at its base, in proportion between."""
    levels = columns["T"].shape[-1]
    return {"T": columns["T"] + kelvin * np.linspace(-1.0, 1.0, levels) if levels > 1 else columns["T"]}


SLIDERS.register(
    Slider(
        name="tilt_T",
        label="Tilt T",
        definition="Warming of the top of the layer, and cooling of its base [K]",
        formula="T → T + a (2 k/(n − 1) − 1), k = 0 … n − 1 upward",
        low=-3.0,
        high=3.0,
        step=0.25,
        changes=("T",),
        change=tilt,
        of_layer=True,
        unit="K",
        factor=1.0,
        number_format="+0.00",
        quantity="warming of the layer's top",
        gerund="Tilting T",
        words=lambda kelvin: f"T tilted by {kelvin:+g} K",
    )
)
