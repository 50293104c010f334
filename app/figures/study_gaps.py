"""Cases of a study without a score: which, and why; nothing is left empty in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from diffmp_core.scores.score import SCORES, spread_scores

DIVERGED, UNDEFINED, ABSENT = "diverged", "undefined", "not in the study"
SIGNS: Mapping[str, str] = {DIVERGED: "×", UNDEFINED: "–"}
"""What is drawn at the edge of a chart; a case that is not in the study is only said."""
CASES, LOST = "cases", "diverged_cases"
"""Number of trainings of each case that were scored or tried, and of those whose samples were not finite."""

Case = Mapping[str, Any]


def why_empty(data: xr.Dataset, name: str, case: Case, output: str) -> str:
    """Why a case has no such score, one of the words above; '' where it has one."""
    at = data.sel(dict(case))
    if np.isfinite(float(at[name].sel(variable=output))):
        return ""
    if CASES not in at:
        return UNDEFINED
    if not float(at[CASES]):
        return ABSENT
    return DIVERGED if float(at[LOST]) == float(at[CASES]) else UNDEFINED


def gap_sentences(data: xr.Dataset, axes: tuple[str, ...], label: Any) -> list[str]:
    """What is missing of the scores in a dataset and why, a sentence each kind.

    Args:
        data: scores over ``axes`` and ``variable`` (:meth:`diffmp_app.exhibits.study.StudyScores.gather`).
        axes: axes of the cases, called by ``label(axis, value)``; a case is missing at the last.
    """
    if CASES not in data:
        return []
    names = data.attrs["criteria"].split()
    cases = [dict(zip(axes, values, strict=True)) for values in product(*(data[axis].values for axis in axes))]

    def called(found: Iterable[Case]) -> str:
        return _grouped([tuple(label(axis, case[axis]) for axis in axes) for case in found])

    def state(case: Case) -> tuple[float, float]:
        at = data.sel(case)
        return float(at[CASES]), float(at[LOST])

    said = []
    absent = [case for case in cases if state(case)[0] == 0]
    if absent:
        said.append(f"Not in this study: {called(absent)}")
    lost = [case for case in cases if state(case)[1] > 0]
    for case in lost:
        every, gone = state(case)
        part = f" in {gone:.0f} of {every:.0f} trainings, the others are drawn" if gone < every else ""
        said.append(f"× Diverged, samples not finite: {called([case])}{part}")
    undefined: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        every, gone = state(case)
        without = tuple(name for name in names if every > gone and bool(data[name].sel(case).isnull().any()))
        if without:
            undefined.setdefault(without, []).append(case)
    for without, found in undefined.items():
        alike = set(without) == set(spread_scores()) & set(names)
        reason = "one answer for each column, no spread" if alike else "the truth hardly varies"
        said.append(f"– Undefined: {', '.join(SCORES[name].heading for name in without)} of {called(found)} ({reason})")
    return said


def _grouped(cases: list[tuple[str, ...]]) -> str:
    """Cases whose last part is where they are missing, those missing at the same places together: ``A, B at 60 km``."""
    places: dict[str, list[str]] = {}
    for *what, place in cases:
        places.setdefault(" ".join(what), []).append(place)
    together: dict[tuple[str, ...], list[str]] = {}
    for name, found in places.items():
        together.setdefault(tuple(found), []).append(name)
    return "; ".join(f"{', '.join(names)} at {', '.join(found)}" for found, names in together.items())
