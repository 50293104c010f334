"""A score over the globe at one level: of one emulator (Figures 8 and 9 of the paper), two, or their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..data.places import cell_tree
from ..figures.axes import plain_number
from ..figures.globe import PIXELS, Globe, Raster, globe, make_raster
from ..figures.map_image import gather, make_map
from ..figures.theme import LIGHT
from ..figures.zonal import (
    LATITUDE_ATTRS,
    LATITUDE_LABELS,
    LATITUDES,
    ZonalLine,
    area_mean,
    make_zonal_line,
    zonal_mean,
)
from .exhibit import Rows, level_coordinates, quantity
from .paper import MARK, colour_bar, coloured, finite
from .score_colours import colour_attrs, colouring_of, field_colouring
from .score_field import Quantities, ScoreField, beside, panels

PAPER_PIXELS = 4 * PIXELS
REPORT_PIXELS = PIXELS // 4
"""Pixels of a map on paper, where it is 300 dots an inch, and in a report, where many maps share a few megabytes."""
LONGITUDE_ATTRS = {"units": "degrees_east", "standard_name": "longitude"}
CURVES = (LIGHT.emulator, LIGHT.perturbed)
"""Colours of the zonal means of emulators beside each other."""


@dataclass(frozen=True, kw_only=True)
class ScoreMap(ScoreField):
    """The map of a score at one level, with its zonal mean beside it; ``cell`` and ``pinned_cell`` are marked."""

    cell: int = 0
    pinned_cell: int = -1
    projection: str = "Robinson"
    centre: int = 0
    what: ClassVar[str] = "map"
    size: ClassVar[tuple[float, float]] = (9.0, 5.4)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Values and missed cells ``([emulator,] cell)`` and the zonal mean ``([emulator,] latitude)``.

        A difference has its p-values and ``significant`` too; its values are all there, also those drawn blank.
        """
        self._check(catalog)
        return self.arrange(catalog)

    def arrange(self, catalog: Catalog) -> xr.Dataset:
        """As :meth:`gather`, NaN where a store has not this score.

        ``mean_words``, ``test_words`` and ``cross_words`` say the means over the globe or the selection, how a
        difference was tested, and what the crosses are.
        """
        grid, unit = catalog.grid(self.experiment), self.unit(catalog)
        unit = f" {unit}" if unit != "1" else ""
        sides = [side._alone(catalog) for side in self.sides]
        means = [plain_number(area_mean(alone[self.metric][1], grid.area)) + unit for alone in sides]
        found = beside(sides, [side.emulator for side in self.sides])
        said = {"mean_words": " and ".join(means), "test_words": "", "cross_words": ""}
        if self._is_tested(catalog):
            evidence = self.evidence(catalog)
            found["p_value"] = quantity("cell", evidence.p, "1", "p-value of no difference, of the cells around")
            found["significant"] = quantity(
                "cell", evidence.significant.astype(np.int8), "1", "significant at the false discovery rate of the map"
            )
            if interval := self.mean_interval(catalog):
                mean, low, high = map(plain_number, interval)
                said["mean_words"] = f"{mean}{unit} (95 %: {low} to {high})"
            said["test_words"] = self.test_words(catalog, evidence)
        elif not self.is_difference:
            said["cross_words"] = " · ".join(dict.fromkeys(side.cross_words(catalog) for side in self.sides))
        said["title"] = f"{self.score.label} · {title_of(self.output(catalog))} · {self.name}"
        data = xr.Dataset(found, self._places(catalog), said | {"subtitle": self._subtitle(said, catalog)})
        return data.set_coords("emulator") if "emulator" in found else data

    def marked(self, data: xr.Dataset, catalog: Catalog) -> xr.Dataset:
        """The same with words on the columns that are marked now: nothing else of it depends on them."""
        return data.assign_attrs(subtitle=self._subtitle(data.attrs, catalog))

    def _subtitle(self, said: Mapping[str, str], catalog: Catalog) -> str:
        place = catalog.grid(self.experiment).place
        words = [*self.level_words(catalog), self.times_words(catalog), f"mean {said['mean_words']}"]
        words += [said[name] for name in ("test_words", "cross_words") if said[name]]
        words.append(f"○ column {self.cell}, {place(self.cell)}")
        words += [f"□ pinned column {self.pinned_cell}, {place(self.pinned_cell)}"] if self.pinned_cell >= 0 else []
        return " · ".join(words)

    def _places(self, catalog: Catalog) -> xr.Coordinates:
        """Where the cells and the bands of latitude are, and the level of what is on levels."""
        level = self.level if self.output(catalog).profile else None

        def make() -> xr.Coordinates:
            grid, bands = catalog.grid(self.experiment), self.bands(catalog)
            every = {} if level is None else level_coordinates(catalog, self.experiment)
            return xr.Dataset(
                coords={
                    **{name: ((), values[level], attrs) for name, (_, values, attrs) in every.items()},
                    "cell": ("cell", np.arange(grid.lat.size), {"long_name": "column"}),
                    "lat": ("cell", grid.lat, LATITUDE_ATTRS),
                    "lon": ("cell", grid.lon, LONGITUDE_ATTRS),
                    "area": ("cell", grid.area, {"units": "sr", "long_name": "solid angle"}),
                    "latitude": ("latitude", bands.centres, LATITUDE_ATTRS | {"long_name": "middle of the band"}),
                }
            ).coords

        return catalog.keep(("places of maps", self.experiment, level), make)

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The maps with one colour bar, and their zonal means at the right."""
        parts, lat, lon = panels(data), data["lat"].values, data["lon"].values
        colouring, view = colouring_of(parts[0][self.metric]), globe(self.projection, self.centre)
        colours, norm, labels = coloured(colouring)
        raster = make_raster(view, lat, lon, cell_tree(lat, lon), pixels=PAPER_PIXELS)
        *places, curves = figure.subplots(1, len(parts) + 1, width_ratios=(*[4.4] * len(parts), 1))
        for place, panel, colour in zip(places, parts, CURVES, strict=False):
            x0, y0, x1, y1 = view.bounds
            picture = gather(self.drawn(panel).astype(np.float32)[raster.cells], raster)
            image = place.imshow(
                finite(picture),
                origin="lower",
                extent=(x0, x1, y0, y1),
                interpolation="nearest",
                cmap=colours,
                norm=norm,
            )
            self._draw_lines(place, view, raster, missed_cells(panel))
            label = str(panel["emulator"].values) if len(parts) > 1 else None
            place.set_title(label or "")
            curves.plot(panel["zonal_mean"], data["latitude"], color=colour, label=label)
        colour_bar(figure, places, image, colouring.title, labels)
        if (perfect := _perfect(parts[0])) is not None:
            curves.axvline(perfect, color=LIGHT.reference, linestyle="--", linewidth=1.2)
        curves.set_ylim(-90, 90)
        curves.set_yticks(list(LATITUDES), [LATITUDE_LABELS[lat] for lat in LATITUDES])
        unit = parts[0][self.metric].axis_label
        curves.set_xlabel("zonal mean" + (f" [{unit}]" if self.score.power else ""))
        curves.locator_params(axis="x", nbins=3)
        if len(parts) > 1:
            figure.legend(loc="outside upper right")

    def screen(self, data: xr.Dataset) -> Rows:
        """The maps and their zonal means as the page draws them, with fewer pixels."""
        parts, lat, lon = panels(data), data["lat"].values, data["lon"].values
        view = globe(self.projection, self.centre)
        raster = make_raster(view, lat, lon, cell_tree(lat, lon), pixels=REPORT_PIXELS)
        row: list[UIElement | str] = []
        for panel in parts:
            shown, drawn = self.drawn(panel), make_map(dark=False)
            drawn.project(view, raster, shown, lat, lon)
            drawn.show(shown, raster, missed_cells(panel))
            drawn.select(raster, self.cell, self.pinned_cell)
            drawn.coloured.colour(colouring_of(panel[self.metric]), dark=False)
            drawn.name(str(panel["emulator"].values) if len(parts) > 1 else "")
            row.append(drawn.figure)
        line = make_zonal_line(dark=False)
        self.show_line(line, parts)
        return [[*row, line.figure]]

    def show_line(self, line: ZonalLine, parts: Sequence[xr.Dataset]) -> None:
        """Draw the zonal means of the panels that were gathered."""
        label = f"mean [{parts[0][self.metric].axis_label}]" if self.score.power else "mean"
        line.show(
            parts[0]["latitude"].values, [panel["zonal_mean"].values for panel in parts], label, _perfect(parts[0])
        )

    @property
    def _often(self) -> str:
        return " at most of the times" if self.average else ""

    def _alone(self, catalog: Catalog) -> Quantities:
        """One map: values, missed cells, zonal mean."""
        values = self._stacked(catalog)[self.level_shown(catalog)] * self.factor(catalog)
        name, unit, perfect = self._score_name(catalog), self.unit(catalog), self.reference(catalog)
        means, missed = zonal_mean(self.bands(catalog), values), self.missed(catalog).astype(np.int8)
        known = {} if perfect is None else {"perfect_ensemble": perfect}
        return {
            self.metric: quantity("cell", values, unit, name, **colour_attrs(field_colouring(self, catalog))),
            "outside_ensemble": quantity("cell", missed, "1", f"truth outside the ensemble{self._often}"),
            "zonal_mean": quantity("latitude", means, unit, f"area-weighted zonal mean: {name}", **known),
        }

    def _draw_lines(self, place: Axes, view: Globe, raster: Raster, missed: np.ndarray) -> None:
        """Coast, graticule and rim, crosses of missed cells, rings of the columns selected and pinned."""
        place.plot(*view.graticule, color=LIGHT.coast, alpha=0.18, linewidth=0.4)
        place.plot(*view.coastline, color="white", alpha=0.6, linewidth=1.3)
        place.plot(*view.coastline, color="#111111", linewidth=0.6)
        place.plot(*view.outline, color=LIGHT.muted, linewidth=0.7)
        for colour, size, width in (("black", 12, 1.6), ("white", 10, 0.7)):
            place.scatter(raster.x[missed], raster.y[missed], size, colour, marker="x", linewidths=width)
        for cell, marker in ((self.cell, "o"), (self.pinned_cell, "s")):
            for colour, width in (("white", 2.6), (MARK, 1.3)) if cell >= 0 else ():
                place.scatter(
                    raster.x[cell], raster.y[cell], 90, "none", marker=marker, linewidths=width, edgecolors=colour
                )
        place.set_axis_off()


def missed_cells(panel: xr.Dataset) -> NDArray[np.bool_]:
    """Cells ``(cell,)`` of a panel whose truth lies outside the ensemble."""
    return panel["outside_ensemble"].values.astype(bool)


def _perfect(data: xr.Dataset) -> float | None:
    """What a perfect ensemble has at every latitude, if that is known."""
    return data["zonal_mean"].attrs.get("perfect_ensemble")
