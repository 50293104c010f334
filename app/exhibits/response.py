"""What follows when inputs are changed: the emulator's answer (Figures 12, 13 of the paper)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.figure import Figure

from diffmp_core.physics.perturbation import potential_temperature
from diffmp_core.variables import BY_NAME, INPUT_NAMES, OUTPUTS

from ..data.axes import TITLES
from ..data.catalog import Catalog
from ..data.model_answers import ModelQuestion
from ..data.target import Target
from ..figures.profile import INPUT_TOP, InputPanel
from ..figures.response import response_table
from ..state.choices import STEPS
from .changed import BOTH, Asked, change_variables, changes_of, integral_words
from .exhibit import Rows, level_coordinates, levels_of, quantity, table_quantity
from .paper import level_panel

if TYPE_CHECKING:
    from diffmp_core.response.sensitivity import Response

MODEL_WORDS = " · black: the cloud-resolving model (dotted: as it is, dash-dotted: changed)"


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

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Both answers and both inputs ``(level,)``, and column integrals with standard errors."""
        columns = self.columns(catalog)
        response = self._respond(catalog, columns)
        answers, question = catalog.model_answers(self.experiment), self._question(columns)
        if self.model_hours and answers.hours_asked(question) != self.model_hours:
            answers.ask(question, self.model_hours)
        judged = answers.judge(response, self.time, columns.cells)
        variables = self.answers(catalog, self.emulator, response.baseline, response.perturbed)
        pressure = catalog.grid(self.experiment).pressure
        for which, inputs in zip(BOTH, (response.inputs, response.perturbed_inputs), strict=True):
            kept = {name: inputs[:, INPUT_NAMES.index(name)].astype(float) for name in INPUT_NAMES}
            variables |= {
                f"{name}_{which}": table_quantity("level", kept[name].mean(axis=0), BY_NAME[name])
                for name in ("T", "qv")
            }
            theta = potential_temperature(kept["T"], pressure).mean(axis=0)
            variables[f"theta_{which}"] = quantity("level", theta, "K", "air potential temperature")
            variables |= {
                f"{name}_{which}": table_quantity((), kept[name][:, 0].mean(), BY_NAME[name])
                for name in ("SHF", "LHF", "SOLIN")
            }
        if judged.answer is not None:
            variables |= self.model_answers(catalog, self.emulator, judged.answer)
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

    def _question(self, columns: Target) -> ModelQuestion:
        return ModelQuestion(self.time, columns.cells, self.perturbation)

    def _respond(self, catalog: Catalog, columns: Target) -> Response:
        from diffmp_core.response.sensitivity import respond  # torch takes a second: only when it is asked for

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
                notes=columns.notes,
            )

        live = catalog.live(self.experiment, self.emulator)
        return live.submit_work(uuid.uuid4(), work).result()

    def _input_top(self, data: xr.Dataset) -> int:
        height = data["height"].values
        return max(int(np.searchsorted(height, INPUT_TOP)), min(self.top_level + 2, height.size - 1))
