"""The cloud-resolving model's own answer to a change of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import variables_attrs
from diffmp_core.variables import PAPER

from ..data.catalog import Catalog
from ..data.model_answers import MODEL_OUTPUTS, ModelQuestion
from ..data.target import Target, take_target
from ..figures.axes import padded_range
from ..figures.response import BAND, Band, HourlyPanel, response_table
from .changed import BOTH, PARTS, Changed, change_variables, changes_of, integral_words
from .exhibit import Progress, Rows, level_coordinates, quantity

if TYPE_CHECKING:
    from diffmp_core.crm.runs import ModelRuns

SERIES = {
    "heating": "Heating of the column",
    "moistening": "Moistening of the column",
    "precipitation": "Precipitation",
}


@dataclass(frozen=True, kw_only=True)
class ModelResponse(Changed):
    """The cloud-resolving model's own answer over some hours for the selected column, or the mean over many.

    ``target`` is as in :class:`diffmp_app.exhibits.live_column.LiveColumn`. ``hour`` is the one whose profiles and
    integrals are shown, 0 for the mean of all.
    """

    target: str = "column"
    hours: int = 6
    hour: int = 0
    what: ClassVar[str] = "model-response"

    @property
    def answered_by(self) -> str:
        """No emulator."""
        return ""

    def drawn_by(self, catalog: Catalog) -> str:
        """The model that made the columns."""
        from diffmp_core.crm.response import MEMBERS  # compiled code: only when it is asked for

        return f"Cloud-resolving model: {MEMBERS} members over {self.hours} h beside a control"

    def ask(self, catalog: Catalog, progress: Progress | None = None) -> ModelRuns:
        """Run the model, on the calling thread; ``progress`` is told of each hour, and what it raises ends the run.

        Raises:
            DiffmpError: no columns, or columns that the model cannot be asked about.
        """
        question = ModelQuestion(self.time, self._columns(catalog).cells, self.perturbation)
        return catalog.model_answers(self.experiment).ask(question, self.hours, progress)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Both answers ``(level,)`` of the hour or the mean, and numbers by ``hour``; means over the columns."""
        return self.arrange(catalog, self.ask(catalog))

    def arrange(self, catalog: Catalog, runs: ModelRuns) -> xr.Dataset:
        """What :meth:`gather` gives, from the answer of the model."""
        from diffmp_core.response.sensitivity import profiles  # torch takes a second: only when there is an answer

        variables = self.answers(catalog, MODEL_OUTPUTS, *map(profiles, runs.mean(self.hour or None)))
        changes = runs.changes(self.hour or None)
        over = f"hour {self.hour} of {self.hours}" if self.hour else f"mean of {self.hours} h"
        unit = {change.name: change.unit for change in changes}
        for name, title in SERIES.items():
            for which, members in zip(BOTH, runs.hourly(name), strict=True):
                key, words = f"{name}_{which}_hourly", f"{title.lower()}, {which}"
                variables[key] = quantity(("hour", "member"), members, unit[name], words)
                band = (members.mean(axis=1), *np.quantile(members, BAND, axis=1))
                variables |= {
                    f"{key}_{part}": quantity("hour", values, unit[name], f"{words}, {part} of the members")
                    for part, values in zip(PARTS, band, strict=True)
                }
        return xr.Dataset(
            variables | change_variables(changes),
            coords=level_coordinates(catalog, self.experiment)
            | {"hour": ("hour", np.arange(1, runs.hours + 1), {"units": "h", "long_name": "hours since the change"})},
            attrs={
                "title": f"Cloud-resolving model: {self.change_words}",
                "subtitle": f"{self._columns(catalog).rule} · {over} after the change · "
                f"{integral_words(changes)} · blue: control, orange: changed, bands: 80 % of the members",
                "cautions": runs.answer.other_weather,
            }
            | variables_attrs(PAPER),
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The outputs, then three numbers by hour."""
        count = len(MODEL_OUTPUTS)
        cells = figure.add_gridspec(2, 3 * count, height_ratios=(1.4, 1))
        profiles = (figure.add_subplot(cells[0, 3 * i : 3 * i + 3]) for i in range(count))
        self.draw_outputs(data, profiles, row=count)
        for place, (name, title) in enumerate(SERIES.items()):
            axes = figure.add_subplot(cells[1, count * place : count * (place + 1)])
            extent = [np.zeros(1)]
            for which, (colour, line) in BOTH.items():
                mean, low, high = (data[f"{name}_{which}_hourly_{part}"].values for part in PARTS)
                axes.fill_between(data["hour"], low, high, color=colour, alpha=0.2, linewidth=0)
                axes.plot(data["hour"], mean, color=colour, linestyle=line)
                extent += [low, high]
            label = data[f"{name}_baseline_hourly"].axis_label
            axes.set(title=title, xlabel="hours since the change", ylabel=label, ylim=padded_range(*extent))

    def show_series(self, data: xr.Dataset, panels: Mapping[str, HourlyPanel]) -> None:
        """Draw the numbers by hour into the panels of the page, by name."""
        for name, panel in panels.items():
            bands = (Band(*(data[f"{name}_{which}_hourly_{part}"].values for part in PARTS)) for which in BOTH)
            panel.show(data["hour"].values, *bands)

    def screen(self, data: xr.Dataset) -> Rows:
        """Outputs, numbers by hour and the table of integrals as the page draws them."""
        panels = {
            name: HourlyPanel(title, data[f"{name}_baseline_hourly"].axis_label) for name, title in SERIES.items()
        }
        self.show_series(data, panels)
        for panel in panels.values():
            panel.paint(False)
        series: list[UIElement] = [panel.figure for panel in panels.values()]
        return [self.screen_outputs(data), series, [response_table(changes_of(data))]]

    def _columns(self, catalog: Catalog) -> Target:
        columns, rule = take_target(self.choices, catalog)
        if columns is None or not columns.cells:
            raise DiffmpError(f"expected columns of the experiment, found none: {rule}; choose others")
        return columns
