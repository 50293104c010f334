"""Cases of a study, and the runner that does them one after the other and keeps each result."""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

from diffmp_core.errors import DiffmpError, DivergedError
from diffmp_core.models.base import Emulator, NetworkEmulator
from diffmp_core.sampling.draw import COLUMNS_AT_ONCE, draw_ensemble
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.storage.documents import UnreadableError, read_json
from diffmp_core.storage.files import write_text
from diffmp_core.stores import open_columns, select_split, stack_inputs
from diffmp_core.studies.result import Coordinate, assemble
from diffmp_core.studies.sources import Source, split_id

REPEATS = 3
"""Ensembles whose drawing is timed; the median counts."""

Report = Callable[[int, int], object]
Watch = Callable[[str], AbstractContextManager[Report]]
"""``watch(description)`` shows the progress of a case: a context whose value is told columns done and in all."""


def silent(description: str) -> AbstractContextManager[Report]:
    """A watch that shows nothing."""
    return nullcontext(lambda done, total: None)


@dataclass(frozen=True)
class Sampling:
    """How ensembles are drawn and on how many columns they are scored; as in ``evaluate``."""

    members: int
    steps: int
    limit: int | None
    seed: int
    guidance: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Case:
    """One point of a study: an emulator, how it is sampled, what it is scored on, its place on the axes."""

    coordinates: Mapping[str, Coordinate]
    source: Source
    columns: Path
    split: str
    sampling: Sampling

    @property
    def identity(self) -> str:
        """Fingerprint of everything that its scores depend on."""
        content = [
            self.source.identity,
            split_id(self.columns, self.split),
            self.split,
            json.dumps(asdict(self.sampling)),
        ]
        return hashlib.sha256(" ".join(content).encode()).hexdigest()[:20]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.coordinates.items())


@dataclass(frozen=True)
class CaseRunner:
    """Where the cases of a study are done: ``folder`` keeps ``emulators/`` and ``cases/`` for the next start.

    A case that is done is not done again, nor in another study with the same folder; a killed training goes on.
    """

    folder: Path
    watch: Watch = field(default=silent)

    def results(self, cases: Sequence[Case]) -> xr.Dataset:
        """Do the cases and put their results together, on the axes of their coordinates (:func:`assemble`).

        Raises:
            DiffmpError: bad columns or options, or nowhere to write. Samples that are not finite are a result: no
                scores, of 0 columns.
        """
        outputs = dict.fromkeys(name for case in cases for name in case.source.outputs.names)
        return assemble([
            (case.coordinates, self._result(case, f"{number}/{len(cases)} {case}"))
            for number, case in enumerate(cases, start=1)
        ], tuple(outputs))  # fmt: skip

    def _result(self, case: Case, description: str) -> dict[str, Any]:
        path = self.folder / "cases" / f"{case.identity}.json"
        if path.is_file():
            try:
                return dict(read_json(path))
            except (UnreadableError, TypeError, ValueError) as error:
                raise DiffmpError(
                    f"expected the result of a case, found something else in {path} ({error}); remove it"
                ) from error
        emulator = case.source.open(self.folder / "emulators", show=self.watch is not silent)
        try:
            with self.watch(description) as report:
                result = evaluate(
                    emulator,
                    case.columns,
                    **asdict(case.sampling),
                    split=case.split,
                    name=str(case),
                    progress=report,
                )
            known = {"scores": result.table()["scores"], "columns": result.columns, **measure_cost(emulator, case)}
        except DivergedError as error:
            known = {"columns": 0, "diverged": str(error)}
        content = {"coordinates": dict(case.coordinates), **known}
        write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
        return content


def measure_cost(emulator: Emulator, case: Case) -> dict[str, float]:
    """What an ensemble of one column costs, measured on as many columns as are drawn together.

    Returns:
        ``network_evaluations``, passes of the network for each member (0 without one; guidance doubles them), and
        ``seconds_per_column``, the median of ``REPEATS`` ensembles after one that warms up.
    """
    store = select_split(open_columns(case.columns), case.split)
    inputs = stack_inputs(store.isel(time=[0], cell=slice(COLUMNS_AT_ONCE)), emulator.schema.inputs)
    sampling = case.sampling

    def draw() -> np.ndarray:
        return draw_ensemble(
            emulator,
            inputs,
            members=sampling.members,
            steps=sampling.steps,
            guidance=sampling.guidance,
            seed=sampling.seed,
        )

    passes = count_passes(emulator.denoiser, draw) if isinstance(emulator, NetworkEmulator) else 0
    seconds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - begun)
    return {"network_evaluations": passes, "seconds_per_column": statistics.median(seconds) / len(inputs)}


def count_passes(network: nn.Module, work: Callable[[], object]) -> int:
    """How often a network is called in some work."""
    calls: list[None] = []
    handle = network.register_forward_hook(lambda *_: calls.append(None))
    try:
        work()
    finally:
        handle.remove()
    return len(calls)
