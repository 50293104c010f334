"""Sliders that change the inputs of a column, and presets of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import panel_material_ui as pmui
import param
from panel.viewable import Viewable

from app.state import State
from app.views.controls import stepped_slider

PRESETS: dict[str, Mapping[str, float]] = {
    "T neutralised": {"neutralise_T": 1.0},
    "qv neutralised": {"neutralise_qv": 1.0},
    "Fluxes −40 %": {"scale_SHF": 0.6, "scale_LHF": 0.6},
    "Fluxes −70 %": {"scale_SHF": 0.3, "scale_LHF": 0.3},
    "2 K cooler": {"warming": -2.0},
    "20 % drier": {"moistening": -0.2},
}
"""Settings worth a look; the first four are the experiments of the paper's Figures 12 and 13."""


class PerturbationControls:
    """Presets, sliders, and the switch that moves both fluxes together."""

    def __init__(self, state: State, top_words: Callable[[int], str]) -> None:
        """``top_words`` says where the top of the changed layer is."""
        self.state, self.top_words = state, top_words
        self.linked = pmui.Switch(label="Both fluxes together", value=True, size="small", margin=(4, 4))
        state.param.watch(self._link_fluxes, ["scale_SHF", "scale_LHF"])

    def presets(self) -> list[Viewable]:
        """One button a preset, and one that puts all sliders back."""
        state = self.state
        buttons: list[Viewable] = [
            pmui.Button(
                label=name, size="small", variant="outlined", margin=2, on_click=lambda _, n=name: self.apply(n)
            )
            for name in PRESETS
        ]
        reset = pmui.Button(
            label="Reset", size="small", variant="text", margin=2, on_click=lambda _: state.reset_perturbations()
        )
        return [*buttons, reset]

    def sliders(self) -> list[Viewable]:
        """All sliders, one below the other."""
        state = self.state
        return [
            _slider(state, "neutralise_T", "Neutralise T", "0%"),
            _slider(state, "neutralise_qv", "Neutralise qv", "0%"),
            _slider(state, "warming", "Warm or cool [K]", "+0.00"),
            _slider(state, "moistening", "Moisten or dry", "+0%"),
            stepped_slider(state, "top_level", "Below", self.top_words),
            _slider(state, "scale_SHF", "Sensible heat flux", "0%"),
            _slider(state, "scale_LHF", "Latent heat flux", "0%"),
            self.linked,
            _slider(state, "scale_SOLIN", "Incoming sunlight", "0%"),
        ]

    def apply(self, preset: str) -> None:
        """Put all sliders to a preset; the changed layer stays as deep as it is."""
        settings = {n: self.state.param[n].default for n in State.PERTURBATIONS if n != "top_level"}
        self.state.param.update(**(settings | dict(PRESETS[preset])))

    def _link_fluxes(self, *events: param.parameterized.Event) -> None:
        """Let one flux follow the other while they are linked and only one was moved."""
        if self.linked.value and len(events) == 1:
            self.state.param.update(scale_SHF=events[0].new, scale_LHF=events[0].new)


def _slider(state: State, name: str, label: str, number_format: str) -> Viewable:
    return pmui.FloatSlider.from_param(
        state.param[name], label=label, description="", format=number_format, size="small",
        sizing_mode="stretch_width", margin=(2, 8),
    )  # fmt: skip
