"""Maps: where over the globe an emulator is right, level by level and time by time; a click selects a column."""

from __future__ import annotations

import time
from html import escape
from typing import ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.events import Tap
from panel.viewable import Viewable
from scipy.spatial import cKDTree

from app.catalog import Catalog
from app.figures.axes import TITLES, plain_number
from app.figures.colouring import Colouring
from app.figures.globe import Globe, Raster, cell_tree, globe, make_raster, nearest_cell
from app.figures.map_image import make_map
from app.figures.zonal import Bands, make_bands, make_section, make_zonal_line, zonal_mean
from app.metrics import MAP_BY_NAME, MAPS, MapMetric
from app.state import MAP_METRICS, State
from app.theme import colours
from app.views.controls import choice, select, stepped_slider, switch
from app.views.layout import beside, pane, paper, uneven_grid, words
from diffmp_core.variables import LEVELS, OUTPUT_NAMES

SELDOM = 0.5
"""Cells covered at fewer than this part of the times are marked on a map of means."""


class MapsView:
    """The map of one score, its zonal mean, and a section of all levels."""

    depends: ClassVar[tuple[str, ...]] = (
        "experiment",
        "emulator",
        "variable",
        "metric",
        "level",
        "time",
        "average",
        "logarithmic",
        "cell",
        "projection",
        "centre",
        "units",
        "vertical",
        "dark",
    )

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.map = make_map(dark=state.dark)
        self.line = make_zonal_line(dark=state.dark)
        self.section = make_section(dark=state.dark, levels=LEVELS)
        self.summary = pn.pane.HTML("", sizing_mode="stretch_width")
        self.missing = pn.pane.HTML("", margin=0)
        self.notice = pmui.Alert(self.missing, severity="info", visible=False, sizing_mode="stretch_width")
        self.map.figure.on_event(Tap, self._tap)
        self.section.figure.on_event(Tap, self._tap_section)

    @property
    def metric(self) -> MapMetric:
        """The quantity drawn."""
        return MAP_BY_NAME[self.state.metric]

    def panel(self) -> Viewable:
        """Controls at the left, map and zonal mean beside them, the section below."""
        state = self.state
        self.refresh(frozenset(self.depends))
        labels = {metric.name: metric.label for metric in MAPS}
        controls = pmui.Grid(
            *(
                pmui.Grid(control, size={"xs": 12, "sm": 6, "md": 12})
                for control in (
                    select(state, "metric", "Score", {labels[name]: name for name in MAP_METRICS}),
                    select(state, "variable", "Variable", {TITLES[name]: name for name in OUTPUT_NAMES}),
                    stepped_slider(
                        state, "level", "Level", lambda i: self.catalog.grid(state.experiment).level_labels[i]
                    ),
                    switch(state, "average", "Mean over all times"),
                    stepped_slider(
                        state,
                        "time",
                        "Time",
                        lambda i: self.catalog.grid(state.experiment).times[i],
                        disabled=state.param.average,
                    ),
                    switch(
                        state,
                        "logarithmic",
                        "Logarithmic colours",
                        disabled=pn.bind(lambda name: not MAP_BY_NAME[name].never_negative, state.param.metric),
                    ),
                    select(state, "projection", "Projection"),
                    stepped_slider(state, "centre", "Central longitude", lambda lon: f"{lon}°"),
                    choice(state, "units", "Units"),
                    choice(state, "vertical", "Vertical axis"),
                )
            ),
            container=True,
            spacing=0,
            sizing_mode="stretch_width",
        )
        pictures = uneven_grid([(pane(self.map.figure), {"xs": 9}), (pane(self.line.figure), {"xs": 3})])
        figures = paper(self.notice, pictures, self.summary)
        section = paper(words("Zonal mean at every level", "subtitle1"), pane(self.section.figure))
        return beside(paper(controls), figures, section)

    def refresh(self, changed: frozenset[str]) -> None:
        """Redraw what the changed parameters touch, and say how long that took."""
        start = time.perf_counter()
        state = self.state
        grid = self.catalog.grid(state.experiment)
        values = self._values()
        self.notice.visible = values is None
        self.missing.object = (
            f"{escape(state.emulator)} has no score store, so there is no map of it. Choose another emulator above."
        )
        shown = np.full(grid.lat.size, np.nan, np.float32) if values is None else values
        raster = self._raster()
        if changed & {"experiment", "projection", "centre"}:
            self.map.project(self._globe(), raster, shown, grid.lat, grid.lon)
        if changed != {"cell"}:
            self.map.show(shown, raster, self._missed())
            self._draw_means(shown, changed)
        if changed - {"time", "cell", "projection", "centre", "vertical"}:
            self.map.coloured.colour(self._colouring(state.level), dark=state.dark)
        if changed & {"experiment", "projection", "centre", "cell"}:
            self.map.select(raster, state.cell)
        if "dark" in changed:
            for part in (self.map, self.line, self.section):
                part.restyle(dark=state.dark)
            self.summary.styles = {"color": colours(state.dark).text, "font-size": "0.9rem", "line-height": "1.5"}
        self.summary.object = self._summary(shown, 1000 * (time.perf_counter() - start))

    def _draw_means(self, shown: np.ndarray, changed: frozenset[str]) -> None:
        state, bands = self.state, self._bands()
        unit = self.metric.unit(state.variable, state.units)
        self.line.show(
            bands.centres,
            zonal_mean(bands, shown),
            f"mean [{unit}]",
            self.metric.reference(self.catalog.members(state.experiment, state.emulator)),
        )
        if changed - {"cell", "level", "projection", "centre"}:
            levels = self.catalog.levels(state.experiment, state.emulator, state.metric, state.variable, self._time())
            means = (
                np.full((LEVELS, bands.centres.size), np.nan)
                if levels is None
                else zonal_mean(bands, levels) * self._factor()
            )
            self.section.show(means)
            self.section.coloured.colour(self._colouring(None), dark=state.dark)
            self.section.label(*self.catalog.grid(state.experiment).level_axis(state.vertical))
        self.section.mark(state.level)

    def _time(self) -> int | None:
        return None if self.state.average else self.state.time

    def _factor(self) -> float:
        state = self.state
        return self.metric.factor(
            state.variable, state.units, self.catalog.truth_std(state.experiment, state.emulator, state.variable)
        )

    def _values(self) -> np.ndarray | None:
        """Values of the cells in the units shown."""
        state = self.state
        levels = self.catalog.levels(state.experiment, state.emulator, state.metric, state.variable, self._time())
        return None if levels is None else levels[state.level] * self._factor()

    def _missed(self) -> np.ndarray:
        """Cells whose truth lies outside the ensemble: at this time, or at most of the times."""
        state = self.state
        covered = self.catalog.levels(state.experiment, state.emulator, "coverage", state.variable, self._time())
        return (
            np.zeros(self.catalog.grid(state.experiment).lat.size, bool)
            if covered is None
            else covered[state.level] < SELDOM
        )

    def _colouring(self, level: int | None) -> Colouring:
        """Colours of the map of a level, or of the section of all: the same for every emulator and every time."""
        state, metric, bands = self.state, self.metric, self._bands()

        def cells_of_level(levels: np.ndarray) -> np.ndarray:
            return levels[level]

        def section(levels: np.ndarray) -> np.ndarray:
            return zonal_mean(bands, levels)

        logarithmic = state.logarithmic and metric.never_negative
        low, high = self.catalog.colour_range(
            state.experiment,
            metric,
            state.variable,
            averaged=state.average,
            logarithmic=logarithmic,
            drawn=section if level is None else cells_of_level,
            key="section" if level is None else level,
        )
        factor = self._factor()
        unit = metric.unit(state.variable, state.units)
        title = f"{metric.label} · {TITLES[state.variable]}" + (f" [{unit}]" if metric.power else "")
        return Colouring(
            palette=metric.palette,
            low=low * factor,
            high=high * factor,
            title=title,
            logarithmic=logarithmic,
            yes_no=metric.palette == "coverage" and level is not None and not state.average,
        )

    def _globe(self) -> Globe:
        return globe(self.state.projection, self.state.centre)

    def _tree(self) -> cKDTree:
        grid = self.catalog.grid(self.state.experiment)
        return self.catalog.keep(("tree", self.state.experiment), lambda: cell_tree(grid.lat, grid.lon))

    def _raster(self) -> Raster:
        state, grid = self.state, self.catalog.grid(self.state.experiment)
        key = ("raster", state.experiment, state.projection, state.centre)
        return self.catalog.keep(key, lambda: make_raster(self._globe(), grid.lat, grid.lon, self._tree()))

    def _bands(self) -> Bands:
        grid = self.catalog.grid(self.state.experiment)
        return self.catalog.keep(("bands", self.state.experiment), lambda: make_bands(grid.lat, grid.area))

    def _tap(self, event: Tap) -> None:
        cell = nearest_cell(self._globe(), self._tree(), event.x, event.y)
        if cell is not None:
            self.state.cell = cell

    def _tap_section(self, event: Tap) -> None:
        self.state.level = int(np.clip(round(event.y), 0, LEVELS - 1))

    def _summary(self, shown: np.ndarray, took: float) -> str:
        state, grid = self.state, self.catalog.grid(self.state.experiment)
        unit = f" {self.metric.unit(state.variable, state.units)}" if self.metric.power else ""
        mean = np.average(shown, weights=grid.area)
        times = f"mean over {len(grid.times)} times" if state.average else grid.times[state.time]
        return (
            f"<b>Global mean {plain_number(mean)}{unit}</b> · {times}, {grid.level_labels[state.level]}<br>"
            f"◯ column {state.cell}, {place(grid.lat[state.cell], grid.lon[state.cell])}: "
            f"<b>{plain_number(shown[state.cell])}{unit}</b> (click the map to choose another)<br>"
            f"× truth outside the ensemble{' at most of the times' if state.average else ''} · "
            f"drawn in {took:.0f} ms"
        )


def place(lat: float, lon: float) -> str:
    """A place in words, ``12.8° N 46.5° E``."""
    return f"{abs(lat):.1f}° {'N' if lat >= 0 else 'S'} {abs(lon):.1f}° {'E' if lon >= 0 else 'W'}"
