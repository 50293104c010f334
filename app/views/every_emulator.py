"""Every emulator of the experiment asked for the same column, a row each, on request (Figure 11 of the paper)."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import ClassVar

import panel as pn
import xarray as xr
from bokeh.models import Range1d
from panel.viewable import Viewable

from ..data.catalog import Catalog
from ..data.target import DEPENDS
from ..exhibits import Ensemble, EveryEnsemble
from ..exhibits.every_ensemble import drawable, emulator_row
from ..exhibits.exhibit import levels_of
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
        self.panels = emulator_row(catalog.schema(state.experiment).outputs, y_range)

    def panel(self) -> Viewable:
        """Its outputs, and how long they took."""
        name = words(escape(self.emulator), "subtitle1")
        parts = ([panel for panel in self.panels if panel.variable.profile == profile] for profile in (True, False))
        outputs = [grid((pane(panel.figure) for panel in part), QUARTER) for part in parts if part]
        return pn.Column(name, self.notice, self.caution, *outputs, self.status, sizing_mode="stretch_width", margin=0)

    def exhibit(self) -> Ensemble:
        """The ensemble of this emulator."""
        return Ensemble.of(self.state, emulator=self.emulator)

    def draw(self) -> None:
        """Draw the members and the truth that are there."""
        for panel in self.panels:
            if self.data is None:
                panel.clear()
                continue
            levels = levels_of(self.data, self.state.vertical)
            panel.show(self.data, levels=levels, drawing=self.state.drawing, member=self.state.member)
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

    @property
    def answered(self) -> xr.Dataset | None:
        """What is drawn, where every emulator has answered."""
        found = {row.emulator: row.answered for row in self.rows}
        alone = {name: data for name, data in found.items() if data is not None}
        return EveryEnsemble.of(self.state).combine(alone) if found.keys() == alone.keys() else None

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask every emulator about columns that may be others; draw again in other units or colours."""
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
                row.ask()
            elif changed & {"units", "vertical", "drawing", "member"}:
                row.arrange()

    def _make_rows(self) -> bool:
        """Rows of this experiment's emulators; returns whether they are new."""
        if self.experiment == self.state.experiment:
            return False
        self.experiment = self.state.experiment
        names = drawable(self.catalog, self.experiment)
        self.rows = [EmulatorRow(self.state, self.catalog, name, self.y_range, self._lock) for name in names]
        leave = export_menu("every emulator", lambda: EveryEnsemble.of(self.state), self.catalog, lambda: self.answered)
        self.shown[:] = [words(WHAT_IT_IS), *(row.panel() for row in self.rows), leave]
        return True

    def _lock(self) -> None:
        """The same value axis for an output of all emulators."""
        for panels in zip(*(row.panels for row in self.rows), strict=True):
            lock(*panels)
