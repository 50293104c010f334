"""Sensitivity: what the emulator answers when its inputs are changed by hand, while a slider moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import panel as pn
import panel_material_ui as pmui
import xarray as xr
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import Channels, ColumnVariables

from ..data.catalog import Catalog
from ..data.target import DEPENDS, NO_OWN, TARGETS, Target, take_target
from ..exhibits import EmulatorResponse
from ..exhibits.changed import changes_of
from ..exhibits.response import scaled_words
from ..figures.profile import InputPanel
from ..figures.response import ResponsePanel, SingleResponsePanel, response_panels, response_table
from ..state.choices import LIVE_STEPS, PERTURBATIONS
from ..state.state import State
from .answers import Asker, after, duration
from .changed_inputs import ChangedInputs
from .controls import choice, small_button
from .export_menu import export_menu
from .layout import QUARTER, beside, grid, pane, paper, uneven_grid, words
from .notices import hidden_notice
from .own_column import OwnColumn
from .perturbation_controls import PerturbationControls
from .reference_response import ReferenceResponse
from .sweeps import Sweeps
from .verdict_line import VerdictLine

if TYPE_CHECKING:
    from diffmp_core.response.sensitivity import Response

DRAG_BUDGET_MS = 100.0
"""Time of the emulator that an answer may take while a slider moves; many columns get as few members as that needs."""

FIRST_GUESS_MS = 1.0
"""Time of one profile before the first answer was timed."""

COMPOSITE_MEMBERS = 8
"""Members of each of many columns when the slider rests; the mean over 40 columns needs no more."""

REST_MS = 400
"""A slider rests when it has not moved for this long."""

ASKS = ("emulator", "members", "seed", *DEPENDS, *PERTURBATIONS)
"""Choices that ask for another answer."""

LOOKS = ("units", "vertical", "temperature")
"""Choices that draw the same answer otherwise."""

TEMPERATURES = {"θ": "theta", "T": "T"}

NOTHING_CHANGED = "Nothing is changed yet: move a slider, or take one of the experiments at the left."

HOW_TO_READ = """
**How to read this.** Blue, solid: the emulator's answer to the inputs as they are. Orange, dashed: to the inputs
changed by the sliders. Bands hold 80 % of the members (of many columns: of the members' means over them). Both answers
use the same random numbers, so their difference is a response, not a new draw. *±*: the larger of two standard errors,
over the *draw* (other random numbers) and over the *columns* (others of the same kind); neither covers what the
emulator has learnt wrongly. That is for the *verdict*: the cloud-resolving model's own answer to the
same change, where it is known (thin: dotted as it is, dash-dotted changed), its mean over some hours compared with the
emulator's by a t test at 5 %. *Neutralised* means mixed: potential temperature θ, or the mixing ratio of vapour,
becomes uniform below the level chosen, with the heat and water of the layer kept. The emulator is statistics, not
physics: far from its training data its answers mean little, and the page warns.
"""


class SensitivityView:
    """Sliders, the inputs they change, and the emulator's answer before and after."""

    depends: ClassVar[tuple[str, ...]] = (
        "emulator", "units", "vertical", "dark", "members", "seed", "temperature", "sweep", "sweep_across", "sweep_of",
        *DEPENDS, *PERTURBATIONS,
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.asker = Asker(lambda: state.chosen(ASKS))
        self.response: Response | None = None
        self.asked: EmulatorResponse | None = None
        self.data: xr.Dataset | None = None
        self.target: Target | None = None
        self.profile_ms = FIRST_GUESS_MS
        self.y_range = Range1d(start=0, end=1)
        self.variables: ColumnVariables | None = None
        self.inputs = ChangedInputs(Channels())
        self.outputs = response_panels(Channels(), self.y_range)
        self.table = pn.pane.HTML("", sizing_mode="stretch_width")
        self.surface = words("")
        self.status = words("")
        self.rule, self.said = words("", "caption"), ""
        self.verdict_line = VerdictLine()
        self.warning = pmui.Alert("", severity="warning", visible=False, sizing_mode="stretch_width", margin=(4, 0))
        self.notice = hidden_notice()
        self.controls = PerturbationControls(state, self._top_words)
        self.own = OwnColumn(state, catalog)
        self.sweeps = Sweeps(state, catalog, self.members)
        self.reference = ReferenceResponse(state, catalog, self.y_range, self._draw)
        self.numbers = pn.Column(
            self.table, self.verdict_line.verdict, self.surface, self.verdict_line.meaning, self.status,
            sizing_mode="stretch_width",
        )  # fmt: skip
        self.figures = pn.Column(sizing_mode="stretch_width", margin=0)

    def panel(self) -> Viewable:
        """Sliders at the left; inputs, table and outputs beside them."""
        self.refresh(frozenset(self.depends))
        leave = export_menu("response", self._exhibit, self.catalog, lambda: self.data)
        return beside(
            paper(*self._controls()),
            paper(self.notice, self.figures, leave, words(HOW_TO_READ)),
            paper(self.sweeps.panel()),
            paper(self.reference.panel()),
        )

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask for a new answer if inputs, emulator or draw changed, else draw what is there."""
        with pn.io.hold():
            if changed & {"experiment", "emulator"}:
                self._fit()
            if "dark" in changed:
                for panel in self._panels():
                    panel.paint(self.state.dark)
                self.sweeps.paint(self.state.dark)
                self.reference.paint(self.state.dark)
            if self.target is None or changed & set(DEPENDS):
                self._take_target()
            if changed - {"units", "vertical", "dark", "temperature", "sweep", "sweep_across", "sweep_of"}:
                self._ask(resting=False)
            else:
                self._draw()
            self.sweeps.refresh(changed)
            self.reference.refresh(changed)

    def _fit(self) -> None:
        """Sliders and panels for the variables of the emulator shown; panels stay where these are the same."""
        try:
            schema = self.catalog.live(self.state.experiment, self.state.emulator).schema
        except DiffmpError:  # one without weights, which is said when it is asked
            schema = self.catalog.schema(self.state.experiment)
        self.controls.offer(schema.inputs)
        self.sweeps.offer(schema.variables)
        if schema.variables == self.variables:
            return
        self.variables, self.response, self.data = schema.variables, None, None
        self.inputs = ChangedInputs(schema.inputs)
        self.outputs = response_panels(schema.outputs, self.y_range, height=360)
        for panel in self._panels():
            panel.paint(self.state.dark)
        read = [(pane(panel.figure), QUARTER) for panel in self.inputs.panels.values()]
        self.figures[:] = [
            uneven_grid([*read, (self.numbers, {"xs": 12, "lg": 6})]),
            *(
                grid((pane(self.outputs[name].figure) for name in some.names), QUARTER)
                for some in (schema.outputs.profiles, schema.outputs.singles)
                if some
            ),
        ]

    def _controls(self) -> Sequence[Viewable]:
        state = self.state
        again = small_button(
            "Resample", state.resample, says="Resample: other random numbers, the same for both answers: the next seed"
        )
        back = small_button("Put sliders back", state.reset_perturbations)
        return (
            choice(state, "target", "Perturb", TARGETS),
            self.rule,
            self.own.panel(),
            words("Experiments of the paper and others", "subtitle2"),
            pmui.FlexBox(*self.controls.presets()),
            self.warning,
            *self.controls.sliders(),
            pmui.FlexBox(back, again, margin=(4, 0)),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
            choice(state, "temperature", "Temperature as", TEMPERATURES),
        )

    def _top_words(self, top_level: int) -> str:
        cells = self.catalog.grid(self.state.experiment)
        return f"{cells.height[top_level] / 1000:.1f} km · {cells.pressure[top_level] / 100:.0f} hPa"

    def _take_target(self) -> None:
        """Read the columns to be perturbed."""
        self.target, self.said = take_target(self.state.choices, self.catalog)
        self.response = self.data = None

    def _ask(self, *, resting: bool) -> None:
        """Ask for the response; while a slider moves with as few members as answer in time, then with all."""
        state = self.state
        wanted = self.members()
        members = wanted if resting else min(wanted, self.quick_members())
        asked = EmulatorResponse.of(state, members=members, model_hours=0)
        try:
            if self.target is None:
                none = "No column of this time belongs to this selection; choose another one or another time."
                raise DiffmpError(NO_OWN if state.target == "own" else none)
            live = self.catalog.live(state.experiment, state.emulator)
        except DiffmpError as error:
            self._refuse(error)
            return

        def answer(response: Response, took: float) -> None:
            self.profile_ms = live.profile_milliseconds or self.profile_ms
            self._answer(asked, response, took)
            newest = self.asker.latest
            if asked.members < wanted:
                after(REST_MS, lambda: self._ask(resting=True) if self.asker.latest == newest else None)

        try:
            self.asker.ask(
                lambda: asked.ask(self.catalog, self.asker.key),
                answer,
                self._refuse,
                slow=lambda: self._leave_alone("Drawing both answers …"),
            )
        except DiffmpError as error:
            self._refuse(error)

    def _exhibit(self) -> EmulatorResponse:
        """The response drawn; where there is none, that which is asked for."""
        if self.asked is None or self.data is None:
            return EmulatorResponse.of(self.state, members=self.members(), model_hours=0)
        return self.asked

    def members(self) -> int:
        """Members of each column when the slider rests."""
        return min(COMPOSITE_MEMBERS, self.state.members) if self.state.target == "composite" else self.state.members

    def quick_members(self) -> int:
        """Members of each column that the emulator draws within ``DRAG_BUDGET_MS``, by the time of the last answer."""
        columns = 1 if self.target is None else len(self.target.inputs)
        return max(1, int(DRAG_BUDGET_MS / (self.profile_ms * columns)))

    def _answer(self, asked: EmulatorResponse, response: Response, took: float) -> None:
        self.asked, self.response = asked, response
        drawn = self.catalog.drawn(asked.experiment, asked.emulator, members=asked.members, steps=LIVE_STEPS)
        seed = f", seed {asked.seed}" if drawn.has_spread else ""
        wanted = self.members()
        refining = asked.members < wanted and drawn.has_spread
        more = f"; {wanted} members follow when the slider rests" if refining else ""
        with pn.io.hold():
            self.notice.visible = False
            self.status.object = f"{drawn.over(len(response.inputs))}{seed}, {duration(took)}{more}"
            self._draw()

    def _refuse(self, error: BaseException) -> None:
        """Say why there is no answer, and leave none standing that might be taken for it."""
        with pn.io.hold():
            self.notice.param.update(object=str(error), visible=True)
            self._leave_alone("")

    def _leave_alone(self, status: str) -> None:
        """Show no answer, and which columns there is none for."""
        with pn.io.hold():
            self.response = self.data = None
            self.rule.object, self.status.object = self.said, status
            self.table.object = self.surface.object = ""
            self.verdict_line.clear()
            self.warning.visible = False
            self.controls.say_ranges({})
            for panel in self._panels():
                panel.clear()

    def _panels(self) -> list[InputPanel | ResponsePanel | SingleResponsePanel]:
        return [*self.outputs.values(), *self.inputs.panels.values()]

    def _draw(self) -> None:
        """Draw the response that is there, with what is known of the cloud-resolving model's."""
        response, state = self.response, self.state
        if response is None or self.asked is None or self.target is None:
            return
        looks = {name: getattr(state, name) for name in LOOKS}
        self.asked = asked = replace(self.asked, **looks).with_model(self.catalog)
        self.data = data = asked.arrange(self.catalog, response)
        with pn.io.hold():
            target = f"{state.experiment} {state.emulator} {self.target.rule} {state.vertical}"
            asked.show_outputs(data, self.outputs, self.y_range, target=target, differ=asked.differ)
            self.inputs.show(asked, data)
            self.verdict_line.show(data, response.cautions)
            self.rule.object = self.said
            self.table.object = response_table(changes_of(data), differ=asked.differ)
            self.surface.object = scaled_words(data) if asked.differ else NOTHING_CHANGED
            self._warn(response)

    def _warn(self, response: Response) -> None:
        """Warn when the inputs read are out of the range of the training data, and at the sliders that do it."""
        cautions = response.cautions
        text = cautions.range_words()
        self.warning.param.update(visible=bool(text), object=text)
        self.controls.say_ranges({part.setting: cautions.setting_words(part) for part in cautions.settings})
