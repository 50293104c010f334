"""The cloud-resolving model's own answer to a change of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import OUTPUTS

from ..data.catalog import Catalog
from ..data.model_answers import ModelQuestion
from ..data.target import take_target
from ..figures.axes import padded_range
from ..figures.response import BAND, HourlyPanel, response_table
from .changed import BOTH, Changed, change_variables, changes_of, integral_words
from .exhibit import Rows, level_coordinates, quantity

SERIES = {
    "heating": "Heating of the column",
    "moistening": "Moistening of the column",
    "precipitation": "Precipitation",
}


@dataclass(frozen=True, kw_only=True)
class ModelResponse(Changed):
    """The cloud-resolving model's own answer over some hours for the selected column, or the mean over many.

    ``target`` is as in :class:`diffmp_app.exhibits.live_column.LiveColumn`; ``emulator`` only names the unit of
    normalised values. ``hour`` is the one whose profiles and integrals are shown, 0 for the mean of all.
    """

    emulator: str
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

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Both answers ``(level,)`` of the hour or the mean, and numbers by ``hour``; means over the columns."""
        from diffmp_core.response.sensitivity import profiles  # torch takes a second: only when it is asked for

        columns, rule = take_target(self.choices, catalog)
        if columns is None or not columns.cells:
            raise DiffmpError(f"expected columns of the experiment, found none: {rule}; choose others")
        question = ModelQuestion(self.time, columns.cells, self.perturbation)
        runs = catalog.model_answers(self.experiment).ask(question, self.hours)
        variables = self.answers(catalog, self.emulator, *map(profiles, runs.mean(self.hour or None)))
        changes = runs.changes(self.hour or None)
        over = f"hour {self.hour} of {self.hours}" if self.hour else f"mean of {self.hours} h"
        unit = {change.name: change.unit for change in changes}
        for name, title in SERIES.items():
            for which, members in zip(BOTH, runs.hourly(name), strict=True):
                variables[f"{name}_{which}_hourly"] = quantity(("hour", "member"), members, unit[name], title.lower())
        return xr.Dataset(
            variables | change_variables(changes),
            coords=level_coordinates(catalog, self.experiment)
            | {"hour": ("hour", np.arange(1, runs.hours + 1), {"units": "h", "long_name": "hours since the change"})},
            attrs={
                "title": f"Cloud-resolving model: {self.change_words}",
                "subtitle": f"{rule} · {over} after the change · "
                f"{integral_words(changes)} · blue: control, orange: changed, bands: 80 % of the members",
                "cautions": runs.answer.other_weather,
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
