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

from app.browser import KEYS_CLASS
from app.catalog import Catalog
from app.choices import BOX, MAP_METRICS
from app.composites import selection_words, selects_all
from app.exhibits import ScoreMap, ZonalSection
from app.figures.axes import TITLES, plain_number
from app.figures.globe import Globe, Raster, globe, make_raster, nearest_cell
from app.figures.map_image import make_map
from app.figures.zonal import area_mean, make_section, make_zonal_line, zonal_mean
from app.metrics import MAP_BY_NAME, MAPS
from app.state import State
from app.theme import colours
from app.views.controls import choice, select, stepped_slider, switch
from app.views.export_menu import export_menu
from app.views.layout import beside, pane, paper, uneven_grid, words
from diffmp_core.variables import LEVELS, OUTPUT_NAMES

FOCUS = ":host(:focus-visible) { outline: 3px solid #d55e00; outline-offset: 2px; }"
"""A figure that the keyboard has reached shows it."""


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
        "region",
        *BOX,
        "regime",
    )

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.map = make_map(dark=state.dark)
        self.line = make_zonal_line(dark=state.dark)
        self.section = make_section(dark=state.dark, levels=LEVELS)
        self.summary = pn.pane.HTML("", sizing_mode="stretch_width")
        self.missing = pn.pane.HTML("", margin=0)
        self.notice = pmui.Alert(self.missing, severity="info", visible=False, sizing_mode="stretch_width")
        for figure in (self.map.figure, self.section.figure):
            figure.html_attributes = figure.html_attributes | {"tabindex": "0"}
            figure.css_classes = [KEYS_CLASS]
            figure.stylesheets = [FOCUS]
        self.map.figure.on_event(Tap, self._tap)
        self.section.figure.on_event(Tap, self._tap_section)

    @property
    def field(self) -> ScoreMap:
        """What the state asks for."""
        return ScoreMap.of(self.state)

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
        leave = export_menu("map", lambda: ScoreMap.of(state), self.catalog)
        figures = paper(self.notice, pictures, self.summary, leave)
        leave = export_menu("section", lambda: ZonalSection.of(state), self.catalog)
        section = paper(words("Zonal mean at every level", "subtitle1"), pane(self.section.figure), leave)
        return beside(paper(controls), figures, section)

    def refresh(self, changed: frozenset[str]) -> None:
        """Redraw what the changed parameters touch, and say how long that took."""
        start = time.perf_counter()
        state = self.state
        grid = self.catalog.grid(state.experiment)
        field = self.field
        values = field.values(self.catalog)
        self.notice.visible = values is None
        self.missing.object = (
            f"{escape(state.emulator)} has no score store, so there is no map of it. Choose another emulator above."
        )
        shown = np.full(grid.lat.size, np.nan, np.float32) if values is None else values
        raster = self._raster()
        if changed & {"experiment", "projection", "centre"}:
            self.map.project(self._globe(), raster, shown, grid.lat, grid.lon)
        if changed != {"cell"}:
            self.map.show(shown, raster, field.missed(self.catalog))
            self._draw_means(field, shown, changed)
        if changed - {"time", "cell", "projection", "centre", "vertical"}:
            self.map.coloured.colour(field.colouring(self.catalog), dark=state.dark)
        if changed & {"experiment", "projection", "centre", "cell"}:
            self.map.select(raster, state.cell)
        if "dark" in changed:
            for part in (self.map, self.line, self.section):
                part.restyle(dark=state.dark)
            self.summary.styles = {"color": colours(state.dark).text, "font-size": "0.9rem", "line-height": "1.5"}
        self.summary.object = self._summary(field, shown, 1000 * (time.perf_counter() - start))

    def _draw_means(self, field: ScoreMap, shown: np.ndarray, changed: frozenset[str]) -> None:
        state, bands = self.state, field.bands(self.catalog)
        self.line.show(
            bands.centres,
            zonal_mean(bands, shown),
            f"mean [{field.unit}]",
            field.score.reference(self.catalog.members(state.experiment, state.emulator)),
        )
        if changed - {"cell", "level", "projection", "centre"}:
            levels = field.levels(self.catalog)
            means = (
                np.full((LEVELS, bands.centres.size), np.nan)
                if levels is None
                else zonal_mean(bands, levels) * field.factor(self.catalog)
            )
            self.section.show(means)
            self.section.coloured.colour(field.colouring(self.catalog, section=True), dark=state.dark)
            self.section.label(*self.catalog.grid(state.experiment).level_axis(state.vertical))
        self.section.mark(state.level)

    def _globe(self) -> Globe:
        return globe(self.state.projection, self.state.centre)

    def _tree(self) -> cKDTree:
        return self.catalog.tree(self.state.experiment)

    def _raster(self) -> Raster:
        state, grid = self.state, self.catalog.grid(self.state.experiment)
        key = ("raster", state.experiment, state.projection, state.centre)
        return self.catalog.keep(key, lambda: make_raster(self._globe(), grid.lat, grid.lon, self._tree()))

    def _tap(self, event: Tap) -> None:
        cell = nearest_cell(self._globe(), self._tree(), event.x, event.y)
        if cell is not None:
            self.state.cell = cell

    def _tap_section(self, event: Tap) -> None:
        self.state.level = int(np.clip(round(event.y), 0, LEVELS - 1))

    def _summary(self, field: ScoreMap, shown: np.ndarray, took: float) -> str:
        state, grid = self.state, self.catalog.grid(self.state.experiment)
        unit, mean = f" {field.unit}" if field.score.power else "", area_mean(shown, grid.area)
        whole = selects_all(state.choices)
        where = "Global mean" if whole else f"Mean of {escape(selection_words(state.choices))}"
        times = f"mean over {len(grid.times)} times" if state.average else grid.times[state.time]
        return (
            f"<b>{where} {plain_number(mean)}{unit}</b> · {times}, {grid.level_labels[state.level]}<br>"
            f"◯ column {state.cell}, {grid.place(state.cell)}: "
            f"<b>{plain_number(float(shown[state.cell]))}{unit}</b> "
            "(click the map, or use arrow keys on it, for another)<br>"
            f"× truth outside the ensemble{' at most of the times' if state.average else ''} · "
            f"drawn in {took:.0f} ms"
        )
