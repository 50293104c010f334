"""The tally of an evaluation: ensembles pass once, and leave fields in the store and statistics here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.errors import DivergedError
from diffmp_core.scores import climsim
from diffmp_core.scores.clear import CLOUDS, ClearShare
from diffmp_core.scores.climsim import EnergyErrors
from diffmp_core.scores.ensemble import Ensemble, reduce_members
from diffmp_core.scores.histograms import BINS, bin_edges, count_ranks, count_values
from diffmp_core.scores.maps import MAPS
from diffmp_core.scores.moments import Array, stack
from diffmp_core.scores.physical import CHECKS, PhysicalChecks
from diffmp_core.scores.score import SCORES, score_values
from diffmp_core.scores.score_store import ScoreStore
from diffmp_core.scores.statistics import Statistics
from diffmp_core.stores import ColumnBatch
from diffmp_core.variables import LEVELS, OUTPUT_NAMES, OUTPUTS


class Tally:
    """What has been seen of all columns so far."""

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
        self.members, self.alike = members, True
        self.levels: list[Statistics] = []
        self.energy = EnergyErrors.none()
        self.physical = PhysicalChecks.none()
        self.clear = ClearShare.none()
        self.done = 0

    def score_cells(self, cells: slice, batches: Iterable[tuple[ColumnBatch, NDArray]], *, total: int) -> None:
        """Score some cells at all times, and write what is known of them.

        ``batches`` are those of :func:`diffmp_core.sampling.generate.ensembles`, each within one time.
        """
        width = cells.stop - cells.start
        statistics = Statistics.empty((width, len(OUTPUTS), LEVELS))
        for batch, members in batches:
            rows, inputs, truth = batch.rows, batch.inputs, batch.outputs
            self._check_finite(members)
            ensemble = reduce_members(truth, members, self.unit)
            self._count(truth, members, ensemble)
            time, first = divmod(rows.start, width)
            here = slice(first, first + len(truth))
            statistics.put(here, statistics[here].combine(Statistics.of(ensemble)))
            there = slice(cells.start + here.start, cells.start + here.stop)
            self.physical += PhysicalChecks.of(inputs, truth, members, self.masses[there])
            self.clear += ClearShare.of(truth, members)
            if self.writer is not None:
                fields = {score.stored: score.values(ensemble) for score in MAPS.values()}
                self.writer.write_columns(time, there, fields)
            self.done += len(truth)
            if self.progress is not None:
                self.progress(self.done, total)
        if self.writer is not None:
            self.writer.write_cells(cells, score_values(statistics))
        self.levels.append(statistics.merge(0))
        self.energy += EnergyErrors.of(statistics, self.weights[cells], self.unit)

    def averages(self) -> xr.Dataset:
        """Scores per level and over all, histograms.

        Members that are all alike, always, count as one, which has neither spread nor coverage nor ranks.
        """
        levels = stack(self.levels).merge(0)
        arrays: dict[str, Any] = {}
        for over, dims, part in (("level", ("variable", "level"), levels), ("overall", ("variable",), levels.merge(1))):
            for name, values in score_values(part).items():
                known = np.full_like(values, np.nan) if self.alike and SCORES[name].of_spread else values
                arrays[f"{over}_{name}"] = (dims, known, {"units": SCORES[name].unit})
        if not self.alike:
            ranks = ("variable", "level", "rank")
            arrays["rank_histogram"] = (ranks, self.rank_counts, {"units": "1", "ties": "split evenly"})
        for criterion, values in self.energy.by_level().items():
            unit = climsim.UNITS.get(criterion, "1")
            arrays[f"climsim_{criterion}"] = (("variable", "level"), values, {"units": unit})
        for statistic, values in self.physical.statistics().items():
            units = {"units": ", ".join(CHECKS.values())}
            arrays[f"physical_{statistic}"] = (("check",), values, units)
        for whose, values in self.clear.shares().items():
            arrays[f"clear_share_{whose}"] = (("cloud", "level"), values, {"units": "1"})
        counts = ("variable", "level", "bin")
        return xr.Dataset(
            arrays
            | {
                "truth_std": (("variable",), self.unit, {"units": ", ".join(variable.unit for variable in OUTPUTS)}),
                "bin_edges": (("variable", "bin_edge"), self.edges, {"units": "truth_std", "end_bins": "open"}),
                "histogram_truth": (counts, self.truth_counts, {"units": "1"}),
                "histogram_members": (
                    counts,
                    self.member_counts // self.members if self.alike else self.member_counts,
                    {"units": "1"},
                ),
            },
            coords={"variable": list(OUTPUT_NAMES), "check": list(CHECKS), "cloud": list(CLOUDS)},
        )

    def _count(self, truth: NDArray, members: NDArray, ensemble: Ensemble) -> None:
        count_values(truth, self.unit, self.truth_counts, self.edges)
        count_values(members.reshape(-1, *members.shape[2:]), self.unit, self.member_counts, self.edges)
        count_ranks(ensemble.below, ensemble.equal, self.rank_counts)
        self.alike = self.alike and not ensemble.members.m2.any()

    def _check_finite(self, members: NDArray) -> None:
        bad = ~np.isfinite(members).all(axis=(1, 3))
        if bad.any():
            variable = OUTPUT_NAMES[int(np.argmax(bad.any(axis=0)))]
            raise DivergedError(
                f"expected finite samples, found NaN or infinity in {variable} of {int(bad.any(axis=1).sum())} of "
                f"{len(bad)} columns; train the emulator longer, or try more steps or less guidance"
            )
