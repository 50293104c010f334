"""Sweeps on the Sensitivity tab: the response along a slider, or over two, asked for by a button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import panel as pn
import xarray as xr
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.column_integrals import integrals_of
from diffmp_core.physics.perturbation import sliders_of
from diffmp_core.variables import ColumnVariables

from ..data.catalog import Catalog
from ..data.target import DEPENDS
from ..exhibits import SweepCurve, SweepMap
from ..exhibits.sweep import TITLES, curve_panels, integrals_of_sweep
from ..figures.sweep import CurvePanel, MapPanel
from ..state.choices import LIVE_STEPS
from ..state.state import State
from ..state.sweeps import SWEPT_SLIDERS
from .answers import duration
from .controls import free_select
from .export_menu import export_menu
from .layout import grid, pane, words
from .long_work import LongWork, waiting_threads
from .notices import hidden_notice, say

WHAT_IT_IS = """
**Sweep.** One slider, or two, from end to end; the others stay where they are. Every point has the same random numbers.
Dashed, blue: the answer to the inputs as they are; dotted: where the slider changes nothing; ×: outside the training
data. Over two sliders the colours are the change, ×: not significant (false discovery rate 10 %), ○: outside the
training data, the line: no change, the star: unchanged inputs.
"""
NAMES = {slider.label[0].upper() + slider.label[1:]: name for name, slider in SWEPT_SLIDERS.items()}
CHOOSERS = {
    "sweep": ("Sweep", NAMES),
    "sweep_across": ("and across it", {"Nothing: one slider": "none", **NAMES}),
    "sweep_of": ("Map of", {name.capitalize(): name for name in TITLES}),
}
"""Label and options of the drop-downs, by the choice that they set."""
HALF, THIRD = {"xs": 12, "md": 6}, {"xs": 12, "md": 4}


class Sweeps:
    """Which sliders, a button with its progress, and the curves or the map."""

    def __init__(self, state: State, catalog: Catalog, members: Callable[[], int]) -> None:
        """``members`` of each column."""
        self.state, self.catalog, self.members = state, catalog, members
        self.work = LongWork("Sweep", self._run, waiting_threads)
        self.asked: SweepCurve | SweepMap | None = None
        self.found: xr.Dataset | None = None
        self.data: xr.Dataset | None = None
        self.integrals: dict[str, tuple[str, str]] = {}
        self.curves: dict[str, CurvePanel] = {}
        self.map = MapPanel()
        self.choosers = {name: free_select(label, partial(self._choose, name)) for name, (label, _) in CHOOSERS.items()}
        self.idle: frozenset[str] = frozenset()
        self.notice, self.caution = hidden_notice(), hidden_notice(severity="warning")
        self.shown = pn.Column(sizing_mode="stretch_width", visible=False, margin=0)
        self.curve_grid = pn.Column(sizing_mode="stretch_width", margin=0)
        self.map_pane = pane(self.map.figure)

    def panel(self) -> Viewable:
        """Choices and button; figures follow when there is an answer."""
        choices = grid(self.choosers.values(), THIRD)
        work = self.work
        self.shown[:] = [
            self.caution,
            self.curve_grid,
            self.map_pane,
            export_menu("sweep", self._exhibit, self.catalog, lambda: self.data),
        ]
        buttons = pn.Row(work.run, work.cancel, margin=0)
        return pn.Column(
            words(WHAT_IT_IS), choices, buttons, work.bar, work.status, self.notice, self.shown,
            sizing_mode="stretch_width",
        )  # fmt: skip

    def offer(self, variables: ColumnVariables) -> None:
        """Leave out what does not act on the inputs of an emulator, or is not made of its outputs."""
        known = {*sliders_of(variables.inputs), "top_level"}
        there = {integral.name for integral in integrals_of(variables.outputs)}
        idle = {name for name, slider in SWEPT_SLIDERS.items() if not set(slider.settings) <= known}
        self.idle = frozenset(idle | (TITLES.keys() - there))
        self._follow()

    def _follow(self) -> None:
        """Offer what there is, and what is chosen even where that is not: whoever asks for it is told why."""
        for name, chooser in self.choosers.items():
            chosen = getattr(self.state, name)
            offered = {said: to for said, to in CHOOSERS[name][1].items() if to == chosen or to not in self.idle}
            if (chooser.options, chooser.value) != (offered, chosen):
                chooser.param.update(options=offered, value=chosen)

    def _choose(self, name: str, value: str) -> None:
        if getattr(self.state, name) != value:
            self.state.param.update(**{name: value})

    def refresh(self, changed: frozenset[str]) -> None:
        """Drop what is for another column or emulator; say when the sliders have moved since."""
        if changed & {"emulator", *DEPENDS}:
            self.work.halt()
            self.clear()
        elif isinstance(self.asked, SweepMap) and "sweep_of" in changed and self.found is not None:
            self._draw(replace(self.asked, sweep_of=self.state.sweep_of), self.found)
        self._follow()
        self._tell_whether_moved()

    def clear(self) -> None:
        """Show no sweep."""
        self.asked = self.found = self.data = None
        self.shown.visible = self.notice.visible = False
        self.work.status.object = ""

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        self.map.paint(dark)
        for panel in self.curves.values():
            panel.paint(dark)

    def _now(self) -> SweepCurve | SweepMap:
        """What a click asks for at this moment."""
        kind = SweepCurve if self.state.sweep_across == "none" else SweepMap
        return kind.of(self.state, members=self.members())

    def _run(self) -> None:
        asked, catalog = self._now(), self.catalog
        self.clear()
        self.asked = asked
        self.work.begin(
            lambda progress: asked.ask(catalog, progress),
            self._deliver,
            self._refuse,
            first="Asking the emulator …",
            progress="{done} of {total} points; moving sliders go first …",
        )

    def _deliver(self, found: xr.Dataset, took: float) -> None:
        asked = self.asked
        if asked is None:
            return
        with pn.io.hold():
            self._draw(asked, found)
            if self.data is not None:
                drawn = self.catalog.drawn(asked.experiment, asked.emulator, members=asked.members, steps=LIVE_STEPS)
                size = drawn.over(self.data.attrs["columns"])
                self.work.status.object = f"{found['out_of_range'].size} points, {size}, {duration(took)}"
                self._tell_whether_moved()

    def _refuse(self, error: BaseException) -> None:
        if not isinstance(error, DiffmpError):
            raise error
        self.notice.param.update(object=str(error), visible=True)

    def _tell_whether_moved(self) -> None:
        """Say that the sweep shown is for other sliders, draws or options than the page has now."""
        if self.asked is None or self.data is None:
            return
        moved = replace(self._now(), units=self.asked.units, vertical=self.asked.vertical) != self.asked
        text = "Sliders or options have moved since: this sweep is for where they were. Sweep again."
        self.notice.param.update(object=text, visible=moved)

    def _exhibit(self) -> SweepCurve | SweepMap:
        """The sweep shown, for what was asked and not for where the sliders are now."""
        if self.asked is None or self.data is None:
            raise DiffmpError("expected a sweep, found none; sweep first")
        return self.asked

    def _draw(self, asked: SweepCurve | SweepMap, found: xr.Dataset) -> None:
        """Draw what the emulator answered, or say why that cannot be drawn so."""
        self.asked, self.found, self.data = asked, found, None
        try:
            self.data = data = asked.arrange(self.catalog, found)
        except DiffmpError as error:
            self.shown.visible = False
            self._refuse(error)
            return
        with pn.io.hold():
            self.notice.visible = False
            say(self.caution, data.attrs["cautions"])
            flat = isinstance(asked, SweepMap)
            self.map_pane.visible, self.curve_grid.visible = flat, not flat
            if isinstance(asked, SweepMap):
                asked.show(data, self.map)
            else:
                self._fit(data)
                asked.show(data, self.curves)
            self.shown.visible = True

    def _fit(self, data: xr.Dataset) -> None:
        """A panel for each column integral of a sweep; they stay where these are the same."""
        if self.integrals == (wanted := integrals_of_sweep(data)):
            return
        self.integrals, self.curves = wanted, curve_panels(data)
        for panel in self.curves.values():
            panel.paint(self.state.dark)
        self.curve_grid[:] = [grid((pane(panel.figure) for panel in self.curves.values()), HALF)]
