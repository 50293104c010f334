"""Charts of studies and trainings on paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator, NullFormatter

from ..figures.study_chart import CLOSE_POINTS, Chart, series_colour
from ..figures.study_gaps import SIGNS
from ..figures.theme import LIGHT

LEGEND_HEIGHT = 0.2
"""Height of the row of the legend over that of a chart."""


def draw_charts(charts: Sequence[Chart], figure: Figure, *, columns: int) -> None:
    """Charts in rows, with one legend for all."""
    rows = -(-len(charts) // columns)
    spare = rows * columns > len(charts)
    heights = [1.0] * rows + ([] if spare else [LEGEND_HEIGHT])
    places = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    handles: dict[str, Artist] = {}
    for number, chart in enumerate(charts):
        axes = figure.add_subplot(places[divmod(number, columns)])
        draw_chart(axes, chart, names=number % columns == 0)
        handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes = figure.add_subplot(places[divmod(len(charts), columns)] if spare else places[rows, :])
    axes.set_axis_off()
    look = {"loc": "upper left"} if spare else {"loc": "lower center", "ncols": min(len(handles), 4)}
    axes.legend(list(handles.values()), list(handles), **look).set_in_layout(False)


def draw_chart(axes: Axes, chart: Chart, *, names: bool) -> None:
    """One chart; ``names`` says whether its rows are named."""
    if chart.perfect is not None:
        line = axes.axvline if chart.rows else axes.axhline
        line(chart.perfect, color=LIGHT.muted, linestyle="--", linewidth=1, label="perfect ensemble")
    (left, right), (bottom, top) = chart.ranges()
    if chart.diagonal:
        axes.plot(
            [left, right], [left, right], color=LIGHT.muted, linestyle="--", linewidth=1, label="perfect ensemble"
        )
    for series in chart.series:
        colour, look = series.colour(LIGHT), series.look
        if series.has_errors:
            error = np.nan_to_num(series.error)
            along, across = (error, None) if chart.rows else (None, error)
            axes.errorbar(series.x, series.y, across, along, fmt="none", ecolor=colour, elinewidth=1)
        marked = series.kind == "mark"
        axes.plot(
            series.x,
            series.y,
            color=colour,
            marker=None if len(series.x) > CLOSE_POINTS else look.paper,
            markersize=8 if marked else 4,
            markerfacecolor="none" if marked else colour,
            linestyle="-" if series.kind == "curve" else "none",
            linewidth=1.2,
            label=series.name or None,
        )
    for gap in chart.gaps:
        x, y = (chart.edge(), gap.at) if chart.rows else (gap.at, chart.edge())
        colour = series_colour(gap.place, LIGHT)
        axes.text(x, y, SIGNS[gap.why], color=colour, fontweight="bold", ha="center", va="center")
    for flag, scale in zip(chart.logarithmic, (axes.set_xscale, axes.set_yscale), strict=True):
        if flag:
            scale("log")
    if chart.logarithmic[1] and not chart.diagonal:
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.0, 0.4)))
    axes.set(title=chart.title, xlabel=chart.x_label, ylabel=chart.y_label, xlim=(left, right), ylim=(bottom, top))
    if ticks := chart.ticks():
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif not chart.logarithmic[0]:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    if chart.rows:
        axes.set_yticks(range(len(chart.rows)), chart.rows if names else [""] * len(chart.rows))
        axes.grid(axis="y", visible=False)
