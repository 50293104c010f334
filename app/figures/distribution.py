"""Distribution of an output at every level: truth beside emulators, where they differ, and how far apart they are.

The counts come from the score store (``histogram_truth``, ``histogram_members``); Figure 10 of the paper
(doi:10.20944/preprints202409.1262.v1) is the model of the heatmaps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import colorcet
import numpy as np
from bokeh.events import Tap
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    GlyphRenderer,
    HoverTool,
    LinearColorMapper,
    LogColorMapper,
    Range1d,
)
from bokeh.models.annotations import ColorBar, Span
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from app.figures.axes import LevelAxis, ValueAxis, profile_figure, set_range, set_title
from app.theme import Colours, colours, style

ROWS = 240
"""Rows of a heatmap: levels are stretched to their place on the vertical axis by the nearest level."""

LEAST_SHARE = 1e-5
"""Share of the values of a level below which a bin is drawn as empty, however many values there are."""

RATIO_LIMIT = 2.0
"""The colours of a ratio end at this power of two (four times too rare, four times too frequent)."""

NOISE_WIDTH = 3.0
"""A difference is drawn where it exceeds this many standard errors of the two counts."""


@dataclass(frozen=True)
class Histograms:
    """Counts of one output.

    ``edges`` (bin + 1,) in standard deviations of the truth, ``truth`` (level, bin), ``members`` (level, bin) of each
    emulator by name, all members pooled, ``ensemble_size`` of each.
    """

    edges: NDArray[np.float64]
    truth: NDArray[np.float64]
    members: dict[str, NDArray[np.float64]]
    ensemble_size: dict[str, int]

    @property
    def least_share(self) -> float:
        """Smallest share that the truth can show, one value of a level; what is rarer is drawn as empty."""
        return max(LEAST_SHARE, 1.0 / max(float(self.truth.sum(axis=-1).max()), 1.0))


def shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of the values of each level that falls into each bin, (level, bin); 0 where a level has no value."""
    counts = np.asarray(counts, dtype=float)
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1.0)


def log_ratio(truth: ArrayLike, members: ArrayLike) -> NDArray[np.float64]:
    """log2 of how many times more often the emulator has a value than the truth, (level, bin).

    Half a count is added to both, so that an empty bin has a finite ratio. NaN where the shares differ by less than
    ``NOISE_WIDTH`` standard errors of independent counts: for a perfect emulator nothing but stray specks remains.
    """
    truth, members = np.asarray(truth, dtype=float), np.asarray(members, dtype=float)
    truth_total = np.maximum(truth.sum(axis=-1, keepdims=True), 1.0)
    member_total = np.maximum(members.sum(axis=-1, keepdims=True), 1.0)
    truth_share, member_share = (truth + 0.5) / truth_total, (members + 0.5) / member_total
    error = np.sqrt((truth + 0.5) / truth_total**2 + (members + 0.5) / member_total**2)
    noise = np.abs(member_share - truth_share) < NOISE_WIDTH * error
    return np.where(noise, np.nan, np.log2(member_share / truth_share))


def wasserstein(truth: ArrayLike, members: ArrayLike, edges: ArrayLike) -> NDArray[np.float64]:
    """Wasserstein-1 distance of the two distributions of each level, (level,), in the unit of ``edges``.

    The mean distance that values have to be moved to turn one distribution into the other:
    the integral of the absolute difference of the cumulative shares.
    """
    difference = np.cumsum(shares(members) - shares(truth), axis=-1)
    return np.abs(difference[..., :-1]) @ np.diff(np.asarray(edges, dtype=float))[:-1]


