"""The cloud-resolving model's own answer to the sliders, on request, below the emulator's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
import panel as pn
import panel_material_ui as pmui
import xarray as xr
from bokeh.models import Range1d
from numpy.typing import NDArray
from panel.viewable import Viewable

from app.catalog import Catalog
from app.choices import PERTURBATIONS
from app.exhibits import ModelResponse
from app.figures.response import HourlyPanel, ResponsePanel, band, response_table
from app.state import State
from app.target import DEPENDS
from app.views.export_menu import export_menu
from app.views.layout import QUARTER, grid, pane, words
from app.views.long_work import LongWork, Progress
from app.views.notices import hidden_notice
from diffmp_core.column_integrals import Change, compare, integrate, paired_change
from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.errors import DiffmpError
from diffmp_core.perturbation import Perturbation
from diffmp_core.variables import OUTPUTS

HOURS = {"1 hour": 1, "3 hours": 3, "6 hours": 6, "12 hours": 12}
FIRST_HOURS = 6
MEAN = "mean"
THIRD = {"xs": 12, "md": 4}
WHAT_IT_IS = """
**The cloud-resolving model itself.** The simulator spins this column up again from its seed, makes the same change
once, and runs on beside an unchanged control, eight members each that differ by weak noise. Blue, solid: control;
orange, dashed: changed; bands hold 80 % of the members. This is an *initial-value response over hours*: the changed
layer drifts back, convection takes time to answer. The emulator's, above, is the *instantaneous conditional answer*:
what goes with such a column. Where they disagree, this one says what the change does.
"""
FOREIGN = (
    "These columns do not come from the simulator, so the cloud-resolving model that made them cannot be asked here."
)


@dataclass(frozen=True, eq=False)
class Question:
    """A column (time and cell index in its store), the change, its temperature (level,) K there, and what it is."""

    columns: xr.Dataset
    time: int
    cell: int
    perturbation: Perturbation
    temperature: NDArray[np.float32]
    rule: str


@dataclass(frozen=True, eq=False)
class Answer:
    """A response, and by how much the column it started from departs from the stored one [K]."""

    response: xr.Dataset
    departure: float
    same_weather: float


class ReferenceResponse:
    """A button, its progress, and the model's answer: profiles, numbers by hour, a table."""

    def __init__(self, state: State, catalog: Catalog, y_range: Range1d, question: Callable[[], Question]) -> None:
        """``question`` gives the selected column and the change; it raises a DiffmpError where there is none."""
        self.state, self.catalog, self.question = state, catalog, question
        self.work = LongWork("Run the cloud-resolving model", self._run, _runner)
        self.asked: Question | None = None
        self.answer: Answer | None = None
        self.outputs = {v.name: ResponsePanel(v.name, y_range, height=360) for v in OUTPUTS}
        self.series = {
            "heating": HourlyPanel("Heating of the column", "W/m²"),
            "moistening": HourlyPanel("Moistening of the column", "mm/day"),
            "precipitation": HourlyPanel("Precipitation", "mm/day"),
        }
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
        leave = export_menu("model response", self._exhibit, self.catalog)
        self.shown[:] = [profiles, series, self.table, leave]
        work = self.work
        buttons = pn.Row(work.run, self.hours, self.hour, work.cancel, styles={"align-items": "center"})
        return pn.Column(
            words(WHAT_IT_IS), buttons, work.bar, self.notice, work.status, self.shown, sizing_mode="stretch_width"
        )

    def _exhibit(self) -> ModelResponse:
        """The answer shown, for what was asked and not for where the sliders are now."""
        asked, answer = self.asked, self.answer
        if asked is None or answer is None:
            raise DiffmpError("expected an answer of the cloud-resolving model, found none; run it first")
        return ModelResponse.of(
            self.state,
            time=asked.time,
            cell=asked.cell,
            hours=answer.response.sizes["hour"],
            **asdict(asked.perturbation),
        )

    def refresh(self, changed: frozenset[str]) -> None:
        """Drop an answer for another column; say when the sliders have moved since."""
        if changed & set(DEPENDS):
            self.work.halt()
            self.clear()
        own = "simulation_grid" in self.catalog.places(self.state.experiment).attrs
        self.work.run.disabled = not own or self.work.running
        if not own:
            self._tell(FOREIGN)
        elif self.answer is not None and changed & set(PERTURBATIONS):
            self._tell_what_was_asked()
        if self.answer is not None and changed & {"units", "vertical", "emulator"}:
            self._draw()

    def clear(self) -> None:
        """Show no answer."""
        self.answer = None
        self.shown.visible = self.notice.visible = False
        self.work.status.object = ""
        for panel in self._panels():
            panel.clear()

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        for panel in self._panels():
            panel.paint(dark)

    def _panels(self) -> list[ResponsePanel | HourlyPanel]:
        return [*self.outputs.values(), *self.series.values()]

    def _run(self) -> None:
        try:
            asked = self.question()
        except DiffmpError as error:
            self._tell(str(error))
            return
        hours = self.hours.value
        self.clear()
        self.asked = asked
        self.work.begin(
            lambda progress: _work(asked, hours, progress),
            self._deliver,
            self._refuse,
            first="Spinning the column up again from its seed …",
            progress="{done} of {total} hours of columns run …",
        )

    def _deliver(self, answer: Answer, took: float) -> None:
        self.answer = answer
        response = answer.response
        with pn.io.hold():
            hours = {f"Hour {hour}": int(hour) for hour in response["hour"].values}
            self.hour.param.update(options={"Mean of the hours": MEAN, **hours}, value=MEAN)
            members, count = response.sizes["member"], response.sizes["hour"]
            self.work.status.object = f"{members} members, {count} h beside a control, in **{took / 1000:.1f} s**"
            self._tell_what_was_asked()
            self.shown.visible = True
            self._draw()

    def _refuse(self, error: BaseException) -> None:
        self._tell(str(error))

    def _tell(self, text: str) -> None:
        self.notice.param.update(object=text, visible=bool(text))

    def _tell_what_was_asked(self) -> None:
        """Warn where the answer is not for the sliders, or not for the stored weather, that the page shows."""
        answer, asked = self.answer, self.asked
        if answer is None or asked is None:
            return
        notes = []
        if any(getattr(asked.perturbation, name) != getattr(self.state, name) for name in PERTURBATIONS):
            notes.append("The sliders have moved since: this answer is for where they were. Run again.")
        if answer.departure > answer.same_weather:
            notes.append(
                "Another version of the simulator, or another processor, made these columns: from the same seed this "
                f"cell is now in other weather (temperature differs by up to {answer.departure:.1f} K), and the answer "
                "is for that."
            )
        self._tell(" ".join(notes))

    def _draw(self) -> None:
        if self.answer is None:
            return
        from diffmp_core.crm.response import RUNS, hourly_ensemble  # compiled code: loaded when it has run
        from diffmp_core.sensitivity import profiles

        response, state = self.answer.response, self.state
        mass = response["layer_mass"].values
        both = [hourly_ensemble(response, run) for run in RUNS]
        rain = [SECONDS_PER_DAY * response["precipitation"].sel(run=run).values.T for run in RUNS]  # 1 kg m-2 is 1 mm
        chosen = slice(None) if self.hour.value == MEAN else slice(self.hour.value - 1, self.hour.value)
        before, after = (ensemble[chosen].mean(axis=0, keepdims=True) for ensemble in both)
        first, second = profiles(before), profiles(after)
        levels = self.catalog.grid(state.experiment).levels(state.vertical)
        with pn.io.hold():
            for channel, variable in enumerate(OUTPUTS):
                self.outputs[variable.name].show(
                    band(first, channel),
                    band(second, channel),
                    levels=levels,
                    values=self.catalog.value_axis(state.experiment, state.emulator, variable.name, state.units),
                    target=f"{self.asked.rule if self.asked else ''} {state.vertical}",
                )
            integrals = [integrate(ensemble, mass) for ensemble in both]
            for name, panel in self.series.items():
                panel.show(*(rain if name == "precipitation" else (found[name] for found in integrals)))
            shower = paired_change(*(values[chosen].mean(axis=0, keepdims=True) for values in rain))
            changes = (*compare(before, after, mass), Change("precipitation", "mm/day", *map(float, shower)))
            self.table.object = response_table(changes)


@functools.cache
def _runner() -> ThreadPoolExecutor:
    """One run at a time in this process: each uses all cores."""
    return ThreadPoolExecutor(1, thread_name_prefix="reference-response")


def _work(asked: Question, hours: int, report: Progress) -> Answer:
    """Run the model, on the runner's thread."""
    from diffmp_core.crm.origin import SAME_WEATHER, departure, find_origin  # compiled code: only when asked for
    from diffmp_core.crm.response import reference_response

    report(0, 1)
    origin = find_origin(asked.columns, time=asked.time, cell=asked.cell)
    away = departure(origin, asked.temperature)
    return Answer(reference_response(origin, asked.perturbation, hours=hours, progress=report), away, SAME_WEATHER)
