"""Single columns worth a look: those nearest to the median of a regime, at the time shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
from numpy.typing import NDArray
from panel.viewable import Viewable

from diffmp_core.physics.regimes import REGIMES

from ..data.catalog import Catalog
from ..data.composites import WHY_BY_INPUTS
from ..state.state import State
from .controls import small_button
from .layout import words

ROWS = 6
"""Columns listed by their rank."""
RANK = {"width": 24, "height": 24, "fontSize": "0.8rem", "bgcolor": "primary.main", "color": "background.paper"}
"""Look of a rank."""


class TypicalColumns:
    """A regime to choose, a list of its most typical columns, and buttons to the one before and the next."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.rank = -1
        self._taken: tuple[Any, ...] = ()
        self.rule = words("", "caption")
        self.preset = pmui.Select(
            label="Typical columns",
            options=list(REGIMES),
            value=next(iter(REGIMES)),
            size="small",
            sizing_mode="stretch_width",
            margin=(8, 4),
        )
        self.rows = pmui.MenuList(
            items=[], dense=True, label="Columns by rank", sizing_mode="stretch_width", sx={"& .MuiAvatar-root": RANK}
        )
        self.rows.param.watch(lambda event: self._take_row(event.new), "active")
        self.preset.param.watch(lambda _: self.go_to(0), "value")

    def controls(self) -> Sequence[Viewable]:
        """Rule, list, buttons, and in words which column was taken."""
        before = small_button("‹ previous", lambda: self.go_to(self.rank - 1))
        after = small_button("next ›", lambda: self.go_to(self.rank + 1))
        return self.preset, self.rows, pn.Row(before, after), self.rule

    def fill(self) -> None:
        """List the most typical columns of the regime, at the time shown."""
        cells = self.catalog.grid(self.state.experiment)
        ranked = self._ranked()[:ROWS]
        self.rows.param.update(
            items=[{"avatar": str(i + 1), "label": cells.place(int(cell))} for i, cell in enumerate(ranked)],
            active=None,
        )

    def go_to(self, rank: int) -> None:
        """Select the column of that rank, at the time shown."""
        rule, ranked = REGIMES[self.preset.value].words, self._ranked()
        self.fill()
        if len(ranked) == 0:
            self.rule.object = f"No column of this time belongs to it: {rule}."
            self._taken = self._shown()
            self.follow()
            return
        self.rank = int(np.clip(rank, 0, len(ranked) - 1))
        self.rule.object = (
            f"Rank {self.rank + 1} of {len(ranked)} at this time, those nearest to the regime's median "
            f"first: {rule}. {WHY_BY_INPUTS}"
        )
        cell = int(ranked[self.rank])
        self._taken = (self.state.experiment, self.state.time, cell, "column")
        self.state.param.update(cell=cell, target="column")
        self.follow()

    def follow(self) -> None:
        """Say the rank of a column only while that column is shown."""
        self.rule.visible = self._shown() == self._taken

    def _shown(self) -> tuple[Any, ...]:
        return self.state.chosen(("experiment", "time", "cell", "target"))

    def _ranked(self) -> NDArray[np.int64]:
        facts = self.catalog.facts(self.state.experiment)
        return REGIMES[self.preset.value].typical_cells(facts, self.state.time)

    def _take_row(self, active: tuple[int, ...] | int | None) -> None:
        """Select the column of a row."""
        if active is not None:
            self.go_to(active if isinstance(active, int) else active[0])
