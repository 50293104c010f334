"""Answers of the cloud-resolving model to changes of columns, as kept in a file with an experiment.

Nothing here runs the model, so that a page can read what is kept without loading compiled code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.crm.vertical_grid import N_LEVELS
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.column_integrals import INTEGRALS, Change, PairedChange
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.stores import open_store, write_store
from diffmp_core.variables import PAPER

FILE = "answers.nc"
"""Name of the file in an experiment's folder."""
KIND = "model-answers"
WHOLE_CELL_KM = 120
SAME_WEATHER = 1e-3
"""Departure that the rounding of a store explains [K]."""
RAIN, RAIN_UNIT = "precipitation", "mm/day"
UNITS: Mapping[str, str] = {entry.name: entry.unit for entry in INTEGRALS} | {RAIN: RAIN_UNIT}
"""Numbers of an answer: the column integrals, and rain."""
RUN_ATTRS = ("grid", "start", "seed", "sea_table")

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModelAnswer:
    """What the cloud-resolving model answered to a change of one column, or of many on the mean.

    Attributes:
        columns, members: how many columns, and members of each.
        mean: changes of :data:`UNITS` on the mean over the hours.
        hourly: the same in each hour after the change.
        profiles: control and changed (2, 4, level), means over hours, members and columns, SI.
        departure: by how much the columns that it started from are off the stored ones, at most [K].
    """

    columns: int
    members: int
    mean: tuple[Change, ...]
    hourly: tuple[tuple[Change, ...], ...]
    profiles: Array
    departure: float

    @property
    def other_weather(self) -> str:
        """That the columns it started from are not the stored ones, as one sentence; '' where they are."""
        if self.departure <= SAME_WEATHER:
            return ""
        return (
            "Another version of the simulator, or another processor, made these columns: from the same seed they are "
            f"now in other weather (temperature differs by up to {self.departure:.1f} K), and the model's answer is "
            "for that."
        )


class KeptAnswers:
    """Answers by column and change: those of a file, or to be written into one."""

    def __init__(self, kept: xr.Dataset) -> None:
        """``kept`` is what :func:`pack` made."""
        self._kept, self.attrs = kept, kept.attrs
        self._groups = {
            (int(time), str(cells)): place for place, (time, cells) in enumerate(zip(
                kept["time"].values, kept["cells"].values, strict=True
            ))
        }  # fmt: skip
        self._changes = {
            Perturbation(**json.loads(str(text))).identity: place for place, text in enumerate(kept["change"].values)
        }

    def find(self, time: int, cells: Sequence[int], perturbation: Perturbation) -> ModelAnswer | None:
        """The answer for these columns of a time, in any order, and this change; None where there is none."""
        group = self._groups.get((time, cells_words(cells)))
        change = self._changes.get(perturbation.identity)
        if group is None or change is None:
            return None
        kept = self._kept.isel(group=group)
        numbers = kept["changes"].values[change]
        spans = tuple(
            tuple(Change(name, unit, *map(float, row)) for (name, unit), row in zip(UNITS.items(), span, strict=True))
            for span in numbers
        )
        profiles = kept["profiles"].values[[0, change + 1]].astype(float)
        members = int(self._kept.attrs["members"])
        return ModelAnswer(len(cells), members, spans[0], spans[1:], profiles, float(kept["departure"]))


def cells_words(cells: Sequence[int]) -> str:
    """Cells as one word, the same for any order."""
    return " ".join(map(str, sorted(map(int, cells))))


def pack(
    groups: Mapping[tuple[int, str], Sequence[ModelAnswer]], changes: Sequence[Perturbation], attrs: Mapping[str, Any]
) -> xr.Dataset:
    """Answers as one dataset.

    Args:
        groups: by time and cells (:func:`cells_words`), one answer a change.
        changes: in their order.
        attrs: what made them; ``members`` is among them.
    """
    numbers = np.array([
        [[[astuple(change)[2:] for change in span] for span in (answer.mean, *answer.hourly)] for answer in answers]
        for answers in groups.values()
    ], dtype=np.float32)  # fmt: skip
    profiles = np.array(
        [[answers[0].profiles[0], *(answer.profiles[1] for answer in answers)] for answers in groups.values()],
        dtype=np.float32,
    )
    return xr.Dataset(
        {
            "changes": (("group", "change", "span", "number", "statistic"), numbers),
            "profiles": (("group", "run", "output", "level"), profiles),
            "time": ("group", np.array([time for time, _ in groups], dtype=np.int32)),
            "cells": ("group", np.array([cells for _, cells in groups], dtype=object)),
            "departure": ("group", np.array([answers[0].departure for answers in groups.values()], dtype=np.float32)),
        },
        coords={
            "change": np.array([json.dumps(change.as_dict()) for change in changes], dtype=object),
            "number": np.array(list(UNITS), dtype=object),
            "statistic": np.array(PairedChange._fields, dtype=object),
            "output": np.array(PAPER.outputs.names, dtype=object),
        },
        attrs={
            "Conventions": "CF-1.11",
            "diffmp_kind": KIND,
            "title": "Answers of the cloud-resolving model to changes of its columns",
            "comment": "span 0 is the mean over the hours, 1 the first hour; run 0 is the control, then the changes",
            "units": json.dumps(UNITS, ensure_ascii=False),
            **attrs,
        },
    )


def write_answers(answers: xr.Dataset, path: Path) -> Path:
    """Write what :func:`pack` made, whole or not at all."""
    return write_store(answers, path, encoding={name: {"zlib": True} for name in ("changes", "profiles")})


def read_answers(path: Path, columns_id: str | None = None) -> KeptAnswers:
    """Read a file of answers.

    Args:
        columns_id: of the columns that they should be of; any, where it is not known.

    Raises:
        DiffmpError: no such file, another kind, or of other columns.
    """
    with open_store(path) as opened:
        kept = opened.load()
    if kept.attrs.get("diffmp_kind") != KIND or kept.sizes.get("level") != N_LEVELS:
        raise DiffmpError(f"expected answers of the cloud-resolving model in {path}, found something else; remove it")
    if columns_id is not None and kept.attrs.get("columns_id") != columns_id:
        raise DiffmpError(
            f"expected answers for the columns {columns_id} in {path}, found those for "
            f"{kept.attrs.get('columns_id')}; make them again"
        )
    return KeptAnswers(kept)


def run_attrs(columns: xr.Dataset) -> dict[str, Any]:
    """What a simulator store, or a column store made from one, says of its run; None for what it does not say."""
    return {key: columns.attrs.get(f"simulation_{key}", columns.attrs.get(key)) for key in RUN_ATTRS}


def refusal(columns: xr.Dataset) -> str:
    """Why the cloud-resolving model cannot be asked about columns, or '' where it can; only attributes are read."""
    attrs = run_attrs(columns)
    if any(attrs[key] is None for key in RUN_ATTRS[:3]):
        return (
            "expected columns of the simulator, which name their grid, start and seed, found "
            f"{columns.attrs.get('source', 'others')!r}; the cloud-resolving model can answer for its own columns only"
        )
    if columns.attrs.get("spacing_km", WHOLE_CELL_KM) != WHOLE_CELL_KM:
        return (
            f"expected columns of {WHOLE_CELL_KM} km, a whole cell, found {columns.attrs['spacing_km']} km; "
            f"prepare the run with a spacing of {WHOLE_CELL_KM} km"
        )
    return ""
