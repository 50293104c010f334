"""Zonal means: of one level beside the map, and of all levels as a section from pole to pole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bokeh.models import BasicTicker, ColumnDataSource, FixedTicker, HoverTool, Range1d, Span
from bokeh.plotting import figure
from scipy.sparse import csr_matrix

from .axes import set_range
from .colouring import ColouredImage, add_coloured_image, number_hover
from .theme import MAP_ASPECT, colours, make_figure, name_figure, style

LATITUDE_ATTRS = {"units": "degrees_north", "standard_name": "latitude"}
LATITUDES = range(-90, 91, 30)
LATITUDE_LABELS = {lat: f"{abs(lat)}°{'N' if lat > 0 else 'S' if lat < 0 else ''}" for lat in LATITUDES}


@dataclass(frozen=True)
class Bands:
    """Bands of latitude. ``mean`` is ``(band, cell)`` and turns values of cells into area-weighted means of bands."""

    edges: np.ndarray
    mean: csr_matrix

    @property
    def centres(self) -> np.ndarray:
        """Middle latitudes of the bands [degrees]."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])


def make_bands(lat: np.ndarray, area: np.ndarray) -> Bands:
    """Bands over cells at these latitudes [degrees] with these areas, about 1.5 cells wide; empty bands give NaN."""
    edges = np.linspace(-90.0, 90.0, int(np.clip(np.sqrt(lat.size) / 1.5, 9, 90)) + 1)
    band = np.clip(np.digitize(lat, edges) - 1, 0, edges.size - 2)
    total = np.bincount(band, weights=area, minlength=edges.size - 1)
    return Bands(edges, csr_matrix((area / total[band], (band, np.arange(lat.size))), shape=(edges.size - 1, lat.size)))


def zonal_mean(bands: Bands, values: np.ndarray) -> np.ndarray:
    """Means of the bands ``(..., band)`` of values ``(..., cell)`` that are finite; NaN where a band has none."""
    flat = values.reshape(-1, values.shape[-1])
    known = np.isfinite(flat)
    total, share = ((bands.mean @ part.T).T for part in (np.where(known, flat, 0.0), known.astype(float)))
    means = np.divide(total, share, out=np.full(total.shape, np.nan), where=share > 0)
    return means.reshape(*values.shape[:-1], -1)


def area_mean(values: np.ndarray, area: np.ndarray) -> float:
    """Mean of the values ``(cell,)`` that are finite, weighted by area; NaN where none is."""
    known = np.isfinite(values)
    return float(np.average(values[known], weights=area[known])) if known.any() else np.nan


@dataclass(frozen=True)
class ZonalLine:
    """Zonal mean of one level against latitude."""

    figure: figure
    curves: tuple[ColumnDataSource, ...]
    reference: Span

    def show(self, latitude: np.ndarray, means: Sequence[np.ndarray], title: str, reference: float | None) -> None:
        """Change one or two curves, the label of their axis, and what a perfect ensemble has at every latitude."""
        none = [np.full(latitude.size, np.nan)] * (len(self.curves) - len(means))
        for source, mean in zip(self.curves, [*means, *none], strict=True):
            kept = np.isfinite(mean)
            source.data = {"mean": mean[kept], "latitude": latitude[kept]}
        self.figure.xaxis.axis_label = title
        self.reference.update(visible=reference is not None, location=reference)

    def restyle(self, *, dark: bool) -> None:
        """Follow the page when it turns light or dark."""
        style(self.figure, dark=dark)
        for line, colour in zip(self.figure.renderers, (colours(dark).emulator, colours(dark).perturbed), strict=True):
            line.glyph.line_color = colour
        self.reference.line_color = colours(dark).reference


