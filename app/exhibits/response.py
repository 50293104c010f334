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
from diffmp_core.physics.perturbation import potential_temperature
from diffmp_core.schema import variables_attrs, variables_of
from diffmp_core.variables import Channels

from ..data.axes import TITLES, title_of
from ..data.catalog import Catalog
from ..data.model_answers import ModelQuestion
from ..figures.axes import set_range
from ..figures.profile import INPUT_TOP, InputPanel
from ..figures.response import response_table
from ..state.choices import STEPS
from .changed import BOTH, Asked, change_variables, changes_of, integral_words, panels_in_rows
from .exhibit import Rows, level_coordinates, levels_of, quantity, table_quantity
from .paper import level_panel

if TYPE_CHECKING:
    from diffmp_core.response.sensitivity import Response

SCALED = ("SHF", "LHF", "SOLIN")
"""Inputs of a single value that sliders scale."""
MODEL_WORDS = " · black: the cloud-resolving model (dotted: as it is, dash-dotted: changed)"


def changed_profiles(inputs: Channels) -> tuple[str, ...]:
    """Inputs on levels that sliders change, temperature and vapour, as far as they are among these."""
    return tuple(name for name in ("T", vapour_name(inputs)) if name is not None and name in inputs)


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
                steps=STEPS,
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
            variables |= {f"{name}_{which}": found for name, found in _inputs(inputs, schema.inputs, pressure).items()}
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

    def drawn_as(self, name: str) -> str:
        """As what an input is drawn, by name in the dataset: temperature as the choice says."""
        return self.temperature if name == "T" else name

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The outputs, then temperature and vapour before and after."""
        variables, levels = variables_of(data), levels_of(data, self.vertical)
        read = changed_profiles(variables.inputs)
        panels = panels_in_rows(figure, len(variables.outputs) + len(read), row=3)
        self.draw_outputs(data, panels[: len(variables.outputs)], row=3)
        top = self._input_top(data)
        for axes, drawn in zip(panels[len(variables.outputs) :], map(self.drawn_as, read), strict=True):
            for which, (colour, line) in BOTH.items():
                axes.plot(data[f"{drawn}_{which}"][: top + 1], levels.values[: top + 1], color=colour, linestyle=line)
            label = data[f"{drawn}_baseline"].axis_label
            level_panel(axes, levels, title=f"Input: {TITLES[drawn].lower()}", label=label, left=True)
            axes.set_ylim(levels.start, levels.values[top])

    def show_inputs(self, data: xr.Dataset, panels: Mapping[str, InputPanel], y_range: Range1d) -> None:
        """Draw inputs, by name, into the panels of the page, up to a little above the changed layer."""
        levels, found = levels_of(data, self.vertical), data.variables
        visible = (levels.start, float(levels.values[self._input_top(data)]))
        set_range(y_range, visible)
        for name, panel in panels.items():
            before, after = (found[f"{self.drawn_as(name)}_{which}"] for which in BOTH)
            panel.show(
                before.values,
                after.values if self.differ else None,
                title=TITLES[self.drawn_as(name)],
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
    """The range that they share, and an empty panel for each input that :func:`changed_profiles` names."""
    y_range = Range1d(start=0, end=1)
    names = changed_profiles(inputs)
    return y_range, {
        name: InputPanel(y_range, title=title_of(inputs.named(name)), compares=True, height=height) for name in names
    }


def scaled_words(data: xr.Dataset) -> str:
    """Single-level inputs that the sliders scale, before and after, means over the columns."""
    found, inputs = data.variables, variables_of(data).inputs
    parts = []
    for entry in (inputs.named(name) for name in SCALED if name in inputs):
        before, after = (float(found[f"{entry.name}_{which}"].values) for which in BOTH)
        parts.append(f"{title_of(entry).lower()} {before:.0f} → {after:.0f} {entry.display_unit}")
    return " · ".join(parts)


def _inputs(inputs: np.ndarray, channels: Channels, pressure: np.ndarray) -> dict[str, tuple]:
    """Means over the columns of what sliders change among inputs ``(column, input, level)``, by name."""
    found = {}
    for channel, entry in enumerate(channels):
        values = inputs[:, channel].astype(float)
        if entry.name in changed_profiles(channels):
            found[entry.name] = table_quantity("level", values.mean(axis=0), entry)
        if entry.name == "T":
            theta = potential_temperature(values, pressure).mean(axis=0)
            found["theta"] = quantity("level", theta, "K", "air potential temperature")
        if entry.name in SCALED:
            found[entry.name] = table_quantity((), values[:, 0].mean(), entry)
    return found
