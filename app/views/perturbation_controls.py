"""Sliders that change the inputs of a column, and presets of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import panel as pn
import panel_material_ui as pmui
import param
from panel.viewable import Viewable

from diffmp_core.physics.perturbation import sliders_of
from diffmp_core.physics.sliders import SLIDERS, Slider
from diffmp_core.variables import Channels

from ..state.choices import PERTURBATIONS
from ..state.presets import PRESETS
from ..state.state import State
from .controls import small_button, stepped_slider

FLUXES, LINKED = ("scale_SHF", "scale_LHF"), "linked"
"""Sliders that the switch moves together, and what stands for the switch among the controls."""


class PerturbationControls:
    """Presets, sliders, and the switch that moves both fluxes together; those that :meth:`offer` finds to apply."""

    def __init__(self, state: State, top_words: Callable[[int], str]) -> None:
        """``top_words`` says where the top of the changed layer is."""
        self.state, self.top_words = state, top_words
        equal = state.scale_SHF == state.scale_LHF
        self.linked = pmui.Switch(label="Both fluxes together", value=equal, size="small", margin=(4, 4))
        self.ranges = {name: _hint() for name in PERTURBATIONS if name != "top_level"}
        self.buttons = {name: small_button(name, partial(self.apply, name)) for name in PRESETS}
        self.controls = self._controls()
        state.param.watch(self._link_fluxes, list(FLUXES))

    def presets(self) -> list[Viewable]:
        """One button a preset."""
        return list(self.buttons.values())

    def sliders(self) -> list[Viewable]:
        """All sliders, one below the other."""
        return list(self.controls.values())

    def offer(self, inputs: Channels) -> None:
        """Show what changes something among these inputs, and nothing else."""
        known = {*sliders_of(inputs)}
        known |= {"top_level"} if any(SLIDERS[name].of_layer for name in known) else set()
        known |= {LINKED} if known >= set(FLUXES) else set()
        for name, control in self.controls.items():
            control.visible = name in known
        for name, button in self.buttons.items():
            button.visible = set(PRESETS[name]) <= known

    def _controls(self) -> dict[str, Viewable]:
        """Sliders of the layer, its depth, the other sliders, and the switch below the fluxes."""
        state = self.state
        made = {name: self._slider(slider) for name, slider in SLIDERS.items() if slider.of_layer}
        made["top_level"] = stepped_slider(state, "top_level", "Below", self.top_words)
        for name, slider in SLIDERS.items():
            if not slider.of_layer:
                made |= {name: self._slider(slider)} | ({LINKED: self.linked} if name == FLUXES[-1] else {})
        return made

    def _slider(self, slider: Slider) -> Viewable:
        """A slider and the line below it that says where it leads."""
        label = f"{slider.label} [{slider.unit}]" if slider.unit and slider.unit != "%" else slider.label
        made = _slider(self.state, slider.name, label, slider.number_format)
        return pn.Column(made, self.ranges[slider.name], sizing_mode="stretch_width", margin=0)

    def say_ranges(self, sentences: Mapping[str, str]) -> None:
        """Say below each slider named that it leads out of the training data; nothing below the others."""
        for name, hint in self.ranges.items():
            text = sentences.get(name, "")
            hint.param.update(object=f"▲ {text}" if text else "", visible=bool(text))

    def apply(self, preset: str) -> None:
        """Put all sliders to a preset; the changed layer stays as deep as it is."""
        settings = {n: self.state.param[n].default for n in PERTURBATIONS if n != "top_level"}
        self.state.param.update(**(settings | dict(PRESETS[preset])))

    def _link_fluxes(self, *events: param.parameterized.Event) -> None:
        """Let one flux follow the other while they are linked and only one was moved by hand."""
        if self.state.restoring:
            self.linked.value = self.state.scale_SHF == self.state.scale_LHF
        elif self.linked.value and self.linked.visible and len(events) == 1:
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
