"""Sensitivity: what the emulator answers when its inputs are changed by hand, while a slider moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
import param
from bokeh.models import Range1d
from numpy.typing import NDArray
from panel.viewable import Viewable

from app.catalog import Catalog
from app.figures.axes import TITLES, LevelAxis, level_axis, set_range, value_axis
from app.figures.profile import InputPanel
from app.figures.response import Band, ResponsePanel, response_table
from app.selections import COMPOSITES, column_facts
from app.state import State
from app.views.answers import Asker, after, duration
from app.views.controls import choice, select, stepped_slider
from app.views.layout import QUARTER, beside, grid, pane, paper, uneven_grid, words
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_channels
from diffmp_core.variables import BY_NAME, INPUT_NAMES, INPUTS, OUTPUTS

if TYPE_CHECKING:
    from diffmp_core.sensitivity import Profiles, Range, Response

DRAG_BUDGET_MS = 100.0
"""Time of the emulator that an answer may take while a slider moves; many columns get as few members as that needs."""

FIRST_GUESS_MS = 1.0
"""Time of one profile before the first answer was timed."""

COMPOSITE_MEMBERS = 8
"""Members of each of many columns when the slider rests; the mean over 40 columns needs no more."""

REST_MS = 400
"""A slider rests when it has not moved for this long."""

INPUT_TOP = 4000.0
"""Inputs are drawn up to the top of the changed layer, and at least to this height [m]."""

BAND = (0.1, 0.9)
"""Quantiles of the members between which the bands lie."""

PRESETS: dict[str, Mapping[str, float]] = {
    "T neutralised": {"neutralise_T": 1.0},
    "qv neutralised": {"neutralise_qv": 1.0},
    "Fluxes −40 %": {"scale_SHF": 0.6, "scale_LHF": 0.6},
    "Fluxes −70 %": {"scale_SHF": 0.3, "scale_LHF": 0.3},
    "2 K cooler": {"warming": -2.0},
    "20 % drier": {"moistening": -0.2},
}
"""Settings worth a look; the first four are the experiments of the paper's Figures 12 and 13."""

TARGETS = {"Selected column": "column", **{name.capitalize(): name for name in COMPOSITES}}
TEMPERATURES = {"θ": "theta", "T": "T"}

HOW_TO_READ = """
**How to read this.** Blue, solid: the emulator's answer to the inputs as they are. Orange, dashed: to the inputs
changed by the sliders. Bands hold 80 % of the members (of many columns: of the members' means over them). Both answers
use the same random numbers, so their difference is a response, not a new draw. *± draw*: the standard error that other
random numbers would leave; *± columns*: the one for other columns of the same kind. *Neutralised* means mixed:
potential temperature θ, or the mixing ratio of vapour, becomes uniform below the level chosen, with the heat and water
of the layer kept. The emulator is statistics, not physics: far from its training data its answers mean little, and the
page warns.
"""


@dataclass(frozen=True, eq=False)
class Target:
    """Columns to be perturbed: inputs (column, 6, level), layer_mass (column, level) kg m-2, and what they are."""

    inputs: NDArray[np.float32]
    layer_mass: NDArray[np.float64]
    rule: str


