"""Maps: where over the globe an emulator is right, or better than another; a click selects a column."""

from __future__ import annotations

import time
from html import escape
from typing import Any, ClassVar, TypeVar

import numpy as np
import panel as pn
import xarray as xr
from bokeh.events import Tap
from bokeh.plotting import figure
from numpy.typing import NDArray
from panel.viewable import Viewable
from scipy.spatial import cKDTree

from diffmp_core.scores.maps import MAPS

from ..data.catalog import Catalog
from ..exhibits import ScoreMap, ZonalSection
from ..exhibits.score_colours import colouring_of
from ..exhibits.score_field import panels
from ..exhibits.score_map import missed_cells
from ..figures.globe import Globe, Raster, globe, make_raster, nearest_cell
from ..figures.map_image import MapImage, make_map
from ..figures.theme import MAP_ASPECT, colours
from ..figures.zonal import Section, ZonalLine, make_section, make_zonal_line
from ..state.choices import BOX
from ..state.pinned import nothing_pinned
from ..state.state import State
from ..web.browser import KEYS_CLASS
from . import compare
from .compare import compare_controls
from .controls import choice, select, stepped_slider, switch
from .export_menu import export_menu
from .layout import beside, grid, pane, paper, words
from .map_summary import map_summary
from .notices import hidden_notice
from .player import played_slider

FOCUS = ":host(:focus-visible) { outline: 3px solid #d55e00; outline-offset: 2px; }"
"""A figure that the keyboard has reached shows it."""
WIDTHS = {1: (9, 0, 3), 2: (5, 5, 2)}
"""Twelfths of two maps and a zonal mean, by the number of maps."""
WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
Reached = TypeVar("Reached", MapImage, Section)


def _places(*plots: figure) -> list[pn.Column]:
    """Figures whose shares of the width of a row can change while they stay on the page."""
    return [pn.Column(pane(plot), **WIDE) for plot in plots]


