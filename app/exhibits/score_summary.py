"""All scores of all emulators of an experiment (Figure 7 of the paper), one panel a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from diffmp_core.drawn import Drawn
from diffmp_core.errors import DiffmpError
from diffmp_core.scores.score import SCORES
from diffmp_core.variables import OUTPUT_NAMES

from ..data.axes import TITLES
from ..data.catalog import Catalog
from ..figures.score_table import score_table
from ..figures.theme import LIGHT
from .exhibit import Exhibit, Rows, changed_words, quantity, seen_words

MARKS = dict(
    zip(
        OUTPUT_NAMES,
        (("o", LIGHT.emulator), ("s", LIGHT.perturbed), ("^", LIGHT.reference), ("D", "#cc79a7")),
        strict=True,
    )
)
COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class ScoreSummary(Exhibit):
    """The table of scores; ``emulator`` is the one that stands out."""

    emulator: str
    what: ClassVar[str] = "scores"
    size: ClassVar[tuple[float, float]] = (9.5, 6.6)

    def drawn_by(self, catalog: Catalog) -> str:
        """Whose ensembles were scored."""
        named = self._tables(catalog)
        tables = named.values()
        sizes = sorted({int(table["members"]) for table in tables if table.get("members")}, reverse=True)
        drawn = ", ".join(
            [f"{len(tables)} emulators", *([" or ".join(Drawn(size).size for size in sizes)] * bool(sizes))]
        )
        return "; ".join([drawn, *seen_words(tables), *changed_words(catalog, self.experiment, named)])

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Each score ``(variable, emulator)``, NaN where it is not known."""
        tables = self._tables(catalog)
        if not tables:
            raise DiffmpError(f"expected score tables in {self.experiment!r}, found none; run 'diffmp score'")

        def value(table: Mapping[str, Any], variable: str, score: str) -> float:
            found = table.get("scores", {}).get(variable, {}).get(score)
            return float(found) if isinstance(found, int | float) else np.nan

        return xr.Dataset(
            {
                score.name: quantity(
                    ("variable", "emulator"),
                    [[value(table, variable, score.name) for table in tables.values()] for variable in OUTPUT_NAMES],
                    "1",
                    score.definition,
                )
                for score in SCORES.values()
            },
            coords={
                "variable": ("variable", list(OUTPUT_NAMES)),
                "emulator": ("emulator", list(tables)),
                "members": ("emulator", [int(table.get("members") or 0) for table in tables.values()]),
            },
            attrs={
                "title": f"Scores: {catalog.experiment(self.experiment).title}",
                "subtitle": "MSE, CRPS and bias in units of the truth's standard deviation (MSE: variance)",
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One panel a score: emulators below each other, a mark for each output."""
        names = [str(name) for name in data["emulator"].values]
        rows = -(-len(SCORES) // COLUMNS)
        panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).ravel()
        for axes, score in zip(panels, SCORES.values(), strict=False):
            if perfect := score.perfect(int(data["members"].max())).lstrip("≥ "):
                axes.axvline(float(perfect), color=LIGHT.muted, linestyle="--", linewidth=1, label="perfect ensemble")
            for place, (variable, (mark, colour)) in enumerate(MARKS.items()):
                shift = 0.15 * (place - (len(MARKS) - 1) / 2)
                values = data[score.name].sel(variable=variable)
                axes.scatter(values, np.arange(len(names)) + shift, 22, colour, mark, label=TITLES[variable])
            axes.set_title(score.label)
            axes.set_yticks(range(len(names)), names)
            axes.grid(axis="y", visible=False)
        panels[0].invert_yaxis()
        for axes in panels[len(SCORES) :]:
            axes.set_axis_off()
        handles, labels = panels[len(SCORES) - 1].get_legend_handles_labels()
        if len(SCORES) < len(panels):
            panels[len(SCORES)].legend(handles, labels, loc="center left")
        else:
            figure.legend(handles, labels, loc="outside lower right")

    def screen(self, data: xr.Dataset) -> Rows:
        """The table as the page shows it."""
        tables = {
            str(name): {
                "members": int(members),
                "scores": {
                    variable: {
                        score.name: float(value)
                        for score in SCORES.values()
                        if np.isfinite(value := float(data[score.name].sel(variable=variable, emulator=name)))
                    }
                    for variable in OUTPUT_NAMES
                },
            }
            for name, members in zip(data["emulator"].values, data["members"].values, strict=True)
        }
        return [[score_table(tables, self.emulator)]]

    def _tables(self, catalog: Catalog) -> dict[str, Mapping[str, Any]]:
        entries = catalog.experiment(self.experiment).emulators
        return {e.name: table for e in entries if (table := catalog.table(self.experiment, e.name))}