def make_zonal_line(*, dark: bool) -> ZonalLine:
    """An empty zonal mean."""
    plot = make_figure(
        dark=dark,
        height=None,
        aspect_ratio=MAP_ASPECT / 3,
        toolbar_location=None,
        tools="",
        y_range=Range1d(-90, 90),
        min_border_left=46,
        description="Zonal mean of the map against latitude",
    )
    curves = tuple(ColumnDataSource({"mean": [], "latitude": []}) for _ in range(2))
    plot.line("mean", "latitude", source=curves[0], line_width=2.5)
    plot.line("mean", "latitude", source=curves[1], line_width=2.5, line_dash=[7, 3])
    plot.yaxis.update(ticker=FixedTicker(ticks=list(LATITUDES)), major_label_overrides=LATITUDE_LABELS)
    plot.xaxis.ticker = BasicTicker(desired_num_ticks=3)
    plot.add_tools(
        HoverTool(
            tooltips=[("latitude", "@latitude{0.0}°"), ("mean", "@mean{number}")],
            formatters={"@mean": number_hover()},
            mode="hline",
        )
    )
    reference = Span(dimension="height", line_width=2, line_dash="dashed", visible=False)
    plot.add_layout(reference)
    made = ZonalLine(plot, curves, reference)
    made.restyle(dark=dark)
    return made


@dataclass(frozen=True)
class Section:
    """Zonal mean of every level against latitude, one row a level so that the boundary layer can be seen."""

    figure: figure
    source: ColumnDataSource
    level: ColumnDataSource
    coloured: ColouredImage

    def show(self, means: np.ndarray) -> None:
        """Change the values ``(level, band)``, bands of equal width from pole to pole."""
        set_range(self.figure.y_range, (-0.5, means.shape[0] - 0.5))
        self.source.data = {
            "image": [means.astype(np.float32)],
            "x": [-90.0],
            "y": [-0.5],
            "dw": [180.0],
            "dh": [means.shape[0]],
        }

    def name(self, words: str) -> None:
        """Write above the section whose it is; '' leaves no room for it."""
        name_figure(self.figure, words)

    def mark(self, level: int) -> None:
        """Mark the level that the map shows."""
        self.level.data = {"left": [-90], "right": [90], "bottom": [level - 0.5], "top": [level + 0.5]}

    def label(self, labels: list[str], title: str) -> None:
        """Label the levels (one text a level, of which some are drawn)."""
        self.figure.yaxis.update(axis_label=title, major_label_overrides=dict(enumerate(labels)))
        self.figure.yaxis.ticker.ticks = list(range(0, len(labels), label_step(len(labels))))

    def restyle(self, *, dark: bool) -> None:
        """Follow the page when it turns light or dark."""
        style(self.figure, dark=dark)


def label_step(levels: int) -> int:
    """Every which level of a section is labelled, so that there are ten at most."""
    return max(1, -(-levels // 10))


def make_section(*, dark: bool, height: int = 340) -> Section:
    """An empty section."""
    plot = make_figure(
        dark=dark,
        height=height,
        tools="save,reset",
        x_range=Range1d(-90, 90),
        y_range=Range1d(-0.5, 0.5),
        description="Zonal mean of every level against latitude; a click selects the level",
    )
    plot.grid.visible = False
    source = ColumnDataSource({name: [] for name in ("image", "x", "y", "dw", "dh")})
    coloured = add_coloured_image(plot, source, dark=dark)
    level = ColumnDataSource({"left": [], "right": [], "bottom": [], "top": []})
    plot.quad("left", "right", "top", "bottom", source=level, fill_color=None, line_color="#ffffff", line_width=4)
    plot.quad("left", "right", "top", "bottom", source=level, fill_color=None, line_color="#d55e00", line_width=2)
    plot.xaxis.update(ticker=FixedTicker(ticks=list(LATITUDES)), major_label_overrides=LATITUDE_LABELS)
    plot.add_tools(
        HoverTool(
            renderers=coloured.images,
            tooltips=[("zonal mean", "@image{number}"), ("latitude", "$x{0}°")],
            formatters={"@image": number_hover()},
        )
    )
    plot.yaxis.ticker = FixedTicker(ticks=[])
    made = Section(plot, source, level, coloured)
    made.restyle(dark=dark)
    return made
