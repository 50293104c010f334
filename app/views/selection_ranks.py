"""Ranks of the truth over the region and regime: ensembles of some of their columns, asked for by a button."""

from __future__ import annotations

from typing import ClassVar

import panel as pn
import xarray as xr
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..exhibits import SelectionRanks
from ..exhibits.ranks import MOST, show_ranks
from ..figures.profile import RankPanel
from ..state.state import State
from .answers import duration
from .export_menu import export_menu
from .layout import words
from .long_work import LongWork, waiting_threads
from .notices import hidden_notice, say
from .variable_panels import VariablePanels

WHAT_IT_IS = f"""
**Is it reliable here?** Ensembles of up to {MOST} columns of the region and regime, at any time, drawn at random: how
many members lie below each truth. Whiskers reach two standard errors; where they hold the dashed line, ranks are flat.
"""


class SelectionRanksView:
    """A button with its progress, then a histogram for each output; another selection or emulator takes them away."""

    depends: ClassVar[tuple[str, ...]] = (
        "experiment", "emulator", "members", "seed", "dark", "region", "south", "north", "west", "east", "regime",
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.work = LongWork("Ranks over the selection", self._run, waiting_threads)
        self.panels = VariablePanels(RankPanel)
        self.data: xr.Dataset | None = None
        self.said, self.notice = words("", "caption"), hidden_notice()
        self.caution = hidden_notice(severity="warning")
        self.leave = export_menu("ranks of the selection", lambda: SelectionRanks.of(state), catalog, lambda: self.data)
        self.shown = pn.Column(sizing_mode="stretch_width", visible=False, margin=0)

    def panel(self) -> Viewable:
        """What it is and the button; figures follow when they have been counted."""
        work = self.work
        self.shown[:] = [self.panels.place, self.said, self.caution, self.leave]
        return pn.Column(
            words(WHAT_IT_IS), pn.Row(work.run, work.cancel, margin=0), work.bar, work.status, self.notice, self.shown,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip

    def refresh(self, changed: frozenset[str]) -> None:
        """Take away what is of another selection or emulator."""
        self.panels.fit(self.catalog.schema(self.state.experiment).outputs, dark=self.state.dark)
        if "dark" in changed:
            self.panels.paint(self.state.dark)
        if changed & set(self.depends) - {"dark"}:
            self.work.halt()
            self.data = None
            self.shown.visible = self.notice.visible = False
            self.work.status.object = ""

    def _run(self) -> None:
        asked, catalog = SelectionRanks.of(self.state), self.catalog
        self.notice.visible = False
        self.work.begin(
            lambda progress: asked.counted(catalog, progress),
            lambda data, took: self._deliver(asked, data, took),
            self._refuse,
            first="Asking the emulator …",
            progress="{done} of {total} columns …",
        )

    def _deliver(self, asked: SelectionRanks, data: xr.Dataset, took: float) -> None:
        with pn.io.hold():
            self.data = data
            show_ranks(data, self.panels)
            self.said.object = data.attrs["subtitle"]
            say(self.caution, data.attrs["cautions"])
            self.work.status.object = f"{asked.members} members from seed {asked.seed}, {duration(took)}"
            self.shown.visible = True

    def _refuse(self, error: BaseException) -> None:
        if not isinstance(error, DiffmpError):
            raise error
        self.notice.param.update(object=str(error), visible=True)
