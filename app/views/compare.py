"""The controls with which a tab compares what is selected with what is pinned."""

from __future__ import annotations

import panel as pn
from panel.viewable import Viewable

from ..state.pinned import COMPARISONS
from ..state.state import State
from .controls import choice, select, switch

DEPENDS = ("compare", "pinned_emulator", "significant")
"""Choices of a comparison of emulators."""


def compare_controls(state: State, *, significance: bool) -> list[Viewable]:
    """How to compare and with which emulator; where there is a test, whether what is not significant stays blank."""
    controls = [choice(state, "compare", "Compare", COMPARISONS), select(state, "pinned_emulator", "Compare with")]
    if significance:
        no_difference = pn.bind(lambda compare: compare != "difference", state.param.compare)
        controls.append(switch(state, "significant", "Blank where not significant", disabled=no_difference))
    return controls
