"""All scores of all emulators of an experiment (Figure 7 of the paper), one panel a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from diffmp_core.drawn import Drawn
from diffmp_core.errors import DiffmpError
from diffmp_core.scores.score import SCORES
from diffmp_core.variables import Channels

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..figures.score_table import score_table
from ..figures.theme import LIGHT
from .exhibit import Exhibit, Rows, changed_words, quantity, seen_words

MARKS = (
    ("o", LIGHT.emulator), ("s", LIGHT.perturbed), ("^", LIGHT.reference), ("D", "#cc79a7"),
    ("v", LIGHT.emulator), ("P", LIGHT.perturbed), ("X", LIGHT.reference), ("*", "#cc79a7"),
)  # fmt: skip
"""Marks of outputs, taken again from the first where there are more."""
COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class ScoreSummary(Exhibit):
    """The table of scores; ``emulator`` is the one that stands out."""

    emulator: str
    what: ClassVar[str] = "scores"
    size: ClassVar[tuple[float, float]] = (9.5, 6.6)

    def drawn_by(self, catalog: Catalog) -> str:
        """Whose ensembles were scored."""
        named = self.tables(catalog)
        tables = named.values()
        sizes = sorted({int(table["members"]) for table in tables if table.get("members")}, reverse=True)
        drawn = ", ".join(
            [f"{len(tables)} emulators", *([" or ".join(Drawn(size).size for size in sizes)] * bool(sizes))]
        )
        return "; ".join([drawn, *seen_words(tables), *changed_words(catalog, self.experiment, named)])

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Each score ``(variable, emulator)``, NaN where it is not known."""
        tables = self.tables(catalog)
        if not tables:
            raise DiffmpError(f"expected score tables in {self.experiment!r}, found none; run 'diffmp score'")
        return arrange_scores(tables, catalog.schema(self.experiment).outputs).assign_attrs(
            title=f"Scores: {catalog.experiment(self.experiment).title}",
            subtitle="MSE, CRPS and bias in units of the truth's standard deviation (MSE: variance)",
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One panel a score: emulators below each other, a mark for each output."""
        names = [str(name) for name in data["emulator"].values]
        rows = -(-len(SCORES) // COLUMNS)
        panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).ravel()
        for axes, score in zip(panels, SCORES.values(), strict=False):
            if perfect := score.perfect(int(data["members"].max())).lstrip("≥ "):
                axes.axvline(float(perfect), color=LIGHT.muted, linestyle="--", linewidth=1, label="perfect ensemble")
            titles = [str(title) for title in data["title"].values]
            for place, (title, (mark, colour)) in enumerate(zip(titles, cycle(MARKS), strict=False)):
                shift = 0.6 / len(titles) * (place - (len(titles) - 1) / 2)
                values = data[score.name].isel(variable=place)
                axes.scatter(values, np.arange(len(names)) + shift, 22, colour, mark, label=title)
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
        return [[score_table(data, self.emulator)]]

    def tables(self, catalog: Catalog) -> dict[str, Mapping[str, Any]]:
        """What 'diffmp score' wrote of the emulators that were scored, by name."""
        entries = catalog.experiment(self.experiment).emulators
        return {e.name: table for e in entries if (table := catalog.table(self.experiment, e.name))}


def arrange_scores(tables: Mapping[str, Mapping[str, Any]], outputs: Channels) -> xr.Dataset:
    """Each score ``(variable, emulator)`` of the outputs that were scored, NaN where it is not known.

    Args:
        tables: what 'diffmp score' wrote, for each emulator by name.
        outputs: in their order; ``title`` and ``about`` say what they are.
    """
    found = {name: table.get("scores", {}) for name, table in tables.items()}
    scored = [output for output in outputs if any(output.name in scores for scores in found.values())] or outputs

    def value(scores: Mapping[str, Any], output: str, score: str) -> float:
        known = scores.get(output, {}).get(score)
        return float(known) if isinstance(known, int | float) else np.nan

    return xr.Dataset(
        {
            score.name: quantity(
                ("variable", "emulator"),
                [[value(scores, output.name, score.name) for scores in found.values()] for output in scored],
                "1",
                score.definition,
            )
            for score in SCORES.values()
        },
        coords={
            "variable": [output.name for output in scored],
            "title": ("variable", [title_of(output) for output in scored]),
            "about": ("variable", [output.long_name for output in scored]),
            "emulator": list(tables),
            "members": ("emulator", [int(table.get("members") or 0) for table in tables.values()]),
        },
    )