def wasserstein_floor(truth: ArrayLike, edges: ArrayLike, *, ensemble_size: int) -> NDArray[np.float64]:
    """Distance that a perfect emulator has on average for as many columns, (level,), in the unit of ``edges``.

    With F the cumulative share, n truths and n M members, E|F1 - F2| = sqrt(2/pi F (1 - F) (1 + 1/M) / n). Columns are
    taken as independent; neighbours in space and time are not, so the real floor lies somewhat higher.
    """
    truth = np.asarray(truth, dtype=float)
    count = np.maximum(truth.sum(axis=-1), 1.0)
    cumulative = np.clip(np.cumsum(shares(truth), axis=-1)[..., :-1], 0.0, 1.0)
    deviation = np.sqrt(2 / np.pi * cumulative * (1 - cumulative) * (1 + 1 / ensemble_size) / count[..., None])
    return deviation @ np.diff(np.asarray(edges, dtype=float))[:-1]


def stretch(values: ArrayLike, axis: LevelAxis) -> NDArray[np.float32]:
    """Rows of levels (level, bin) put at their place on a linear vertical axis: (ROWS, bin), smallest first."""
    low, high = sorted((axis.start, axis.end))
    centres = low + (np.arange(ROWS) + 0.5) * (high - low) / ROWS
    ascending = axis.edges if axis.edges[0] < axis.edges[-1] else axis.edges[::-1]
    row = np.clip(np.searchsorted(ascending, centres, side="right") - 1, 0, len(axis.values) - 1)
    if axis.edges[0] > axis.edges[-1]:
        row = len(axis.values) - 1 - row
    return np.asarray(values, dtype=np.float32)[row]


def occupied(histograms: Histograms) -> tuple[float, float]:
    """Value range, in the unit of the edges, that holds every bin drawn (of at least ``least_share`` at some level)."""
    counts = [histograms.truth, *histograms.members.values()]
    drawn = np.flatnonzero(np.any([(shares(c) >= histograms.least_share).any(axis=0) for c in counts], axis=0))
    if drawn.size == 0:
        return float(histograms.edges[0]), float(histograms.edges[-1])
    first, last = max(drawn[0] - 1, 0), min(drawn[-1] + 2, len(histograms.edges) - 1)
    return float(histograms.edges[first]), float(histograms.edges[last])


def share_colours(dark: bool) -> list[str]:
    """Sequential map whose low end is near the colour of the page."""
    return list(colorcet.palette["CET_CBL2"])[40:] if dark else list(colorcet.palette["CET_L17"])[20:]


def ratio_colours(dark: bool) -> list[str]:
    """Diverging map whose middle is near the colour of the page."""
    return list(colorcet.palette["bky" if dark else "CET_CBD1"])


BELOW_HEATMAP = 100
"""Height of axis and colour bar below a heatmap [pixels]; the figure of distances keeps it, so that levels align."""


