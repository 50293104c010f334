"""The course of a training: loss, validation, criterion, learning rate and throughput by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.training.watch import Training, read_training

from ..data.catalog import Catalog
from ..figures.study_chart import Chart, ChartPlot, Series, legend
from .exhibit import Exhibit, Rows, quantity
from .study_paper import draw_charts

QUANTITIES = {
    "loss": "training loss, mean since the last row",
    "validation_loss": "loss of the averaged weights on validation columns",
    "validation_criterion": "the paper's criterion on validation columns, higher is better",
    "learning_rate": "learning rate",
    "samples_per_s": "columns presented a second",
}
CHARTS = (
    ("Loss", ("loss", "validation_loss")),
    ("Validation criterion", ("validation_criterion",)),
    ("Learning rate", ("learning_rate",)),
    ("Columns a second", ("samples_per_s",)),
)
"""Title of each chart and what it shows; one without any value is left out."""
NAMES = {"loss": "training", "validation_loss": "validation"}
HEIGHT = 220


@dataclass(frozen=True, kw_only=True)
class TrainingCurve(Exhibit):
    """What a training wrote; ``training`` is its name in the catalog, which is the emulator's in an experiment."""

    training: str
    what: ClassVar[str] = "training"
    size: ClassVar[tuple[float, float]] = (10.0, 3.4)

    def drawn_by(self, catalog: Catalog) -> str:
        """Whose training."""
        return f"Emulator: {self.training}"

    def columns_words(self, catalog: Catalog) -> tuple[str, str]:
        """Those that it was trained on, where its emulator says so."""
        known = {entry.name for entry in catalog.experiment(self.experiment).emulators}
        config = catalog.config(self.experiment, self.training) if self.training in known else {}
        title = str((config.get("columns") or {}).get("title", "not said"))
        return title, str((config.get("columns") or {}).get("source", title))

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Each quantity ``(row)``, one row a validation, with the epoch and the columns presented."""
        folder = catalog.trainings(self.experiment).get(self.training)
        if folder is None:
            raise DiffmpError(
                f"expected a training {self.training!r} in {self.experiment!r}, found none; run 'diffmp train'"
            )
        return training_data(self.training, read_training(folder))

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The charts side by side."""
        charts = training_charts(data)
        if charts:
            draw_charts(charts, figure, columns=len(charts))

    def screen(self, data: xr.Dataset) -> Rows:
        """The charts in a row."""
        charts = training_charts(data)
        return [
            [legend(charts, dark=False)],
            [ChartPlot(chart, dark=False, height=HEIGHT).figure for chart in charts],
        ]


def training_data(name: str, training: Training) -> xr.Dataset:
    """A training's log as a dataset, dims ``(row)``."""
    rows = training.rows
    return xr.Dataset(
        {key: quantity("row", rows[key], "1", words) for key, words in QUANTITIES.items()},
        coords={
            "row": np.arange(rows["step"].size),
            "epoch": ("row", rows["epoch"], {"long_name": "epoch", "units": "1"}),
            "samples": ("row", rows["samples"], {"long_name": "columns presented", "units": "1"}),
        },
        attrs={
            "title": f"Training of {name}",
            "subtitle": "" if training.finished else f"not finished: step {training.step:,}",
        },
    )


def training_charts(data: xr.Dataset) -> list[Chart]:
    """Loss and validation, then what else is known; none before the first row.

    The loss is logarithmic where it is above zero.
    """
    made: list[Chart] = []
    for title, names in CHARTS:
        values = {name: data[name].values.astype(float) for name in names}
        if not any(np.isfinite(v).any() for v in values.values()):
            continue
        positive = title == "Loss" and all((v[np.isfinite(v)] > 0).all() for v in values.values())
        epochs = data["epoch"].values.astype(float)
        series = tuple(
            Series(NAMES.get(name, ""), number, epochs, v, np.full_like(v, np.nan))
            for number, (name, v) in enumerate(values.items())
        )
        scale = (False, positive)
        made.append(Chart(title, "epoch", "", series, logarithmic=scale, description=f"{title} by epoch"))
    return made
