"""The tally of an evaluation: ensembles pass once, and leave fields in the store and statistics here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.errors import DivergedError
from diffmp_core.scores import climsim
from diffmp_core.scores.clear import ClearShare, clouds_of
from diffmp_core.scores.climsim import EnergyErrors, energy_outputs
from diffmp_core.scores.ensemble import Ensemble, reduce_members
from diffmp_core.scores.histograms import BINS, bin_edges, count_ranks, count_values
from diffmp_core.scores.maps import MAPS
from diffmp_core.scores.moments import Array, stack
from diffmp_core.scores.physical import CHECKS, PhysicalChecks, checks_of
from diffmp_core.scores.score import SCORES, score_values
from diffmp_core.scores.score_store import ScoreStore
from diffmp_core.scores.statistics import Statistics
from diffmp_core.stores import ColumnBatch
from diffmp_core.variables import ColumnVariables


class Tally:
    """What has been seen of all columns so far."""

    def __init__(
        self,
        *,
        variables: ColumnVariables,
        unit: Array,
        masses: Array,
        areas: Array,
        members: int,
        writer: ScoreStore | None,
        progress: Callable[[int, int], object] | None,
    ) -> None:
        self.variables, self.unit, self.masses, self.areas = variables, unit, masses, areas
        self.writer, self.progress = writer, progress
        self.edges = bin_edges(variables.outputs)
        shape = (len(variables.outputs), masses.shape[1])
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
        outputs, checks = self.variables.outputs, checks_of(self.variables)
        statistics = Statistics.empty((width, *self.truth_counts.shape[:2]))
        for part, members in batches:
            self._check_finite(members)
            truth = part.outputs
            ensemble = reduce_members(truth, members, self.unit)
            self._count(truth, members, ensemble)
            time, first = divmod(part.rows.start, width)
            here = slice(first, first + len(part))
            statistics.put(here, statistics[here].combine(Statistics.of(ensemble)))
            there = slice(cells.start + here.start, cells.start + here.stop)
            if checks:
                self.physical += PhysicalChecks.of(part.inputs, truth, members, self.masses[there], self.variables)
            self.clear += ClearShare.of(truth, members, outputs)
            if self.writer is not None:
                fields = {score.stored: score.values(ensemble) for score in MAPS.values()}
                self.writer.write_columns(time, there, fields)
            self.done += len(part)
            if self.progress is not None:
                self.progress(self.done, total)
        if self.writer is not None:
            self.writer.write_cells(cells, score_values(statistics))
        self.levels.append(statistics.merge(0))
        self.energy += EnergyErrors.of(statistics, self.masses[cells], self.areas[cells], self.unit, outputs)

    def averages(self) -> xr.Dataset:
        """Scores per level and over all, histograms; a single value has the same at every level.

        Parts that none of the outputs has (criteria of ClimSim, physical checks, shares without cloud) are left out.
        Members that are all alike, always, count as one, which has neither spread nor coverage nor ranks.
        """
        levels, outputs = stack(self.levels).merge(0), self.variables.outputs
        arrays: dict[str, Any] = {}
        for over, dims, part in (("level", ("variable", "level"), levels), ("overall", ("variable",), levels.merge(1))):
            for name, values in score_values(part).items():
                known = np.full_like(values, np.nan) if self.alike and SCORES[name].of_spread else values
                arrays[f"{over}_{name}"] = (dims, known, {"units": SCORES[name].unit})
        if not self.alike:
            ranks = ("variable", "level", "rank")
            arrays["rank_histogram"] = (ranks, self.rank_counts, {"units": "1", "ties": "split evenly"})
        scored, clouds, checks = energy_outputs(outputs).names, clouds_of(outputs), checks_of(self.variables)
        for criterion, values in self.energy.by_level().items() if scored else ():
            every = np.full(self.truth_counts.shape[:2], np.nan)
            every[[outputs.channel(name) for name in scored]] = values
            unit = climsim.UNITS.get(criterion, "1")
            arrays[f"climsim_{criterion}"] = (("variable", "level"), every, {"units": unit})
        for statistic, values in self.physical.statistics().items() if checks else ():
            units = {"units": ", ".join(CHECKS[check] for check in checks)}
            arrays[f"physical_{statistic}"] = (("check",), values, units)
        for whose, values in self.clear.shares().items() if clouds else ():
            arrays[f"clear_share_{whose}"] = (("cloud", "level"), values, {"units": "1"})
        counts = ("variable", "level", "bin")
        return xr.Dataset(
            arrays
            | {
                "truth_std": (("variable",), self.unit, {"units": ", ".join(v.unit for v in outputs)}),
                "bin_edges": (("variable", "bin_edge"), self.edges, {"units": "truth_std", "end_bins": "open"}),
                "histogram_truth": (counts, self.truth_counts, {"units": "1"}),
                "histogram_members": (
                    counts,
                    self.member_counts // self.members if self.alike else self.member_counts,
                    {"units": "1"},
                ),
            },
            coords={"variable": list(outputs.names)}
            | ({"check": list(checks)} if checks else {})
            | ({"cloud": list(clouds)} if clouds else {}),
        )

    def _count(self, truth: NDArray, members: NDArray, ensemble: Ensemble) -> None:
        count_values(truth, self.unit, self.truth_counts, self.edges)
        count_values(members.reshape(-1, *members.shape[2:]), self.unit, self.member_counts, self.edges)
        count_ranks(ensemble.below, ensemble.equal, self.rank_counts)
        self.alike = self.alike and not ensemble.members.m2.any()

    def _check_finite(self, members: NDArray) -> None:
        bad = ~np.isfinite(members).all(axis=(1, 3))
        if bad.any():
            variable = self.variables.outputs.names[int(np.argmax(bad.any(axis=0)))]
            raise DivergedError(
                f"expected finite samples, found NaN or infinity in {variable} of {int(bad.any(axis=1).sum())} of "
                f"{len(bad)} columns; train the emulator longer, or try more steps or less guidance"
            )
