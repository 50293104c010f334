"""The cloud-resolving model's own answer to the sliders, on request, below the emulator's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui
import xarray as xr
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.crm.answers import UNITS
from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..data.model_answers import MODEL_OUTPUTS
from ..data.target import DEPENDS
from ..exhibits import ModelResponse
from ..exhibits.changed import changes_of
from ..exhibits.model_response import SERIES
from ..figures.response import HourlyPanel, ResponsePanel, SingleResponsePanel, response_panels, response_table
from ..state.choices import PERTURBATIONS
from ..state.state import State
from .export_menu import export_menu
from .layout import QUARTER, grid, pane, words
from .long_work import LongWork
from .notices import hidden_notice

if TYPE_CHECKING:
    from diffmp_core.crm.runs import ModelRuns

HOURS = {"1 hour": 1, "3 hours": 3, "6 hours": 6, "12 hours": 12}
FIRST_HOURS = 6
MEAN = "mean"
LOOKS = ("units", "vertical", "emulator")
"""Choices that draw the same answer otherwise; an emulator only names the unit of normalised values."""
THIRD = {"xs": 12, "md": 4}
RUN, RUN_MANY = "Run the cloud-resolving model", "Run the cloud-resolving model for each column (a minute or two)"
WHAT_IT_IS = """
**The cloud-resolving model itself.** The simulator spins each column up again from its seed, makes the same change
once, and runs on beside an unchanged control, eight members each that differ by weak noise. Blue, solid: control;
orange, dashed: changed; bands hold 80 % of the members (of many columns: of the members' means over them). This is an
*initial-value response over hours*: the changed layer drifts back, convection takes time to answer. The emulator's,
above, is the *instantaneous conditional answer*: what goes with such a column. Where they disagree, this one says what
the change does.
"""
FOREIGN = (
    "These columns do not come from the simulator, so the cloud-resolving model that made them cannot be asked here."
)


class ReferenceResponse:
    """A button, its progress, and the model's answer: profiles, numbers by hour, a table."""

    def __init__(self, state: State, catalog: Catalog, y_range: Range1d, answered: Callable[[], None]) -> None:
        """``y_range`` is that of the emulator's panels; ``answered`` is told when there is an answer."""
        self.state, self.catalog, self.y_range, self.answered = state, catalog, y_range, answered
        self.work = LongWork(RUN, self._run, _runner)
        self.asked: ModelResponse | None = None
        self.answer: ModelRuns | None = None
        self.data: xr.Dataset | None = None
        self.outputs = response_panels(MODEL_OUTPUTS, y_range, height=360)
        self.series = {name: HourlyPanel(title, UNITS[name]) for name, title in SERIES.items()}
        self.hours = pmui.Select(label="For", options=HOURS, value=FIRST_HOURS, size="small", width=110)
        self.hour = pmui.Select(label="Show", options={"Mean of the hours": MEAN}, value=MEAN, size="small", width=220)
        self.hour.param.watch(lambda _: self._draw(), "value")
        self.notice = hidden_notice()
        self.table = pn.pane.HTML("", sizing_mode="stretch_width")
        self.shown = pn.Column(sizing_mode="stretch_width", visible=False, margin=0)

    def panel(self) -> Viewable:
        """The button; figures follow when there is an answer."""
        profiles = grid((pane(panel.figure) for panel in self.outputs.values()), QUARTER)
        series = grid((pane(panel.figure) for panel in self.series.values()), THIRD)
        leave = export_menu("model response", self._exhibit, self.catalog, lambda: self.data)
        self.shown[:] = [profiles, series, self.table, leave]
        work = self.work
        buttons = pn.Row(work.run, self.hours, self.hour, work.cancel, styles={"align-items": "center"})
        return pn.Column(
            words(WHAT_IT_IS), buttons, work.bar, self.notice, work.status, self.shown, sizing_mode="stretch_width"
        )

    def _exhibit(self) -> ModelResponse:
        """The answer shown, for what was asked and not for where the sliders are now."""
        if self.asked is None or self.data is None:
            raise DiffmpError("expected an answer of the cloud-resolving model, found none; run it first")
        return self.asked

    def refresh(self, changed: frozenset[str]) -> None:
        """Drop an answer for other columns; say when the sliders have moved since."""
        if changed & set(DEPENDS):
            self.work.halt()
            self.clear()
        refused = self.catalog.model_answers(self.state.experiment).refused
        own = self.state.target == "own"
        self.work.run.disabled = bool(refused) or own or self.work.running
        self.work.run.label = RUN_MANY if self.state.target == "composite" else RUN
        if refused:
            source = "simulation_grid" in self.catalog.places(self.state.experiment).attrs
            self._tell(refused if source else FOREIGN)
        elif self.answer is not None and changed & set(PERTURBATIONS):
            self._tell_what_was_asked()
        if self.answer is not None and changed & set(LOOKS):
            self._draw()

    def clear(self) -> None:
        """Show no answer."""
        self.answer = self.data = None
        self.shown.visible = self.notice.visible = False
        self.work.status.object = ""
        for panel in self._panels():
            panel.clear()

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        for panel in self._panels():
            panel.paint(dark)

    def _panels(self) -> list[ResponsePanel | SingleResponsePanel | HourlyPanel]:
        return [*self.outputs.values(), *self.series.values()]

    def _run(self) -> None:
        self.clear()
        self.asked = asked = ModelResponse.of(self.state, hours=self.hours.value, hour=0)
        self.work.begin(
            lambda progress: asked.ask(self.catalog, progress),
            self._deliver,
            self._refuse,
            first="Spinning the column up again from its seed …",
            progress="{done} of {total} hours of columns run …",
        )

    def _deliver(self, answer: ModelRuns, took: float) -> None:
        self.answer = answer
        with pn.io.hold():
            hours = {f"Hour {hour}": hour for hour in range(1, answer.hours + 1)}
            self.hour.param.update(options={"Mean of the hours": MEAN, **hours}, value=MEAN)
            found = answer.answer
            many = "" if found.columns == 1 else f"{found.columns} columns × "
            self.work.status.object = (
                f"{many}{found.members} members, {answer.hours} h beside a control, in **{took / 1000:.1f} s**"
            )
            self._tell_what_was_asked()
            self.shown.visible = True
            self._draw()
            self.answered()

    def _refuse(self, error: BaseException) -> None:
        self._tell(str(error))

    def _tell(self, text: str) -> None:
        self.notice.param.update(object=text, visible=bool(text))

    def _tell_what_was_asked(self) -> None:
        """Warn where the answer is not for the sliders, or not for the stored weather, that the page shows."""
        answer, asked = self.answer, self.asked
        if answer is None or asked is None:
            return
        moved = ModelResponse.of(self.state, hours=asked.hours, hour=asked.hour).perturbation != asked.perturbation
        since = "The sliders have moved since: this answer is for where they were. Run again." if moved else ""
        self._tell(" ".join(filter(None, (since, answer.answer.other_weather))))

    def _draw(self) -> None:
        if self.answer is None or self.asked is None:
            return
        hour = 0 if self.hour.value == MEAN else int(self.hour.value)
        looks = {name: getattr(self.state, name) for name in LOOKS}
        self.asked = asked = replace(self.asked, hour=hour, **looks)
        self.data = data = asked.arrange(self.catalog, self.answer)
        with pn.io.hold():
            target = f"{asked.experiment} {asked.time} {asked.about} {asked.vertical}"
            asked.show_outputs(data, self.outputs, self.y_range, target=target)
            asked.show_series(data, self.series)
            self.table.object = response_table(changes_of(data))


@functools.cache
def _runner() -> ThreadPoolExecutor:
    """One run at a time in this process: each uses all cores."""
    return ThreadPoolExecutor(1, thread_name_prefix="reference-response")
