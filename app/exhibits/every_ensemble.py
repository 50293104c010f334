"""The ensembles of every emulator for one column, a row each: Figure 11 of the paper with all its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import ClassVar

import xarray as xr
from bokeh.models import Range1d
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import variables_of
from diffmp_core.variables import Channels

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..figures.profile import EnsemblePanel, lock
from ..figures.theme import LIGHT
from .ensemble import Ensemble, draw_output, name_output
from .exhibit import Rows, drawn_words, levels_of
from .live_column import together

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
        """Members ``(ensemble, member, level)`` and truth ``(level,)`` of each output, and the inputs of the column.

        Single values have no level.
        """
        parts = self.parts(catalog)
        if not parts:
            raise DiffmpError(
                f"expected an emulator with weights in experiment {self.experiment!r}, found none; choose another one"
            )
        return self.combine({name: part.gather(catalog) for name, part in parts.items()})

    def parts(self, catalog: Catalog) -> dict[str, Ensemble]:
        """The ensemble of each emulator."""
        names = drawable(catalog, self.experiment)
        return {name: Ensemble.of(self.choices.model_copy(update={"emulator": name})) for name in names}

    def combine(self, alone: Mapping[str, xr.Dataset]) -> xr.Dataset:
        """What :meth:`gather` gives, from what the ensemble of each emulator gives."""
        names, parts = list(alone), list(alone.values())
        along = xr.DataArray(names, dims="ensemble", name="ensemble", attrs={"long_name": "emulator"})
        known = [name for name in parts[0].data_vars if all(name in part for part in parts)]
        data = xr.concat(
            [part[known] for part in parts],
            along,
            data_vars=[*variables_of(parts[0]).outputs.names, "has_spread"],
            coords="minimal",
            compat="override",
            combine_attrs="override",
        )
        return data.assign_attrs(
            title=f"{len(names)} emulators and the truth" if _has_truth(data) else f"{len(names)} emulators",
            subtitle=str(parts[0].attrs["subtitle"]),
            cautions=together(dict(zip(names, (str(part.attrs["cautions"]) for part in parts), strict=True))),
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """A row an emulator, a column an output."""
        levels, names, outputs = levels_of(data, self.vertical), data["ensemble"].values, variables_of(data).outputs
        panels = figure.subplots(len(names), len(outputs), sharex="col", squeeze=False)
        for number, (row, name) in enumerate(zip(panels, names, strict=True)):
            for place, (axes, entry) in enumerate(zip(row, outputs, strict=True)):
                draw_output(axes, data.sel(ensemble=name), entry, levels, drawing=self.drawing, member=self.member)
                name_output(axes, data, entry, levels, title=title_of(entry) if number == 0 else "", left=place == 0)
                if number < len(names) - 1:
                    axes.set_xlabel("")
            row[0].text(
                0.02, 0.98, str(name), transform=row[0].transAxes, va="top", color=LIGHT.text, fontweight="bold"
            )

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        levels = levels_of(data, self.vertical)
        y_range = Range1d(start=levels.start, end=levels.end)
        rows: list[list[EnsemblePanel]] = []
        for name in data["ensemble"].values:
            rows.append(emulator_row(variables_of(data).outputs, y_range))
            for panel in rows[-1]:
                panel.show(data.sel(ensemble=name), levels=levels, drawing=self.drawing, member=self.member)
                panel.paint(False)
        for panels in zip(*rows, strict=True):
            lock(*panels)
        named = zip(data["ensemble"].values, rows, strict=True)
        return [part for name, row in named for part in ([f"<b>{escape(str(name))}</b>"], [p.figure for p in row])]


def emulator_row(outputs: Channels, y_range: Range1d) -> list[EnsemblePanel]:
    """Panels of the outputs of an emulator, profiles first."""
    return [EnsemblePanel(entry, y_range, height=ROW_HEIGHT) for entry in (*outputs.profiles, *outputs.singles)]


def _has_truth(data: xr.Dataset) -> bool:
    return any(bool(data[f"{name}_truth"].notnull().any()) for name in variables_of(data).outputs.names)
