"""Distributions: how often each value occurs at each level, in the truth and in the emulators' ensembles."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import panel as pn
import xarray as xr
from panel.viewable import Viewable

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..data.composites import selects_all
from ..exhibits.distribution import HISTOGRAMS, Distribution, distribution_panels
from ..exhibits.exhibit import score_store
from ..figures.distribution import DistributionPanels
from ..figures.histogram import HistogramPanels
from ..state.pinned import nothing_pinned
from ..state.state import State
from .compare import compare_controls
from .controls import choice, select, stepped_slider
from .export_menu import export_menu
from .layout import QUARTER, beside, grid, pane, paper, words
from .notices import hidden_notice

SIDE_BY_SIDE = 3
"""Emulators shown beside the truth while none is pinned: the selected one and the next ones of the experiment."""

HOW_TO_READ = """
**How to read this.** Each row of a heatmap is one level; its colour says which share of the values of that level falls
into each bin, on a logarithmic scale that all heatmaps share. An emulator that gets the variability right has the same
picture as the truth. **Below** it stands where it differs: blue values are too rare, yellow ones too frequent, and what
counting noise alone explains is left blank, so a perfect emulator is an empty panel. **Difference** puts the ratio of
the selected emulator to the pinned one in its place.
**Distance** is how far values would have to be moved on average to turn one distribution into the other
(Wasserstein-1); dotted: what a perfect emulator would have for as many columns. The outermost bins hold all that lies
beyond. Click a heatmap to choose the level of the last figure.
"""

ALL_COLUMNS = (
    "Distributions are of all columns of the globe: the score store counts them together, so region and regime do not "
    "act here."
)

ALL_OR_ONE = {"One output": "one", "All outputs": "all"}


class DistributionsView:
    """Heatmaps of the selected output for up to three emulators, or of all outputs for the selected one.

    A single value has histograms instead. ``data`` are what is drawn, a dataset each output.
    """

    depends: ClassVar[tuple[str, ...]] = (
        "experiment", "emulator", "variable", "level", "units", "vertical", "dark", "outputs", "region", "regime",
        "compare", "pinned_emulator",
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.notice = hidden_notice()
        self.place = pn.Column(sizing_mode="stretch_width")
        self.built: object = None
        self.exhibits: list[Distribution] = []
        self.data: list[xr.Dataset] = []
        self.panels: list[DistributionPanels | HistogramPanels] = []

    def panel(self) -> Viewable:
        """Controls at the left, figures beside them."""
        state = self.state
        self.level_slider = stepped_slider(
            state, "level", "Level", lambda i: self.catalog.grid(state.experiment).level_labels[i]
        )
        controls = paper(
            choice(state, "outputs", "Outputs", ALL_OR_ONE),
            select(state, "variable", "Output"),
            self.level_slider,
            *compare_controls(state, significance=False),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
        )
        self.refresh(frozenset(self.depends))
        return beside(controls, paper(self.notice, self.place, words(HOW_TO_READ)))

    def refresh(self, changed: frozenset[str]) -> None:
        """Redraw what the changed parameters touch; figures are made anew only for other emulators or outputs."""
        state = self.state
        self.exhibits = self._wanted()
        self._say()
        self.place.visible = bool(self.exhibits)
        if not self.exhibits:
            return
        outputs = self.catalog.schema(state.experiment).outputs
        profiles = [outputs.named(exhibit.variable).profile for exhibit in self.exhibits]
        self.level_slider.visible = any(profiles)
        if changed != {"level"} and changed != {"dark"}:
            self.data = [exhibit.gather(self.catalog) for exhibit in self.exhibits]
        named = [exhibit.variable for exhibit in self.exhibits] if state.outputs == "all" else []
        shape = [named, profiles, *((exhibit.emulators, exhibit.minus) for exhibit in self.exhibits)]
        fresh = self.built != shape
        layout = self._build() if fresh else None
        self.built = shape
        with pn.io.hold():
            for panels, data in zip(self.panels, self.data, strict=True):
                if changed == {"level"} and not fresh:
                    panels.show_level(data, vertical=state.vertical, level=state.level)
                elif changed != {"dark"} or fresh:
                    panels.show(data, vertical=state.vertical, level=state.level)
                if "dark" in changed or fresh:
                    panels.paint(state.dark)
            if layout is not None:
                self.place[:] = layout

    def emulators(self, variable: str) -> tuple[str, ...]:
        """Emulators shown: the selected one if it has scores, then the pinned one, or others that have scores."""
        state = self.state
        if not self._comparable(state.emulator, variable):
            return ()
        known = self.catalog.limits(state.experiment).emulators
        if (other := self._other(variable)) is not None:
            return (state.emulator, other)
        others = [e for e in known if e != state.emulator and self._comparable(e, variable)]
        count = SIDE_BY_SIDE if self.state.outputs == "one" else 1
        return (state.emulator, *others)[:count]

    def _wanted(self) -> list[Distribution]:
        """What is shown: the selected output, or each that the selected emulator has scores of."""
        state = self.state
        names = self.catalog.schema(state.experiment).outputs.names if state.outputs == "all" else (state.variable,)
        found = []
        for name in names:
            minus = state.compare == "difference" and self._other(name) is not None
            if emulators := self.emulators(name):
                compare = "difference" if minus else "none"
                found.append(Distribution.of(state, emulators=emulators, variable=name, compare=compare))
        return found

    def _say(self) -> None:
        """What region and regime do here, what is missing, and that nothing is pinned."""
        state = self.state
        said = [] if selects_all(state.choices) else [ALL_COLUMNS]
        variable = state.variable if state.outputs == "one" else ""
        if not self.exhibits:
            lacks = self.catalog.lacks(
                state.experiment, state.emulator, *HISTOGRAMS, called="histograms of values", variable=variable
            )
            said = [f"{lacks}: its distributions are not known. Choose another emulator, or run 'diffmp score'."]
        elif state.compare != "none" and all(self._other(each.variable) is None for each in self.exhibits):
            said.append(
                nothing_pinned()
                if state.pinned_emulator in ("", state.emulator)
                else f"{state.pinned_emulator} has no score store in the same bins; compare with another emulator."
            )
        self.notice.param.update(visible=bool(said), object=" ".join(said))

    def _other(self, variable: str) -> str | None:
        """The emulator compared with, if there is one with scores in the same bins."""
        state = self.state
        if state.compare == "none" or state.pinned_emulator in ("", state.emulator):
            return None
        return state.pinned_emulator if self._comparable(state.pinned_emulator, variable) else None

    def _comparable(self, emulator: str, variable: str) -> bool:
        """Whether an emulator has scores of an output in the bins of the selected one."""
        pair, experiment = (self.state.emulator, emulator), self.state.experiment
        if any(self.catalog.lacks(experiment, name, *HISTOGRAMS, variable=variable) for name in pair):
            return False
        first, other = (
            score_store(self.catalog, experiment, name)["bin_edges"].sel(variable=variable) for name in pair
        )
        return np.array_equal(first, other)

    def _build(self) -> list[Viewable]:
        """Make the figures and lay them out; they are still empty."""
        one = self.state.outputs == "one"
        self.panels = [distribution_panels(data, compact=not one, on_level=self._choose_level) for data in self.data]
        return [part for place in range(len(self.panels)) for part in (self._one(place) if one else self._row(place))]

    def _one(self, place: int) -> list[Viewable]:
        """The selected output: what is above each other in columns, one level below."""
        panels = self.panels[place]
        first, *others = panels.rows
        below = others[0] if len(others) > 1 else []
        pairs = [[key, *below[column : column + 1]] for column, key in enumerate(first)]
        columns = [pn.Column(*(pane(panels.figures[k]) for k in pair), sizing_mode="stretch_width") for pair in pairs]
        last = [pane(panels.figures[key]) for key in (others[1] if len(others) > 1 else [])]
        return [grid(columns, {"xs": 12, "sm": 12 // len(columns)}), *last, self._export(place)]

    def _row(self, place: int) -> list[Viewable]:
        """One output of all, in a row under its name."""
        panels, exhibit = self.panels[place], self.exhibits[place]
        output = self.catalog.schema(self.state.experiment).outputs.named(exhibit.variable)
        keys = [key for row in panels.rows for key in row if key != "distance"]
        keys += ["distance"] if "distance" in panels.figures else []
        widths = {2: {"xs": 12, "lg": 6}, 4: QUARTER}.get(len(keys), {"xs": 6, "lg": 2})
        figures = grid([pane(panels.figures[key]) for key in keys], widths)
        return [words(title_of(output), "subtitle1"), figures, self._export(place)]

    def _export(self, place: int) -> Viewable:
        """The menu of one output."""
        return export_menu("distribution", lambda: self.exhibits[place], self.catalog, lambda: self.data[place])

    def _choose_level(self, position: float) -> None:
        levels = self.catalog.grid(self.state.experiment).levels(self.state.vertical)
        self.state.level = int(np.abs(levels.values - position).argmin())
