"""What follows when inputs are changed: the emulator's answer (Figures 12, 13), and the cloud-resolving model's."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.catalog import Catalog
from app.exhibits.ensemble import live_emulator
from app.exhibits.exhibit import (
    STEPS,
    OfSelection,
    Rows,
    drawn_words,
    level_coordinates,
    levels_of,
    quantity,
    table_quantity,
)
from app.exhibits.paper import level_panel
from app.figures.axes import TITLES, ValueAxis, padded_range, plain_number, value_axis
from app.figures.profile import INPUT_TOP, InputPanel
from app.figures.response import BAND, Band, HourlyPanel, ResponsePanel, band, response_table
from app.theme import LIGHT
from app.views.target import take_target
from diffmp_core.column_integrals import Change, compare, integrate, paired_change
from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.errors import DiffmpError
from diffmp_core.perturbation import Perturbation, potential_temperature
from diffmp_core.variables import INPUT_NAMES, OUTPUTS

if TYPE_CHECKING:
    from diffmp_core.sensitivity import Profiles, Response

BOTH = {"baseline": (LIGHT.emulator, "-"), "perturbed": (LIGHT.perturbed, "--")}
"""Colour and line of both answers."""
PARTS = ("mean", "low", "high")
NUMBERS = ("baseline", "perturbed", "change", "standard_error", "standard_error_columns")
SERIES = {
    "heating": "Heating of the column",
    "moistening": "Moistening of the column",
    "precipitation": "Precipitation",
}


@dataclass(frozen=True, kw_only=True)
class Changed(OfSelection):
    """A change of the inputs of a column or of many, and two answers; fields as in ``Perturbation``."""

    time: int
    cell: int
    units: str = "physical"
    vertical: str = "height"
    top_level: int = Perturbation.top_level
    neutralise_T: float = 0.0
    neutralise_qv: float = 0.0
    warming: float = 0.0
    moistening: float = 0.0
    scale_SHF: float = 1.0
    scale_LHF: float = 1.0
    scale_SOLIN: float = 1.0
    size: ClassVar[tuple[float, float]] = (9.5, 7.0)

    @property
    def perturbation(self) -> Perturbation:
        """The change."""
        return Perturbation(**{field.name: getattr(self, field.name) for field in fields(Perturbation)})

    @property
    def change_words(self) -> str:
        """The change in words, only what differs from none."""
        parts = []
        below = f"below level {self.top_level}"
        for value, name in ((self.neutralise_T, "T"), (self.neutralise_qv, "qv")):
            part = "" if value == 1 else f" by {value:.0%}"
            parts += [f"{name} neutralised{part} {below}"] if value else []
        parts += [f"{self.warming:+g} K {below}"] if self.warming else []
        parts += [f"{self.moistening:+.0%} vapour {below}"] if self.moistening else []
        for factor, name in ((self.scale_SHF, "SHF"), (self.scale_LHF, "LHF"), (self.scale_SOLIN, "sunlight")):
            parts += [f"{name} × {factor:g}"] if factor != 1 else []
        return ", ".join(parts) or "nothing changed"

    def column_words(self, catalog: Catalog) -> str:
        """Which column it is, where and when."""
        grid = catalog.grid(self.experiment)
        return f"Column {self.cell}, {grid.place(self.cell)}, {grid.times[self.time]}"

    def answers(self, catalog: Catalog, emulator: str, first: Profiles, second: Profiles) -> dict[str, tuple]:
        """Mean and band ``(level,)`` of both answers and their difference, for each output."""
        found = {}
        for channel, entry in enumerate(OUTPUTS):
            std = catalog.truth_std(self.experiment, emulator, entry.name)
            axis = value_axis(entry.name, self.units, truth_std=std)
            for which, profiles in zip(BOTH, (first, second), strict=True):
                shown = band(profiles, channel)
                for part in PARTS:
                    quantile = "mean" if part == "mean" else f"{BAND[PARTS.index(part) - 1]:.0%} quantile"
                    name = f"{entry.long_name}, {which}, {quantile} of the members"
                    found[f"{entry.name}_{which}_{part}"] = quantity(
                        "level", getattr(shown, part) * axis.factor, axis.label, name
                    )
            difference = (second.mean[channel] - first.mean[channel]) * axis.factor
            name = f"{entry.long_name}, perturbed minus baseline"
            found[f"{entry.name}_change"] = quantity("level", difference, axis.label, name)
        return found

    def draw_outputs(self, data: xr.Dataset, panels: Sequence[Axes], *, row: int) -> None:
        """Both answers of the four outputs, ``row`` panels in a row."""
        levels = levels_of(data, self.vertical)
        for place, (axes, entry) in enumerate(zip(panels, OUTPUTS, strict=True)):
            axes.axvline(0, color=LIGHT.muted, linewidth=0.6, linestyle=":")
            for which, (colour, line) in BOTH.items():
                mean, low, high = (data[f"{entry.name}_{which}_{part}"].values for part in PARTS)
                axes.fill_betweenx(levels.values, low, high, color=colour, alpha=0.2, linewidth=0)
                axes.plot(mean, levels.values, color=colour, linestyle=line, label=which)
            label = data[f"{entry.name}_change"].axis_label
            level_panel(axes, levels, title=TITLES[entry.name], label=label, left=place % row == 0)
        panels[0].legend(loc="best")

    def screen_outputs(self, data: xr.Dataset) -> list[UIElement]:
        """Both answers of the four outputs as the page draws them."""
        levels, made = levels_of(data, self.vertical), list[UIElement]()
        y_range = Range1d(start=levels.start, end=levels.end)
        for entry in OUTPUTS:
            panel, axis = ResponsePanel(entry.name, y_range), ValueAxis(1.0, data[f"{entry.name}_change"].axis_label)
            before, after = (Band(*(data[f"{entry.name}_{which}_{part}"].values for part in PARTS)) for which in BOTH)
            panel.show(before, after, levels=levels, values=axis)
            panel.paint(False)
            made.append(panel.figure)
        return made


@dataclass(frozen=True, kw_only=True)
class EmulatorResponse(Changed):
    """The emulator's answer to the inputs as they are and changed, drawn with the same random numbers.

    Attributes:
        target: ``column``, or ``composite`` for the mean over columns of region and regime.
        members, seed: of each column's ensemble; temperature: ``theta`` or ``T``, how the input is drawn.
    """

    emulator: str
    target: str = "column"
    members: int = 32
    seed: int = 0
    temperature: str = "theta"
    what: ClassVar[str] = "response"

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensembles drawn here."""
        return drawn_words(self.emulator, self.members, self.seed)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Both answers and both inputs ``(level,)``, and column integrals with standard errors."""
        response, rule = self._respond(catalog)
        variables = self.answers(catalog, self.emulator, response.baseline, response.perturbed)
        pressure = catalog.grid(self.experiment).pressure
        for which, inputs in zip(BOTH, (response.inputs, response.perturbed_inputs), strict=True):
            kept = {name: inputs[:, INPUT_NAMES.index(name)].astype(float) for name in INPUT_NAMES}
            variables |= {
                f"{name}_{which}": table_quantity("level", kept[name].mean(axis=0), name) for name in ("T", "qv")
            }
            theta = potential_temperature(kept["T"], pressure).mean(axis=0)
            variables[f"theta_{which}"] = quantity("level", theta, "K", "air potential temperature")
            variables |= {
                f"{name}_{which}": table_quantity((), kept[name][:, 0].mean(), name) for name in ("SHF", "LHF", "SOLIN")
            }
        return xr.Dataset(
            variables | change_variables(response.changes),
            coords=level_coordinates(catalog, self.experiment),
            attrs={
                "title": f"{self.emulator}: {self.change_words}",
                "subtitle": f"{rule} · {integral_words(response.changes)} · blue: as it is, orange: changed, "
                "bands: 80 % of the members",
                "columns": len(response.inputs),
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """Four outputs, then temperature and vapour before and after."""
        panels, levels = figure.subplots(2, 3).ravel(), levels_of(data, self.vertical)
        self.draw_outputs(data, panels[: len(OUTPUTS)], row=3)
        top = self._input_top(data)
        for axes, name in zip(panels[len(OUTPUTS) :], (self.temperature, "qv"), strict=True):
            for which, (colour, line) in BOTH.items():
                axes.plot(data[f"{name}_{which}"][: top + 1], levels.values[: top + 1], color=colour, linestyle=line)
            level_panel(
                axes,
                levels,
                title=f"Input: {TITLES[name].lower()}",
                label=data[f"{name}_baseline"].axis_label,
                left=True,
            )
            axes.set_ylim(levels.start, levels.values[top])

    def screen(self, data: xr.Dataset) -> Rows:
        """Outputs, inputs and the table of integrals as the page draws them."""
        levels = levels_of(data, self.vertical)
        visible = (levels.start, float(levels.values[self._input_top(data)]))
        y_range, read = Range1d(start=visible[0], end=visible[1]), list[UIElement]()
        for name in (self.temperature, "qv"):
            panel = InputPanel(y_range, title=TITLES[name], compares=True, height=280)
            panel.show(
                data[f"{name}_baseline"].values,
                data[f"{name}_perturbed"].values,
                title=f"Input: {TITLES[name].lower()}",
                levels=levels,
                label=data[f"{name}_baseline"].axis_label,
                visible=visible,
            )
            panel.paint(False)
            read.append(panel.figure)
        return [self.screen_outputs(data), [*read, response_table(changes_of(data))]]

    def _respond(self, catalog: Catalog) -> tuple[Response, str]:
        from diffmp_core.sensitivity import respond  # torch takes a second: only when it is asked for

        columns, rule = take_target(self.choices, catalog)
        if columns is None:
            raise DiffmpError(f"expected columns, found none: {rule}; choose another selection or time")

        def work(live: Any) -> Response:
            return respond(
                live,
                columns.inputs,
                self.perturbation,
                pressure=catalog.grid(self.experiment).pressure,
                layer_mass=columns.layer_mass,
                members=self.members,
                steps=STEPS,
                seed=self.seed,
            )

        live = live_emulator(catalog, self.experiment, self.emulator)
        return live.submit_work(uuid.uuid4(), work).result(), rule

    def _input_top(self, data: xr.Dataset) -> int:
        height = data["height"].values
        return max(int(np.searchsorted(height, INPUT_TOP)), min(self.top_level + 2, height.size - 1))


@dataclass(frozen=True, kw_only=True)
class ModelResponse(Changed):
    """The cloud-resolving model's own answer over some hours; ``emulator`` only names the unit of normalised values."""

    emulator: str
    hours: int = 6
    what: ClassVar[str] = "model-response"

    def drawn_by(self, catalog: Catalog) -> str:
        """The model that made the columns."""
        from diffmp_core.crm.response import MEMBERS  # compiled code: only when it is asked for

        return f"Cloud-resolving model: {MEMBERS} members over {self.hours} h beside a control"

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Both answers ``(level,)``, means over the hours, and numbers by ``hour``."""
        from diffmp_core.crm.origin import find_origin  # compiled code: only when it is asked for
        from diffmp_core.crm.response import RUNS, hourly_ensemble, reference_response
        from diffmp_core.sensitivity import profiles

        origin = find_origin(catalog.columns(self.experiment), time=self.time, cell=self.cell)
        response = reference_response(origin, self.perturbation, hours=self.hours)
        mass = response["layer_mass"].values
        both = [hourly_ensemble(response, run) for run in RUNS]
        rain = [SECONDS_PER_DAY * response["precipitation"].sel(run=run).values.T for run in RUNS]  # 1 kg m-2 is 1 mm
        before, after = (ensemble.mean(axis=0, keepdims=True) for ensemble in both)
        variables = self.answers(catalog, self.emulator, profiles(before), profiles(after))
        shower = paired_change(*(values.mean(axis=0, keepdims=True) for values in rain))
        changes = (*compare(before, after, mass), Change("precipitation", "mm/day", *map(float, shower)))
        unit = {change.name: change.unit for change in changes}
        integrals = [integrate(ensemble, mass) for ensemble in both]
        for place, which in enumerate(BOTH):
            for name, title in SERIES.items():
                members = rain[place] if name == "precipitation" else integrals[place][name]
                variables[f"{name}_{which}_hourly"] = quantity(("hour", "member"), members, unit[name], title.lower())
        return xr.Dataset(
            variables | change_variables(changes),
            coords=level_coordinates(catalog, self.experiment)
            | {"hour": ("hour", response["hour"].values, {"units": "h", "long_name": "hours since the change"})},
            attrs={
                "title": f"Cloud-resolving model: {self.change_words}",
                "subtitle": f"{self.column_words(catalog)} · mean of {self.hours} h after the change · "
                f"{integral_words(changes)} · blue: control, orange: changed, bands: 80 % of the members",
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """Four outputs, then three numbers by hour."""
        cells = figure.add_gridspec(2, 12, height_ratios=(1.4, 1))
        self.draw_outputs(data, [figure.add_subplot(cells[0, 3 * i : 3 * i + 3]) for i in range(len(OUTPUTS))], row=4)
        for place, (name, title) in enumerate(SERIES.items()):
            axes = figure.add_subplot(cells[1, 4 * place : 4 * place + 4])
            extent = [np.zeros(1)]
            for which, (colour, line) in BOTH.items():
                shown = data[f"{name}_{which}_hourly"]
                low, high = np.quantile(shown.values, BAND, axis=1)
                axes.fill_between(data["hour"], low, high, color=colour, alpha=0.2, linewidth=0)
                axes.plot(data["hour"], shown.mean("member"), color=colour, linestyle=line)
                extent += [low, high]
            axes.set(title=title, xlabel="hours since the change", ylabel=shown.axis_label, ylim=padded_range(*extent))

    def screen(self, data: xr.Dataset) -> Rows:
        """Outputs, numbers by hour and the table of integrals as the page draws them."""
        series: list[UIElement] = []
        for name, title in SERIES.items():
            panel = HourlyPanel(title, data[f"{name}_baseline_hourly"].axis_label)
            panel.show(*(data[f"{name}_{which}_hourly"].values for which in BOTH))
            panel.paint(False)
            series.append(panel.figure)
        return [self.screen_outputs(data), series, [response_table(changes_of(data))]]


def change_variables(changes: Sequence[Change]) -> dict[str, tuple]:
    """Column integrals as variables without dimensions."""
    return {
        f"{change.name.replace(' ', '_')}_{number}": quantity(
            (), getattr(change, number), change.unit, f"{change.name} of the column, {number.replace('_', ' ')}"
        )
        for change in changes
        for number in NUMBERS
    }


def changes_of(data: xr.Dataset) -> tuple[Change, ...]:
    """The column integrals that :func:`change_variables` keeps."""
    ending = "_standard_error_columns"
    names = [name.removesuffix(ending) for name in map(str, data) if name.endswith(ending)]
    return tuple(
        Change(
            name.replace("_", " "),
            data[f"{name}_change"].axis_label,
            *(float(data[f"{name}_{number}"]) for number in NUMBERS),
        )
        for name in names
    )


def integral_words(changes: Sequence[Change]) -> str:
    """The first two integrals in words: change and its standard error."""
    return " · ".join(
        f"{change.name} {'+' if change.change > 0 else ''}{plain_number(change.change)} "
        f"± {plain_number(change.standard_error, figures=2)} {change.unit}"
        for change in changes[:2]
    )
