"""The ensemble of what is pinned, below that of what is selected on the same axes, or the difference of the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import panel as pn
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.significance import RATE
from diffmp_core.variables import OUTPUTS

from ..data.catalog import Catalog
from ..data.target import DEPENDS, take_target
from ..exhibits import EnsemblePair
from ..figures.profile import EnsemblePanel, lock
from ..figures.profile_difference import DifferencePanel, mean_difference
from ..state.choices import Choices
from ..state.pinned import PINS, differs, nothing_pinned, pinned
from ..state.state import State
from . import compare
from .export_menu import export_menu
from .layout import QUARTER, grid, pane, words
from .live_ensemble import LiveEnsemble

ASKS = frozenset((*DEPENDS, *PINS, "emulator", "members", "seed", "compare"))
"""Choices that ask for another ensemble."""
HEIGHT = 300
HOW = {
    "side by side": "Pinned, on the axes of the selected one above",
    "difference": "Selected minus pinned. Dashed: difference of the means with its 95 % interval, members paired · "
    f"dots: significant at a false discovery rate of {RATE:.0%} over the levels · "
    "black or white: difference of the truths",
}


class Selected(NamedTuple):
    """The panels of what is selected, its ensemble ``(member, 4, level)`` and its truth ``(4, level)``."""

    panels: Mapping[str, EnsemblePanel]
    members: np.ndarray | None
    truth: np.ndarray


class PinnedProfiles(LiveEnsemble):
    """The comparison part of Profiles; it asks an emulator of its own and shows nothing while nothing is compared."""

    depends = (*PINS, *compare.DEPENDS[:1])
    asks = tuple(sorted(ASKS))

    def __init__(self, state: State, catalog: Catalog, y_range: Range1d) -> None:
        super().__init__(state, catalog)
        self._selected: Selected | None = None
        self._title = ""
        self.outputs = {v.name: EnsemblePanel(v.name, y_range, height=HEIGHT) for v in OUTPUTS}
        self.differences = {v.name: DifferencePanel(v.name, y_range, height=HEIGHT) for v in OUTPUTS}
        self.title, self.how = words("", "subtitle1"), words("", "caption")
        self.beside = grid((pane(panel.figure) for panel in self.outputs.values()), QUARTER)
        self.minus = grid((pane(panel.figure) for panel in self.differences.values()), QUARTER)
        leave = export_menu("pair", lambda: EnsemblePair.of(state), catalog)
        parts: list[Viewable] = [
            self.title,
            self.how,
            self.notice,
            self.caution,
            self.beside,
            self.minus,
            self.status,
            leave,
        ]
        self.place = pn.Column(*parts, sizing_mode="stretch_width", visible=False, margin=0)

    @property
    def other(self) -> Choices:
        """What is pinned."""
        return pinned(self.state.choices)

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        panels: list[EnsemblePanel | DifferencePanel] = [*self.outputs.values(), *self.differences.values()]
        for panel in panels:
            panel.paint(dark)

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask for the pinned ensemble where it may be another one; nothing while nothing is compared."""
        state = self.state
        self.place.visible = state.compare != "none"
        if state.compare == "none" or not changed & ASKS:
            return
        self.beside.visible, self.minus.visible = state.compare == "side by side", state.compare == "difference"
        self.how.object = HOW[state.compare]
        if not differs(state.choices):
            self.refuse(DiffmpError(nothing_pinned(column=True)))
            return
        other = self.other
        self.target, rule = take_target(other, self.catalog)
        self._title = f"Pinned: {other.emulator} · {rule}"
        self.ask(other, nothing=f"{rule}; choose another one")

    def draw_beside(self, selected: Mapping[str, EnsemblePanel], members: np.ndarray | None, truth: np.ndarray) -> None:
        """Draw beside the ensemble selected, ``(member, 4, level)``, its truth ``(4, level)`` and its panels."""
        self._selected = Selected(selected, members, truth)
        self.draw()

    def draw(self) -> None:
        """Draw what is pinned, or the difference from it; nothing while nothing is compared."""
        state = self.state
        if state.compare == "none" or self._selected is None:
            return
        panels, members, truth = self._selected
        levels = self.catalog.grid(state.experiment).levels(state.vertical)
        other_truth = np.full_like(truth, np.nan) if self.target is None else self.target.truth.mean(axis=0)
        with pn.io.hold():
            self.title.object = self._title
            for channel, entry in enumerate(OUTPUTS):
                values = self.catalog.value_axis(state.experiment, state.emulator, entry.name, state.units)
                mine = None if self.members is None else self.members[:, channel]
                if state.compare == "side by side":
                    panel = self.outputs[entry.name]
                    panel.show(
                        mine,
                        other_truth[channel],
                        levels=levels,
                        values=values,
                        drawing=state.drawing,
                        member=state.member,
                        spread=self.has_spread,
                    )
                    lock(panels[entry.name], panel)
                elif mine is None or members is None or len(mine) != len(members):
                    self.differences[entry.name].show(None, levels=levels, values=values)
                else:
                    found = mean_difference(members[:, channel], mine, truth[channel], other_truth[channel])
                    self.differences[entry.name].show(found, levels=levels, values=values)

    def refuse(self, error: BaseException) -> None:
        """Draw nothing pinned, and say why."""
        self.target, self._title = None, ""
        super().refuse(error)