class MapsView:
    """The map of one score, its zonal mean, and a section of all levels; two maps and sections side by side.

    ``data`` and ``section_data`` are what is drawn; a single value has no section.
    """

    depends: ClassVar[tuple[str, ...]] = (
        "experiment", "emulator", "variable", "metric", "level", "time", "average", "logarithmic", "cell", "projection",
        "centre", "units", "vertical", "dark", "region", *BOX, "regime", "pinned_cell", *compare.DEPENDS,
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.map, self.section = self._make_map(), self._make_section()
        self.line = make_zonal_line(dark=state.dark)
        self.maps, self.sections = [self.map], [self.section]
        self.summary = pn.pane.HTML("", sizing_mode="stretch_width")
        self.missing = pn.pane.HTML("", margin=0)
        self.notice = hidden_notice(self.missing)
        self.places = _places(self.map.figure, self.line.figure)
        self.rows = _places(self.section.figure)
        self.pictures, self.profiles = pn.Row(*self.places, **WIDE), pn.Row(*self.rows, **WIDE)
        self.count = 0
        self.data = self.section_data = xr.Dataset()
        self._projected: dict[int, tuple[Any, ...]] = {}

    @property
    def field(self) -> ScoreMap:
        """What the state asks for."""
        return ScoreMap.of(self.state)

    @property
    def section_field(self) -> ZonalSection:
        """All levels of the same."""
        return ZonalSection.of(self.state)

    def panel(self) -> Viewable:
        """Controls at the left, maps and zonal mean beside them, the sections below."""
        state = self.state
        self.level_slider = played_slider(
            state, "level", "Level", lambda i: self.catalog.grid(state.experiment).level_labels[i]
        )
        leave = export_menu("section", lambda: self.section_field, self.catalog, self._gathered_section)
        self.section_paper = paper(words("Zonal mean at every level", "subtitle1"), self.profiles, leave)
        self.refresh(frozenset(self.depends))
        controls = (
            select(state, "metric", "Score", {score.label: name for name, score in MAPS.items()}),
            select(state, "variable", "Variable"),
            self.level_slider,
            switch(state, "average", "Mean over all times"),
            played_slider(
                state,
                "time",
                "Time",
                lambda i: self.catalog.grid(state.experiment).times[i],
                disabled=state.param.average,
            ),
            *compare_controls(state, significance=True),
            switch(
                state,
                "logarithmic",
                "Logarithmic colours",
                disabled=pn.bind(
                    lambda name, compare: compare == "difference" or not MAPS[name].never_negative,
                    state.param.metric,
                    state.param.compare,
                ),
            ),
            select(state, "projection", "Projection"),
            stepped_slider(state, "centre", "Central longitude", lambda lon: f"{lon}°"),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
        )
        leave = export_menu("map", lambda: self.field, self.catalog, self._gathered)
        figures = paper(self.notice, self.pictures, self.summary, leave)
        return beside(paper(grid(controls, {"xs": 12, "sm": 6, "md": 12}, gap=0)), figures, self.section_paper)

    def refresh(self, changed: frozenset[str]) -> None:
        """Redraw what the changed parameters touch, and say how long that took."""
        start = time.perf_counter()
        state, field = self.state, self.field
        moved, marks = {"experiment", "projection", "centre"}, {"cell", "pinned_cell"}
        self.data = field.arrange(self.catalog) if changed - marks else field.marked(self.data, self.catalog)
        parts = panels(self.data)
        self._lay_out(field)
        self._say_what_is_missing(field)
        for drawn, panel in zip(self.maps, parts, strict=False):
            values = field.drawn(panel)
            fresh = self._project(drawn, values)
            if changed - marks or fresh:
                drawn.show(values, self._raster(), missed_cells(panel))
            if changed - {"time", *marks, "projection", "centre", "vertical"} or fresh:
                drawn.coloured.colour(colouring_of(panel[field.metric]), dark=state.dark)
            if changed & (moved | marks) or fresh:
                drawn.select(self._raster(), state.cell, state.pinned_cell)
        if changed - marks:
            field.show_line(self.line, parts)
            self._draw_sections(changed)
        if "dark" in changed:
            figures: list[MapImage | Section | ZonalLine] = [*self.maps, *self.sections, self.line]
            for part in figures:
                part.restyle(dark=state.dark)
            self.summary.styles = {"color": colours(state.dark).text, "font-size": "0.9rem", "line-height": "1.5"}
        took = 1000 * (time.perf_counter() - start)
        self.summary.object = map_summary(state, self.catalog, field, parts, took=took)

    def _gathered(self) -> xr.Dataset | None:
        """What the maps are drawn of, unless a store lacks it."""
        return None if self.notice.visible else self.data

    def _gathered_section(self) -> xr.Dataset | None:
        return None if self.notice.visible else self.section_data

    def _lay_out(self, field: ScoreMap) -> None:
        """One map or two, each under its name, and their zonal mean as high as they are."""
        count = len(field.sides)
        if count != self.count:
            self.count, (first, second, last) = count, WIDTHS[count]
            if count > len(self.maps):
                self._add_second()
            sizes = (first, second, last, 1, count - 1) if len(self.maps) > 1 else (first, last, 1)
            for place, size in zip((*self.places, *self.rows), sizes, strict=True):
                place.param.update(visible=size > 0, styles={"flex": f"{size} 1 0", "min-width": "0"})
            self.line.figure.aspect_ratio = MAP_ASPECT * last / first
        named = [side.name if count == 2 or side.is_difference else "" for side in field.sides]
        for place, words_above in enumerate(named):
            self.maps[place].name(words_above)
            self.sections[place].name(words_above)

    def _add_second(self) -> None:
        """The second map and section: made when they are first asked for, because figures unseen cost as much."""
        self.maps.append(self._make_map())
        self.sections.append(self._make_section())
        (place,), (row,) = _places(self.maps[1].figure), _places(self.sections[1].figure)
        self.places.insert(1, place)
        self.rows.append(row)
        self.pictures.insert(1, place)
        self.profiles.append(row)

    def _make_map(self) -> MapImage:
        made = make_map(dark=self.state.dark)
        made.figure.on_event(Tap, self._tap)
        return self._by_keys(made)

    def _make_section(self) -> Section:
        made = make_section(dark=self.state.dark)
        made.figure.on_event(Tap, self._tap_section)
        return self._by_keys(made)

    def _by_keys(self, part: Reached) -> Reached:
        """A figure that the keyboard reaches, and arrow keys act on."""
        part.figure.html_attributes = part.figure.html_attributes | {"tabindex": "0"}
        part.figure.css_classes = [KEYS_CLASS]
        part.figure.stylesheets = [FOCUS]
        return part

    def _say_what_is_missing(self, field: ScoreMap) -> None:
        """A notice where an emulator has no such scores, or nothing is there to compare with."""
        stored, called = field.score.stored, f"“{field.score.label}”"
        lacks = [
            self.catalog.lacks(self.state.experiment, name, stored, called=called, variable=field.variable)
            for name in field.emulators
        ]
        said = [f"{escape(why)}, so there is no map of it. Choose another score or emulator." for why in lacks if why]
        if field.compare != "none" and not field.other:
            said.append(nothing_pinned())
        self.missing.object = "<br>".join(said)
        self.notice.visible = bool(said)

    def _project(self, drawn: MapImage, values: NDArray[np.float32]) -> bool:
        """Bring a map into the projection and the grid shown; False where it is there already."""
        state, cells = self.state, self.catalog.grid(self.state.experiment)
        wanted = (state.experiment, state.projection, state.centre)
        if self._projected.get(id(drawn)) == wanted:
            return False
        drawn.project(self._globe(), self._raster(), values, cells.lat, cells.lon)
        self._projected[id(drawn)] = wanted
        return True

    def _draw_sections(self, changed: frozenset[str]) -> None:
        """All levels, where there are any, and which of them the map shows."""
        state, field = self.state, self.section_field
        on_levels = field.output(self.catalog).profile
        self.level_slider.visible = self.section_paper.visible = on_levels
        if not on_levels:
            return
        if changed - {"cell", "pinned_cell", "level", "projection", "centre"}:
            self.section_data = field.arrange(self.catalog)
            for section, panel in zip(self.sections, panels(self.section_data), strict=False):
                field.show_on(section, panel, dark=state.dark)
        else:
            self.section_data = field.marked(self.section_data, self.catalog)
        for section in self.sections:
            section.mark(state.level)

    def _globe(self) -> Globe:
        return globe(self.state.projection, self.state.centre)

    def _tree(self) -> cKDTree:
        return self.catalog.tree(self.state.experiment)

    def _raster(self) -> Raster:
        state, cells = self.state, self.catalog.grid(self.state.experiment)
        key = ("raster", state.experiment, state.projection, state.centre)
        return self.catalog.keep(key, lambda: make_raster(self._globe(), cells.lat, cells.lon, self._tree()))

    def _tap(self, event: Tap) -> None:
        cell = nearest_cell(self._globe(), self._tree(), event.x, event.y)
        if cell is not None:
            self.state.cell = cell

    def _tap_section(self, event: Tap) -> None:
        self.state.level = self.catalog.limits(self.state.experiment).within("level", round(event.y))
