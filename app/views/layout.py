"""Places on a tab: framed papers, grids that fold on a narrow window, figures as wide as their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import panel as pn
import panel_material_ui as pmui
from bokeh.plotting import figure
from panel.custom import Children, JSComponent
from panel.viewable import Viewable

QUARTER: Mapping[str, int] = {"xs": 6, "lg": 3}
"""Width, in twelfths, of one of four panels: four in a row, or two on a narrow window."""

DRAWN = {"opacity": "var(--drawn, 1)"}
"""Look of figures: as strong as assets/tabs.js says while they wait for an answer."""

GAP = 12
"""Distance between papers one below the other [pixels]."""

WHOLE: Mapping[str, int] = {"xs": 12}

FROM = {"xs": 0, "sm": 600, "md": 900, "lg": 1200}
"""Width of the window from which each name counts [pixels]."""


def paper(*parts: Viewable) -> Viewable:
    """Parts one below the other in a thin frame."""
    return pmui.Paper(*parts, elevation=0, variant="outlined", sizing_mode="stretch_width", sx={"p": 2})


def words(text: str, variant: str = "body2") -> pmui.Typography:
    """Running text in markdown, to be changed through ``object``."""
    return pmui.Typography(text, variant=variant, sizing_mode="stretch_width")


def pane(plot: figure) -> Viewable:
    """A figure as wide as its place."""
    return pn.pane.Bokeh(plot, sizing_mode="stretch_width")


class Cells(JSComponent):
    """Cells in rows of twelve twelfths; as many rows as they need."""

    cells = Children(doc="What stands in them")

    _esm = """
    export function render({model}) {
      const cells = document.createElement("div")
      cells.className = "twelfths"
      for (const child of model.get_child("cells")) {
        const cell = document.createElement("div")
        cell.append(child)
        cells.append(cell)
      }
      return cells
    }
    """


def _sheet(widths: Iterable[Mapping[str, int]], gap: int) -> str:
    """How many twelfths each cell takes, by the width of the window."""
    cells = f".twelfths {{ display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: {gap}px; }}"
    spans = (
        f"@media (min-width: {FROM[window]}px) {{ .twelfths > :nth-child({place}) {{ grid-column: span {twelfth}; }} }}"
        for place, width in enumerate(widths, 1)
        for window, twelfth in width.items()
    )
    return "\n".join([cells, *spans])


def grid(cells: Iterable[Viewable], width: Mapping[str, int], gap: int = 8) -> Viewable:
    """Cells of one width, in twelfths of the window by its size, in as many rows as they need."""
    return uneven_grid(((cell, width) for cell in cells), gap)


def uneven_grid(cells: Iterable[tuple[Viewable, Mapping[str, int]]], gap: int = 8) -> Viewable:
    """Cells, each with its width in twelfths."""
    parts, widths = zip(*cells, strict=True)
    return Cells(cells=list(parts), stylesheets=[_sheet(widths, gap)], sizing_mode="stretch_width")


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
        self[:] = [uneven_grid(cells if shown else [(self._figures, WHOLE)], gap=16)]


def beside(controls: Viewable, *figures: Viewable) -> Beside:
    """Controls beside figures that stand one below the other."""
    apart = [part for figure in figures for part in (pn.Spacer(height=GAP), figure)][1:]
    return Beside(controls, pn.Column(*apart, sizing_mode="stretch_width", margin=0, styles=DRAWN))
