"""The sliders: what each changes in the inputs of a column, by how much, and in which words.

Options of the page, addresses, sweeps, cautions and :class:`diffmp_core.physics.perturbation.Perturbation` follow from
:data:`SLIDERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffmp_core.physics.stratification import neutralise_temperature, neutralise_vapour
from diffmp_core.registry import Registry

Array = NDArray[np.float64]

MODEL_PROFILES = ("T", "qv")
"""Inputs whose profiles the cloud-resolving model changes as a slider of the layer does."""


@dataclass(frozen=True)
class InputColumns:
    """Inputs of some columns that are to be changed.

    Attributes:
        values: by name ``(..., level)``, SI.
        pressure, layer_mass: [Pa], [kg m-2], ``(level,)`` or ``(..., level)``.
    """

    values: Mapping[str, Array]
    pressure: NDArray
    layer_mass: NDArray

    def __getitem__(self, name: str) -> Array:
        return self.values[name]


@dataclass(frozen=True, kw_only=True)
class Slider:
    """One setting of a change of a column.

    Attributes:
        name: in addresses, files and :class:`diffmp_core.physics.perturbation.Perturbation`.
        label: what the page calls it.
        definition: what a setting of it does.
        formula: the same in symbols.
        low, high: ends of the slider.
        limits: what is accepted at all, from Python; the ends of the slider if None.
        step: of the slider.
        neutral: the setting that changes nothing.
        changes: inputs that it changes.
        change: ``change(columns, setting)`` gives those inputs, changed. A slider of the layer gets its levels alone.
        of_layer: whether it acts below the chosen level only.
        unit, factor: how a setting is read, ``shown = setting * factor``.
        number_format: on the page.
        quantity: what it sweeps, in words.
        gerund: what a setting does, at the beginning of a sentence.
        words: a change in words, for titles.
        also_tells: what a setting goes with, though it does not cause it; a sentence, or ''.
        model_attribute: attribute of a cell of the cloud-resolving model that takes the setting
            (:class:`diffmp_core.crm.cell.Cell`); '' for none.
    """

    name: str
    label: str
    definition: str
    formula: str
    low: float
    high: float
    step: float
    changes: tuple[str, ...]
    change: Callable[[InputColumns, float], Mapping[str, Array]]
    quantity: str
    gerund: str
    words: Callable[[float], str]
    limits: tuple[float, float] | None = None
    neutral: float = 0.0
    of_layer: bool = False
    unit: str = "%"
    factor: float = 100.0
    number_format: str = "0%"
    also_tells: str = ""
    model_attribute: str = ""

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest setting that is accepted."""
        return self.limits or (self.low, self.high)

    @property
    def in_model(self) -> bool:
        """Whether the cloud-resolving model can make the same change."""
        return bool(self.model_attribute) or (self.of_layer and set(self.changes) <= set(MODEL_PROFILES))


def _neutralised(name: str) -> Callable[[float], str]:
    return lambda share: f"{name} neutralised" + ("" if share == 1 else f" by {share:.0%}")


def _scaling(variable: str, name: str, **words: Any) -> Slider:
    """A factor on one of the fluxes or the radiation."""
    return Slider(
        name=f"scale_{variable}",
        formula=f"{variable} → f · {variable}",
        low=0.0,
        high=2.0,
        step=0.05,
        neutral=1.0,
        changes=(variable,),
        change=lambda columns, factor: {variable: columns[variable] * factor},
        words=lambda factor: f"{name} × {factor:g}",
        **words,
    )


GUSTS = "Gusts of convection raise the surface fluxes, so weaker ones also tell of less convection."

SLIDERS: Registry[Slider] = Registry(
    "slider",
    (
        Slider(
            name="neutralise_T",
            label="Neutralise T",
            definition="Part of the stratification of T removed",
            formula="θ → (1 − a) θ + a θₘ, θₘ keeping the layer's enthalpy; a from 0 to 1",
            low=0.0,
            high=1.0,
            step=0.05,
            changes=("T",),
            change=lambda columns, share: {
                "T": neutralise_temperature(columns["T"], columns.pressure, columns.layer_mass, share)
            },
            of_layer=True,
            quantity="stratification of T mixed away",
            gerund="Neutralising T",
            words=_neutralised("T"),
        ),
        Slider(
            name="neutralise_qv",
            label="Neutralise qv",
            definition="Part of the stratification of qv removed",
            formula="q → (1 − a) q + a qₘ, qₘ keeping the layer's water; a from 0 to 1",
            low=0.0,
            high=1.0,
            step=0.05,
            changes=("qv",),
            change=lambda columns, share: {"qv": neutralise_vapour(columns["qv"], columns.layer_mass, share)},
            of_layer=True,
            quantity="stratification of qv mixed away",
            gerund="Neutralising qv",
            words=_neutralised("qv"),
        ),
        Slider(
            name="warming",
            label="Warm or cool",
            definition="Warming below this level [K]",
            formula="T → T + ΔT",
            low=-5.0,
            high=5.0,
            limits=(-30.0, 30.0),
            step=0.25,
            changes=("T",),
            change=lambda columns, kelvin: {"T": columns["T"] + kelvin},
            of_layer=True,
            unit="K",
            factor=1.0,
            number_format="+0.00",
            quantity="warming of the layer",
            gerund="Warming or cooling",
            words=lambda kelvin: f"{kelvin:+g} K",
            also_tells="Downdraughts cool the lowest levels, so a colder layer also tells of rain that fell.",
        ),
        Slider(
            name="moistening",
            label="Moisten or dry",
            definition="Relative change of vapour below this level",
            formula="q → (1 + r) q",
            low=-0.5,
            high=0.5,
            limits=(-1.0, 1.0),
            step=0.05,
            changes=("qv",),
            change=lambda columns, part: {"qv": columns["qv"] * (1.0 + part)},
            of_layer=True,
            number_format="+0%",
            quantity="change of vapour in the layer",
            gerund="Moistening or drying",
            words=lambda part: f"{part:+.0%} vapour",
            also_tells="Downdraughts dry the lowest levels, so a drier layer also tells of convection that has been.",
        ),
        _scaling(
            "SHF",
            "SHF",
            label="Sensible heat flux",
            definition="Factor on the sensible heat flux",
            quantity="sensible heat flux",
            gerund="Scaling the sensible heat flux",
            also_tells=GUSTS,
            model_attribute="sensible_factor",
        ),
        _scaling(
            "LHF",
            "LHF",
            label="Latent heat flux",
            definition="Factor on the latent heat flux",
            quantity="latent heat flux",
            gerund="Scaling the latent heat flux",
            also_tells=GUSTS,
            model_attribute="latent_factor",
        ),
        _scaling(
            "SOLIN",
            "sunlight",
            label="Incoming sunlight",
            definition="Factor on the short-wave radiation",
            quantity="incoming sunlight",
            gerund="Scaling the sunlight",
            model_attribute="shortwave_factor",
        ),
    ),
)
"""The sliders, in the order in which they act and are shown."""
