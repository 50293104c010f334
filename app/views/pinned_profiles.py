"""The ensemble of what is pinned, below that of what is selected on the same axes, or the difference of the two."""

from __future__ import annotations

from collections.abc import Mapping

import panel as pn
import xarray as xr
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.significance import RATE

from ..data.catalog import Catalog
from ..data.target import DEPENDS
from ..exhibits import Ensemble, EnsemblePair
from ..exhibits.exhibit import levels_of
from ..figures.profile import EnsemblePanel, lock
from ..figures.profile_difference import DifferencePanel
from ..state.pinned import PINS, differs, nothing_pinned, pinned
from ..state.state import State
from . import compare
from .export_menu import export_menu
from .layout import words
from .live_ensemble import LiveEnsemble
from .variable_panels import VariablePanels

ASKS = frozenset((*DEPENDS, *PINS, "emulator", "members", "seed", "compare"))
"""Choices that ask for another ensemble."""
HEIGHT = 300
HOW = {
    "side by side": "Pinned, on the axes of the selected one above",
    "difference": "Selected minus pinned. Dashed: difference of the means with its 95 % interval, members paired · "
    f"dots: significant at a false discovery rate of {RATE:.0%} over the levels · "
    "black or white: difference of the truths",
}


class PinnedProfiles(LiveEnsemble):
    """The comparison part of Profiles; it asks an emulator of its own and shows nothing while nothing is compared."""

    depends = (*PINS, *compare.DEPENDS[:1])
    asks = tuple(sorted(ASKS))

    def __init__(
        self,
        state: State,
        catalog: Catalog,
        y_range: Range1d,
        selected: LiveEnsemble,
        above: Mapping[str, EnsemblePanel],
    ) -> None:
        """``selected`` draws the ensemble that this is compared with, in the panels ``above``."""
        super().__init__(state, catalog)
        self.selected, self.above = selected, above
        self.outputs = VariablePanels(lambda entry: EnsemblePanel(entry, y_range, height=HEIGHT))
        self.differences = VariablePanels(lambda entry: DifferencePanel(entry, y_range, height=HEIGHT))
        self.title, self.how = words("", "subtitle1"), words("", "caption")
        leave = export_menu("pair", lambda: EnsemblePair.of(state), catalog, self.pair)
        parts: list[Viewable] = [
            self.title,
            self.how,
            self.notice,
            self.caution,
            self.outputs.place,
            self.differences.place,
            self.status,
            leave,
        ]
        self.place = pn.Column(*parts, sizing_mode="stretch_width", visible=False, margin=0)

    def exhibit(self) -> Ensemble:
        """The ensemble of what is pinned."""
        return Ensemble.of(pinned(self.state.choices))

    def pair(self) -> xr.Dataset | None:
        """What both ensembles give, where both emulators have answered."""
        first, second = self.selected.answered, self.answered
        return None if first is None or second is None else EnsemblePair.of(self.state).combine((first, second))

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        self.outputs.paint(dark)
        self.differences.paint(dark)

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask for the pinned ensemble where it may be another one; nothing while nothing is compared."""
        state = self.state
        self.place.visible = state.compare != "none"
        if state.compare == "none" or not changed & ASKS:
            return
        self.outputs.place.visible = state.compare == "side by side"
        self.differences.place.visible = state.compare == "difference"
        self.how.object = HOW[state.compare]
        outputs = self.catalog.schema(state.experiment).outputs
        self.outputs.fit(outputs, dark=state.dark)
        self.differences.fit(outputs, dark=state.dark)
        if not differs(state.choices):
            self.refuse(DiffmpError(nothing_pinned(column=True)))
            return
        self.ask()

    def draw(self) -> None:
        """Draw what is pinned beside what is selected, or the difference; nothing while nothing is compared."""
        state, other, mine = self.state, pinned(self.state.choices), self.data
        if state.compare == "none":
            return
        if mine is None or not differs(state.choices):
            self.title.object = ""
            for panel in (*self.outputs.values(), *self.differences.values()):
                panel.clear()
            return
        self.title.object = f"Pinned: {other.emulator} · {mine.attrs['rule']}"
        levels = levels_of(mine, state.vertical)
        if state.compare == "side by side":
            for name, panel in self.outputs.items():
                panel.show(mine, levels=levels, drawing=state.drawing, member=state.member)
                lock(self.above[name], panel)
            return
        pair = self.pair()
        for difference in self.differences.values():
            if pair is None:
                difference.clear()
            else:
                difference.show(pair, levels=levels)
