"""What an evaluation hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from diffmp_core.drawn import Drawn

if TYPE_CHECKING:
    from diffmp_core.models.seen_times import Seen


@dataclass(frozen=True, eq=False)
class ScoreResult:
    """What an evaluation found.

    Attributes:
        scores: variable -> metric -> value over everything, NaN where undefined.
        climsim: output -> criterion of the ClimSim benchmark -> value, NaN where undefined.
        physical: check of :mod:`diffmp_core.scores.physical` -> statistic -> value, NaN where undefined.
        clear: cloud -> share of values without cloud (:mod:`diffmp_core.scores.clear`).
        averages: ``overall_*``, ``level_*``, ``climsim_*``, ``truth_std``, ``bin_edges`` and the histograms of the
            score store.
        emulator: name of the emulator.
        emulator_folder: its folder, or None for a reference made of data.
        columns: number of columns scored.
        columns_path: store that holds them, and ``split``, which of its times they are.
        title: title of that store.
        columns_id: identity of the columns scored (:mod:`diffmp_core.identity`).
        emulator_id: identity of the emulator's files; None without a folder.
        seen: how many of the times scored the emulator has seen in training; None where that is not known.
        caution: what a reader must know of that, '' where there is nothing.
        drawn: members, steps, guidance and evaluations of the sampling, and ``seed``.
        scored: which times were scored: as ``split``, of the store that was named to be scored.
        notes: what a reader must know, e.g. where ratios are undefined; ``climsim_notes``, of the criteria.
        store: score store written, or None.
    """

    scores: dict[str, dict[str, float]]
    climsim: dict[str, dict[str, float]]
    physical: dict[str, dict[str, float]]
    clear: dict[str, dict[str, float]]
    averages: xr.Dataset
    emulator: str
    emulator_folder: Path | None
    columns: int
    columns_path: Path
    split: str
    title: str
    columns_id: str
    emulator_id: str | None
    seen: Seen | None
    caution: str
    drawn: Drawn
    scored: str
    seed: int
    notes: tuple[str, ...]
    climsim_notes: tuple[str, ...]
    store: Path | None

    def table(self) -> dict[str, Any]:
        """Content of ``scores.json``; what is undefined is null."""
        return {
            "scores": _finite(self.scores),
            "climsim": _finite(self.climsim),
            "physical": _finite(self.physical),
            "clear": _finite(self.clear),
            "members": self.drawn.members,
            "steps": self.drawn.steps,
            "guidance": None if self.drawn.guidance is None else list(self.drawn.guidance),
            "evaluations": self.drawn.evaluations,
            "columns": self.columns,
            "columns_id": self.columns_id,
            "emulator_id": self.emulator_id,
            "seen": None if self.seen is None else self.seen.table(),
            "caution": self.caution,
            "title": self.title,
            "split": self.scored,
            "emulator": self.emulator,
            "seed": self.seed,
            "truth_std": {
                name: float(value) if np.isfinite(value) else None
                for name, value in zip(self.scores, self.averages["truth_std"].values, strict=True)
            },
            "notes": list(self.notes),
            "climsim_notes": list(self.climsim_notes),
        }


def _finite(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    return {
        variable: {name: value if np.isfinite(value) else None for name, value in values.items()}
        for variable, values in scores.items()
    }


def undefined_scores(averages: xr.Dataset, drawn: Drawn) -> tuple[str, ...]:
    """One sentence for each variable some of whose scores are undefined, and one where there is no spread."""
    notes = []
    if not drawn.has_spread:
        notes.append("one answer for each column: coverage, ranks and scores of the spread are undefined")
    for i, variable in enumerate(averages["variable"].values):
        if not np.isfinite(averages["truth_std"].values[i]):
            notes.append(f"{variable} never varies in these columns: it has no scores")
            continue
        blank = int(np.isnan(averages["level_std_ratio"].values[i]).sum())
        if blank:
            notes.append(f"{variable}: correlations and ratios undefined at {_levels(blank)} (the truth hardly varies)")
        symmetric = int(np.isnan(averages["level_skewness_ratio"].values[i]).sum()) - blank
        if symmetric:
            notes.append(
                f"{variable}: no skewness ratio at {_levels(symmetric)} more (the truth is as good as symmetric)"
            )
    return tuple(notes)


def _levels(number: int) -> str:
    return f"{number} level{'' if number == 1 else 's'}"
