"""Studies: what the paper's Figures 3, 4, 6 and 7 say, of the studies of an experiment, and its trainings."""

from __future__ import annotations

from html import escape
from typing import ClassVar

import panel as pn
import xarray as xr
from bokeh.document import Document
from bokeh.server.callbacks import PeriodicCallback
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.score import SCORES
from diffmp_core.studies.study import STUDIES
from diffmp_core.studies.table import shown_scores

from ..data.catalog import Catalog
from ..data.study_files import Stamps, study_stamps
from ..exhibits import StudyScores
from ..exhibits.study import HEIGHTS
from ..figures.study import guidance_table, study_charts
from ..figures.study_chart import Chart, ChartPlot, legend
from ..figures.theme import PAGE_STYLE, colours
from ..state.choices import TRAINING
from ..state.state import State
from .controls import choice, free_select, select
from .export_menu import export_menu
from .layout import QUARTER, beside, grid, pane, paper, words
from .training import TrainingCards

LOOK_MS = 3000
"""The folders are looked at so often while the tab is visible [ms]; nothing is read unless a file has changed."""

WIDTHS = {"criteria": {"xs": 12, "sm": 6, "lg": 4}, "outputs": {"xs": 12, "sm": 6}, "all": QUARTER}
"""Width of a chart, in twelfths of the window by its size."""
CHARTS = {"criteria": "All scores", "outputs": "All outputs", "all": "As in the paper"}

HOW_TO_READ_TRAININGS = """Loss of the network by epoch, and of its averaged weights on validation columns. Shown are
trainings that run in the experiment's folder or in a folder given to `diffmp serve`, then that of the selected
emulator. The page looks every three seconds while this tab is visible."""


