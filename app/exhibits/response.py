"""What follows when inputs are changed: the emulator's answer (Figures 12, 13 of the paper)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.figure import Figure

from diffmp_core.physics.moisture import vapour_name
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.physics.stratification import potential_temperature
from diffmp_core.schema import variables_attrs, variables_of
from diffmp_core.variables import Channels, ColumnVariables

from ..data.axes import TITLES, title_of
from ..data.catalog import Catalog
from ..data.model_answers import ModelQuestion
from ..figures.axes import set_range
from ..figures.profile import INPUT_TOP, InputPanel
from ..figures.response import response_table
from ..state.choices import LIVE_STEPS
from .changed import BOTH, Asked, change_variables, changes_of, integral_words, panels_in_rows
from .exhibit import Rows, level_coordinates, levels_of, quantity, table_quantity
from .paper import level_panel

if TYPE_CHECKING:
    from diffmp_core.response.sensitivity import Response

MODEL_WORDS = " · black: the cloud-resolving model (dotted: as it is, dash-dotted: changed)"


def changeable(inputs: Channels) -> Channels:
    """Those of these inputs that sliders change, vapour under the name that it has here."""
    names = {name for slider in SLIDERS.values() for name in slider.changes}
    vapour = vapour_name(inputs) if "qv" in names else None
    return Channels(variable for variable in inputs if variable.name in {*names, vapour})


@dataclass(frozen=True, kw_only=True)
class EmulatorResponse(Asked):
    """The emulator's answer to the inputs as they are and changed; ``temperature`` (``theta``, ``T``) is how that input
    is drawn.

    ``model_hours`` are those for which the cloud-resolving model is asked the same; 0: the answer kept with the
    experiment stands beside the emulator's, if there is one.
    """

    temperature: str = "theta"
    model_hours: int = 0
    what: ClassVar[str] = "response"

    def ask(self, catalog: Catalog, key: Hashable) -> Future[Response]:
        """Put the question to the emulator; ``key`` names who asks.

        Raises:
            DiffmpError: no columns, columns that lack what the emulator reads, or an emulator without weights.
        """
        from diffmp_core.response.sensitivity import respond  # torch takes a second: only when it is asked for

        live, columns = catalog.live(self.experiment, self.emulator), self.columns(catalog)
        inputs, pressure = columns.read_by(live.schema.inputs), catalog.grid(self.experiment).pressure

        def work(live: Any) -> Response:
            return respond(
                live,
                inputs,
                self.perturbation,
                pressure=pressure,
                layer_mass=columns.layer_mass,
                members=self.members,
                steps=LIVE_STEPS,
                seed=self.seed,
                notes=columns.notes,
            )

        return live.submit_work(key, work)

    def with_model(self, catalog: Catalog) -> Self:
        """The same, with the hours for which the cloud-resolving model has been asked the same in this process."""
        hours = catalog.model_answers(self.experiment).hours_asked(self._question(catalog))
        return replace(self, model_hours=hours)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Both answers and both inputs ``(level,)``, and column integrals with standard errors."""
        response = self.ask(catalog, uuid.uuid4()).result()
        if self.model_hours and self.with_model(catalog) != self:
            catalog.model_answers(self.experiment).ask(self._question(catalog), self.model_hours)
        return self.arrange(catalog, response)

    def arrange(self, catalog: Catalog, response: Response) -> xr.Dataset:
        """What :meth:`gather` gives, from the answer of the emulator and what is known of the model's."""
        columns, schema = self.columns(catalog), catalog.live(self.experiment, self.emulator).schema
        pressure = catalog.grid(self.experiment).pressure
        judged = catalog.model_answers(self.experiment).judge(response, self.time, columns.cells)
        variables = self.answers(catalog, schema.outputs, response.baseline, response.perturbed)
        for which, inputs in zip(BOTH, (response.inputs, response.perturbed_inputs), strict=True):
            variables |= {
                f"{name}_{which}": found for name, found in _inputs(inputs, schema.variables, pressure).items()
            }
        if judged.answer is not None:
            variables |= self.model_answers(catalog, schema.outputs, judged.answer)
        return xr.Dataset(
            variables | change_variables(response.changes),
            coords=level_coordinates(catalog, self.experiment),
            attrs={
                "title": f"{self.emulator}: {self.change_words}",
                "subtitle": f"{columns.rule} · {integral_words(response.changes)} · blue: as it is, orange: changed, "
                "bands: 80 % of the members"
                f"{MODEL_WORDS if judged.answer is not None else ''}",
                "columns": len(response.inputs),
                "verdict": judged.words,
                "verdict_numbers": json.dumps([verdict.record for verdict in judged.verdicts], ensure_ascii=False),
                "cautions": " ".join(response.cautions.sentences()),
            }
            | variables_attrs(schema.variables),
        )

    @property
    def differ(self) -> bool:
        """Whether there are two answers to draw, or the first alone."""
        return not self.perturbation.changes_nothing

    def input_drawn(self, variables: ColumnVariables, name: str) -> tuple[str, str]:
        """Under which name an input stands in the dataset, and its title: temperature as the choice says."""
        if name == "T" and self.temperature == "theta":
            return "theta", TITLES["theta"]
        return variables.stored_input(name), title_of(variables.inputs.named(name))

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The outputs, then temperature and vapour before and after."""
        variables, levels = variables_of(data), levels_of(data, self.vertical)
        read = changeable(variables.inputs).profiles
        panels = panels_in_rows(figure, len(variables.outputs) + len(read), row=3)
        self.draw_outputs(data, panels[: len(variables.outputs)], row=3)
        top = self._input_top(data)
        for axes, entry in zip(panels[len(variables.outputs) :], read, strict=True):
            drawn, title = self.input_drawn(variables, entry.name)
            for which, (colour, line) in BOTH.items():
                axes.plot(data[f"{drawn}_{which}"][: top + 1], levels.values[: top + 1], color=colour, linestyle=line)
            label = data[f"{drawn}_baseline"].axis_label
            level_panel(axes, levels, title=f"Input: {title.lower()}", label=label, left=True)
            axes.set_ylim(levels.start, levels.values[top])

    def show_inputs(self, data: xr.Dataset, panels: Mapping[str, InputPanel], y_range: Range1d) -> None:
        """Draw inputs, by name, into the panels of the page, up to a little above the changed layer."""
        levels, found = levels_of(data, self.vertical), data.variables
        visible = (levels.start, float(levels.values[self._input_top(data)]))
        set_range(y_range, visible)
        variables = variables_of(data)
        for name, panel in panels.items():
            drawn, title = self.input_drawn(variables, name)
            before, after = (found[f"{drawn}_{which}"] for which in BOTH)
            panel.show(
                before.values,
                after.values if self.differ else None,
                title=title,
                levels=levels,
                label=before.attrs["axis_label"],
                visible=visible,
            )

    def screen(self, data: xr.Dataset) -> Rows:
        """Outputs, inputs and the table of integrals as the page draws them."""
        y_range, panels = input_panels(variables_of(data).inputs, height=280)
        self.show_inputs(data, panels, y_range)
        for panel in panels.values():
            panel.paint(False)
        read: list[UIElement | str] = [panel.figure for panel in panels.values()]
        table = response_table(changes_of(data), differ=self.differ)
        return [self.screen_outputs(data, differ=self.differ), [*read, table]]

    def _question(self, catalog: Catalog) -> ModelQuestion:
        return ModelQuestion(self.time, self.columns(catalog).cells, self.perturbation)

    def _input_top(self, data: xr.Dataset) -> int:
        height = data["height"].values
        return max(int(np.searchsorted(height, INPUT_TOP)), min(self.top_level + 2, height.size - 1))


def input_panels(inputs: Channels, *, height: int) -> tuple[Range1d, dict[str, InputPanel]]:
    """The range that they share, and an empty panel for each input on levels that sliders change."""
    y_range = Range1d(start=0, end=1)
    return y_range, {
        entry.name: InputPanel(y_range, title=title_of(entry), compares=True, height=height)
        for entry in changeable(inputs).profiles
    }


def scaled_words(data: xr.Dataset) -> str:
    """Single-level inputs that the sliders scale, before and after, means over the columns."""
    variables, found, parts = variables_of(data), data.variables, []
    for entry in changeable(variables.inputs).singles:
        before, after = (float(found[f"{variables.stored_input(entry.name)}_{which}"].values) for which in BOTH)
        parts.append(f"{title_of(entry).lower()} {before:.0f} → {after:.0f} {entry.display_unit}")
    return " · ".join(parts)


def _inputs(inputs: np.ndarray, variables: ColumnVariables, pressure: np.ndarray) -> dict[str, tuple]:
    """Means over the columns of what sliders change among inputs ``(column, input, level)``, by name."""
    found = {}
    for channel, entry in enumerate(variables.inputs):
        values = inputs[:, channel].astype(float)
        if entry in changeable(variables.inputs):
            dims, mean = ("level", values.mean(axis=0)) if entry.profile else ((), values[:, 0].mean())
            found[variables.stored_input(entry.name)] = table_quantity(dims, mean, entry)
        if entry.name == "T":
            theta = potential_temperature(values, pressure).mean(axis=0)
            found["theta"] = quantity("level", theta, "K", "air potential temperature")
    return found
