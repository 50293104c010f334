"""Places on a tab: framed papers, grids that fold on a narrow window, figures as wide as their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import panel as pn
import panel_material_ui as pmui
from bokeh.plotting import figure
from panel.viewable import Viewable

QUARTER: Mapping[str, int] = {"xs": 6, "lg": 3}
"""Width, in twelfths, of one of four panels: four in a row, or two on a narrow window."""

GAP = 12
"""Distance between papers one below the other [pixels]."""

WHOLE: Mapping[str, int] = {"xs": 12}


def paper(*parts: Viewable) -> Viewable:
    """Parts one below the other in a thin frame."""
    return pmui.Paper(*parts, elevation=0, variant="outlined", sizing_mode="stretch_width", sx={"p": 2})


def words(text: str, variant: str = "body2") -> pmui.Typography:
    """Running text in markdown, to be changed through ``object``."""
    return pmui.Typography(text, variant=variant, sizing_mode="stretch_width")


def pane(plot: figure) -> Viewable:
    """A figure as wide as its place."""
    return pn.pane.Bokeh(plot, sizing_mode="stretch_width")


def grid(cells: Iterable[Viewable], width: Mapping[str, int]) -> Viewable:
    """Cells of one width, in twelfths of the window by its size, in as many rows as they need."""
    return uneven_grid((cell, width) for cell in cells)


def uneven_grid(cells: Iterable[tuple[Viewable, Mapping[str, int]]]) -> Viewable:
    """Cells, each with its width in twelfths."""
    items = [pmui.Grid(cell, size=dict(width)) for cell, width in cells]
    return pmui.Grid(*items, container=True, spacing=1, sizing_mode="stretch_width")


class Beside(pn.Column):
    """Controls at the left of figures, above them on a narrow window; or the figures alone, as wide as the page."""

    def __init__(self, controls: Viewable, figures: Viewable) -> None:
        super().__init__(sizing_mode="stretch_width", margin=0)
        self._controls, self._figures = controls, figures
        self._shown: bool | None = None
        self.show_controls(True)

    def show_controls(self, shown: bool) -> None:
        """Show the controls, or give the figures all the width."""
        if shown == self._shown:
            return
        self._shown = shown
        cells = [(self._controls, {"xs": 12, "md": 3}), (self._figures, {"xs": 12, "md": 9})]
        items = [pmui.Grid(part, size=size) for part, size in (cells if shown else [(self._figures, dict(WHOLE))])]
        self[:] = [pmui.Grid(*items, container=True, spacing=2, sizing_mode="stretch_width")]


def beside(controls: Viewable, *figures: Viewable) -> Beside:
    """Controls beside figures that stand one below the other."""
    apart = [part for figure in figures for part in (pn.Spacer(height=GAP), figure)][1:]
    return Beside(controls, pn.Column(*apart, sizing_mode="stretch_width", margin=0))
