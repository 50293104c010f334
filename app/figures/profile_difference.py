"""How two ensembles differ in their means, level by level, and whether that is more than few members make by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from numpy.typing import ArrayLike, NDArray

from diffmp_core.scores.significance import discoveries, paired_interval

from ..data.axes import LevelAxis, ValueAxis
from .axes import padded_range, set_range
from .output_panel import OutputPanel
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
    """The difference of two ensembles ``(member, level)`` and their truths ``(level,)``.

    Significant at the false discovery rate of :mod:`diffmp_core.scores.significance`, over the levels.
    """
    mean, low, high, p = paired_interval(first, second)
    truth = np.asarray(first_truth, dtype=float) - np.asarray(second_truth, dtype=float)
    return MeanDifference(mean=mean, low=low, high=high, significant=discoveries(p), truth=truth)


class DifferencePanel(OutputPanel):
    """Difference of two ensemble means with its interval, dots where it is significant, and that of the truths."""

    def __init__(self, variable: str, y_range: Range1d, *, height: int = 380) -> None:
        about = "at every level: mean of the selected minus that of the pinned ensemble"
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
            ("at", "@y{0.00}"),
        ]
        plot.add_tools(HoverTool(renderers=[self.mean], tooltips=rows, mode="hline"))

    def show(self, found: MeanDifference | None, *, levels: LevelAxis, values: ValueAxis) -> None:
        """Draw a difference in the stored unit; None draws nothing."""
        self.label(f"difference [{values.label}]", levels)
        if found is None:
            self.source.data = {name: [] for name in self.source.data}
            return
        mean, low, high, truth = (values.factor * part for part in (found.mean, found.low, found.high, found.truth))
        dots = np.where(found.significant, mean, np.nan)
        self.source.data = {"y": levels.values, "mean": mean, "low": low, "high": high, "dots": dots, "truth": truth}
        set_range(self.x_range, padded_range(low, high, truth, [0.0]))

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        super().paint(dark)
        chosen = colours(dark)
        self.band.glyph.fill_color = self.mean.glyph.line_color = chosen.emulator
        self.dots.glyph.update(fill_color=chosen.emulator, line_color=chosen.emulator)
        self.truth.glyph.line_color = chosen.truth
