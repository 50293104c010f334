"""Zonal means: of one level beside the map, and of all levels as a section from pole to pole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from scipy.sparse import csr_matrix

from app.figures.colouring import make_colour_bar
from app.theme import colours, make_figure, style

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
    """Means of the bands ``(..., band)`` of values ``(..., cell)``; NaN where a band has no cell."""
    means = np.asarray((bands.mean @ values.reshape(-1, values.shape[-1]).T).T, dtype=float)
    means[:, np.diff(bands.mean.indptr) == 0] = np.nan
    return means.reshape(*values.shape[:-1], -1)


@dataclass(frozen=True)
class ZonalLine:
    """Zonal mean of one level against latitude."""

    figure: figure
    source: ColumnDataSource
    reference: Span

    def show(self, latitude: np.ndarray, mean: np.ndarray, title: str, reference: float | None) -> None:
        """Change the curve, the label of its axis, and the value that a perfect ensemble has at every latitude."""
        kept = np.isfinite(mean)
        self.source.data = {"mean": mean[kept], "latitude": latitude[kept]}
        self.figure.xaxis.axis_label = title
        self.reference.update(visible=reference is not None, location=reference)

    def restyle(self, *, dark: bool) -> None:
        """Follow the page when it turns light or dark."""
        style(self.figure, dark=dark)
        self.figure.select_one({"name": "mean"}).glyph.line_color = colours(dark).emulator
        self.reference.line_color = colours(dark).reference


def make_zonal_line(*, dark: bool, height: int) -> ZonalLine:
    """An empty zonal mean."""
    plot = make_figure(
        dark=dark, height=height, toolbar_location=None, tools="", y_range=Range1d(-90, 90), min_border_left=46
    )
    source = ColumnDataSource({"mean": [], "latitude": []})
    plot.line("mean", "latitude", source=source, line_width=2.5, name="mean")
    plot.yaxis.update(ticker=FixedTicker(ticks=list(LATITUDES)), major_label_overrides=LATITUDE_LABELS)
    plot.xaxis.ticker = BasicTicker(desired_num_ticks=3)
    plot.add_tools(HoverTool(tooltips=[("latitude", "@latitude{0.0}°"), ("mean", "@mean{0.000a}")], mode="hline"))
    reference = Span(dimension="height", line_width=2, line_dash="dashed", visible=False)
    plot.add_layout(reference)
    made = ZonalLine(plot, source, reference)
    made.restyle(dark=dark)
    return made


@dataclass(frozen=True)
class Section:
    """Zonal mean of every level against latitude, one row a level so that the boundary layer can be seen."""

    figure: figure
    source: ColumnDataSource
    level: ColumnDataSource
    mapper: LinearColorMapper
    bar: ColorBar

    def show(self, means: np.ndarray) -> None:
        """Change the values ``(level, band)``, bands of equal width from pole to pole."""
        self.source.data = {
            "image": [means.astype(np.float32)],
            "x": [-90.0],
            "y": [-0.5],
            "dw": [180.0],
            "dh": [means.shape[0]],
        }

    def mark(self, level: int) -> None:
        """Mark the level that the map shows."""
        self.level.data = {"left": [-90], "right": [90], "bottom": [level - 0.5], "top": [level + 0.5]}

    def label(self, labels: list[str], title: str) -> None:
        """Label the levels (one text a level, every third is drawn)."""
        self.figure.yaxis.update(
            axis_label=title,
            major_label_overrides=dict(enumerate(labels)),
            ticker=FixedTicker(ticks=list(range(0, len(labels), 3))),
        )

    def restyle(self, *, dark: bool) -> None:
        """Follow the page when it turns light or dark."""
        style(self.figure, dark=dark)


def make_section(*, dark: bool, levels: int, height: int = 340) -> Section:
    """An empty section."""
    plot = make_figure(
        dark=dark, height=height, tools="save,reset", x_range=Range1d(-90, 90), y_range=Range1d(-0.5, levels - 0.5)
    )
    plot.grid.visible = False
    mapper, bar = make_colour_bar(dark=dark)
    source = ColumnDataSource({name: [] for name in ("image", "x", "y", "dw", "dh")})
    cells = plot.image(image="image", x="x", y="y", dw="dw", dh="dh", color_mapper=mapper, source=source)
    level = ColumnDataSource({"left": [], "right": [], "bottom": [], "top": []})
    plot.quad("left", "right", "top", "bottom", source=level, fill_color=None, line_color="#ffffff", line_width=4)
    plot.quad("left", "right", "top", "bottom", source=level, fill_color=None, line_color="#d55e00", line_width=2)
    plot.xaxis.update(ticker=FixedTicker(ticks=list(LATITUDES)), major_label_overrides=LATITUDE_LABELS)
    plot.add_tools(HoverTool(renderers=[cells], tooltips=[("zonal mean", "@image{0.000a}"), ("latitude", "$x{0}°")]))
    plot.add_layout(bar, "below")
    made = Section(plot, source, level, mapper, bar)
    made.restyle(dark=dark)
    return made
