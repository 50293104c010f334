"""Sweeps: a column integral along one slider, with the band of the members, or its change over two sliders."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import contourpy
import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper, Range1d
from bokeh.models.annotations import Span
from bokeh.transform import transform
from numpy.typing import NDArray

from ..data.axes import edges
from .axes import padded_range, profile_figure, set_range, set_title
from .colouring import add_colour_bar
from .theme import colours, palette, style

Array = NDArray[np.float64]
CURVE = ("x", "mean", "low", "high", "inside", "outside", "change", "error", "share")


def zero_line(x: Array, y: Array, z: Array) -> list[tuple[Array, Array]]:
    """Lines along which ``z`` (y, x) is zero, each as its x and its y."""
    lines = contourpy.contour_generator(x, y, z).lines(0.0)
    return [(np.asarray(line)[:, 0], np.asarray(line)[:, 1]) for line in lines]


class CurvePanel:
    """One column integral along a slider: mean and band of the members, the answer to the unchanged inputs beside."""

    def __init__(self, title: str, unit: str, *, height: int = 260) -> None:
        self.x_range, self.y_range = Range1d(start=0, end=1), Range1d(start=0, end=1)
        self.figure = plot = profile_figure(
            title=title,
            height=height,
            x_range=self.x_range,
            y_range=self.y_range,
            description=f"{title} as a slider moves, with the band of the members and the unchanged answer",
        )
        plot.yaxis.axis_label = unit
        self.source = ColumnDataSource(data={name: [] for name in CURVE})
        self.baseline = Span(location=0, dimension="width", line_width=1.5, line_dash="dashed")
        self.neutral = Span(location=0, dimension="height", line_width=1, line_dash="dotted")
        plot.add_layout(self.baseline)
        plot.add_layout(self.neutral)
        self.area = plot.varea("x", "low", "high", source=self.source, fill_alpha=0.2)
        self.line = plot.line("x", "mean", source=self.source, line_width=2.5)
        self.inside = plot.scatter("x", "inside", source=self.source, size=5)
        self.outside = plot.scatter("x", "outside", source=self.source, marker="x", size=9, line_width=2.5)
        plot.add_tools(
            HoverTool(
                renderers=[self.line],
                mode="vline",
                tooltips=[
                    ("at", "@x{0.0}"),
                    ("mean", "@mean{0.0} (@low{0.0} to @high{0.0})"),
                    ("change", "@change{+0.0} ± @error{0.0}"),
                    ("out of range", "@share{0 %} of the columns"),
                ],
            )
        )

    def show(
        self,
        x: Array,
        mean: Array,
        low: Array,
        high: Array,
        *,
        change: Array,
        error: Array,
        out_of_range: Array,
        baseline: float,
        neutral: float,
        label: str,
    ) -> None:
        """Draw values (point,) in the units of the axes; ``out_of_range`` is the share of the columns, or NaN."""
        out = np.nan_to_num(out_of_range) > 0
        self.source.data = {
            "x": x,
            "mean": mean,
            "low": low,
            "high": high,
            "inside": np.where(out, np.nan, mean),
            "outside": np.where(out, mean, np.nan),
            "change": change,
            "error": error,
            "share": out_of_range,
        }
        self.baseline.location, self.neutral.location = baseline, neutral
        self.figure.xaxis.axis_label = label
        set_range(self.x_range, padded_range(x, pad=0.03))
        set_range(self.y_range, padded_range(low, high, np.array([baseline])))

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        style(self.figure, dark=dark)
        self.area.glyph.fill_color = self.line.glyph.line_color = chosen.perturbed
        self.inside.glyph.update(fill_color=chosen.perturbed, line_color=chosen.perturbed)
        self.outside.glyph.line_color = chosen.text
        self.baseline.line_color, self.neutral.line_color = chosen.emulator, chosen.muted


class MapPanel:
    """Change of a column integral over two sliders; crosses where it is not significant, a line where it is zero."""

    def __init__(self, *, height: int = 430) -> None:
        self.x_range, self.y_range = Range1d(start=0, end=1), Range1d(start=0, end=1)
        self.figure = plot = profile_figure(
            title="Change",
            height=height,
            x_range=self.x_range,
            y_range=self.y_range,
            description="Change of a column integral over two sliders",
        )
        self.mapper = LinearColorMapper(palette=palette("diverging", dark=False), low=-1, high=1)
        names = ("left", "right", "bottom", "top", "x", "y", "change", "error", "share")
        self.cells = ColumnDataSource(data={name: [] for name in names})
        self.doubtful = ColumnDataSource(data={"x": [], "y": []})
        self.far = ColumnDataSource(data={"x": [], "y": []})
        self.zero = ColumnDataSource(data={"x": [], "y": []})
        self.start = ColumnDataSource(data={"x": [], "y": []})
        quads = plot.quad(
            "left", "right", "top", "bottom",
            source=self.cells, fill_color=transform("change", self.mapper), line_color=None,
        )  # fmt: skip
        self.crosses = plot.scatter("x", "y", source=self.doubtful, marker="x", size=8, line_width=1.5)
        self.rings = plot.scatter("x", "y", source=self.far, marker="circle", size=15, fill_alpha=0, line_width=1)
        self.line = plot.line("x", "y", source=self.zero, line_width=2)
        self.star = plot.scatter("x", "y", source=self.start, marker="star", size=18, line_width=1.5)
        self.bar = add_colour_bar(plot, self.mapper)
        tips = [("at", "@x{0.0}, @y{0.0}"), ("change", "@change{+0.0} ± @error{0.0}")]
        plot.add_tools(HoverTool(renderers=[quads], tooltips=[*tips, ("out of range", "@share{0 %} of the columns")]))

    def show(
        self,
        x: Array,
        y: Array,
        change: Array,
        *,
        error: Array,
        significant: NDArray[np.bool_],
        out_of_range: Array,
        neutral: tuple[float, float],
        labels: Sequence[str],
        title: str,
        unit: str,
    ) -> None:
        """Draw changes (y, x) in the unit of the colour bar; ``labels`` are those of the two axes."""
        across, along = (grid.ravel() for grid in np.meshgrid(x, y))
        x_edges, y_edges = edges(x), edges(y)
        left, bottom = (grid.ravel() for grid in np.meshgrid(x_edges[:-1], y_edges[:-1]))
        right, top = (grid.ravel() for grid in np.meshgrid(x_edges[1:], y_edges[1:]))
        self.cells.data = {
            "left": left,
            "right": right,
            "bottom": bottom,
            "top": top,
            "x": across,
            "y": along,
            "change": change.ravel(),
            "error": error.ravel(),
            "share": out_of_range.ravel(),
        }
        for source, chosen in ((self.doubtful, ~significant), (self.far, np.nan_to_num(out_of_range) > 0)):
            source.data = {"x": across[chosen.ravel()], "y": along[chosen.ravel()]}
        lines = zero_line(x, y, change)
        gap = np.array([np.nan])
        self.zero.data = {
            name: np.concatenate([gap, *chain.from_iterable((line[axis], gap) for line in lines)])
            for axis, name in enumerate(("x", "y"))
        }
        self.start.data = {"x": np.array(neutral[:1]), "y": np.array(neutral[1:])}
        size = float(np.abs(change).max()) or 1.0
        self.mapper.update(low=-size, high=size)
        self.bar.title = unit
        set_range(self.x_range, (float(x_edges.min()), float(x_edges.max())))
        set_range(self.y_range, (float(y_edges.min()), float(y_edges.max())))
        set_title(self.figure, title)
        self.figure.xaxis.axis_label, self.figure.yaxis.axis_label = labels

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        style(self.figure, dark=dark)
        self.mapper.palette = palette("diverging", dark=dark)
        self.crosses.glyph.line_color = self.rings.glyph.line_color = self.line.glyph.line_color = chosen.text
        self.star.glyph.update(fill_color=chosen.paper, line_color=chosen.text)
