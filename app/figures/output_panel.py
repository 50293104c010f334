"""What the figures of one output have in common, on levels or a single value: title, axes and the line at zero."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, Range1d
from bokeh.models.annotations import Span
from numpy.typing import ArrayLike, NDArray

from diffmp_core.variables import Variable

from ..data.axes import LevelAxis, edges, title_of
from .axes import profile_figure
from .theme import colours, style

SINGLE_HEIGHT = 150
"""Height of a figure of a single value [pixels]."""
_ENDS = np.array([0.0, 0.5, 1.0])
SINGLE_VALUE = LevelAxis("single value", "", _ENDS, edges(_ENDS), 0.0, 1.0)
"""What a single value has in place of levels: from the bottom of its figure to the top, where it is a line upward."""


def level_axis_of(variable: Variable, levels: LevelAxis) -> LevelAxis:
    """The vertical axis of an output."""
    return levels if variable.profile else SINGLE_VALUE


def along_levels(values: ArrayLike, variable: Variable) -> NDArray:
    """Values ``(..., level)`` of an output; a single value ``(...)`` is repeated along :data:`SINGLE_VALUE`."""
    values = np.asarray(values)
    return values if variable.profile else np.repeat(values[..., None], SINGLE_VALUE.values.size, axis=-1)


class OutputPanel:
    """An empty figure of one output, levels upward, about a line at zero; that of a single value is a low one."""

    def __init__(self, variable: Variable, y_range: Range1d, *, height: int, about: str) -> None:
        """Levels are within ``y_range``; ``about`` goes on after the title and tells a screen reader what is drawn."""
        self.variable = variable
        self.x_range, title = Range1d(start=-1, end=1), title_of(variable)
        self.figure = profile_figure(
            title=title,
            height=height if variable.profile else SINGLE_HEIGHT,
            x_range=self.x_range,
            y_range=y_range if variable.profile else Range1d(start=0, end=1),
            description=f"{title}{' at every level' if variable.profile else ''}: {about}",
        )
        self.zero = Span(location=0, dimension="height", line_width=1, line_dash="dotted")
        self.figure.add_layout(self.zero)
        self.figure.yaxis.visible = self.figure.ygrid.visible = variable.profile

    def label(self, values: str, levels: LevelAxis) -> None:
        """Name both axes."""
        self.figure.xaxis.axis_label, self.figure.yaxis.axis_label = values, levels.label

    def clear(self) -> None:
        """Draw nothing."""
        for source in self.figure.select(ColumnDataSource):
            source.data = {name: [] for name in source.data}

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        style(self.figure, dark=dark)
        self.zero.line_color = colours(dark).muted
