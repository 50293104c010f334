"""Every emulator of the experiment asked for the same column, a row each, on request (Figure 11 of the paper)."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import ClassVar

import numpy as np
import panel as pn
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.variables import OUTPUTS

from ..data.catalog import Catalog
from ..data.target import DEPENDS, Target
from ..exhibits import EveryEnsemble
from ..exhibits.every_ensemble import drawable, emulator_row
from ..figures.axes import set_range
from ..figures.profile import lock
from ..state.state import State
from .controls import switch
from .export_menu import export_menu
from .layout import QUARTER, grid, pane, words
from .live_ensemble import LiveEnsemble

WHAT_IT_IS = """
**Every emulator, the same column.** Each row is an emulator's own ensemble, on the axes of the others; black or white
is the one truth. An emulator whose members all look alike is sure of itself; look whether the truth agrees.
"""


class EmulatorRow(LiveEnsemble):
    """The ensemble of one emulator, whichever is selected."""

    asks = ("members", "seed", *DEPENDS)

    def __init__(
        self, state: State, catalog: Catalog, emulator: str, y_range: Range1d, afterwards: Callable[[], None]
    ) -> None:
        """``afterwards`` is called when it has been drawn."""
        super().__init__(state, catalog)
        self.emulator, self.afterwards = emulator, afterwards
        self.panels = emulator_row(y_range)

    def panel(self) -> Viewable:
        """Its four outputs, and how long they took."""
        outputs = grid((pane(panel.figure) for panel in self.panels), QUARTER)
        name = words(escape(self.emulator), "subtitle1")
        return pn.Column(name, self.notice, self.caution, outputs, self.status, sizing_mode="stretch_width", margin=0)

    def ask_for(self, target: Target | None, *, nothing: str) -> None:
        """Ask for an ensemble of these columns; ``nothing`` says why there are none."""
        self.target = target
        self.ask(self.state.choices.model_copy(update={"emulator": self.emulator}), nothing=nothing)

    def draw(self) -> None:
        """Draw the members and the truth that are there."""
        state = self.state
        levels = self.catalog.grid(state.experiment).levels(state.vertical)
        nothing = np.full((len(OUTPUTS), len(levels.values)), np.nan)
        truth = nothing if self.target is None else self.target.truth.mean(axis=0)
        for channel, (panel, entry) in enumerate(zip(self.panels, OUTPUTS, strict=True)):
            panel.show(
                None if self.members is None else self.members[:, channel],
                truth[channel],
                levels=levels,
                values=self.catalog.value_axis(state.experiment, self.emulator, entry.name, state.units),
                drawing=state.drawing,
                member=state.member,
                spread=self.has_spread,
            )
        self.afterwards()


class EveryEmulator:
    """A switch, and while it is on a row for each emulator; nothing is made or asked before."""

    depends: ClassVar[tuple[str, ...]] = (
        "every", "units", "vertical", "dark", "members", "seed", "drawing", "member", *DEPENDS,
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.y_range = Range1d(start=0, end=1)
        self.rows: list[EmulatorRow] = []
        self.experiment = ""
        self.shown = pn.Column(sizing_mode="stretch_width", visible=False, margin=0)

    def panel(self) -> Viewable:
        """The switch; the rows below it while it is on."""
        asked = switch(self.state, "every", "Show every emulator's ensemble")
        return pn.Column(asked, self.shown, sizing_mode="stretch_width", margin=0)

    def refresh(self, changed: frozenset[str], target: Target | None, *, nothing: str) -> None:
        """Ask every emulator about a target that may be another one; draw again in other units or colours."""
        self.shown.visible = self.state.every
        if not self.state.every:
            return
        begun = self._make_rows() or "every" in changed
        if begun or "dark" in changed:
            for row in self.rows:
                for panel in row.panels:
                    panel.paint(self.state.dark)
        levels = self.catalog.grid(self.state.experiment).levels(self.state.vertical)
        set_range(self.y_range, (levels.start, levels.end))
        for row in self.rows:
            if begun or changed & {"members", "seed", *DEPENDS}:
                row.ask_for(target, nothing=nothing)
            elif changed & {"units", "vertical", "drawing", "member"}:
                row.draw()

    def _make_rows(self) -> bool:
        """Rows of this experiment's emulators; returns whether they are new."""
        if self.experiment == self.state.experiment:
            return False
        self.experiment = self.state.experiment
        names = drawable(self.catalog, self.experiment)
        self.rows = [EmulatorRow(self.state, self.catalog, name, self.y_range, self._lock) for name in names]
        leave = export_menu("every emulator", lambda: EveryEnsemble.of(self.state), self.catalog)
        self.shown[:] = [words(WHAT_IT_IS), *(row.panel() for row in self.rows), leave]
        return True

    def _lock(self) -> None:
        """The same value axis for an output of all emulators."""
        for panels in zip(*(row.panels for row in self.rows), strict=True):
            lock(*panels)
