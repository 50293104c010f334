"""Panels of variables in a grid on the page: those of the experiment shown, made anew where another one has others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import panel as pn
from bokeh.plotting import figure
from panel.viewable import Viewable

from diffmp_core.variables import Channels, Variable

from .layout import QUARTER, grid, pane


class VariablePanel(Protocol):
    """What is drawn of one variable."""

    figure: figure

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        ...


Drawn = TypeVar("Drawn", bound=VariablePanel)


class VariablePanels(dict[str, Drawn]):
    """Panels by the name of the variable, profiles first.

    Attributes:
        place: where they stand on the page.
        words: a line below each, by the name of the variable.
    """

    def __init__(self, make: Callable[[Variable], Drawn], *, words: Callable[[], Viewable] | None = None) -> None:
        """``make`` makes the panel of a variable, ``words`` what stands below it, if anything."""
        super().__init__()
        self._make, self._make_words = make, words
        self._variables = Channels()
        self.words: dict[str, Viewable] = {}
        self.place = pn.Column(sizing_mode="stretch_width", margin=0)

    def fit(self, variables: Channels, *, dark: bool) -> None:
        """Be the panels of these variables; nothing changes where they are already."""
        if variables == self._variables:
            return
        self._variables = variables
        self.clear()
        self.update({variable.name: self._make(variable) for variable in variables})
        self.paint(dark)
        self.words = {name: self._make_words() for name in self} if self._make_words else {}
        parts = (variables.profiles, variables.singles)
        self.place[:] = [grid(map(self._cell, part.names), QUARTER) for part in parts if part]

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        for panel in self.values():
            panel.paint(dark)

    def _cell(self, name: str) -> Viewable:
        drawn = pane(self[name].figure)
        return pn.Column(drawn, self.words[name], sizing_mode="stretch_width") if self.words else drawn
