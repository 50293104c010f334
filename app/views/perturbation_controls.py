"""Sliders that change the inputs of a column, and presets of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import panel as pn
import panel_material_ui as pmui
import param
from panel.viewable import Viewable

from diffmp_core.physics.perturbation import settings_of
from diffmp_core.variables import Channels

from ..state.choices import PERTURBATIONS
from ..state.presets import PRESETS
from ..state.state import State
from .controls import small_button, stepped_slider

FLUXES = ("scale_SHF", "scale_LHF")
"""Sliders that the switch moves together."""


class PerturbationControls:
    """Presets, sliders, and the switch that moves both fluxes together; those that :meth:`offer` finds to apply."""

    def __init__(self, state: State, top_words: Callable[[int], str]) -> None:
        """``top_words`` says where the top of the changed layer is."""
        self.state, self.top_words = state, top_words
        equal = state.scale_SHF == state.scale_LHF
        self.linked = pmui.Switch(label="Both fluxes together", value=equal, size="small", margin=(4, 4))
        self.ranges = {name: _hint() for name in PERTURBATIONS if name != "top_level"}
        self.buttons = {name: small_button(name, partial(self.apply, name)) for name in PRESETS}
        self.controls = {
            "neutralise_T": self._slider("neutralise_T", "Neutralise T", "0%"),
            "neutralise_qv": self._slider("neutralise_qv", "Neutralise qv", "0%"),
            "warming": self._slider("warming", "Warm or cool [K]", "+0.00"),
            "moistening": self._slider("moistening", "Moisten or dry", "+0%"),
            "top_level": stepped_slider(state, "top_level", "Below", self.top_words),
            "scale_SHF": self._slider("scale_SHF", "Sensible heat flux", "0%"),
            "scale_LHF": self._slider("scale_LHF", "Latent heat flux", "0%"),
            "linked": self.linked,
            "scale_SOLIN": self._slider("scale_SOLIN", "Incoming sunlight", "0%"),
        }
        state.param.watch(self._link_fluxes, list(FLUXES))

    def presets(self) -> list[Viewable]:
        """One button a preset."""
        return list(self.buttons.values())

    def sliders(self) -> list[Viewable]:
        """All sliders, one below the other."""
        return list(self.controls.values())

    def offer(self, inputs: Channels) -> None:
        """Show what acts on these inputs, and nothing else."""
        known = set(settings_of(inputs))
        if any(not name.startswith("scale_") for name in known):
            known.add("top_level")
        if known >= set(FLUXES):
            known.add("linked")
        for name, control in self.controls.items():
            control.visible = name in known
        for name, button in self.buttons.items():
            button.visible = set(PRESETS[name]) <= known

    def say_ranges(self, sentences: Mapping[str, str]) -> None:
        """Say below each slider named that it leads out of the training data; nothing below the others."""
        for name, hint in self.ranges.items():
            text = sentences.get(name, "")
            hint.param.update(object=f"▲ {text}" if text else "", visible=bool(text))

    def apply(self, preset: str) -> None:
        """Put all sliders to a preset; the changed layer stays as deep as it is."""
        settings = {n: self.state.param[n].default for n in PERTURBATIONS if n != "top_level"}
        self.state.param.update(**(settings | dict(PRESETS[preset])))

    def _slider(self, name: str, label: str, number_format: str) -> Viewable:
        """A slider and the line below it that says where it leads."""
        made = _slider(self.state, name, label, number_format)
        return pn.Column(made, self.ranges[name], sizing_mode="stretch_width", margin=0)

    def _link_fluxes(self, *events: param.parameterized.Event) -> None:
        """Let one flux follow the other while they are linked and only one was moved by hand."""
        if self.state.restoring:
            self.linked.value = self.state.scale_SHF == self.state.scale_LHF
        elif self.linked.value and len(events) == 1:
            self.state.param.update(scale_SHF=events[0].new, scale_LHF=events[0].new)


def _hint() -> pmui.Typography:
    """An empty line below a slider, in the colour of a warning."""
    return pmui.Typography(
        "", variant="caption", color="error", visible=False, sizing_mode="stretch_width", margin=(0, 8, 4, 8)
    )


def _slider(state: State, name: str, label: str, number_format: str) -> Viewable:
    return pmui.FloatSlider.from_param(
        state.param[name], label=label, description="", format=number_format, size="small",
        sizing_mode="stretch_width", margin=(2, 8),
    )  # fmt: skip
