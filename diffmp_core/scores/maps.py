"""The scores that are kept column by column and drawn on maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from numpy.typing import NDArray

from diffmp_core.registry import Registry
from diffmp_core.scores.score import SCORES, perfect_coverage
from diffmp_core.variables import Variable

if TYPE_CHECKING:
    from diffmp_core.scores.ensemble import Ensemble

Palette = Literal["sequential", "diverging", "coverage"]


@dataclass(frozen=True, kw_only=True)
class MapScore:
    """One quantity on the map, in units of truth_std to the power ``power``.

    Attributes:
        name: in addresses.
        label: what the page calls it.
        meaning: what it is, in words that follow the label.
        formula: at one cell, level and time; ⟨ ⟩ is the mean over the times.
        stored: its name at each time in the score store.
        averaged: its name over the times there, ``cell_`` and a score; None: the root mean square is taken.
        values: gives it, ``(column, variable, level)``, for an ensemble.
        power: of the truth's standard deviation, its unit.
        palette: colours.
        of_spread: only an ensemble of several members has it.
        flag: it is yes or no, and kept as such.
        in_report: whether a report draws it.
    """

    name: str
    label: str
    meaning: str
    formula: str
    stored: str
    averaged: str | None
    values: Callable[[Ensemble], NDArray]
    power: int
    palette: Palette
    of_spread: bool = False
    flag: bool = False
    in_report: bool = True

    @property
    def stored_unit(self) -> str:
        """Unit, as score stores have it."""
        return {0: "1", 1: "truth_std"}.get(self.power, f"truth_std**{self.power}")

    @property
    def never_negative(self) -> bool:
        """Whether it is a size, from zero to many times its median, that logarithmic colours show better."""
        return self.palette == "sequential"

    def unit(self, variable: Variable, units: str) -> str:
        """Unit of the values shown for one output, in physical or normalised units."""
        if self.power == 0:
            return "1"
        if units == "physical":
            unit = variable.display_unit
            return unit if self.power == 1 else f"({unit})²"
        return "σ of truth" if self.power == 1 else "σ² of truth"

    def reference(self, variable: Variable, members: int) -> float | None:
        """What a perfect ensemble has everywhere; None where that depends on the data.

        The coverage stored is the paper's, where a tie covers: clouds tie at zero, so theirs depends on the data.
        """
        if self.palette == "coverage":
            return None if variable.non_negative else perfect_coverage(members)
        return 0.0 if self.palette == "diverging" else None

    def perfect_words(self, variable: Variable, members: int) -> str:
        """What a perfect ensemble covers; clouds that tie at zero are covered beyond that."""
        least = "at least " if variable.non_negative else ""
        return f"perfect: {least}{perfect_coverage(members):.0%}"

    def factor(self, variable: Variable, units: str, truth_std: float) -> float:
        """What stored values are multiplied by to be shown in :meth:`unit`."""
        if self.power == 0 or units != "physical":
            return 1.0
        return (truth_std * variable.display_factor) ** self.power


MAPS: Registry[MapScore] = Registry(
    "score of the maps",
    (
        MapScore(
            name="mse",
            label="Mean squared error",
            meaning="of the ensemble mean",
            formula=SCORES["mse"].formula,
            stored="column_mse",
            averaged="cell_mse",
            values=lambda ensemble: ensemble.error * ensemble.error,
            power=2,
            palette="sequential",
        ),
        MapScore(
            name="coverage",
            label="Coverage",
            meaning="is the truth between the smallest and the largest member? A tie covers.",
            formula=SCORES["coverage_ratio"].formula,
            stored="column_covered",
            averaged="cell_coverage_ratio",
            values=lambda ensemble: ensemble.covered,
            power=0,
            palette="coverage",
            of_spread=True,
            flag=True,
        ),
        MapScore(
            name="spread",
            label="Spread",
            meaning="standard deviation of the members",
            formula="s, over several times √⟨s²⟩",
            stored="column_spread",
            averaged=None,
            values=lambda ensemble: ensemble.spread,
            power=1,
            palette="sequential",
            of_spread=True,
            in_report=False,
        ),
        MapScore(
            name="crps_fair",
            label="CRPS, fair",
            meaning="error of the whole distribution",
            formula=SCORES["crps_fair"].formula,
            stored="column_crps_fair",
            averaged="cell_crps_fair",
            values=lambda ensemble: ensemble.crps_fair,
            power=1,
            palette="sequential",
        ),
        MapScore(
            name="bias",
            label="Bias",
            meaning="ensemble mean minus truth",
            formula=SCORES["bias"].formula,
            stored="column_bias",
            averaged="cell_bias",
            values=lambda ensemble: ensemble.error,
            power=1,
            palette="diverging",
            in_report=False,
        ),
    ),
)


def column_fields() -> tuple[str, ...]:
    """Fields of a score store with dims (time, variable, level, cell)."""
    return tuple(score.stored for score in MAPS.values())
