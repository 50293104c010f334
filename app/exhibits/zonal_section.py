"""The zonal mean of a score at every level: of one emulator, of two, or of their difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.figure import Figure

from ..data.axes import TITLES
from ..data.catalog import Catalog
from ..figures.zonal import LATITUDE_ATTRS, LATITUDE_LABELS, LATITUDES, make_section, zonal_mean
from .exhibit import Rows, level_coordinates, quantity
from .paper import MARK, colour_bar, coloured, finite
from .score_colours import colour_attrs, colouring_of, field_colouring
from .score_field import ScoreField, beside, panels


@dataclass(frozen=True, kw_only=True)
class ZonalSection(ScoreField):
    """The zonal mean of a score at every level; ``level`` is marked."""

    vertical: str = "height"
    what: ClassVar[str] = "section"
    size: ClassVar[tuple[float, float]] = (9.0, 4.6)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Zonal means ``([emulator,] level, latitude)``; of a difference p-values and ``significant`` too."""
        self._known(catalog)
        grid, bands = catalog.grid(self.experiment), self.bands(catalog)
        data = beside([side._alone(catalog) for side in self.sides], [side.emulator for side in self.sides])
        words = [self.times_words(catalog), f"marked: level {grid.level_labels[self.level]}"]
        if self.is_difference:
            evidence, dims = self.section_evidence(catalog), ("level", "latitude")
            data["p_value"] = quantity(dims, evidence.p, "1", "p-value of no difference in the band of latitude")
            data["significant"] = quantity(
                dims,
                evidence.significant.astype(np.int8),
                "1",
                "significant at the false discovery rate of the section",
            )
            words.append(self.test_words(catalog, evidence, section=True))
        coords = level_coordinates(catalog, self.experiment) | {
            "latitude": ("latitude", bands.centres, {**LATITUDE_ATTRS, "bounds": "latitude_bounds"}),
            "latitude_bounds": (("latitude", "bound"), np.stack([bands.edges[:-1], bands.edges[1:]], axis=1)),
        }
        labels, title = grid.level_axis(self.vertical)
        return data.assign_coords(coords).assign_attrs(
            title=f"{self.score.label}, zonal mean · {TITLES[self.variable]} · {self.name}",
            subtitle=" · ".join(words),
            level_axis_labels=labels,
            level_axis_title=title,
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One row a level, so that the boundary layer can be seen."""
        parts, count, bounds = panels(data), data.sizes["level"], data["latitude_bounds"].values
        colouring = colouring_of(parts[0][self.metric])
        colours, norm, labels = coloured(colouring)
        places = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
        for axes, panel in zip(places, parts, strict=True):
            mesh = axes.pcolormesh(
                np.append(bounds[:, 0], bounds[-1, 1]),
                np.arange(count + 1) - 0.5,
                finite(self.drawn(panel)),
                cmap=colours,
                norm=norm,
                rasterized=True,
            )
            axes.grid(False)
            axes.axhspan(self.level - 0.5, self.level + 0.5, fill=False, edgecolor=MARK, linewidth=1.3)
            axes.set_xticks(list(LATITUDES), [LATITUDE_LABELS[lat] for lat in LATITUDES])
            axes.set_title(str(panel["emulator"].values) if len(parts) > 1 else "")
        places[0].set_yticks(range(0, count, 3), list(data.attrs["level_axis_labels"])[::3])
        places[0].set_ylabel(data.attrs["level_axis_title"])
        colour_bar(figure, list(places), mesh, colouring.title, labels)

    def screen(self, data: xr.Dataset) -> Rows:
        """The sections as the page draws them."""
        row: list[UIElement | str] = []
        parts = panels(data)
        for panel in parts:
            section = make_section(dark=False, levels=data.sizes["level"])
            section.show(self.drawn(panel))
            section.coloured.colour(colouring_of(panel[self.metric]), dark=False)
            section.label(list(data.attrs["level_axis_labels"]), data.attrs["level_axis_title"])
            section.mark(self.level)
            section.name(str(panel["emulator"].values) if len(parts) > 1 else "")
            row.append(section.figure)
        return [row]

    def _alone(self, catalog: Catalog) -> xr.Dataset:
        means = zonal_mean(self.bands(catalog), self._known(catalog)) * self.factor(catalog)
        name, attrs = self._score_name(), colour_attrs(field_colouring(self, catalog, section=True))
        shown = quantity(("level", "latitude"), means, self.unit, f"area-weighted zonal mean: {name}", **attrs)
        return xr.Dataset({self.metric: shown})
