"""One score of one output over all cells and levels, of one emulator or of the difference between two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.scores.maps import MAPS, MapScore
from diffmp_core.scores.score import perfect_coverage
from diffmp_core.scores.significance import (
    RATE,
    design_effect,
    discoveries,
    mean_interval,
    p_values,
    pool_size,
)
from diffmp_core.variables import Variable

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..data.composites import selection_words, selects_all
from ..figures.zonal import Bands, make_bands
from .exhibit import OfSelection, score_store, scored_words

Quantities: TypeAlias = dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]
"""Variables of a dataset by name: dims, values, attributes."""
SELDOM = 0.5
"""Cells covered at fewer than this part of the times are marked on a map of means."""
SURPRISING = 0.05
"""Full coverage is no sign of too much spread where a perfect ensemble has it in this part of the cells, or more."""
UNTESTED = "significance cannot be tested: it takes two times at least"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Tests of a difference: ``p`` and ``significant``, and ``design``, NaN where there is nothing to test with."""

    p: NDArray[np.float64]
    significant: NDArray[np.bool_]
    design: NDArray[np.float64]

    @property
    def tested(self) -> bool:
        """Whether anything could be tested."""
        return bool(np.isfinite(self.p).any())

    def mask(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values without those that are not significant; all of them where nothing could be tested."""
        return np.where(self.significant, values, np.float32(np.nan)) if self.tested else values


@dataclass(frozen=True, kw_only=True)
class ScoreField(OfSelection):
    """One score of one output at one time or over all: what a map and a section have in common.

    Attributes:
        emulator, variable, metric: names; level, time: indices; average: over all times instead of ``time``.
        units: ``physical`` or ``normalised``; logarithmic: colours, where the score is never negative.
        compare: ``side by side`` with ``pinned_emulator``, or ``difference``, ``emulator`` minus it; significant: a
            difference is left blank where it is not.
    """

    emulator: str
    variable: str
    metric: str
    level: int
    time: int = 0
    average: bool = True
    logarithmic: bool = True
    units: str = "physical"
    compare: str = "none"
    pinned_emulator: str = ""
    significant: bool = True

    @property
    def other(self) -> str:
        """The emulator compared with; '' where there is none."""
        return "" if self.compare == "none" or self.pinned_emulator == self.emulator else self.pinned_emulator

    @property
    def emulators(self) -> tuple[str, ...]:
        """The emulators whose scores these are."""
        return (self.emulator, self.other) if self.other else (self.emulator,)

    @property
    def is_difference(self) -> bool:
        """Whether this is the difference of two emulators."""
        return bool(self.other) and self.compare == "difference"

    @property
    def sides(self) -> tuple[Self, ...]:
        """What is drawn beside each other: this, or the fields of two emulators."""
        if not self.other or self.is_difference:
            return (self,)
        alone = replace(self, compare="none")
        return alone, replace(alone, emulator=self.other)

    @property
    def score(self) -> MapScore:
        """The quantity drawn."""
        return MAPS[self.metric]

    @property
    def name(self) -> str:
        """Whose field it is."""
        if self.is_difference:
            return f"{self.emulator} − {self.other}"
        return f"{self.emulator} beside {self.other}" if self.other else self.emulator

    def output(self, catalog: Catalog) -> Variable:
        """The variable whose score it is."""
        return catalog.schema(self.experiment).outputs.named(self.variable)

    def unit(self, catalog: Catalog) -> str:
        """Unit of the values shown."""
        return self.score.unit(self.output(catalog), self.units)

    def factor(self, catalog: Catalog) -> float:
        """Shown unit of a stored value."""
        std = catalog.truth_std(self.experiment, self.emulator, self.variable)
        return self.score.factor(self.output(catalog), self.units, std)

    def level_shown(self, catalog: Catalog) -> int:
        """Index of the level of a map; 0 of a single value, which is stored alike at all levels."""
        return self.level if self.output(catalog).profile else 0

    def level_words(self, catalog: Catalog) -> list[str]:
        """At which level, if at one."""
        labels = catalog.grid(self.experiment).level_labels
        return [f"level {labels[self.level]}"] if self.output(catalog).profile else []

    def levels(self, catalog: Catalog) -> NDArray[np.float32] | None:
        """Stored values ``(level, cell)``, nothing left blank; None where an emulator's store has not this score."""
        first = self._stored(catalog, self.emulator, self.metric)
        if not self.is_difference:
            return first
        second = self._stored(catalog, self.other, self.metric)
        return None if first is None or second is None else first - second

    def values(self, catalog: Catalog) -> NDArray[np.float32] | None:
        """Values of the cells ``(cell,)`` in the unit shown; None where an emulator's store has not this score."""
        levels = self.levels(catalog)
        return None if levels is None else levels[self.level_shown(catalog)] * self.factor(catalog)

    def missed(self, catalog: Catalog) -> NDArray[np.bool_]:
        """Cells ``(cell,)`` whose truth lies outside the ensemble, here or at most of the times; of no difference."""
        covered = None if self.is_difference else self._stored(catalog, self.emulator, "coverage")
        cells = catalog.grid(self.experiment).lat.size
        return np.zeros(cells, bool) if covered is None else covered[self.level_shown(catalog)] < SELDOM

    def bands(self, catalog: Catalog) -> Bands:
        """Bands of latitude of the experiment's cells."""
        grid = catalog.grid(self.experiment)
        return catalog.keep(("bands", self.experiment), lambda: make_bands(grid.lat, grid.area))

    def reference(self, catalog: Catalog) -> float | None:
        """What a perfect ensemble has at every latitude, or no difference; None where that is not known."""
        if self.is_difference:
            return 0.0
        return self.score.reference(self.output(catalog), catalog.members(self.experiment, self.emulator))

    def evidence(self, catalog: Catalog) -> Evidence:
        """Tests of the difference at every cell of the map: of the cells around it, at the times shown.

        Where the cell itself differs to the other side than the cells around it, it counts as not significant.
        """
        level = self.level_shown(catalog)
        shown = self._differences_shown(catalog, level)
        near = catalog.near(self.experiment, pool_size(len(shown)))
        design = np.asarray(self._design(catalog, level))
        p = p_values(shown, near, design=design)
        known = np.nan_to_num(shown).sum(axis=0)
        same = np.sign(known) == np.sign(near @ known)
        return Evidence(p=p, significant=discoveries(p) & same, design=design)

    def section_evidence(self, catalog: Catalog) -> Evidence:
        """Tests of the difference in every band of latitude at every level ``(level, band)``."""
        shown = self._differences_shown(catalog, slice(None))
        bands = (self.bands(catalog).mean > 0).astype(float)
        design = np.array([self._design(catalog, level) for level in range(shown.shape[1])])
        p = p_values(shown, bands, design=design)
        return Evidence(p=p, significant=discoveries(p), design=design)

    def mean_interval(self, catalog: Catalog) -> tuple[float, float, float] | None:
        """Mean difference over the columns shown and its interval of 95 %, in the unit shown.

        None of root mean squares, whose differences are tested as squares.
        """
        if self.score.averaged is None:
            return None
        level = self.level_shown(catalog)
        shown = self._differences_shown(catalog, level)
        area, factor = catalog.grid(self.experiment).area, self.factor(catalog)
        mean, low, high = mean_interval(shown, area, design=self._design(catalog, level))
        return mean * factor, low * factor, high * factor

    def differences(self, catalog: Catalog, levels: int | slice) -> NDArray[np.float32]:
        """Differences of the scores of the selected columns at every time ``(time, [level,] cell)``, NaN elsewhere.

        Of squares, where the map has root mean squares.
        """
        mask = catalog.mask(self.choices)
        each = self._every_difference(catalog, levels)
        if mask is None:
            return each
        return np.where(mask if isinstance(levels, int) else mask[:, None], each, np.float32(np.nan))

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensembles that were scored."""
        return "; ".join(scored_words(catalog, self.experiment, name) for name in self.emulators)

    def times_words(self, catalog: Catalog) -> str:
        """At which time, or over how many, and of which columns if not of all."""
        times = catalog.grid(self.experiment).times
        words = f"mean over {len(times)} times" if self.average else times[self.time]
        return words if selects_all(self.choices) else f"{words}, {selection_words(self.choices)}"

    def cross_words(self, catalog: Catalog) -> str:
        """What crosses mean, or why there are none, and how often a perfect ensemble covers at all of few times."""
        stored = MAPS["coverage"].stored
        if missing := catalog.lacks(self.experiment, self.emulator, stored, called="coverage"):
            return f"no crosses: {missing}"
        words = f"× truth outside the ensemble{' at most of the times' if self.average else ''}"
        times = len(catalog.grid(self.experiment).times)
        always = perfect_coverage(catalog.members(self.experiment, self.emulator)) ** times
        if self.score.palette != "coverage" or not self.average or self.regime != "any" or always < SURPRISING:
            return words
        least = "at least " if self.output(catalog).non_negative else ""
        return f"{words} · a perfect ensemble covers at all {times} times in {least}{always:.0%} of the cells"

    def test_words(self, catalog: Catalog, evidence: Evidence, *, section: bool = False) -> str:
        """What was tested and what that left blank, for the words below a difference."""
        if not evidence.tested:
            return UNTESTED
        times = len(catalog.grid(self.experiment).times) if self.average else 1
        what = "each band of latitude" if section else f"a cell with its {pool_size(times) - 1} nearest"
        blank = "blank" if self.significant else "not blanked"
        return (
            f"{blank} where {what} cannot be told from equally good (false discovery rate {RATE:.0%}, "
            f"{evidence.significant.mean():.0%} left)"
        )

    def drawn(self, panel: xr.Dataset) -> NDArray[Any]:
        """Values of a panel that was gathered, NaN where they are drawn blank."""
        values = panel[self.metric].values
        if not (self.significant and "significant" in panel and np.isfinite(panel["p_value"]).any()):
            return values
        return np.where(panel["significant"].values == 1, values, np.nan)

    def _differences_shown(self, catalog: Catalog, levels: int | slice) -> NDArray[np.float32]:
        every = self.differences(catalog, levels)
        return every if self.average else every[self.time : self.time + 1]

    def _every_difference(self, catalog: Catalog, levels: int | slice) -> NDArray[np.float32]:
        first, second = (
            catalog.times(self.experiment, name, self.metric, self.variable)[:, levels].astype(np.float32)
            for name in (self.emulator, self.other)
        )
        return first**2 - second**2 if self.score.averaged is None else first - second

    def _design(self, catalog: Catalog, level: int) -> float:
        """Design effect of a level: from all columns and times, whichever are shown."""
        size = pool_size(len(catalog.grid(self.experiment).times))
        near = catalog.near(self.experiment, size)
        key = ("design", self.experiment, frozenset((self.emulator, self.other)), self.metric, self.variable, level)
        return catalog.keep(key, lambda: float(design_effect(self._every_difference(catalog, level), near)))

    def _stored(self, catalog: Catalog, emulator: str, metric: str) -> NDArray[np.float32] | None:
        time = None if self.average else self.time
        mask = catalog.mask(self.choices)
        return catalog.levels(self.experiment, emulator, metric, self.variable, time, mask)

    def _stacked(self, catalog: Catalog) -> NDArray[np.float32]:
        """As :meth:`levels`, NaN where a store has not this score."""
        levels, grid = self.levels(catalog), catalog.grid(self.experiment)
        return np.full((grid.height.size, grid.lat.size), np.nan, np.float32) if levels is None else levels

    def _check(self, catalog: Catalog) -> None:
        """Refuse what a store has not.

        Raises:
            DiffmpError: the first.
        """
        for name in self.emulators:
            score_store(catalog, self.experiment, name, self.score.stored, variable=self.variable)

    def _is_tested(self, catalog: Catalog) -> bool:
        """Whether this is a difference, of stores that both have the score."""
        return self.is_difference and self.levels(catalog) is not None

    def _score_name(self, catalog: Catalog) -> str:
        minus = f", {self.name}" if self.is_difference else ""
        return f"{self.score.label} of {title_of(self.output(catalog)).lower()}: {self.score.meaning}{minus}"


def panels(data: xr.Dataset) -> list[xr.Dataset]:
    """The datasets of the emulators beside each other; the dataset itself where there is one."""
    if "emulator" not in data.dims:
        return [data]
    return [data.isel(emulator=place) for place in range(data.sizes["emulator"])]


def beside(parts: list[Quantities], names: list[str]) -> Quantities:
    """Variables of emulators along one more dimension, ``emulator``; those of one as they are."""
    if len(parts) == 1:
        return parts[0]
    along = {
        key: (("emulator", *dims), np.stack([part[key][1] for part in parts]), attrs)
        for key, (dims, _, attrs) in parts[0].items()
    }
    return along | {"emulator": (("emulator",), np.array(names), {"long_name": "emulator"})}