class StudiesView:
    """The study chosen, or the trainings; looks for new files while it is visible."""

    depends: ClassVar[tuple[str, ...]] = (
        "experiment", "emulator", "study", "study_file", "charts", "criterion", "variable", "dark",
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.plots: list[ChartPlot] = []
        self.data: xr.Dataset | None = None
        self.trainings = TrainingCards(state, catalog)
        self._built: dict[object, tuple[list[ChartPlot], Viewable]] = {}
        self._stamps: Stamps = ()
        self._looking: tuple[Document, PeriodicCallback] | None = None
        html = {"sizing_mode": "stretch_width", "margin": 0, "stylesheets": [PAGE_STYLE]}
        self.about, self.legend, self.table = (pn.pane.HTML("", **html) for _ in range(3))
        self.place = pn.Column(sizing_mode="stretch_width", margin=0)
        self.how = words("")

    def panel(self) -> Viewable:
        """Controls beside the figures."""
        state = self.state
        self.file = free_select("File", self._choose_file)
        self.choosers = {
            "charts": choice(state, "charts", "Shown", {text: name for name, text in CHARTS.items()}),
            "criterion": select(state, "criterion", "Score", {SCORES[name].heading: name for name in shown_scores()}),
            "variable": select(state, "variable", "Output"),
        }
        controls = paper(
            select(
                state,
                "study",
                "Study",
                {study.label: name for name, study in STUDIES.items()} | {"Trainings": TRAINING},
            ),
            self.file,
            *self.choosers.values(),
            self.how,
        )
        leave = export_menu("study", lambda: StudyScores.of(state), self.catalog, lambda: self.data)
        self.scores = paper(self.about, self.legend, self.place, self.table, leave)
        self.leave = leave
        self.state.param.watch(lambda _: self._look_while_visible(), "tab")
        self._look_while_visible()
        self.refresh(frozenset(self.depends))
        return beside(controls, self.scores, self.trainings.place)

    def refresh(self, changed: frozenset[str]) -> None:
        """Show the study chosen; new colours alone move nothing."""
        kind = self.state.study
        if "dark" in changed:
            self._paint()
        if changed <= {"dark"}:
            return
        training = kind == TRAINING
        said = HOW_TO_READ_TRAININGS if training else STUDIES[kind].how_to_read
        self.how.object = f"**How to read this.** {said}"
        self.scores.visible, self.trainings.place.visible = not training, training
        self.file.visible = self.file.visible and not training
        shown = (
            set() if training else {"charts", {"criteria": "variable", "outputs": "criterion"}.get(self.state.charts)}
        )
        for name, chooser in self.choosers.items():
            chooser.visible = name in shown
        with pn.io.hold():
            if training:
                self.trainings.look()
            else:
                self._draw()

    def look(self) -> None:
        """See whether files have come or changed, and draw what has."""
        if self.state.study == TRAINING:
            self.trainings.look()
        elif study_stamps(self.catalog.folder(self.state.experiment)) != self._stamps:
            self._draw()

    def _draw(self) -> None:
        """Charts, legend, table and words of the study."""
        state = self.state
        self._stamps = study_stamps(self.catalog.folder(state.experiment))
        try:
            if not self._offer(list(self.catalog.studies(state.experiment, state.study))):
                return
            self.data = data = StudyScores.of(state).gather(self.catalog)
        except DiffmpError as error:
            self.plots = []
            self._show_only(None)
            self.legend.object = self.table.object = ""
            self.leave.visible = self.file.visible = False
            self.about.object = f"<p>{escape(str(error))}</p>"
            return
        charts = study_charts(data, state.study, full=state.charts != "criteria")
        self.leave.visible = True
        self.about.object = (
            f"<h2>{escape(data.attrs['title'])}</h2><p class='note'>{escape(data.attrs['subtitle'])}</p>"
        )
        self.legend.object = legend(charts, dark=state.dark)
        self.table.object = guidance_table(data) if "best_guidance" in data else ""
        self.plots, layout = self._figures(charts)
        for plot, chart in zip(self.plots, charts, strict=True):
            plot.show(chart)
        self._show_only(layout)

    def _offer(self, files: list[str]) -> bool:
        """Offer the files of the study; whether the one chosen, of which the first has no name, is among them.

        Where it is not, the first is chosen, which draws.
        """
        known = self.state.study_file in ("", *files[1:])
        if known:
            self.file.param.update(options=files, value=self.state.study_file or files[0], visible=len(files) > 1)
        else:
            self.state.study_file = ""
        return known

    def _choose_file(self, name: str) -> None:
        self.state.study_file = "" if name == self.file.options[0] else name

    def _show_only(self, layout: Viewable | None) -> None:
        """Show these figures; others stay hidden in the page, so that it need not draw them again."""
        for other in self.place:
            other.visible = other is layout
        if layout is not None and layout not in list(self.place):
            self.place.append(layout)

    def _figures(self, charts: list[Chart]) -> tuple[list[ChartPlot], Viewable]:
        """Figures for charts of these shapes, laid out; made once, because ten of them take half a second."""
        state = self.state
        key = (state.charts, tuple(chart.shape for chart in charts))
        if key not in self._built:
            plots = [ChartPlot(chart, dark=state.dark, height=HEIGHTS[state.charts]) for chart in charts]
            self._built[key] = plots, grid([pane(plot.figure) for plot in plots], WIDTHS[state.charts])
        return self._built[key]

    def _paint(self) -> None:
        """Colours of the page."""
        dark = self.state.dark
        chosen = colours(dark)
        for part in (self.about, self.legend, self.table):
            part.styles = {"color": chosen.text, "--accent": chosen.accent}
        for plot in (plot for plots, _ in self._built.values() for plot in plots):
            plot.restyle(dark=dark)
        if self.plots:
            self.legend.object = legend([plot.chart for plot in self.plots], dark=dark)
        self.trainings.paint()

    def _look_while_visible(self) -> None:
        """Look at the folders now and then while the tab is visible, and never otherwise."""
        visible, document = self.state.tab == "Studies", pn.state.curdoc
        if visible and self._looking is None and document is not None and document.session_context is not None:
            self._looking = (document, document.add_periodic_callback(self.look, LOOK_MS))
        elif not visible and self._looking is not None:
            (document, callback), self._looking = self._looking, None
            document.remove_periodic_callback(callback)
