"""From noise to profiles: the members at one step of the sampler, and what the network predicts from them."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, Range1d
from numpy.typing import ArrayLike

from diffmp_core.variables import Variable

from ..data.axes import LevelAxis
from .axes import padded_range, separated, set_range
from .output_panel import OutputPanel, along_levels, level_axis_of
from .theme import colours

SHOWN_PERCENT = 0.5
"""Axes leave out this share of the values of all steps at either end [%]: noise has long tails."""


def shared_range(*frames: ArrayLike) -> tuple[float, float]:
    """One value range for all steps, so that noise is seen to settle."""
    values = np.concatenate([np.ravel(np.asarray(frame, dtype=float)) for frame in frames])
    return padded_range(np.percentile(values, (SHOWN_PERCENT, 100 - SHOWN_PERCENT)))


class DenoisingPanel(OutputPanel):
    """Members of one output at one step as thin lines (blue), and the profiles predicted from them (orange)."""

    def __init__(self, variable: Variable, y_range: Range1d, *, height: int = 320) -> None:
        about = "members at one step from noise to profile, and what is predicted of each"
        super().__init__(variable, y_range, height=height, about=about)
        self.state = ColumnDataSource(data={"x": [], "y": []})
        self.predicted = ColumnDataSource(data={"x": [], "y": []})
        self.thin = self.figure.line("x", "y", source=self.state, line_width=1, line_alpha=0.45)
        self.guess = self.figure.line("x", "y", source=self.predicted, line_width=1, line_alpha=0.6)

    def show(
        self,
        state: ArrayLike,
        predicted: ArrayLike | None,
        *,
        levels: LevelAxis,
        extent: tuple[float, float],
        label: str,
    ) -> None:
        """Draw members (member, level) in the unit of ``label``; nothing is predicted after the last step.

        Of a single value they are (member,).
        """
        levels = level_axis_of(self.variable, levels)
        for source, shown in ((self.state, state), (self.predicted, predicted)):
            x = y = np.empty(0, dtype=np.float32)
            if shown is not None:
                x, y = separated(along_levels(shown, self.variable), levels.values)
            source.data = {"x": x, "y": y}
        set_range(self.x_range, extent)
        self.label(label, levels)

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        super().paint(dark)
        chosen = colours(dark)
        self.thin.glyph.line_color, self.guess.glyph.line_color = chosen.emulator, chosen.perturbed
