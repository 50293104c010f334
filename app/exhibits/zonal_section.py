"""The zonal mean of a score at every level: of one emulator, of two, or of their difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..figures.zonal import LATITUDE_ATTRS, LATITUDE_LABELS, LATITUDES, Section, label_step, make_section, zonal_mean
from .exhibit import Rows, level_coordinates, quantity
from .paper import MARK, colour_bar, coloured, finite
from .score_colours import colour_attrs, colouring_of, field_colouring
from .score_field import Quantities, ScoreField, beside, panels


@dataclass(frozen=True, kw_only=True)
class ZonalSection(ScoreField):
    """The zonal mean of a score at every level; ``level`` is marked."""

    vertical: str = "height"
    what: ClassVar[str] = "section"
    size: ClassVar[tuple[float, float]] = (9.0, 4.6)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Zonal means ``([emulator,] level, latitude)``; of a difference p-values and ``significant`` too."""
        self._check(catalog)
        return self.arrange(catalog)

    def arrange(self, catalog: Catalog) -> xr.Dataset:
        """As :meth:`gather`, NaN where a store has not this score.

        Raises:
            DiffmpError: of a single value, which has no levels.
        """
        output = self.output(catalog)
        if not output.profile:
            raise DiffmpError(
                f"expected an output on levels, found {output.name}, a single value for each column; look at its map"
            )
        grid, bands = catalog.grid(self.experiment), self.bands(catalog)
        found = beside([side._alone(catalog) for side in self.sides], [side.emulator for side in self.sides])
        tested = ""
        if self._is_tested(catalog):
            evidence, dims = self.section_evidence(catalog), ("level", "latitude")
            found["p_value"] = quantity(dims, evidence.p, "1", "p-value of no difference in the band of latitude")
            found["significant"] = quantity(
                dims,
                evidence.significant.astype(np.int8),
                "1",
                "significant at the false discovery rate of the section",
            )
            tested = self.test_words(catalog, evidence, section=True)
        coords = level_coordinates(catalog, self.experiment) | {
            "latitude": ("latitude", bands.centres, {**LATITUDE_ATTRS, "bounds": "latitude_bounds"}),
            "latitude_bounds": (("latitude", "bound"), np.stack([bands.edges[:-1], bands.edges[1:]], axis=1)),
        }
        labels, title = grid.level_axis(self.vertical)
        attrs = {
            "title": f"{self.score.label}, zonal mean · {title_of(output)} · {self.name}",
            "test_words": tested,
            "level_axis_labels": labels,
            "level_axis_title": title,
        }
        return self.marked(xr.Dataset(found, coords, attrs), catalog)

    def marked(self, data: xr.Dataset, catalog: Catalog) -> xr.Dataset:
        """The same with words on the level that is marked now: nothing else of it depends on that."""
        words = [self.times_words(catalog), f"marked: {self.level_words(catalog)[0]}", data.attrs["test_words"]]
        return data.assign_attrs(subtitle=" · ".join(filter(None, words)))

    def show_on(self, section: Section, panel: xr.Dataset, *, dark: bool) -> None:
        """Draw a panel that was gathered."""
        section.show(self.drawn(panel))
        section.coloured.colour(colouring_of(panel[self.metric]), dark=dark)
        section.label(list(panel.attrs["level_axis_labels"]), panel.attrs["level_axis_title"])

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
        some = slice(None, None, label_step(count))
        places[0].set_yticks(range(count)[some], list(data.attrs["level_axis_labels"])[some])
        places[0].set_ylabel(data.attrs["level_axis_title"])
        colour_bar(figure, list(places), mesh, colouring.title, labels)

    def screen(self, data: xr.Dataset) -> Rows:
        """The sections as the page draws them."""
        row: list[UIElement | str] = []
        parts = panels(data)
        for panel in parts:
            section = make_section(dark=False)
            self.show_on(section, panel, dark=False)
            section.mark(self.level)
            section.name(str(panel["emulator"].values) if len(parts) > 1 else "")
            row.append(section.figure)
        return [row]

    def _alone(self, catalog: Catalog) -> Quantities:
        means = zonal_mean(self.bands(catalog), self._stacked(catalog)) * self.factor(catalog)
        name, attrs = self._score_name(catalog), colour_attrs(field_colouring(self, catalog, section=True))
        words = f"area-weighted zonal mean: {name}"
        return {self.metric: quantity(("level", "latitude"), means, self.unit(catalog), words, **attrs)}
