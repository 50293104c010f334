"""A score over the globe: the map of one level (Figures 8 and 9 of the paper), and the zonal mean of every level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from app.catalog import Catalog
from app.composites import selection_words, selects_all
from app.exhibits.exhibit import OfSelection, Rows, level_coordinates, quantity, scored_words
from app.exhibits.paper import colour_bar, coloured, finite
from app.figures.axes import TITLES, plain_number
from app.figures.colouring import Colouring
from app.figures.globe import PIXELS, cell_tree, globe, make_raster
from app.figures.map_image import gather, make_map
from app.figures.zonal import (
    LATITUDE_LABELS,
    LATITUDES,
    Bands,
    area_mean,
    make_bands,
    make_section,
    make_zonal_line,
    zonal_mean,
)
from app.metrics import MAP_BY_NAME, MapMetric
from app.theme import LIGHT
from diffmp_core.errors import DiffmpError

SELDOM = 0.5
"""Cells covered at fewer than this part of the times are marked on a map of means."""
PAPER_PIXELS = 4 * PIXELS
REPORT_PIXELS = PIXELS // 4
"""Pixels of a map on paper, where it is 300 dots an inch, and in a report, where many maps share a few megabytes."""
LATITUDE_ATTRS = {"units": "degrees_north", "standard_name": "latitude"}
LONGITUDE_ATTRS = {"units": "degrees_east", "standard_name": "longitude"}
MARK = "#d55e00"


@dataclass(frozen=True, kw_only=True)
class ScoreField(OfSelection):
    """One score of one output at one time or over all: what a map and a section have in common.

    Attributes:
        emulator, variable, metric: names; level, time: indices; average: over all times instead of ``time``.
        units: ``physical`` or ``normalised``; logarithmic: colours, where the score is never negative.
    """

    emulator: str
    variable: str
    metric: str
    level: int
    time: int = 0
    average: bool = True
    logarithmic: bool = True
    units: str = "physical"

    @property
    def score(self) -> MapMetric:
        """The quantity drawn."""
        return MAP_BY_NAME[self.metric]

    @property
    def unit(self) -> str:
        """Unit of the values shown."""
        return self.score.unit(self.variable, self.units)

    def factor(self, catalog: Catalog) -> float:
        """Shown unit of a stored value."""
        std = catalog.truth_std(self.experiment, self.emulator, self.variable)
        return self.score.factor(self.variable, self.units, std)

    def levels(self, catalog: Catalog) -> NDArray[np.float32] | None:
        """Stored values ``(level, cell)``; None where the emulator has no score store."""
        return self._stored(catalog, self.metric)

    def values(self, catalog: Catalog) -> NDArray[np.float32] | None:
        """Values of the cells ``(cell,)`` in the unit shown; None where the emulator has no score store."""
        levels = self.levels(catalog)
        return None if levels is None else levels[self.level] * self.factor(catalog)

    def missed(self, catalog: Catalog) -> NDArray[np.bool_]:
        """Cells ``(cell,)`` whose truth lies outside the ensemble: at this time, or at most of the times."""
        covered = self._stored(catalog, "coverage")
        cells = catalog.grid(self.experiment).lat.size
        return np.zeros(cells, bool) if covered is None else covered[self.level] < SELDOM

    def bands(self, catalog: Catalog) -> Bands:
        """Bands of latitude of the experiment's cells."""
        grid = catalog.grid(self.experiment)
        return catalog.keep(("bands", self.experiment), lambda: make_bands(grid.lat, grid.area))

    def colouring(self, catalog: Catalog, *, section: bool = False) -> Colouring:
        """Colours of the map, or of the section of all levels: the same for every emulator and every time."""
        metric, bands = self.score, self.bands(catalog)
        logarithmic = self.logarithmic and metric.never_negative
        low, high = catalog.colour_range(
            self.experiment,
            metric,
            self.variable,
            averaged=self.average,
            logarithmic=logarithmic,
            drawn=lambda levels: zonal_mean(bands, levels) if section else levels[self.level],
            key="section" if section else self.level,
        )
        factor = self.factor(catalog)
        title = f"{metric.label} · {TITLES[self.variable]}" + (f" [{self.unit}]" if metric.power else "")
        return Colouring(
            palette=metric.palette,
            low=low * factor,
            high=high * factor,
            title=title,
            logarithmic=logarithmic,
            yes_no=metric.palette == "coverage" and not section and not self.average,
        )

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensemble that was scored."""
        return scored_words(catalog, self.experiment, self.emulator)

    def times_words(self, catalog: Catalog) -> str:
        """At which time, or over how many, and of which columns if not of all."""
        times = catalog.grid(self.experiment).times
        words = f"mean over {len(times)} times" if self.average else times[self.time]
        return words if selects_all(self.choices) else f"{words}, {selection_words(self.choices)}"

    def _stored(self, catalog: Catalog, metric: str) -> NDArray[np.float32] | None:
        time = None if self.average else self.time
        mask = catalog.mask(self.choices)
        return catalog.levels(self.experiment, self.emulator, metric, self.variable, time, mask)

    def _known(self, catalog: Catalog) -> NDArray[np.float32]:
        levels = self.levels(catalog)
        if levels is None:
            raise DiffmpError(
                f"expected a score store of {self.emulator!r} in experiment {self.experiment!r}, found none; "
                "run 'diffmp score' for it or choose another emulator"
            )
        return levels

    def _score_name(self) -> str:
        return f"{self.score.label} of {TITLES[self.variable].lower()}: {self.score.meaning}"


@dataclass(frozen=True, kw_only=True)
class ScoreMap(ScoreField):
    """The map of a score at one level, with its zonal mean beside it; ``cell`` is marked."""

    cell: int = 0
    projection: str = "Robinson"
    centre: int = 0
    what: ClassVar[str] = "map"
    size: ClassVar[tuple[float, float]] = (9.0, 5.4)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Values and missed cells ``(cell,)`` and the zonal mean ``(latitude,)``."""
        stored, grid, bands = self._known(catalog), catalog.grid(self.experiment), self.bands(catalog)
        values = stored[self.level] * self.factor(catalog)
        mean = area_mean(values, grid.area)
        perfect = self.score.reference(catalog.members(self.experiment, self.emulator))
        unit = f" {self.unit}" if self.score.power else ""
        levels = {name: ((), v[1][self.level], v[2]) for name, v in level_coordinates(catalog, self.experiment).items()}
        return xr.Dataset(
            {
                self.metric: quantity(
                    "cell", values, self.unit, self._score_name(), **_colour_attrs(self.colouring(catalog))
                ),
                "outside_ensemble": quantity(
                    "cell",
                    self.missed(catalog).astype(np.int8),
                    "1",
                    "truth outside the ensemble" + (" at most of the times" if self.average else ""),
                ),
                "zonal_mean": quantity(
                    "latitude",
                    zonal_mean(bands, values),
                    self.unit,
                    f"area-weighted zonal mean: {self._score_name()}",
                    **({} if perfect is None else {"perfect_ensemble": perfect}),
                ),
            },
            coords={
                "cell": ("cell", np.arange(grid.lat.size), {"long_name": "column"}),
                "lat": ("cell", grid.lat, LATITUDE_ATTRS),
                "lon": ("cell", grid.lon, LONGITUDE_ATTRS),
                "area": ("cell", grid.area, {"units": "sr", "long_name": "solid angle"}),
                "latitude": ("latitude", bands.centres, LATITUDE_ATTRS | {"long_name": "middle of the band"}),
                **levels,
            },
            attrs={
                "title": f"{self.score.label} · {TITLES[self.variable]} · {self.emulator}",
                "subtitle": f"level {grid.level_labels[self.level]} · {self.times_words(catalog)} · mean "
                f"{plain_number(mean)}{unit} · × truth outside the ensemble"
                f"{' at most of the times' if self.average else ''} · ○ column {self.cell}, "
                f"{grid.place(self.cell)}",
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The map with its colour bar, and the zonal mean at its right."""
        shown, lat, lon = data[self.metric], data["lat"].values, data["lon"].values
        colouring, view = _colouring_of(shown), globe(self.projection, self.centre)
        colours, norm, labels = coloured(colouring)
        raster = make_raster(view, lat, lon, cell_tree(lat, lon), pixels=PAPER_PIXELS)
        place, beside = figure.subplots(1, 2, width_ratios=(4.4, 1))
        x0, y0, x1, y1 = view.bounds
        picture = gather(shown.values.astype(np.float32)[raster.cells], raster)
        image = place.imshow(
            finite(picture), origin="lower", extent=(x0, x1, y0, y1), interpolation="nearest", cmap=colours, norm=norm
        )
        place.plot(*view.graticule, color=LIGHT.coast, alpha=0.18, linewidth=0.4)
        place.plot(*view.coastline, color="white", alpha=0.6, linewidth=1.3)
        place.plot(*view.coastline, color="#111111", linewidth=0.6)
        place.plot(*view.outline, color=LIGHT.muted, linewidth=0.7)
        missed = data["outside_ensemble"].values.astype(bool)
        for colour, size, width in (("black", 12, 1.6), ("white", 10, 0.7)):
            place.scatter(raster.x[missed], raster.y[missed], size, colour, "x", linewidths=width)
        for colour, width in (("white", 2.6), (MARK, 1.3)):
            place.scatter(
                raster.x[self.cell], raster.y[self.cell], 90, "none", "o", linewidths=width, edgecolors=colour
            )
        place.set_axis_off()
        colour_bar(figure, place, image, colouring.title, labels)
        beside.plot(data["zonal_mean"], data["latitude"], color=LIGHT.emulator)
        if (perfect := _perfect(data)) is not None:
            beside.axvline(perfect, color=LIGHT.reference, linestyle="--", linewidth=1.2)
        beside.set_ylim(-90, 90)
        beside.set_yticks(list(LATITUDES), [LATITUDE_LABELS[lat] for lat in LATITUDES])
        beside.set_xlabel("zonal mean" + (f" [{shown.axis_label}]" if self.score.power else ""))
        beside.locator_params(axis="x", nbins=3)

    def screen(self, data: xr.Dataset) -> Rows:
        """The map and its zonal mean as the page draws them, with fewer pixels."""
        shown, lat, lon = data[self.metric], data["lat"].values, data["lon"].values
        view = globe(self.projection, self.centre)
        raster = make_raster(view, lat, lon, cell_tree(lat, lon), pixels=REPORT_PIXELS)
        drawn, line = make_map(dark=False), make_zonal_line(dark=False)
        drawn.project(view, raster, shown.values, lat, lon)
        drawn.show(shown.values, raster, data["outside_ensemble"].values.astype(bool))
        drawn.select(raster, self.cell)
        drawn.coloured.colour(_colouring_of(shown), dark=False)
        line.show(data["latitude"].values, data["zonal_mean"].values, f"mean [{shown.axis_label}]", _perfect(data))
        return [[drawn.figure, line.figure]]


@dataclass(frozen=True, kw_only=True)
class ZonalSection(ScoreField):
    """The zonal mean of a score at every level; ``level`` is marked."""

    vertical: str = "height"
    what: ClassVar[str] = "section"
    size: ClassVar[tuple[float, float]] = (9.0, 4.6)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Zonal means ``(level, latitude)``."""
        grid, bands = catalog.grid(self.experiment), self.bands(catalog)
        means = zonal_mean(bands, self._known(catalog)) * self.factor(catalog)
        name = f"area-weighted zonal mean: {self._score_name()}"
        attrs = _colour_attrs(self.colouring(catalog, section=True))
        return xr.Dataset(
            {self.metric: quantity(("level", "latitude"), means, self.unit, name, **attrs)},
            coords=level_coordinates(catalog, self.experiment)
            | {
                "latitude": ("latitude", bands.centres, {**LATITUDE_ATTRS, "bounds": "latitude_bounds"}),
                "latitude_bounds": (("latitude", "bound"), np.stack([bands.edges[:-1], bands.edges[1:]], axis=1)),
            },
            attrs={
                "title": f"{self.score.label}, zonal mean · {TITLES[self.variable]} · {self.emulator}",
                "subtitle": f"{self.times_words(catalog)} · marked: level {grid.level_labels[self.level]}",
                "level_axis_labels": grid.level_axis(self.vertical)[0],
                "level_axis_title": grid.level_axis(self.vertical)[1],
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One row a level, so that the boundary layer can be seen."""
        shown, axes = data[self.metric], figure.subplots()
        colouring = _colouring_of(shown)
        colours, norm, labels = coloured(colouring)
        count, bounds = shown.sizes["level"], data["latitude_bounds"].values
        mesh = axes.pcolormesh(
            np.append(bounds[:, 0], bounds[-1, 1]),
            np.arange(count + 1) - 0.5,
            finite(shown.values),
            cmap=colours,
            norm=norm,
            rasterized=True,
        )
        axes.grid(False)
        axes.axhspan(self.level - 0.5, self.level + 0.5, fill=False, edgecolor=MARK, linewidth=1.3)
        axes.set_xticks(list(LATITUDES), [LATITUDE_LABELS[lat] for lat in LATITUDES])
        axes.set_yticks(range(0, count, 3), list(data.attrs["level_axis_labels"])[::3])
        axes.set_ylabel(data.attrs["level_axis_title"])
        colour_bar(figure, axes, mesh, colouring.title, labels)

    def screen(self, data: xr.Dataset) -> Rows:
        """The section as the page draws it."""
        shown = data[self.metric]
        section = make_section(dark=False, levels=shown.sizes["level"])
        section.show(shown.values)
        section.coloured.colour(_colouring_of(shown), dark=False)
        section.label(list(data.attrs["level_axis_labels"]), data.attrs["level_axis_title"])
        section.mark(self.level)
        return [[section.figure]]


def _perfect(data: xr.Dataset) -> float | None:
    """What a perfect ensemble has at every latitude, if that is known."""
    return data["zonal_mean"].attrs.get("perfect_ensemble")


def _colour_attrs(colouring: Colouring) -> dict[str, Any]:
    """Attributes that keep the colours of a variable; netCDF knows no booleans."""
    return {
        "colour_palette": colouring.palette,
        "colour_range": [colouring.low, colouring.high],
        "colour_title": colouring.title,
        "colour_scale": "logarithmic" if colouring.logarithmic else "yes or no" if colouring.yes_no else "linear",
    }


def _colouring_of(variable: xr.DataArray) -> Colouring:
    """The colours that :func:`_colour_attrs` keeps."""
    low, high = map(float, variable.attrs["colour_range"])
    return Colouring(
        palette=variable.attrs["colour_palette"],
        low=low,
        high=high,
        title=variable.attrs["colour_title"],
        logarithmic=variable.attrs["colour_scale"] == "logarithmic",
        yes_no=variable.attrs["colour_scale"] == "yes or no",
    )
