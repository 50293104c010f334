"""What the figures of one output over all levels have in common: title, axes and the line at zero."""

from __future__ import annotations

from bokeh.models import Range1d
from bokeh.models.annotations import Span

from ..data.axes import TITLES, LevelAxis
from .axes import profile_figure
from .theme import colours, style


class OutputPanel:
    """An empty figure of one output, levels upward, about a line at zero."""

    def __init__(self, variable: str, y_range: Range1d, *, height: int, about: str) -> None:
        """``about`` goes on after the output's title and tells a screen reader what is drawn."""
        self.variable = variable
        self.x_range = Range1d(start=-1, end=1)
        self.figure = profile_figure(
            title=TITLES[variable],
            height=height,
            x_range=self.x_range,
            y_range=y_range,
            description=f"{TITLES[variable]} {about}",
        )
        self.zero = Span(location=0, dimension="height", line_width=1, line_dash="dotted")
        self.figure.add_layout(self.zero)

    def label(self, values: str, levels: LevelAxis) -> None:
        """Name both axes."""
        self.figure.xaxis.axis_label, self.figure.yaxis.axis_label = values, levels.label

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        style(self.figure, dark=dark)
        self.zero.line_color = colours(dark).muted
