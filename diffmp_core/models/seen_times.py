"""The times that an emulator has seen: those it was trained on, and those by which its weights were chosen.

``training_times.json`` of an emulator folder lists them with a digest of their values, so that whoever scores the
emulator can tell whether a time is among them, however the store is split or named by then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.identity import (
    columns_id,
    label,
    layout_id,
    run_labels,
    same_columns,
    time_digests,
    time_labels,
)
from diffmp_core.models.folder import load_config
from diffmp_core.storage.files import write_text
from diffmp_core.stores import SPLITS, iterate_columns, select_split
from diffmp_core.variables import INPUTS, OUTPUTS

TIMES_FILE = "training_times.json"
SEEN_SPLITS = ("train", "validation")
BLOCK = 8192
"""Columns read at a time."""


@dataclass(frozen=True)
class Seen:
    """How many of some times an emulator has seen.

    Attributes:
        times: how many there are.
        training, validation: of them, those that it was trained on, and those by which its weights were chosen: of
            the same values, whatever their date, or of the same hour of the same simulator run.
        likely: of the dates of these, from the same source, but of other values.
    """

    times: int
    training: int = 0
    validation: int = 0
    likely: int = 0

    @property
    def any(self) -> bool:
        """Whether any is sure to have been seen."""
        return self.training + self.validation > 0

    def table(self) -> dict[str, int]:
        """For a table of scores."""
        return asdict(self)

    def sentence(self, emulator: str) -> str:
        """What a reader of scores must know, '' where there is nothing."""
        parts = []
        if self.training:
            parts.append(f"was trained on {self.training} of the {self.times} times scored")
        if self.validation:
            parts.append(f"has its weights chosen by {self.validation} of the {self.times} times scored")
        if self.likely:
            parts.append(
                f"has seen the dates of {self.likely} of the {self.times} times scored in other columns of their source"
            )
        return f"{emulator} {' and '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class TrainingTimes:
    """What an emulator has seen.

    Attributes:
        source: of the columns.
        times: time -> split, digest of the values, and simulator run ('' where there is none).
    """

    source: str
    times: Mapping[str, tuple[str, str, str]]

    @classmethod
    def of(cls, columns: xr.Dataset) -> Self:
        """The times that a training on these columns sees; reads them unless they keep their digests."""
        times: dict[str, tuple[str, str, str]] = {}
        for split in (name for name in SEEN_SPLITS if has_split(columns, name)):
            part = select_split(columns, split)
            rows = zip(time_labels(part), _digests(part), run_labels(part), strict=True)
            times |= {time: (split, digest, run) for time, digest, run in rows}
        return cls(str(columns.attrs.get("source")), times)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Those of an emulator folder; None where it has no such file.

        Raises:
            DiffmpError: a file that cannot be read.
        """
        path = folder / TIMES_FILE
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            times = {time: tuple(text.split(" ", 2)) for time, text in content["times"].items()}
            if any(len(words) != 3 for words in times.values()):
                raise ValueError("a time without split, digest and run")
            return cls(str(content["source"]), times)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DiffmpError(
                f"expected the times of a training in {path}, found something else ({type(error).__name__}); copy the "
                "emulator again"
            ) from error

    def save(self, folder: Path) -> Path:
        """Write them into an emulator folder."""
        content = {"source": self.source, "times": {time: " ".join(words) for time, words in self.times.items()}}
        return write_text(folder / TIMES_FILE, json.dumps(content, indent=0) + "\n")

    def seen(self, columns: xr.Dataset) -> Seen:
        """How many of the times of columns, with all cells of a store, are among them; reads them unless they keep
        their digests. Values that were seen are seen under whatever date."""
        labels = time_labels(columns)
        count = dict.fromkeys((*SEEN_SPLITS, "likely"), 0)
        by_values = {digest: split for split, digest, _ in self.times.values()}
        for time, digest, run in zip(labels, _digests(columns), run_labels(columns), strict=True):
            split, _, known_run = self.times.get(time, ("", "", ""))
            if digest in by_values:
                count[by_values[digest]] += 1
            elif split and run and run == known_run:
                count[split] += 1
            elif split and not (run and known_run) and columns.attrs.get("source") == self.source:
                count["likely"] += 1
        return Seen(len(labels), count["train"], count["validation"], count["likely"])


def training_times(folder: Path | str, columns: xr.Dataset) -> TrainingTimes | None:
    """The times that an emulator has seen; None where that is not known.

    Folders of older versions do not say. If ``columns`` is the store that such a one was trained on, with the split of
    then, the store says it: the checksum of its training values proves that, and in folders from before there was one,
    number, first and last of the training times are taken for it.
    """
    found = TrainingTimes.load(Path(folder))
    if found is not None:
        return found
    said = load_config(folder).get("columns") or {}
    if not trained_on_layout(said, columns) or not has_split(columns, "train"):
        return None
    train, checksum = select_split(columns, "train"), said.get("training_values_sha256")
    if checksum is not None:
        proven = checksum == values_checksum(train)
    else:
        labels, times = time_labels(train), said.get("training_times") or {}
        ends = [label(times.get(key)) for key in ("first", "last")]
        proven = [times.get("count"), *ends] == [len(labels), labels[0], labels[-1]]
    return TrainingTimes.of(columns) if proven else None


def trained_on_layout(said: Mapping[str, Any], columns: xr.Dataset) -> bool:
    """Whether the section ``columns`` of ``config.yaml`` names columns of these places, levels and times."""
    return same_columns(str(said.get("columns_id")), layout_id(columns))


def unrecorded(said: Mapping[str, Any], columns: xr.Dataset, emulator: str) -> str:
    """What a reader must know of scores of an emulator whose folder does not list its times, '' where there is nothing.

    Args:
        said: section ``columns`` of its ``config.yaml``.
        columns: those scored.
    """
    times = said.get("training_times") or {}
    if said.get("source") != columns.attrs.get("source") or not {"count", "first", "last"} <= times.keys():
        return ""
    first, last = label(times["first"]), label(times["last"])
    within = sum(first <= time <= last for time in time_labels(columns))
    if not within:
        return ""
    return (
        f"the folder of {emulator} does not list its {times['count']} training times: whether {within} of the "
        f"{columns.sizes['time']} times scored, which lie between the first and the last of them, are among them is "
        "not known"
    )


def training_id(columns: xr.Dataset) -> str:
    """Identity of what a training reads: the splits train and, where there is one, validation; reads their values."""
    splits = (name for name in SEEN_SPLITS if has_split(columns, name))
    return " ".join(columns_id(select_split(columns, name), trust=False) for name in splits)


def values_checksum(columns: xr.Dataset) -> str:
    """SHA-256 of inputs and outputs of all columns, hexadecimal, of which only some are in memory at a time."""
    digest = hashlib.sha256()
    for variables in (INPUTS, OUTPUTS):
        for _, values in iterate_columns(columns, BLOCK, variables):
            digest.update(np.ascontiguousarray(values, dtype="<f4").data)
    return digest.hexdigest()


def has_split(columns: xr.Dataset, name: str) -> bool:
    """Whether columns have times of a split."""
    return "split" in columns.variables and bool((np.asarray(columns["split"]) == SPLITS.index(name)).any())


def _digests(columns: xr.Dataset) -> list[str]:
    return [f"{value:016x}" for value in time_digests(columns).astype(np.uint64).tolist()]
