"""The ensembles of every emulator for one column, a row each: Figure 11 of the paper with all its models."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import ClassVar

import xarray as xr
from bokeh.models import Range1d
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import OUTPUTS

from ..data.axes import TITLES, ValueAxis
from ..data.catalog import Catalog
from ..figures.profile import EnsemblePanel, lock
from ..figures.theme import LIGHT
from .ensemble import Ensemble, draw_output
from .exhibit import Rows, drawn_words, levels_of
from .live_column import together
from .paper import level_panel

ROW_HEIGHT = 260
"""Height of a row on the page [pixels]."""


def drawable(catalog: Catalog, experiment: str) -> tuple[str, ...]:
    """Emulators of an experiment that can be asked for an ensemble: references are made of data that is not here."""
    return tuple(entry.name for entry in catalog.experiment(experiment).emulators if entry.folder is not None)


@dataclass(frozen=True, kw_only=True)
class EveryEnsemble(Ensemble):
    """The ensemble of each emulator for the same column, as in :class:`Ensemble`; axes of an output are shared."""

    what: ClassVar[str] = "every-emulator"
    size: ClassVar[tuple[float, float]] = (9.5, 12.5)

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensembles drawn here."""
        return "; ".join(
            drawn_words(catalog, self.experiment, name, members=self.members, seed=self.seed)
            for name in drawable(catalog, self.experiment)
        )

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Members ``(emulator, member, level)`` and truth ``(level,)`` of each output, and the inputs of the column."""
        names = drawable(catalog, self.experiment)
        if not names:
            raise DiffmpError(
                f"expected an emulator with weights in experiment {self.experiment!r}, found none; choose another one"
            )
        choices = self.choices
        alone = [Ensemble.of(choices.model_copy(update={"emulator": name})).gather(catalog) for name in names]
        along = xr.DataArray(list(names), dims="ensemble", name="ensemble", attrs={"long_name": "emulator"})
        data = xr.concat(
            alone,
            along,
            data_vars=[*(entry.name for entry in OUTPUTS), "has_spread"],
            coords="minimal",
            compat="override",
            combine_attrs="override",
        )
        return data.assign_attrs(
            title=f"{len(names)} emulators and the truth" if _has_truth(data) else f"{len(names)} emulators",
            subtitle=str(alone[0].attrs["subtitle"]),
            cautions=together(dict(zip(names, (str(part.attrs["cautions"]) for part in alone), strict=True))),
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """A row an emulator, a column an output."""
        levels, names = levels_of(data, self.vertical), data["ensemble"].values
        panels = figure.subplots(len(names), len(OUTPUTS), sharey=True, sharex="col", squeeze=False)
        for number, (row, name) in enumerate(zip(panels, names, strict=True)):
            for place, (axes, entry) in enumerate(zip(row, OUTPUTS, strict=True)):
                draw_output(axes, data.sel(ensemble=name), entry.name, levels, drawing=self.drawing, member=self.member)
                title = TITLES[entry.name] if number == 0 else ""
                label = data[entry.name].axis_label if number == len(names) - 1 else ""
                level_panel(axes, levels, title=title, label=label, left=place == 0)
            row[0].text(
                0.02, 0.98, str(name), transform=row[0].transAxes, va="top", color=LIGHT.text, fontweight="bold"
            )

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        levels = levels_of(data, self.vertical)
        y_range = Range1d(start=levels.start, end=levels.end)
        rows: list[list[EnsemblePanel]] = []
        for name in data["ensemble"].values:
            rows.append(emulator_row(y_range))
            for panel in rows[-1]:
                panel.show(
                    data[panel.variable].sel(ensemble=name).values,
                    data[f"{panel.variable}_truth"].values,
                    levels=levels,
                    values=ValueAxis(1.0, data[panel.variable].axis_label),
                    drawing=self.drawing,
                    member=self.member,
                    spread=bool(data["has_spread"].sel(ensemble=name)),
                )
                panel.paint(False)
        for panels in zip(*rows, strict=True):
            lock(*panels)
        named = zip(data["ensemble"].values, rows, strict=True)
        return [part for name, row in named for part in ([f"<b>{escape(str(name))}</b>"], [p.figure for p in row])]


def emulator_row(y_range: Range1d) -> list[EnsemblePanel]:
    """Panels of the four outputs of an emulator."""
    return [EnsemblePanel(entry.name, y_range, height=ROW_HEIGHT) for entry in OUTPUTS]


def _has_truth(data: xr.Dataset) -> bool:
    return any(bool(data[f"{entry.name}_truth"].notnull().any()) for entry in OUTPUTS)
