"""Overview: what this is, what was trained on what, how good it is, and what it must not be taken for."""

from __future__ import annotations

from typing import ClassVar

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from app.catalog import Catalog
from app.figures.score_table import score_table
from app.state import State


class OverviewView:
    """Text and tables; nothing here is drawn live."""

    depends: ClassVar[tuple[str, ...]] = ("experiment", "emulator", "dark")

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.table = pn.pane.HTML("", sizing_mode="stretch_width")

    def panel(self) -> Viewable:
        self.refresh(frozenset(self.depends))
        return pmui.Paper(self.table, elevation=0, variant="outlined", sizing_mode="stretch_width", sx={"p": 2})

    def refresh(self, changed: frozenset[str]) -> None:
        self.table.object = score_table({}, self.state.emulator, dark=self.state.dark)