class SensitivityView:
    """Sliders, the inputs they change, and the emulator's answer before and after."""

    depends: ClassVar[tuple[str, ...]] = (
        "experiment", "emulator", "time", "cell", "units", "vertical", "dark", "members", "seed", "composite",
        *State.PERTURBATIONS,
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.asker = Asker()
        self.response: Response | None = None
        self.target: Target | None = None
        self.profile_ms = FIRST_GUESS_MS
        self.y_range, self.low_range = Range1d(start=0, end=1), Range1d(start=0, end=1)
        self.inputs = {n: InputPanel(self.low_range, title=TITLES[n], compares=True, height=270) for n in ("T", "qv")}
        self.outputs = {v.name: ResponsePanel(v.name, self.y_range, height=360) for v in OUTPUTS}
        self.table = pn.pane.HTML("", sizing_mode="stretch_width")
        self.surface = words("")
        self.status = words("")
        self.rule = words("", "caption")
        self.warning = pmui.Alert("", severity="warning", visible=False, sizing_mode="stretch_width", margin=(4, 0))
        self.notice = pmui.Alert("", severity="info", visible=False, sizing_mode="stretch_width")
        self.linked = pmui.Switch(label="Both fluxes together", value=True, size="small", margin=(4, 4))
        self.temperature = pmui.RadioButtonGroup(
            label="Temperature as", options=TEMPERATURES, value="theta", size="small", sizing_mode="stretch_width"
        )
        self.temperature.param.watch(lambda _: self._draw(), "value")
        state.param.watch(self._link_fluxes, ["scale_SHF", "scale_LHF"])

    def panel(self) -> Viewable:
        """Sliders at the left; inputs, table and outputs beside them."""
        self.refresh(frozenset(self.depends))
        numbers = pn.Column(self.table, self.surface, self.status, sizing_mode="stretch_width")
        top = uneven_grid(
            [
                *((pane(panel.figure), QUARTER) for panel in self.inputs.values()),
                (numbers, {"xs": 12, "lg": 6}),
            ]
        )
        outputs = grid((pane(panel.figure) for panel in self.outputs.values()), QUARTER)
        return beside(paper(*self._controls()), paper(self.notice, top, outputs, words(HOW_TO_READ)))

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask for a new answer if inputs, emulator or draw changed, else draw what is there."""
        with pn.io.hold():
            if "dark" in changed:
                for panel in self._panels():
                    panel.paint(self.state.dark)
            if self.target is None or changed & {"experiment", "time", "cell", "composite"}:
                self._take_target()
            if changed - {"units", "vertical", "dark"}:
                self._ask(resting=False)
            else:
                self._draw()

    def _controls(self) -> Sequence[Viewable]:
        state = self.state
        buttons = [
            pmui.Button(
                label=name, size="small", variant="outlined", margin=2, on_click=lambda _, n=name: self.apply(n)
            )
            for name in PRESETS
        ]
        reset = pmui.Button(
            label="Reset", size="small", variant="text", margin=2, on_click=lambda _: state.reset_perturbations()
        )
        again = pmui.Button(
            label="Resample",
            size="small",
            variant="text",
            margin=2,
            description="Other random numbers, the same for both answers: the next seed",
            on_click=lambda _: state.param.update(seed=state.seed + 1),
        )
        return (
            select(state, "composite", "Perturb", TARGETS),
            self.rule,
            pmui.FlexBox(*buttons, reset, again),
            self.warning,
            _slider(state, "neutralise_T", "Neutralise T", "0%"),
            _slider(state, "neutralise_qv", "Neutralise qv", "0%"),
            _slider(state, "warming", "Warm or cool [K]", "+0.00"),
            _slider(state, "moistening", "Moisten or dry", "+0%"),
            stepped_slider(state, "top_level", "Below", self._top_words),
            _slider(state, "scale_SHF", "Sensible heat flux", "0%"),
            _slider(state, "scale_LHF", "Latent heat flux", "0%"),
            self.linked,
            _slider(state, "scale_SOLIN", "Incoming sunlight", "0%"),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
            self.temperature,
        )

    def apply(self, preset: str) -> None:
        """Put all sliders to a preset; the changed layer stays as deep as it is."""
        settings = {n: self.state.param[n].default for n in State.PERTURBATIONS if n != "top_level"}
        self.state.param.update(**(settings | dict(PRESETS[preset])))

    def _link_fluxes(self, *events: param.parameterized.Event) -> None:
        """Let one flux follow the other while they are linked and only one was moved."""
        if self.linked.value and len(events) == 1:
            self.state.param.update(scale_SHF=events[0].new, scale_LHF=events[0].new)

    def _top_words(self, top_level: int) -> str:
        cells = self.catalog.grid(self.state.experiment)
        return f"{cells.height[top_level] / 1000:.1f} km · {cells.pressure[top_level] / 100:.0f} hPa"

    def _take_target(self) -> None:
        """Read the columns to be perturbed."""
        state, catalog = self.state, self.catalog
        key = (
            "target",
            state.experiment,
            state.composite,
            state.time,
            state.cell if state.composite == "column" else None,
        )
        cells, rule = self._cells()
        self.rule.object = rule
        self.response = None
        self.target = catalog.keep(key, lambda: self._read(cells, rule)) if len(cells) else None

    def _cells(self) -> tuple[NDArray[np.int64], str]:
        state, catalog = self.state, self.catalog
        if state.composite == "column":
            cells = catalog.grid(state.experiment)
            lat, lon = cells.lat[state.cell], cells.lon[state.cell]
            place = f"{abs(lat):.1f}°{'N' if lat >= 0 else 'S'} {abs(lon):.1f}°{'E' if lon >= 0 else 'W'}"
            return np.array([state.cell]), f"Column {state.cell}, {place}, {cells.times[state.time]}"
        facts = catalog.keep(
            ("facts", state.experiment, state.time), lambda: column_facts(catalog.columns(state.experiment), state.time)
        )
        selection = COMPOSITES[state.composite]
        chosen = selection.composite(facts)
        return chosen, f"Mean over {selection.words}, {catalog.grid(state.experiment).times[state.time]}"

    def _read(self, cells: NDArray[np.int64], rule: str) -> Target:
        columns = self.catalog.columns(self.state.experiment).isel(time=[self.state.time], cell=cells)
        mass = np.asarray(columns["layer_mass"], dtype=float)
        return Target(
            stack_channels(columns, INPUTS), np.broadcast_to(mass, (len(cells), columns.sizes["level"])), rule
        )

    def _ask(self, *, resting: bool) -> None:
        """Ask for the response; while a slider moves with as few members as answer in time, then with all."""
        from diffmp_core.sensitivity import Perturbation, respond  # torch takes a second: only when a tab asks for it

        state, target = self.state, self.target
        if target is None:
            self._refuse(
                DiffmpError("no column of this time belongs to this selection; choose another one or another time")
            )
            return
        try:
            live = self.catalog.live(state.experiment, state.emulator)
        except DiffmpError as error:
            self._refuse(error)
            return
        if live is None:
            self._refuse(DiffmpError(f"{state.emulator} is a reference without weights; choose another emulator above"))
            return
        perturbation = Perturbation(**{name: getattr(state, name) for name in State.PERTURBATIONS})
        wanted = self.members()
        members = wanted if resting else min(wanted, self.quick_members())
        pressure, seed = self.catalog.grid(state.experiment).pressure, state.seed

        def work(emulator: Any) -> Response:
            return respond(
                emulator,
                target.inputs,
                perturbation,
                pressure=pressure,
                layer_mass=target.layer_mass,
                members=members,
                seed=seed,
            )

        def answer(response: Response, took: float) -> None:
            if live.milliseconds is not None:
                self.profile_ms = live.milliseconds / (len(target.inputs) * members)
            self._answer(response, took, members, refining=members < wanted)
            newest = self.asker.latest
            if members < wanted:
                after(REST_MS, lambda: self._ask(resting=True) if self.asker.latest == newest else None)

        self.asker.ask(lambda: live.submit_work(self.asker.key, work), answer, self._refuse)

    def members(self) -> int:
        """Members of each column when the slider rests."""
        return self.state.members if self.state.composite == "column" else min(COMPOSITE_MEMBERS, self.state.members)

    def quick_members(self) -> int:
        """Members of each column that the emulator draws within ``DRAG_BUDGET_MS``, by the time of the last answer."""
        columns = 1 if self.target is None else len(self.target.inputs)
        return max(1, int(DRAG_BUDGET_MS / (self.profile_ms * columns)))

    def _answer(self, response: Response, took: float, members: int, *, refining: bool) -> None:
        self.response = response
        count = len(response.inputs)
        columns = "" if count == 1 else f"{count} columns × "
        more = f"; {self.members()} members follow when the slider rests" if refining else ""
        with pn.io.hold():
            self.notice.visible = False
            self.status.object = f"{columns}{members} members, seed {self.state.seed}, {duration(took)}{more}"
            self._draw()

    def _refuse(self, error: BaseException) -> None:
        """Say why there is no answer, and leave none standing that might be taken for it."""
        with pn.io.hold():
            self.response = None
            self.notice.param.update(object=str(error), visible=True)
            self.table.object = self.surface.object = self.status.object = ""
            self.warning.visible = False
            for panel in self._panels():
                panel.clear()

    def _panels(self) -> list[InputPanel | ResponsePanel]:
        return [*self.outputs.values(), *self.inputs.values()]

    def _levels(self) -> LevelAxis:
        cells = self.catalog.grid(self.state.experiment)
        return level_axis(self.state.vertical, height=cells.height, pressure=cells.pressure)

    def _draw(self) -> None:
        """Draw the response that is there."""
        response, state = self.response, self.state
        if response is None:
            return
        levels = self._levels()
        target = f"{state.experiment} {state.emulator} {self.target.rule if self.target else ''} {state.vertical}"
        with pn.io.hold():
            set_range(self.y_range, (levels.start, levels.end))
            for channel, variable in enumerate(OUTPUTS):
                truth_std = self.catalog.truth_std(state.experiment, state.emulator, variable.name)
                self.outputs[variable.name].show(
                    _band(response.baseline, channel),
                    _band(response.perturbed, channel),
                    levels=levels,
                    values=value_axis(variable.name, state.units, truth_std=truth_std),
                    target=target,
                )
            self._draw_inputs(response, levels)
            self.table.object = response_table(response.changes)
            self.surface.object = _surface_words(response)
            self._warn(response.range)

    def _draw_inputs(self, response: Response, levels: LevelAxis) -> None:
        """Mean inputs up to a little above the changed layer."""
        from diffmp_core.sensitivity import potential_temperature

        cells = self.catalog.grid(self.state.experiment)
        top = max(int(np.searchsorted(cells.height, INPUT_TOP)), min(self.state.top_level + 2, len(cells.height) - 1))
        visible = (levels.start, float(levels.values[top]))
        set_range(self.low_range, visible)
        for name, panel in self.inputs.items():
            channel, entry = INPUT_NAMES.index(name), BY_NAME[name]
            before, after_ = (x[:, channel].astype(float) for x in (response.inputs, response.perturbed_inputs))
            as_theta = name == "T" and self.temperature.value == "theta"
            if as_theta:
                before, after_ = (potential_temperature(x, cells.pressure) for x in (before, after_))
            panel.show(
                before.mean(axis=0) * entry.display_factor,
                after_.mean(axis=0) * entry.display_factor,
                title=TITLES["theta" if as_theta else name],
                levels=levels,
                label=entry.display_unit,
                visible=visible,
            )

    def _warn(self, found: Range | None) -> None:
        """Warn at the sliders when the perturbed inputs are out of the range of the training data."""
        out = found is not None and found.out_of_range > 0
        self.warning.param.update(visible=out, object=_range_words(found, self._levels()) if found and out else "")


def _band(profiles: Profiles, channel: int) -> Band:
    from diffmp_core.sensitivity import QUANTILES

    low, high = (profiles.quantiles[QUANTILES.index(q), channel] for q in BAND)
    return Band(profiles.mean[channel], low, high)


def _range_words(found: Range, levels: LevelAxis) -> str:
    """Out of range: how far, and which input is farthest out."""
    far, entry = found.farthest, BY_NAME[found.farthest.variable]
    value, low, high = (x * entry.display_factor for x in (far.value, far.low, far.high))
    where = "" if far.level is None else f" at {levels.describe(far.level)}"
    which = "This input lies" if found.columns == 1 else f"{found.out_of_range} of {found.columns} columns lie"
    return (
        f"{which} outside the training data (farther out than {found.percentile:.1f} % of it). Farthest: "
        f"{TITLES[far.variable].lower()}{where}, {value:.3g} {entry.display_unit}, {abs(far.deviations):.1f} standard "
        f"deviations from the mean; in training {low:.3g} to {high:.3g}."
    )


def _surface_words(response: Response) -> str:
    """Single-level inputs that the sliders scale, before and after, means over the columns."""
    parts = []
    for name in ("SHF", "LHF", "SOLIN"):
        channel, entry = INPUT_NAMES.index(name), BY_NAME[name]
        before, after_ = (float(x[:, channel, 0].mean()) for x in (response.inputs, response.perturbed_inputs))
        parts.append(f"{TITLES[name].lower()} {before:.0f} → {after_:.0f} {entry.display_unit}")
    return " · ".join(parts)


def _slider(state: State, name: str, label: str, number_format: str) -> Viewable:
    return pmui.FloatSlider.from_param(
        state.param[name], label=label, description="", format=number_format, size="small",
        sizing_mode="stretch_width", margin=(2, 8),
    )  # fmt: skip
