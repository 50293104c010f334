"""Score an emulator on columns: ensembles pass by in batches, statistics stay.

Memory does not grow with the number of columns: cells are taken ``CELLS_AT_ONCE`` at a time through all times, so that
at most that many cells have statistics at the same moment; fields go to the disk as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError, DivergedError
from diffmp_core.experiments import FILE, add_to_experiment, check_same_columns, file_stem, load_experiment
from diffmp_core.models.base import Emulator
from diffmp_core.models.folder import load_emulator
from diffmp_core.sampling.draw import default_guidance
from diffmp_core.sampling.generate import BATCH, default_split, ensembles
from diffmp_core.scores import climsim
from diffmp_core.scores.climsim import EnergyErrors, layer_masses, layer_weights
from diffmp_core.scores.ensemble import Ensemble, reduce_members
from diffmp_core.scores.histograms import BINS, bin_edges, count_ranks, count_values
from diffmp_core.scores.moments import Array, stack
from diffmp_core.scores.physical import CHECKS, PhysicalChecks
from diffmp_core.scores.result import ScoreResult, undefined_scores
from diffmp_core.scores.score_store import COLUMN_FIELDS, UNITS, ScoreStore
from diffmp_core.scores.selection import spread_evenly
from diffmp_core.scores.statistics import Statistics, truth_std
from diffmp_core.scores.table import METRICS, VANISHING_STD, metrics
from diffmp_core.stores import columns_id, open_columns, select_split, write_store, write_text
from diffmp_core.training.processes import choose_device
from diffmp_core.variables import LEVELS, OUTPUT_NAMES, OUTPUTS

CELLS_AT_ONCE = 4096
"""Cells whose statistics are held at the same time (about 27 KB each)."""

SCORED_COLUMNS = "scored_columns.nc"
"""Where the columns of a limited evaluation are kept in its experiment folder."""


def evaluate(
    emulator: Path | str | Emulator,
    columns: Path | str,
    out: Path | str | None = None,
    *,
    members: int = 32,
    steps: int = 5,
    guidance: Sequence[float] | None = None,
    seed: int = 0,
    limit: int | None = None,
    json_path: Path | str | None = None,
    split: str = "auto",
    batch: int = BATCH,
    name: str | None = None,
    fields: Sequence[str] = COLUMN_FIELDS,
    progress: Callable[[int, int], object] | None = None,
) -> ScoreResult:
    """Sample ensembles for columns and score them against the truth.

    Args:
        emulator: emulator folder, or anything that samples (:class:`diffmp_core.models.base.Emulator`).
        columns: column store.
        out: experiment folder to write or to add to; ``diffmp serve`` opens it. Gets the score store, the table and
            ``experiment.yaml``; with ``limit``, also a copy of the columns scored.
        members, steps, guidance, seed: of the sampling.
        limit: score at most this many columns, spread evenly over times and cells.
        json_path: also write the table there.
        split: times to score: ``train``, ``validation``, ``test``, ``all``, or ``auto``: what the emulator was not
            trained on.
        batch: columns sampled at once.
        name: what to call the emulator; else the name of its folder, or its kind.
        fields: scores that the score store keeps column by column, for maps; fewer take less room.
        progress: called with the number of columns done and of all.

    Raises:
        DiffmpError: input or options that do not fit, members that are not finite, or nowhere to write.
    """
    folder, sampler, label = _open_emulator(emulator, name)
    columns_path = Path(columns).resolve()
    store = open_columns(columns_path)
    split = _choose_split(folder, store, split)
    scorable = select_split(store, split)
    chosen = scorable if limit is None else spread_evenly(scorable, limit)
    out = None if out is None else _check_out(Path(out), chosen)
    unit = truth_std(chosen)

    strengths = default_guidance(sampler) if guidance is None else tuple(guidance)

    with ExitStack() as opened:
        writer = None
        if out is not None:
            writer = opened.enter_context(ScoreStore(out / f"{file_stem(out, label)}.nc", chosen, fields=fields))
        run = _Run(
            unit=unit,
            weights=layer_weights(chosen),
            masses=layer_masses(chosen),
            members=members,
            writer=writer,
            progress=progress,
        )
        cells = chosen.sizes["cell"]
        for block, first in enumerate(range(0, cells, CELLS_AT_ONCE)):
            here = slice(first, min(first + CELLS_AT_ONCE, cells))
            batches = ensembles(
                sampler,
                chosen.isel(cell=here),
                members=members,
                steps=steps,
                guidance=strengths,
                seed=_block_seed(seed, block),
                batch=batch,
            )
            run.score_cells(here, batches, total=chosen.sizes["time"] * cells)
        averages = run.averages()
        averages.attrs = {
            "diffmp_kind": "scores",
            "title": f"Scores of {label} on {chosen.attrs.get('title', columns_path.name)}",
            "emulator": label,
            "columns_id": columns_id(chosen),
            "members": members,
            "steps": steps,
            "seed": seed,
            "split": split,
            "undefined": f"NaN: the truth's standard deviation is below {VANISHING_STD:g} of truth_std",
        }
        path = writer.finish(averages) if writer is not None else None

    if out is not None:
        complete = columns_id(chosen) == columns_id(scorable)
        columns_path, split = _settle_columns(out, columns_path, split, chosen, complete=complete)
    result = ScoreResult(
        scores={
            variable: {metric: float(averages[f"overall_{metric}"][i]) for metric in METRICS}
            for i, variable in enumerate(OUTPUT_NAMES)
        },
        climsim=run.energy.overall(),
        physical=run.physical.table(),
        averages=averages,
        emulator=label,
        emulator_folder=folder,
        columns=chosen.sizes["time"] * chosen.sizes["cell"],
        columns_path=columns_path,
        split=split,
        title=str(chosen.attrs.get("title", columns_path.name)),
        columns_id=columns_id(chosen),
        members=members,
        steps=steps,
        guidance=strengths,
        seed=seed,
        notes=undefined_scores(averages),
        store=path,
    )
    if out is not None:
        add_to_experiment(out, label, result)
    if json_path is not None:
        write_text(Path(json_path), json.dumps(result.table(), indent=1, allow_nan=False) + "\n")
    return result


class _Run:
    """The state of one evaluation: what has been seen of all columns so far."""

    def __init__(
        self,
        *,
        unit: Array,
        weights: Array,
        masses: Array,
        members: int,
        writer: ScoreStore | None,
        progress: Callable[[int, int], object] | None,
    ) -> None:
        self.unit, self.weights, self.masses = unit, weights, masses
        self.writer, self.progress = writer, progress
        self.edges = bin_edges()
        shape = (len(OUTPUTS), LEVELS)
        self.truth_counts = np.zeros((*shape, BINS), dtype=np.int64)
        self.member_counts = np.zeros((*shape, BINS), dtype=np.int64)
        self.rank_counts = np.zeros((*shape, members + 1))
        self.levels: list[Statistics] = []
        self.energy = EnergyErrors.none()
        self.physical = PhysicalChecks.none()
        self.done = 0

    def score_cells(
        self, cells: slice, batches: Iterable[tuple[slice, NDArray, NDArray, NDArray]], *, total: int
    ) -> None:
        """Score some cells at all times, and write what is known of them.

        ``batches`` are those of :func:`diffmp_core.sampling.generate.ensembles`, each within one time.
        """
        width = cells.stop - cells.start
        statistics = Statistics.empty((width, len(OUTPUTS), LEVELS))
        for rows, inputs, truth, members in batches:
            self._check_finite(members)
            ensemble = reduce_members(truth, members, self.unit)
            self._count(truth, members, ensemble)
            time, first = divmod(rows.start, width)
            here = slice(first, first + len(truth))
            statistics.put(here, statistics[here].combine(Statistics.of(ensemble)))
            there = slice(cells.start + here.start, cells.start + here.stop)
            self.physical += PhysicalChecks.of(inputs, truth, members, self.masses[there])
            if self.writer is not None:
                self.writer.write_columns(time, there, _fields(ensemble))
            self.done += len(truth)
            if self.progress is not None:
                self.progress(self.done, total)
        if self.writer is not None:
            self.writer.write_cells(cells, metrics(statistics))
        self.levels.append(statistics.merge(0))
        self.energy += EnergyErrors.of(statistics, self.weights[cells], self.unit)

    def averages(self) -> xr.Dataset:
        """Scores per level and over all, histograms."""
        levels = stack(self.levels).merge(0)
        arrays: dict[str, Any] = {}
        for metric, values in metrics(levels).items():
            arrays[f"level_{metric}"] = (("variable", "level"), values, {"units": UNITS.get(metric, "1")})
        for metric, values in metrics(levels.merge(1)).items():
            arrays[f"overall_{metric}"] = (("variable",), values, {"units": UNITS.get(metric, "1")})
        for criterion, values in self.energy.by_level().items():
            unit = climsim.UNITS.get(criterion, "1")
            arrays[f"climsim_{criterion}"] = (("variable", "level"), values, {"units": unit})
        for statistic, values in self.physical.statistics().items():
            units = {"units": ", ".join(CHECKS.values())}
            arrays[f"physical_{statistic}"] = (("check",), values, units)
        counts = ("variable", "level", "bin")
        return xr.Dataset(
            arrays
            | {
                "truth_std": (("variable",), self.unit, {"units": ", ".join(variable.unit for variable in OUTPUTS)}),
                "bin_edges": (("variable", "bin_edge"), self.edges, {"units": "truth_std", "end_bins": "open"}),
                "histogram_truth": (counts, self.truth_counts, {"units": "1"}),
                "histogram_members": (counts, self.member_counts, {"units": "1"}),
                "rank_histogram": (
                    ("variable", "level", "rank"),
                    self.rank_counts,
                    {"units": "1", "ties": "split evenly"},
                ),
            },
            coords={"variable": list(OUTPUT_NAMES), "check": list(CHECKS)},
        )

    def _count(self, truth: NDArray, members: NDArray, ensemble: Ensemble) -> None:
        count_values(truth, self.unit, self.truth_counts, self.edges)
        count_values(members.reshape(-1, *members.shape[2:]), self.unit, self.member_counts, self.edges)
        count_ranks(ensemble.below, ensemble.equal, self.rank_counts)

    def _check_finite(self, members: NDArray) -> None:
        bad = ~np.isfinite(members).all(axis=(1, 3))
        if bad.any():
            variable = OUTPUT_NAMES[int(np.argmax(bad.any(axis=0)))]
            raise DivergedError(
                f"expected finite samples, found NaN or infinity in {variable} of {int(bad.any(axis=1).sum())} of "
                f"{len(bad)} columns; train the emulator longer, or try more steps or less guidance"
            )


def _fields(ensemble: Ensemble) -> dict[str, NDArray]:
    error = ensemble.error
    return {
        "column_mse": error * error,
        "column_spread": ensemble.spread,
        "column_crps_fair": ensemble.crps_fair,
        "column_bias": error,
        "column_covered": ensemble.covered,
    }


def _block_seed(seed: int, block: int) -> int:
    """Seed of a block of cells: the given one for the first, so that a small evaluation draws what ``sample`` draws."""
    return seed if block == 0 else int(np.random.SeedSequence((seed, block)).generate_state(1)[0])


def _open_emulator(emulator: Path | str | Emulator, name: str | None) -> tuple[Path | None, Emulator, str]:
    if not isinstance(emulator, Path | str):
        return None, emulator, name or emulator.kind
    folder = Path(emulator).resolve()
    return folder, load_emulator(folder, device=choose_device(None)), name or folder.name


def _choose_split(folder: Path | None, columns: xr.Dataset, split: str) -> str:
    if split != "auto":
        return split
    if folder is not None:
        return default_split(folder, columns)
    return "test" if "split" in columns.variables else "all"


def _check_out(out: Path, columns: xr.Dataset) -> Path:
    out = out.resolve()
    if out.is_file() or any((out / file).exists() for file in ("zarr.json", ".zgroup", ".zmetadata")):
        raise DiffmpError(f"expected a folder for the experiment, found a store or file at {out}; choose another name")
    if (out / FILE).is_file():
        check_same_columns(out, columns)
    return out


def _settle_columns(out: Path, path: Path, split: str, columns: xr.Dataset, *, complete: bool) -> tuple[Path, str]:
    """Store and split by which the experiment names its columns; a choice of them is copied into its folder."""
    if (out / FILE).is_file():
        experiment = load_experiment(out)
        return experiment.columns, experiment.split
    if complete:
        return path, split
    packed = {name: {"zlib": True, "complevel": 4} for name in columns.data_vars}
    return write_store(columns.drop_encoding(), out / SCORED_COLUMNS, encoding=packed), split
