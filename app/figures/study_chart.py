"""A small chart of curves, points or rows of dots: what studies and trainings are drawn with.

A :class:`Chart` says what is drawn; :class:`ChartPlot` draws it on the page, :mod:`diffmp_app.exhibits.study_paper`
on paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

import numpy as np
from bokeh.models import (
    BasicTicker,
    BasicTickFormatter,
    ColumnDataSource,
    FixedTicker,
    GlyphRenderer,
    HoverTool,
    Range1d,
    Slope,
    Span,
)
from numpy.typing import NDArray

from .axes import padded_range, set_range, set_title
from .colouring import number_hover
from .study_gaps import SIGNS
from .theme import Colours, colours, make_figure, style

MOST_TICKS = 8
"""Logarithmic axes name each of their values where there are at most so many."""
EDGE = 0.04
"""Distance of the marks of gaps from the end of the axis, in its length."""
DODGE = 0.18
"""Distance of the dots of two series in one row."""
CLOSE_POINTS = 24
"""Curves of more points have no markers."""

Kind = Literal["curve", "dots", "mark"]


@dataclass(frozen=True)
class Look:
    """How a series is told from others, by more than colour; ``bokeh``, ``paper`` and ``sign`` are one marker."""

    bokeh: str
    paper: str
    sign: str


LOOKS = (Look("circle", "o", "●"), Look("square", "s", "■"), Look("triangle", "^", "▲"), Look("diamond", "D", "◆"))
"""Of series, in order."""
MARKS = (Look("star", "*", "☆"), Look("diamond", "D", "◇"), Look("x", "x", "×"))
"""Of points that stand out on a curve, in order."""


@dataclass(frozen=True, eq=False)
class Series:
    """One series.

    Attributes:
        name: in the legend; empty where the title of the chart says it all.
        place: its number, which gives colour and marker.
        x, y: values (point,); of rows of dots ``y`` is the row.
        error: half the length of the error bar (point,), along y, or along x in rows of dots; NaN where there is none.
        kind: curve with markers, dots alone, or a few points that stand out (``mark``).
    """

    name: str
    place: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    error: NDArray[np.float64]
    kind: Kind = "curve"

    @property
    def has_errors(self) -> bool:
        """Whether there are error bars."""
        return bool(np.isfinite(self.error).any())

    @property
    def look(self) -> Look:
        """Its marker."""
        looks = MARKS if self.kind == "mark" else LOOKS
        return looks[self.place % len(looks)]

    def colour(self, chosen: Colours) -> str:
        """Its colour on a light or a dark page."""
        if self.kind == "mark":
            return chosen.text
        return series_colour(self.place, chosen)


def series_colour(place: int, chosen: Colours) -> str:
    """Colour of the series of a number on a light or a dark page."""
    more = ("#cc79a7", "#8c6d1f") if chosen.paper == "#ffffff" else ("#e9a6cb", "#d9c36a")
    return (chosen.emulator, chosen.perturbed, chosen.reference, *more)[place % 5]


@dataclass(frozen=True)
class Gap:
    """A case without a score, marked at the edge of its chart.

    Attributes:
        name, place: of its series.
        at: where along the axis of the cases, or which row.
        why: a word of :data:`diffmp_app.figures.study_gaps.SIGNS`.
    """

    name: str
    place: int
    at: float
    why: str


@dataclass(frozen=True, eq=False)
class Chart:
    """What one chart shows.

    Attributes:
        rows: names of rows of dots, from the top; without them the chart is of curves.
        perfect: value of a perfect ensemble, drawn dashed.
        diagonal: a perfect ensemble has y = x, drawn dashed, and both axes have the same ends.
        logarithmic: of the x axis and of the y axis.
        description: what a screen reader says of it.
        gaps: cases without a score.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    rows: tuple[str, ...] = ()
    perfect: float | None = None
    diagonal: bool = False
    logarithmic: tuple[bool, bool] = (False, False)
    description: str = field(default="")
    gaps: tuple[Gap, ...] = ()

    @property
    def shape(self) -> tuple:
        """What has to be equal for a plot of one chart to show another one."""
        series = tuple((s.name, s.place, s.kind, s.has_errors) for s in self.series)
        return self.rows, self.logarithmic, self.diagonal, self.x_label, series

    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of both axes: all points, error bars, and the perfect ensemble; rows from the top."""
        errors = [np.nan_to_num(s.error) for s in self.series]
        reference = [] if self.perfect is None else [self.perfect]
        along = [s.x for s in self.series] + [np.array([gap.at for gap in self.gaps])] * (not self.rows)
        across = [s.y + sign * e for s, e in zip(self.series, errors, strict=True) for sign in (-1, 1)]
        if self.rows:
            along = [s.x + sign * e for s, e in zip(self.series, errors, strict=True) for sign in (-1, 1)]
            return padded_range(*along, reference, least=1e-3), (len(self.rows) - 0.4, -0.6)
        x, y = along or [np.zeros(1)], [*across, reference]
        if self.diagonal:
            ends = axis_ends((*x, *y), self.logarithmic[0])
            return ends, ends
        return axis_ends(x, self.logarithmic[0]), axis_ends(y, self.logarithmic[1])

    def edge(self) -> float:
        """Where gaps are marked: near the top of a chart of curves, near the left of rows."""
        axis = 0 if self.rows else 1
        logarithmic, ends = self.logarithmic[axis], self.ranges()[axis]
        low, high = map(math.log10, ends) if logarithmic else ends
        near = low + EDGE * (high - low) if self.rows else high - EDGE * (high - low)
        return 10.0**near if logarithmic else near

    def ticks(self) -> list[float]:
        """Values that a logarithmic x axis names; empty where it may choose."""
        known = np.unique(np.concatenate([*(s.x for s in self.series), [gap.at for gap in self.gaps]]))
        known = known[np.isfinite(known)]
        few = 0 < known.size <= MOST_TICKS and not self.diagonal
        return known.tolist() if self.logarithmic[0] and few else []


def axis_ends(values: Iterable, logarithmic: bool) -> tuple[float, float]:
    """Ends of an axis that holds these values with some room; of a logarithmic one those above zero."""
    if not logarithmic:
        return padded_range(*values, least=1e-3)
    every = np.concatenate([np.ravel(np.asarray(v, dtype=float)) for v in values])
    low, high = padded_range(np.log10(every[every > 0]), least=0.1)
    return 10.0**low, 10.0**high


def dodged(row: NDArray[np.float64], place: int, series: int) -> NDArray[np.float64]:
    """Rows moved a little, so that the dots of several series do not hide one another."""
    return row + DODGE * (place - (series - 1) / 2)


class ChartPlot:
    """A chart as a Bokeh figure; :meth:`show` puts another chart of the same shape into it."""

    def __init__(self, chart: Chart, *, dark: bool, height: int) -> None:
        """Draw a chart."""
        self.chart, self.dark = chart, dark
        x_type, y_type = ("log" if flag else "auto" for flag in chart.logarithmic)
        self.figure = make_figure(
            dark=dark,
            height=height,
            title=chart.title,
            tools="",
            toolbar_location=None,
            x_axis_type=x_type,
            y_axis_type=y_type,
            x_range=Range1d(start=1, end=2),
            y_range=Range1d(start=1, end=2),
            min_width=150,
        )
        self.sources = [ColumnDataSource({}) for _ in chart.series]
        self.glyphs = [self._add(s, source) for s, source in zip(chart.series, self.sources, strict=True)]
        self.gaps = ColumnDataSource({})
        self.marks = self._add_gaps()
        self.perfect = Span(dimension="height" if chart.rows else "width", line_width=2, line_dash="dashed")
        self.diagonal = Slope(gradient=1, y_intercept=0, line_width=2, line_dash="dashed", visible=chart.diagonal)
        self.figure.add_layout(self.perfect)
        self.figure.add_layout(self.diagonal)
        if not chart.logarithmic[1]:
            self.figure.yaxis.formatter = BasicTickFormatter(use_scientific=False)
        if chart.rows:
            self.figure.yaxis.update(
                ticker=FixedTicker(ticks=list(range(len(chart.rows)))),
                major_label_overrides=dict(enumerate(chart.rows)),
            )
            self.figure.xaxis.ticker = BasicTicker(desired_num_ticks=3)
        self.show(chart)
        self.restyle(dark=dark)

    def show(self, chart: Chart) -> None:
        """Change what is drawn to a chart of the same :attr:`Chart.shape`."""
        self.chart = chart
        for series, source in zip(chart.series, self.sources, strict=True):
            values = {"x": series.x, "y": series.y}
            if series.has_errors:
                along, across = (series.error, 0.0) if chart.rows else (0.0, series.error)
                values |= {"x0": series.x - along, "x1": series.x + along}
                values |= {"y0": series.y - across, "y1": series.y + across}
            # Lists, because each array would be two messages of its own.
            source.data = {name: array.tolist() for name, array in values.items()}
        at, edge = [gap.at for gap in chart.gaps], [chart.edge()] * len(chart.gaps)
        self.gaps.data = {
            "x": edge if chart.rows else at,
            "y": at if chart.rows else edge,
            "sign": [SIGNS[gap.why] for gap in chart.gaps],
            "why": [gap.why for gap in chart.gaps],
            "name": [gap.name or chart.title for gap in chart.gaps],
            "colour": self._gap_colours(),
        }
        x_ends, y_ends = chart.ranges()
        set_range(self.figure.x_range, x_ends)
        set_range(self.figure.y_range, y_ends)
        if ticks := chart.ticks():
            axis = self.figure.xaxis[0]
            axis.major_label_overrides = {tick: f"{tick:g}" for tick in ticks}
            if isinstance(axis.ticker, FixedTicker):
                axis.ticker.ticks = ticks  # another ticker would have Bokeh walk over the whole page
            else:
                axis.ticker = FixedTicker(ticks=ticks)
        self.figure.xaxis.axis_label, self.figure.yaxis.axis_label = chart.x_label, chart.y_label
        set_title(self.figure, chart.title)
        self.figure.html_attributes = {"role": "figure", "aria-label": chart.description or chart.title}
        self.perfect.update(location=chart.perfect, visible=chart.perfect is not None)

    def restyle(self, *, dark: bool) -> None:
        """Follow the page when it turns light or dark."""
        chosen = colours(dark)
        style(self.figure, dark=dark)
        self.perfect.line_color = self.diagonal.line_color = chosen.muted
        self.dark = dark
        if self.chart.gaps:
            self.gaps.data = self.gaps.data | {"colour": self._gap_colours()}
        for series, renderers in zip(self.chart.series, self.glyphs, strict=True):
            for renderer in renderers:
                renderer.glyph.update(line_color=series.colour(chosen))
                if hasattr(renderer.glyph, "marker") and series.kind != "mark":
                    renderer.glyph.update(fill_color=series.colour(chosen))

    def _gap_colours(self) -> list[str]:
        return [series_colour(gap.place, colours(self.dark)) for gap in self.chart.gaps]

    def _add_gaps(self) -> GlyphRenderer:
        """Signs of cases without a score, with a hover that says why."""
        marks = self.figure.text(
            "x", "y", "sign", source=self.gaps, text_color="colour", text_align="center", text_baseline="middle",
            text_font_style="bold",
        )  # fmt: skip
        self.figure.add_tools(HoverTool(renderers=[marks], tooltips=[("@name", "@why")], visible=False))
        return marks

    def _add(self, series: Series, source: ColumnDataSource) -> list[GlyphRenderer]:
        """Glyphs of one series, with a hover that names it."""
        plot, drawn = self.figure, list[GlyphRenderer]()
        many = len(series.x) > CLOSE_POINTS
        if series.has_errors:
            drawn.append(plot.segment("x0", "y0", "x1", "y1", source=source, line_width=1.5))
        if series.kind == "curve":
            drawn.append(plot.line("x", "y", source=source, line_width=2))
        size = 14 if series.kind == "mark" else 3 if many else 7
        points = plot.scatter("x", "y", source=source, marker=series.look.bokeh, size=size, line_width=2)
        if series.kind == "mark":
            points.glyph.fill_color = None
        name = series.name or self.chart.title
        tips = [(name, "@x{v}")] if self.chart.rows else [(name, "@y{v}"), (self.chart.x_label, "@x{v}")]
        plot.add_tools(
            HoverTool(
                renderers=[points],
                tooltips=tips,
                formatters={"@x": number_hover(), "@y": number_hover()},
                visible=False,
            )
        )
        return [*drawn, points]


def legend(charts: Sequence[Chart], *, dark: bool) -> str:
    """What each series of some charts looks like, once, as HTML."""
    chosen = colours(dark)
    series = {(s.name, s.kind): s for chart in charts for s in chart.series if s.name}
    entries = [
        f'<span style="white-space:nowrap;margin-right:1.2em"><span style="color:{s.colour(chosen)};font-size:1.2em" '
        f'aria-hidden="true">{"" if s.kind != "curve" else "─"}{s.look.sign}{"" if s.kind != "curve" else "─"}</span> '
        f"{escape(s.name)}</span>"
        for s in series.values()
    ]
    if any(chart.diagonal or chart.perfect is not None for chart in charts):
        entries.append(
            f'<span style="white-space:nowrap"><span style="color:{chosen.muted}" aria-hidden="true">╌╌</span> '
            "perfect ensemble</span>"
        )
    for why in dict.fromkeys(gap.why for chart in charts for gap in chart.gaps):
        entries.append(f'<span style="white-space:nowrap;margin-left:1.2em"><b>{SIGNS[why]}</b> {why}</span>')
    return f'<div style="line-height:1.7">{" ".join(entries)}</div>'
