"""The store of a study: scores and cost of its cases on the axes of their coordinates. Read without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.score import SCORES, spread_scores
from diffmp_core.scores.stored import ALIKE
from diffmp_core.stores import open_store

KIND = "study"
"""``diffmp_kind`` of the store."""

COSTS = {
    "columns": ("columns scored, 0 where samples were not finite", "1"),
    "network_evaluations": ("passes of the network for each member", "1"),
    "seconds_per_column": ("wall-clock time of one column's ensemble", "s"),
}
"""What is known of a case beside its scores: long name and unit."""

Coordinate = str | int | float


def assemble(
    results: Sequence[tuple[Mapping[str, Coordinate], Mapping[str, Any]]], outputs: Sequence[str]
) -> xr.Dataset:
    """Results of cases on the axes of their coordinates.

    Args:
        results: coordinates of a case, all with the same names, and what is known of it: ``scores`` as in
            ``scores.json`` and the ``COSTS``; of a case that diverged only that it has 0 ``columns``.
        outputs: names of the outputs of the study, in order; a case may lack some.

    Returns:
        Each score ``(*coordinates, variable)`` and each cost ``(*coordinates)``; NaN where there is no case, or no such
        output. Values of an axis are in the order in which they first occur.
    """
    dims = tuple(results[0][0])
    axes = {dim: list(dict.fromkeys(where[dim] for where, _ in results)) for dim in dims}
    shape = tuple(len(axis) for axis in axes.values())
    scores = {name: np.full((*shape, len(outputs)), np.nan) for name in SCORES}
    costs = {cost: np.full(shape, np.nan) for cost in COSTS}
    for where, known in results:
        place = tuple(axes[dim].index(where[dim]) for dim in dims)
        for name, array in scores.items():
            if known["columns"]:  # a case from before a score was registered has none
                array[place] = [_number(known["scores"].get(variable, {}).get(name)) for variable in outputs]
        for cost, array in costs.items():
            array[place] = _number(known.get(cost))
    return xr.Dataset(
        {
            name: ((*dims, "variable"), array, {"long_name": SCORES[name].heading, "units": SCORES[name].unit})
            for name, array in scores.items()
        }
        | {
            cost: (dims, array, {"long_name": COSTS[cost][0], "units": COSTS[cost][1]}) for cost, array in costs.items()
        },
        coords=axes | {"variable": list(outputs)},
    )


def open_study(path: Path | str) -> xr.Dataset:
    """The store that ``diffmp study`` wrote (docs/contracts.md).

    Raises:
        DiffmpError: nothing there, or another kind of store.
    """
    study = open_store(path)
    kind = study.attrs.get("diffmp_kind")
    if kind != KIND:
        raise DiffmpError(f"expected a study, found a store of kind {kind!r} at {path}; make one with 'diffmp study'")
    return _without_false_spread(study)


def scored_on(study: xr.Dataset) -> str:
    """Which columns the scores of a study are of; a scan of guidance is of others than what it chose."""
    report = str(study.attrs.get("report", ""))
    if "best_guidance" not in study:
        return report
    scanned = "; ".join(f"validation columns of {title}" for title in str(study.attrs.get("columns", "")).split("; "))
    return f"curves: {scanned}; table: {report}"


def _without_false_spread(study: xr.Dataset) -> xr.Dataset:
    """A study as it is to be read: older ones have a coverage of emulators whose members are all alike."""
    for prefix in ("", "report_"):
        ratio = study.get(f"{prefix}{ALIKE}")
        if ratio is None:
            continue
        one_answer = (ratio.fillna(0.0) == 0).all("variable") & ratio.notnull().any("variable")
        present = [name for score in spread_scores() if (name := f"{prefix}{score}") in study]
        study = study.assign({name: study[name].where(~one_answer) for name in present})
    return study


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
