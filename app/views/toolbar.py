"""The bar above the tabs: which column, region and regime are selected, and what to do with all that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..data.places import nearest, next_column, parse_place
from ..state.choices import BOX
from ..state.history import History
from ..state.pinned import differs, pinned, pins_column
from ..state.state import State
from ..web.browser import KEYS_CLASS, PRESENT_CLASS
from .controls import small_button

ARROWS = {"west": "←", "north": "↑", "south": "↓", "east": "→"}
LINE = "34px"
"""Height of what stands in the bar."""
BAR = 53
"""Height of the bar while all stands in one line [px]."""
ROOM = {"min-width": "min(540px, 100%)", "min-height": "41px", "flex-shrink": "0"}
"""Place of the buttons before they are drawn, so that what is below stays where it is; drawn, they never overlap."""
PIN = "Pin: keep this column and time, to compare others with"
SEARCH = "Column at latitude, longitude"
OF_EMULATORS = ("Maps", "Distributions")
"""Tabs that compare emulators and no columns."""


class Toolbar:
    """Search field, steps to the next column, region, regime; undo, redo, reset; scenes."""

    def __init__(
        self, state: State, catalog: Catalog, history: History, actions: Mapping[str, Callable[[], None]]
    ) -> None:
        """``actions``: what to do for undo, redo, reset, explain, tour, scenes and present."""
        self.state, self.catalog, self.history = state, catalog, history
        self.search = pmui.TextInput(
            label=SEARCH, size="small", width=215, margin=(6, 4), sx={"& .MuiInputBase-root": {"height": LINE}}
        )
        self.search.param.watch(lambda _: self._go_to_place(), "value")
        self.undo = small_button("↶ Undo", actions["undo"], says="Undo the last change (Ctrl+Z)", disabled=True)
        self.redo = small_button("↷ Redo", actions["redo"], says="Redo it (Ctrl+Shift+Z)", disabled=True)
        self.tour = small_button("Tour", actions["tour"], says="Tour: new here? Five steps over the page")
        self.others = [
            small_button("Reset", actions["reset"], says="Reset: everything as the experiment starts"),
            small_button("Explain", actions["explain"], says="Explain: every control and score, with its formula (?)"),
            self.tour,
            small_button("Scenes and files", actions["scenes"], says="Scenes and files: save, load, present"),
            small_button(
                "Present",
                actions["present"],
                says="Present: full screen, large type",
                variant="contained",
                css_classes=[PRESENT_CLASS],
            ),
        ]
        self.pin = small_button("Pin", self._pin, says=PIN, margin=(6, 4), sx={"height": LINE})
        self.box = pn.Row(margin=0)
        state.param.watch(lambda *_: self._follow(), ["experiment", "cell", "region", "pinned_cell", "pinned_time"])
        state.param.watch(lambda *_: self._choose_other(), "compare")
        self._follow()

    def panel(self) -> Viewable:
        """All in one line, or in more on a narrow window."""
        steps = pn.Row(*(self._arrow(bearing) for bearing in ARROWS), margin=(6, 8, 6, 0), css_classes=[KEYS_CLASS])
        narrow: dict[str, Any] = {"description": "", "size": "small", "margin": (6, 4)}
        return pmui.FlexBox(
            self.search,
            steps,
            self.pin,
            pmui.Select.from_param(self.state.param.region, label="Region", width=150, **narrow),
            self.box,
            pmui.Select.from_param(self.state.param.regime, label="Regime (by inputs)", width=195, **narrow),
            pn.Row(self.undo, self.redo, *self.others, margin=(6, 0), styles=ROOM),
            align_items="center",
            margin=(8, 0, 0, 0),
            min_height=BAR,
            sizing_mode="stretch_width",
        )

    def step(self, bearing: str) -> None:
        """Select the next column towards a bearing."""
        cells, tree = self.catalog.grid(self.state.experiment), self.catalog.tree(self.state.experiment)
        cell = next_column(tree, cells.lat, cells.lon, self.state.cell, bearing)
        self.state.param.update(cell=cell)

    def welcome(self, first: bool) -> None:
        """Offer the tour with more weight on a first visit, in the same place: the page must not move under a hand."""
        self.tour.variant = "contained" if first else "outlined"

    def remember(self) -> None:
        """Grey what cannot be undone or redone."""
        self.undo.disabled, self.redo.disabled = not self.history.can_undo, not self.history.can_redo

    def _arrow(self, bearing: str) -> Viewable:
        sx = {"minWidth": 28, "p": 0, "height": LINE, "fontSize": "1rem"}
        says = f"Next column to the {bearing} (arrow key)"
        return small_button(ARROWS[bearing], lambda: self.step(bearing), says=says, margin=1, width=32, sx=sx)

    def _edge(self, name: str) -> Viewable:
        return pmui.IntInput.from_param(
            self.state.param[name],
            label=f"{name.capitalize()} °",
            description="",
            size="small",
            width=92,
            margin=(6, 2),
        )

    def _pin(self) -> None:
        """Pin the column and the time shown, or let the pinned ones go."""
        state = self.state
        if pins_column(state.choices):
            state.param.update(pinned_cell=-1, pinned_time=-1)
        else:
            state.param.update(pinned_cell=state.cell, pinned_time=state.time)

    def _choose_other(self) -> None:
        """Where a comparison is asked for and nothing else is pinned: pin the next emulator that has scores.

        A pinned column is something else on Profiles; maps and distributions compare emulators only.
        """
        state = self.state
        another = state.pinned_emulator not in ("", state.emulator)
        if state.restoring or state.compare == "none" or another:
            return
        if state.tab not in OF_EMULATORS and differs(state.choices):
            return
        known = self.catalog.limits(state.experiment).emulators
        others = [name for name in known if name != state.emulator]
        scored = [name for name in others if self.catalog.scores(state.experiment, name) is not None]
        if others:
            state.pinned_emulator = (scored or others)[0]

    def _follow(self) -> None:
        """Show where the selected column is, what is pinned, and the edges of a box where there is one."""
        pinned_one, held = pinned(self.state.choices), pins_column(self.state.choices)
        grid = self.catalog.grid(self.state.experiment)
        where = f"column {pinned_one.cell}, {grid.place(pinned_one.cell)}, {grid.times[pinned_one.time]}"
        self.pin.param.update(label="Unpin" if held else "Pin", description=f"Unpin {where}" if held else PIN)
        cells = self.catalog.grid(self.state.experiment)
        if self.state.region == "box" and not self.box:
            self.box[:] = [self._edge(name) for name in BOX]
        self.box.visible = self.state.region == "box"
        self.search.param.update(value=cells.place(self.state.cell), error_state=False)

    def _go_to_place(self) -> None:
        """Select the column nearest the place typed; what is no place is marked and changes nothing."""
        cells = self.catalog.grid(self.state.experiment)
        if self.search.value == cells.place(self.state.cell):
            return
        try:
            lat, lon = parse_place(self.search.value)
        except DiffmpError:
            self.search.param.update(error_state=True, helper_text="such as 12.5, -30 or 12.5 N 30 W")
            return
        self.search.param.update(error_state=False, helper_text="")
        self.state.cell = nearest(self.catalog.tree(self.state.experiment), lat, lon)
        self._follow()