class DistributionPanels:
    """Heatmaps value x level of one output on shared axes: truth, each emulator, each difference; distance, one level.

    ``show`` puts in new counts; the figures stay. ``figures`` maps ``truth``, ``distance``, ``density``, and for each
    emulator ``share NAME`` and ``ratio NAME`` to a Bokeh figure.
    """

    def __init__(
        self, emulators: Sequence[str], *, compact: bool = False, on_level: Callable[[float], None] | None = None
    ) -> None:
        """Empty figures; ``compact`` ones are lower, without legends and without the figure of one level."""
        height = 260 if compact else 340
        self.emulators = tuple(emulators)
        self.x_range, self.y_range = Range1d(start=-1, end=1), Range1d(start=0, end=1)
        self.distance_range, self.share_range = Range1d(start=0, end=1), Range1d(start=LEAST_SHARE, end=1)
        self.image = ColumnDataSource(data={})
        self.curves = {name: ColumnDataSource(data={"x": [], "y": []}) for name in (*emulators, "floor")}
        self.steps = {name: ColumnDataSource(data={"x": [], "y": []}) for name in (*emulators, "truth")}
        self.step_lines: dict[str, GlyphRenderer] = {}
        self.share_mapper = LogColorMapper(
            palette=share_colours(False),
            low=LEAST_SHARE,
            high=1.0,
            low_color="rgba(0,0,0,0)",
            nan_color="rgba(0,0,0,0)",
        )
        self.ratio_mapper = LinearColorMapper(
            palette=ratio_colours(False), low=-RATIO_LIMIT, high=RATIO_LIMIT, nan_color="rgba(0,0,0,0)"
        )
        self.level_line = Span(dimension="width", line_width=1, line_dash="dashed")
        self.figures: dict[str, figure] = {"truth": self._heatmap("Truth", "truth", self.share_mapper, height)}
        for name in emulators:
            self.figures[f"share {name}"] = self._heatmap(name, f"share {name}", self.share_mapper, height)
            self.figures[f"ratio {name}"] = self._heatmap(
                f"Ratio to truth: {name}", f"ratio {name}", self.ratio_mapper, height
            )
        self.figures["distance"] = self._distance(height)
        if compact:
            self.figures["distance"].legend.visible = False
        else:
            self.figures["density"] = self._density(height)
        for plot in self.figures.values():
            if on_level is not None and plot is not self.figures.get("density"):
                plot.on_event(Tap, lambda event: on_level(event.y))

    def _heatmap(self, title: str, column: str, mapper: LogColorMapper | LinearColorMapper, height: int) -> figure:
        plot = profile_figure(title=title, height=height, x_range=self.x_range, y_range=self.y_range)
        shape: dict[str, Any] = {"image": column, "x": "x", "y": "y", "dw": "dw", "dh": "dh", "color_mapper": mapper}
        image = plot.image(source=self.image, **shape)
        plot.add_layout(self.level_line)
        bar = ColorBar(color_mapper=mapper, height=8, padding=2, background_fill_alpha=0.0)
        if column.startswith("ratio"):
            bar.update(
                title="times the share in the truth",
                ticker=FixedTicker(ticks=[-2, -1, 0, 1, 2]),
                major_label_overrides={-2: "1/4", -1: "1/2", 0: "1", 1: "2", 2: "4"},
            )
        else:
            bar.title = "share of values"
        plot.add_layout(bar, "below")
        rows = [("value, level", "$x{0.00}, $y{0.0}"), ("share in truth", "@truth{0.0e+0}")]
        rows += [(f"share in {name}", f"@{{share {name}}}{{0.0e+0}}") for name in self.emulators]
        plot.add_tools(HoverTool(renderers=[image], tooltips=rows))
        return plot

    def _distance(self, height: int) -> figure:
        plot = profile_figure(
            title="Distance from the truth", height=height, x_range=self.distance_range, y_range=self.y_range
        )
        self.curve_lines = {}
        for name, source in self.curves.items():
            floor = name == "floor"
            self.curve_lines[name] = plot.line(
                "x",
                "y",
                source=source,
                line_width=2,
                line_dash="dotted" if floor else "solid",
                legend_label="perfect emulator" if floor else name,
            )
        plot.legend.update(location="top_right", padding=2, spacing=0, margin=0, glyph_height=12, label_height=12)
        plot.min_border_bottom = BELOW_HEATMAP
        plot.add_tools(
            HoverTool(tooltips=[("distance", "$x{0.000}"), ("at", "$y{0.0}")], mode="hline", line_policy="nearest")
        )
        plot.add_layout(self.level_line)
        return plot

    def _density(self, height: int) -> figure:
        plot = profile_figure(
            title="One level",
            height=height,
            x_range=self.x_range,
            y_range=self.share_range,
            y_axis_type="log",
            y_axis_label="share of the values in a bin",
        )
        for name, source in self.steps.items():
            self.step_lines[name] = plot.step(
                "x", "y", source=source, mode="after", line_width=1.6, legend_label="truth" if name == "truth" else name
            )
        plot.legend.update(location="top_right", padding=4)
        plot.add_tools(HoverTool(tooltips=[("value", "$x{0.00}"), ("share", "@y{0.0e+0}")], line_policy="prev"))
        return plot

    def show(self, histograms: Histograms, *, levels: LevelAxis, values: ValueAxis, level: int) -> None:
        """Draw counts.

        Args:
            histograms: counts of one output for the emulators of these panels.
            levels: vertical axis.
            values: value axis; its factor is shown unit per standard deviation of the truth.
            level: level whose distribution the last figure shows.
        """
        edges = histograms.edges * values.factor
        low, high = sorted((levels.start, levels.end))
        data: dict[str, list[object]] = {"x": [edges[0]], "dw": [edges[-1] - edges[0]], "y": [low], "dh": [high - low]}
        least = histograms.least_share
        self.share_mapper.low = 0.7 * least
        data["truth"] = [stretch(_hollow(histograms.truth, least), levels)]
        for name in self.emulators:
            data[f"share {name}"] = [stretch(_hollow(histograms.members[name], least), levels)]
            data[f"ratio {name}"] = [stretch(log_ratio(histograms.truth, histograms.members[name]), levels)]
        self.image.data = data
        self._show_curves(histograms, levels, values)
        self.show_level(histograms, levels=levels, values=values, level=level)
        left, right = occupied(histograms)
        set_range(self.x_range, (left * values.factor, right * values.factor))
        set_range(self.y_range, (levels.start, levels.end))
        for name, plot in self.figures.items():
            plot.xaxis.axis_label = f"mean shift [{values.label}]" if name == "distance" else values.label
            if name != "density":
                plot.yaxis.axis_label = levels.label

    def _show_curves(self, histograms: Histograms, levels: LevelAxis, values: ValueAxis) -> None:
        size = max(histograms.ensemble_size.values(), default=1)
        distances = {
            name: wasserstein(histograms.truth, histograms.members[name], histograms.edges) for name in self.emulators
        }
        distances["floor"] = wasserstein_floor(histograms.truth, histograms.edges, ensemble_size=size)
        for name, source in self.curves.items():
            source.data = {"x": distances[name] * values.factor, "y": levels.values}
        widest = max(float(d.max()) for d in distances.values()) * values.factor
        set_range(self.distance_range, (0.0, 1.08 * widest or 1.0))

    def show_level(self, histograms: Histograms, *, levels: LevelAxis, values: ValueAxis, level: int) -> None:
        """Draw the distribution of one level and mark it in the heatmaps."""
        self.level_line.location = float(levels.values[level])
        if "density" not in self.figures:
            return
        edges = histograms.edges * values.factor
        largest = histograms.least_share
        for name, source in self.steps.items():
            share = shares(histograms.truth if name == "truth" else histograms.members[name])[level]
            source.data = {"x": edges[:-1], "y": np.where(share > 0, share, np.nan)}
            largest = max(largest, float(share.max()))
        set_range(self.share_range, (0.7 * histograms.least_share, 1.5 * largest))
        set_title(self.figures["density"], f"At {levels.describe(level)}")

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        for plot in self.figures.values():
            style(plot, dark=dark)
            for legend in plot.legend:
                legend.update(label_text_font_size="11px", background_fill_alpha=0.6)
        self.share_mapper.palette = share_colours(dark)
        self.ratio_mapper.palette = ratio_colours(dark)
        self.level_line.line_color = chosen.muted
        for lines in (self.curve_lines, self.step_lines):
            for name, line in lines.items():
                line.glyph.line_color = _role(name, self.emulators, chosen)


def _hollow(counts: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Shares, NaN where a bin counts as empty."""
    share = shares(counts)
    return np.where(share >= least, share, np.nan)


def _role(name: str, emulators: Sequence[str], chosen: Colours) -> str:
    if name == "truth":
        return chosen.truth
    if name == "floor":
        return chosen.muted
    return (chosen.emulator, chosen.perturbed, chosen.reference)[emulators.index(name) % 3]
