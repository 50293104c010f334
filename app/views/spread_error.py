"""The error of the mean against the spread over the region and regime, on request."""

from __future__ import annotations

from html import escape
from typing import ClassVar

import panel as pn
import xarray as xr
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..exhibits import SpreadAgainstError
from ..exhibits.spread_error import FIELDS, HEIGHT
from ..figures.study_chart import ChartPlot, legend
from ..figures.theme import colours
from ..state.state import State
from .controls import switch
from .export_menu import export_menu
from .layout import QUARTER, grid, pane, words

WHAT_IT_IS = """
**Does it know when it is unsure?** All values of the columns selected by region and regime, at every level and time, in
bins of the members' spread: how far the mean is from the truth. On the dashed line both agree; above it the members
differ less than they err. A flat curve: the spread says nothing about the error.
"""


class SpreadErrorView:
    """A switch, and while it is on a chart for each output; nothing is read before."""

    depends: ClassVar[tuple[str, ...]] = (
        "spread_error", "experiment", "emulator", "compare", "pinned_emulator", "units", "dark",
        "region", "south", "north", "west", "east", "regime",
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.plots: list[ChartPlot] = []
        self.data: xr.Dataset | None = None
        self.legend = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self.place = pn.Column(sizing_mode="stretch_width", margin=0)
        self.said = words("", "caption")
        self.leave = export_menu("spread and error", lambda: SpreadAgainstError.of(state), catalog, lambda: self.data)
        self.shown = pn.Column(
            words(WHAT_IT_IS), self.legend, self.place, self.said, self.leave,
            sizing_mode="stretch_width", visible=False, margin=0,
        )  # fmt: skip

    def panel(self) -> Viewable:
        """The switch; the charts below it while it is on."""
        asked = switch(self.state, "spread_error", "Show the error of the mean against the spread")
        return pn.Column(asked, self.shown, sizing_mode="stretch_width", margin=0)

    def refresh(self, changed: frozenset[str]) -> None:
        """Draw what is selected, while it is asked for."""
        self.shown.visible = self.state.spread_error
        if not self.state.spread_error or not changed & set(self.depends):
            return
        try:
            exhibit = SpreadAgainstError.of(self.state)
            self.data = data = exhibit.gather(self.catalog)
        except DiffmpError as error:
            self.said.object, self.place[:], self.legend.object, self.leave.visible = escape(str(error)), [], "", False
            self.plots = []
            return
        charts = exhibit.charts(data)
        if [plot.chart.shape for plot in self.plots] != [chart.shape for chart in charts]:
            self.plots = [ChartPlot(chart, dark=self.state.dark, height=HEIGHT) for chart in charts]
            self.place[:] = [grid([pane(plot.figure) for plot in self.plots], QUARTER)]
        for plot, chart in zip(self.plots, charts, strict=True):
            plot.show(chart)
            plot.restyle(dark=self.state.dark)
        self.legend.object = legend(charts, dark=self.state.dark)
        self.legend.styles = {"color": colours(self.state.dark).text}
        pinned = self.state.pinned_emulator if self.state.compare != "none" else ""
        missing = self.catalog.lacks(self.state.experiment, pinned, *FIELDS) if pinned else ""
        self.said.object = escape(f"{data.attrs['subtitle']}{'. ' if missing else ''}{missing}")
        self.leave.visible = True
