"""Distributions: how often each value occurs at each level, in the truth and in the emulators' ensembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import panel as pn
from panel.viewable import Viewable

from diffmp_core.variables import OUTPUT_NAMES, OUTPUTS

from ..data.axes import TITLES, LevelAxis, ValueAxis
from ..data.catalog import Catalog
from ..data.composites import selects_all
from ..exhibits.distribution import HISTOGRAMS, Distribution, distribution_axes, read_histograms
from ..exhibits.exhibit import score_store
from ..figures.distribution import DistributionPanels
from ..figures.heatmap import Histograms
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

ALL_OR_ONE = {"One output": "one", "All four": "all"}


class DistributionsView:
    """Heatmaps of the selected output for up to two emulators, or of all four outputs for the selected emulator."""

    depends: ClassVar[tuple[str, ...]] = (
        "experiment", "emulator", "variable", "level", "units", "vertical", "dark", "outputs", "region", "regime",
        "compare", "pinned_emulator",
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.notice = hidden_notice()
        self.place = pn.Column(sizing_mode="stretch_width")
        self.built: tuple[str, tuple[str, ...], bool] | None = None
        self.panels: dict[str, DistributionPanels] = {}

    def panel(self) -> Viewable:
        """Controls at the left, figures beside them."""
        state = self.state
        names = {TITLES[v.name]: v.name for v in OUTPUTS}
        controls = paper(
            choice(state, "outputs", "Outputs", ALL_OR_ONE),
            select(state, "variable", "Output", names),
            stepped_slider(state, "level", "Level", lambda i: self.catalog.grid(state.experiment).level_labels[i]),
            *compare_controls(state, significance=False),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
        )
        self.refresh(frozenset(self.depends))
        return beside(controls, paper(self.notice, self.place, words(HOW_TO_READ)))

    def refresh(self, changed: frozenset[str]) -> None:
        """Redraw what the changed parameters touch; figures are made anew only for other emulators."""
        names = self.emulators()
        whole = selects_all(self.state.choices)
        asked = self.state.compare != "none"
        said = [] if whole else [ALL_COLUMNS]
        if not names:
            lacks = self.catalog.lacks(
                self.state.experiment, self.state.emulator, *HISTOGRAMS, called="histograms of values"
            )
            said = [f"{lacks}: its distributions are not known. Choose another emulator, or run 'diffmp score'."]
        elif asked and self._other() is None:
            said.append(
                nothing_pinned()
                if self.state.pinned_emulator in ("", self.state.emulator)
                else f"{self.state.pinned_emulator} has no score store in the same bins; compare with another emulator."
            )
        self.notice.param.update(visible=bool(said), object=" ".join(said))
        self.place.visible = bool(names)
        if not names:
            return
        fresh = self.built != (self.state.outputs, names, self.minus)
        layout = self._build(names) if fresh else None
        with pn.io.hold():
            for variable, panels in self._shown():
                histograms = self.histograms(panels.emulators, variable)
                levels, values = self.axes(variable)
                if changed == {"level"} and not fresh:
                    panels.show_level(histograms, levels=levels, values=values, level=self.state.level)
                elif changed != {"dark"} or fresh:
                    panels.show(histograms, levels=levels, values=values, level=self.state.level)
                if "dark" in changed or fresh:
                    panels.paint(self.state.dark)
            if layout is not None:
                self.place[:] = layout

    def emulators(self) -> tuple[str, ...]:
        """Emulators shown: the selected one if it has scores, then the pinned one, or others that have scores."""
        state = self.state
        if not self._comparable(state.emulator):
            return ()
        known = self.catalog.limits(state.experiment).emulators
        if (other := self._other()) is not None:
            return (state.emulator, other)
        others = [e for e in known if e != state.emulator and self._comparable(e)]
        count = SIDE_BY_SIDE if self.state.outputs == "one" else 1
        return (state.emulator, *others)[:count]

    @property
    def minus(self) -> bool:
        """Whether the selected emulator is held against the pinned one."""
        return self.state.compare == "difference" and self._other() is not None

    def _other(self) -> str | None:
        """The emulator compared with, if there is one with scores in the same bins."""
        state = self.state
        if state.compare == "none" or state.pinned_emulator in ("", state.emulator):
            return None
        return state.pinned_emulator if self._comparable(state.pinned_emulator) else None

    def histograms(self, emulators: Sequence[str], variable: str) -> Histograms:
        """Counts of one output from the score stores; the truth is that of the first emulator."""
        state = self.state
        key = ("histograms", state.experiment, tuple(emulators), variable)
        return self.catalog.keep(key, lambda: read_histograms(self.catalog, state.experiment, emulators, variable))

    def axes(self, variable: str) -> tuple[LevelAxis, ValueAxis]:
        """Vertical axis, and value axis whose factor is the shown unit per standard deviation of the truth."""
        state = self.state
        return distribution_axes(
            self.catalog, state.experiment, state.emulator, variable, units=state.units, vertical=state.vertical
        )

    def _comparable(self, emulator: str) -> bool:
        """Whether an emulator has scores in the bins of the selected one."""
        pair = (self.state.emulator, emulator)
        if any(self.catalog.lacks(self.state.experiment, name, *HISTOGRAMS) for name in pair):
            return False
        first, other = (score_store(self.catalog, self.state.experiment, name)["bin_edges"] for name in pair)
        return np.array_equal(first, other)

    def _shown(self) -> list[tuple[str, DistributionPanels]]:
        if self.state.outputs == "all":
            return list(self.panels.items())
        return [(self.state.variable, self.panels["one"])]

    def _build(self, names: tuple[str, ...]) -> list[Viewable]:
        """Make the figures for these emulators and lay them out; they are still empty."""
        self.built = (self.state.outputs, names, self.minus)
        if self.state.outputs == "one":
            panels = DistributionPanels(names, minus=self.minus, on_level=self._choose_level)
            self.panels = {"one": panels}
            pairs = [("truth", "distance"), *((f"share {name}", f"ratio {name}") for name in names)]
            columns = [
                pn.Column(*(pane(panels.figures[k]) for k in pair if k in panels.figures), sizing_mode="stretch_width")
                for pair in pairs
            ]
            width = {"xs": 12, "sm": 12 // len(columns)}
            return [grid(columns, width), pane(panels.figures["density"]), self._export(None)]
        rows: list[Viewable] = []
        self.panels = {}
        for variable in OUTPUT_NAMES:
            self.panels[variable] = panels = DistributionPanels(
                names, compact=True, minus=self.minus, on_level=self._choose_level
            )
            shares = [f"share {name}" for name in names]
            keys = ("truth", *shares, *(k for k in panels.figures if k.startswith("ratio ")), "distance")
            rows.append(words(TITLES[variable], "subtitle1"))
            widths: Mapping[str, int] = QUARTER if len(keys) == 4 else {"xs": 6, "lg": 2}
            rows.append(grid([pane(panels.figures[key]) for key in keys], widths))
            rows.append(self._export(variable))
        return rows

    def _export(self, variable: str | None) -> Viewable:
        """The menu of one output; None: of the selected one."""

        def exhibit() -> Distribution:
            return Distribution.of(self.state, emulators=self.emulators(), variable=variable or self.state.variable)

        return export_menu("distribution", exhibit, self.catalog)

    def _choose_level(self, position: float) -> None:
        levels, _ = self.axes(self.state.variable)
        self.state.level = int(np.abs(levels.values - position).argmin())
