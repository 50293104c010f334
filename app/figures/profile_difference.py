"""How two ensembles differ in their means, level by level, and whether that is more than few members make by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from numpy.typing import ArrayLike, NDArray

from diffmp_core.scores.significance import discoveries, paired_interval
from diffmp_core.variables import Variable

from ..data.axes import LevelAxis
from .axes import padded_range, set_range
from .output_panel import OutputPanel, along_levels, level_axis_of
from .theme import colours


@dataclass(frozen=True, kw_only=True)
class MeanDifference:
    """Mean of one ensemble minus that of another ``(level,)``: with its 95 % interval, and whether it is significant.

    ``truth`` is the difference of the truths.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    significant: NDArray[np.bool_]
    truth: NDArray[np.float64]


def mean_difference(
    first: ArrayLike, second: ArrayLike, first_truth: ArrayLike, second_truth: ArrayLike
) -> MeanDifference:
    """The difference of two ensembles ``(member, level)`` and their truths ``(level,)``; single values have no level.

    Significant at the false discovery rate of :mod:`diffmp_core.scores.significance`, over the levels. Where one has no
    members, or NaN, there is no difference of the means.
    """
    truth = np.asarray(first_truth, dtype=float) - np.asarray(second_truth, dtype=float)
    if not (np.size(first) and np.isfinite(first).all() and np.isfinite(second).all()):
        none, never = np.full(truth.shape, np.nan), np.zeros(truth.shape, dtype=bool)
        return MeanDifference(mean=none, low=none, high=none, significant=never, truth=truth)
    mean, low, high, p = paired_interval(first, second)
    return MeanDifference(mean=mean, low=low, high=high, significant=discoveries(p), truth=truth)


class DifferencePanel(OutputPanel):
    """Difference of two ensemble means with its interval, dots where it is significant, and that of the truths."""

    def __init__(self, variable: Variable, y_range: Range1d, *, height: int = 380) -> None:
        about = "mean of the selected minus that of the pinned ensemble"
        super().__init__(variable, y_range, height=height, about=about)
        self.source = ColumnDataSource({name: [] for name in ("y", "mean", "low", "high", "dots", "truth")})
        plot = self.figure
        self.band = plot.harea(y="y", x1="low", x2="high", source=self.source, fill_alpha=0.3)
        self.mean = plot.line("mean", "y", source=self.source, line_width=2.5, line_dash="dashed")
        self.dots = plot.scatter("dots", "y", source=self.source, size=7)
        self.truth = plot.line("truth", "y", source=self.source, line_width=2)
        rows = [
            ("difference of the means", "@mean{0.000}"),
            ("95 %", "@low{0.000} to @high{0.000}"),
            ("difference of the truths", "@truth{0.000}"),
            *([("at", "@y{0.00}")] if variable.profile else []),
        ]
        plot.add_tools(HoverTool(renderers=[self.mean], tooltips=rows, mode="hline"))

    def show(self, data: xr.Dataset, *, levels: LevelAxis) -> None:
        """Draw the difference that a dataset has of the output (:func:`difference_of`), if it has one."""
        found, levels = difference_of(data, self.variable), level_axis_of(self.variable, levels)
        self.label(f"difference [{data[self.variable.name].axis_label}]", levels)
        dots = np.where(found.significant, found.mean, np.nan)
        parts = {"mean": found.mean, "low": found.low, "high": found.high, "dots": dots, "truth": found.truth}
        if not np.isfinite(found.mean).any():
            self.clear()
            return
        self.source.data = {"y": levels.values} | {k: along_levels(part, self.variable) for k, part in parts.items()}
        set_range(self.x_range, padded_range(found.low, found.high, found.truth, [0.0]))

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        super().paint(dark)
        chosen = colours(dark)
        self.band.glyph.fill_color = self.mean.glyph.line_color = chosen.emulator
        self.dots.glyph.update(fill_color=chosen.emulator, line_color=chosen.emulator)
        self.truth.glyph.line_color = chosen.truth


def difference_of(data: xr.Dataset, variable: Variable) -> MeanDifference:
    """The difference of an output that a dataset holds as ``NAME_difference``, with its interval and the truths'."""
    name = f"{variable.name}_difference"
    mean, low, high, truth = (data[f"{name}{part}"].values for part in ("", "_low", "_high", "_truth"))
    significant = data[f"{variable.name}_significant"].values == 1
    return MeanDifference(mean=mean, low=low, high=high, truth=truth, significant=significant)
