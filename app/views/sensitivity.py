"""Sensitivity: what the emulator answers when its inputs are changed by hand, while a slider moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.models import Range1d
from numpy.typing import NDArray
from panel.viewable import Viewable

from app.catalog import Catalog
from app.figures.axes import TITLES, UNITS, VERTICAL_AXES, LevelAxis, level_axis, set_range, value_axis
from app.figures.profile import InputPanel
from app.figures.response import ResponsePanel, band
from app.selections import COMPOSITES, column_facts
from app.state import State
from app.views.answers import Asker
from app.views.controls import stepped_slider
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_channels
from diffmp_core.variables import BY_NAME, INPUT_NAMES, INPUTS, OUTPUTS

DRAG_BUDGET_MS = 100.0
"""Model time that an answer may take while a slider moves; a composite gets as few members as that needs."""

COMPOSITE_MEMBERS = 8
"""Members a column of a composite when the slider rests; the mean over 40 columns needs no more."""

REST_MS = 400
"""A slider rests when it has not moved for this long."""

INPUT_TOP = 4000.0
"""The inputs are drawn up to this height [m], where the sliders act."""

SETTINGS: dict[str, Mapping[str, float]] = {
    "T neutralised (Fig. 12)": {"neutralise_T": 1.0},
    "qv neutralised (Fig. 12)": {"neutralise_qv": 1.0},
    "Fluxes −40 % (Fig. 13)": {"scale_SHF": 0.6, "scale_LHF": 0.6},
    "Fluxes −70 % (Fig. 13)": {"scale_SHF": 0.3, "scale_LHF": 0.3},
    "Boundary layer −2 K": {"bl_warming": -2.0},
    "Boundary layer −20 % vapour": {"bl_moistening": -0.2},
}
"""Settings of the sliders worth a look; the first four are the experiments of the paper's Figures 12 and 13."""

HOW_TO_READ = """
**How to read this.** Blue, solid: the emulator's answer to the inputs as they are; orange, dashed: to the inputs
changed by the sliders. Bands hold 80 % of the members (of the members' means over the columns, for many columns).
Both answers are drawn with the same random numbers, so their difference is a response and not a new draw; the standard
error says how much of it another draw would change. *Neutralise* mixes the stratification away below the level chosen:
potential temperature, or the mixing ratio, becomes uniform there. The emulator is statistics, not physics: far from its
training data its answers mean little, and the page warns.
"""
