"""Distributions: how often each value occurs at each level, in the truth and in the emulators' ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from app.catalog import Catalog
from app.figures.axes import TITLES, LevelAxis, ValueAxis, level_axis, value_axis
from app.figures.distribution import DistributionPanels
from app.figures.heatmap import Histograms
from app.state import State
from app.views.controls import choice, select, stepped_slider
from app.views.layout import QUARTER, beside, grid, pane, paper, words
from diffmp_core.variables import OUTPUT_NAMES, OUTPUTS

SIDE_BY_SIDE = 2
"""Emulators shown beside the truth: the selected one and the next ones of the experiment."""

HOW_TO_READ = """
**How to read this.** Each row of a heatmap is one level; its colour says which share of the values of that level falls
into each bin, on a logarithmic scale that all heatmaps share. An emulator that gets the variability right has the same
picture as the truth. **Below** it stands where it differs: blue values are too rare, yellow ones too frequent, and what
counting noise alone explains is left blank, so a perfect emulator is an empty panel.
**Distance** is how far values would have to be moved on average to turn one distribution into the other
(Wasserstein-1); dotted: what a perfect emulator would have for as many columns. The outermost bins hold all that lies
beyond. Click a heatmap to choose the level of the last figure.
"""

ALL_OR_ONE = {"One output": "one", "All four": "all"}


class DistributionsView:
    """Heatmaps of the selected output for up to two emulators, or of all four outputs for the selected emulator."""

    depends: ClassVar[tuple[str, ...]] = ("experiment", "emulator", "variable", "level", "units", "vertical", "dark")

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.scope = pmui.RadioButtonGroup(
            label="Outputs", options=ALL_OR_ONE, value="one", size="small", sizing_mode="stretch_width", margin=(8, 4)
        )
        self.scope.param.watch(lambda _: self.refresh(frozenset(self.depends)), "value")
        self.notice = pmui.Alert("", severity="info", visible=False, sizing_mode="stretch_width")
        self.place = pn.Column(sizing_mode="stretch_width")
        self.built: tuple[str, tuple[str, ...]] | None = None
        self.panels: dict[str, DistributionPanels] = {}

    def panel(self) -> Viewable:
        """Controls at the left, figures beside them."""
        state = self.state
        names = {TITLES[v.name]: v.name for v in OUTPUTS}
        controls = paper(
            self.scope,
            select(state, "variable", "Output", names),
            stepped_slider(state, "level", "Level", lambda i: self.catalog.grid(state.experiment).level_labels[i]),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
        )
        self.refresh(frozenset(self.depends))
        return beside(controls, paper(self.notice, self.place, words(HOW_TO_READ)))

    def refresh(self, changed: frozenset[str]) -> None:
        """Redraw what the changed parameters touch; figures are made anew only for other emulators."""
        names = self.emulators()
        self.notice.param.update(
            visible=not names,
            object=f"{self.state.emulator} has no score store in this experiment, so its distributions are not known. "
            "Choose another emulator above, or run 'diffmp score'.",
        )
        self.place.visible = bool(names)
        if not names:
            return
        fresh = self.built != (self.scope.value, names)
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
        """Emulators shown: the selected one if it has scores, then others that have, in the order of the experiment."""
        state = self.state
        if self.catalog.scores(state.experiment, state.emulator) is None:
            return ()
        known = self.catalog.limits(state.experiment).emulators
        others = [e for e in known if e != state.emulator and self._comparable(e)]
        count = SIDE_BY_SIDE if self.scope.value == "one" else 1
        return (state.emulator, *others)[:count]

    def histograms(self, emulators: Sequence[str], variable: str) -> Histograms:
        """Counts of one output from the score stores; the truth is that of the first emulator."""
        key = ("histograms", self.state.experiment, tuple(emulators), variable)
        return self.catalog.keep(key, lambda: self._read(emulators, variable))

    def axes(self, variable: str) -> tuple[LevelAxis, ValueAxis]:
        """Vertical axis, and value axis whose factor is the shown unit per standard deviation of the truth."""
        state = self.state
        cells = self.catalog.grid(state.experiment)
        truth_std = self.catalog.truth_std(state.experiment, state.emulator, variable)
        shown = value_axis(variable, state.units, truth_std=truth_std)
        levels = level_axis(state.vertical, height=cells.height, pressure=cells.pressure)
        return levels, ValueAxis(shown.factor * truth_std, shown.label)

    def _read(self, emulators: Sequence[str], variable: str) -> Histograms:
        stores = {name: self.catalog.scores(self.state.experiment, name) for name in emulators}
        chosen = {name: store.sel(variable=variable) for name, store in stores.items() if store is not None}
        first = chosen[emulators[0]]
        return Histograms(
            edges=np.asarray(first["bin_edges"], dtype=float),
            truth=np.asarray(first["histogram_truth"].transpose("level", "bin"), dtype=float),
            members={
                name: np.asarray(store["histogram_members"].transpose("level", "bin"), dtype=float)
                for name, store in chosen.items()
            },
            ensemble_size={name: store.sizes["rank"] - 1 for name, store in chosen.items()},
        )

    def _comparable(self, emulator: str) -> bool:
        """Whether an emulator has scores in the bins of the selected one."""
        first = self.catalog.scores(self.state.experiment, self.state.emulator)
        other = self.catalog.scores(self.state.experiment, emulator)
        return first is not None and other is not None and np.array_equal(first["bin_edges"], other["bin_edges"])

    def _shown(self) -> list[tuple[str, DistributionPanels]]:
        if self.scope.value == "all":
            return list(self.panels.items())
        return [(self.state.variable, self.panels["one"])]

    def _build(self, names: tuple[str, ...]) -> list[Viewable]:
        """Make the figures for these emulators and lay them out; they are still empty."""
        self.built = (self.scope.value, names)
        if self.scope.value == "one":
            panels = DistributionPanels(names, on_level=self._choose_level)
            self.panels = {"one": panels}
            pairs = [("truth", "distance"), *((f"share {name}", f"ratio {name}") for name in names)]
            columns = [
                pn.Column(*(pane(panels.figures[key]) for key in pair), sizing_mode="stretch_width") for pair in pairs
            ]
            width = {"xs": 12, "sm": 12 // len(columns)}
            return [grid(columns, width), pane(panels.figures["density"])]
        rows: list[Viewable] = []
        self.panels = {}
        for variable in OUTPUT_NAMES:
            self.panels[variable] = panels = DistributionPanels(names, compact=True, on_level=self._choose_level)
            keys = ("truth", f"share {names[0]}", f"ratio {names[0]}", "distance")
            rows.append(words(TITLES[variable], "subtitle1"))
            rows.append(grid([pane(panels.figures[key]) for key in keys], QUARTER))
        return rows

    def _choose_level(self, position: float) -> None:
        levels, _ = self.axes(self.state.variable)
        self.state.level = int(np.abs(levels.values - position).argmin())
