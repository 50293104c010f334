"""Tables of a study in Markdown: one for each output, a row a case, the spread over trainings beside the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from diffmp_core.scores.score import SCORES

PAPER_CRITERIA = (
    "mse", "pcc", "spread_skill_correlation", "coverage_ratio", "std_ratio", "skewness_ratio", "kurtosis_ratio",
)  # fmt: skip
"""The seven criteria of the paper (Section 3.2), in the order of its figures."""

TRAININGS = "seed"
"""Axis over which a table has mean and standard deviation."""


def shown_scores() -> tuple[str, ...]:
    """Scores that studies show: the paper's, and those that see what its do not."""
    return (*PAPER_CRITERIA, *(n for n, score in SCORES.items() if score.in_studies and n not in PAPER_CRITERIA))


def study_tables(study: xr.Dataset) -> str:
    """All tables of a study."""
    parts = [score_tables(study)]
    if "best_guidance" in study:
        choice = ["## Chosen on validation columns", best_table(study["best_guidance"])]
        reported = {
            name: name.removeprefix("report_") for name in map(str, study.data_vars) if name.startswith("report_")
        }
        report = score_tables(study[list(reported)].rename(reported))
        parts = ["## Scan on validation columns", *parts, *choice, f"## Scored on {study.attrs['report']}", report]
    return "\n\n".join(parts)


def score_tables(scores: xr.Dataset) -> str:
    """A table for each output: rows are the cases of all axes but ``seed``, columns the scores and the cost."""
    return "\n\n".join(f"### {name}\n\n{_score_table(scores.sel(variable=name))}" for name in scores["variable"].values)


def _score_table(scores: xr.Dataset) -> str:
    axes = [str(dim) for dim in scores["crps_fair"].dims if dim != TRAININGS]
    costs = {"network_evaluations": "evaluations", "seconds_per_column": "ms a column"}
    names = [name for name in shown_scores() if name in scores]
    lines = _head([*axes, *(SCORES[name].heading for name in names), *costs.values()])
    for where in product(*(scores[axis].values for axis in axes)):
        case = scores.sel(dict(zip(axes, where, strict=True)))
        if not np.isfinite(case["columns"]).any():
            continue
        cells = [mean_and_spread(np.atleast_1d(case[name].values)) for name in names]
        passes, seconds = (float(case[name].mean()) for name in costs)
        cost = [f"{passes:.0f}", f"{1e3 * seconds:.3g}"] if np.isfinite(passes) else ["–", "–"]
        diverged, done = (int(np.sum(test)) for test in (case["columns"] == 0, np.isfinite(case["columns"])))
        last = f"{where[-1]} (diverged in {diverged} of {done})" if diverged else str(where[-1])
        lines.append(_row([*map(str, where[:-1]), last, *cells, *cost]))
    return "\n".join(lines)


def best_table(best: xr.DataArray) -> str:
    """The chosen strengths, as Table 2 has them: a row an emulator and criterion, a column an output."""
    lines = _head(["emulator", "criterion", *best["variable"].values])
    for emulator, criterion in product(best["emulator"].values, best["criterion"].values):
        values = best.sel(emulator=emulator, criterion=criterion).values
        if np.isfinite(values).all():
            lines.append(_row([emulator, criterion, *(f"{w:g}" for w in values)]))
    return "\n".join(lines)


def mean_and_spread(values: Sequence[float] | np.ndarray, digits: int = 3) -> str:
    """Mean of trainings, and their standard deviation (ddof = 1) where there are at least two."""
    known = np.asarray([value for value in values if math.isfinite(value)])
    if not len(known):
        return "–"
    spread = f" ± {known.std(ddof=1):.{digits}f}" if len(known) > 1 else ""
    return f"{known.mean():.{digits}f}{spread}"


def _head(names: Sequence[str]) -> list[str]:
    return [_row(names), "|" + "---|" * len(names)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
