"""The scores in words: what the table and the maps show, in which unit, and what a perfect ensemble gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diffmp_core.scores.table import SPREAD_METRICS, perfect_coverage
from diffmp_core.variables import BY_NAME

__all__ = ["MAPS", "MAP_BY_NAME", "SCORES", "MapMetric", "Palette", "Score", "perfect_coverage"]

Palette = Literal["sequential", "diverging", "coverage"]
Best = Literal["low", "high", "one", "zero", "coverage", "at least coverage"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One column of the score table. ``best`` says which value wins; of "at least coverage" none does, since a perfect
    ensemble has more than its coverage where truth and members tie."""

    name: str
    group: str
    label: str
    definition: str
    best: Best

    @property
    def ranks(self) -> bool:
        """Whether some value is the best one."""
        return self.best != "at least coverage"

    def distance(self, value: float, members: int) -> float:
        """How far a value is from the best one of so many members; smaller is better, comparable within one score."""
        match self.best:
            case "low":
                return value
            case "high":
                return -value
            case "one":
                return abs(value - 1.0)
            case "zero":
                return abs(value)
        return abs(value - perfect_coverage(members))

    def perfect(self, members: int) -> str:
        """What an ensemble of so many members gets that cannot be told from the truth, or '' where that is unknown."""
        if members == 1 and self.name in SPREAD_METRICS:
            return ""
        coverage = f"{perfect_coverage(members):.3f}"
        known = {"one": "1", "zero": "0", "coverage": coverage, "at least coverage": f"≥ {coverage}"}
        return known.get(self.best, "")


SCORES: tuple[Score, ...] = (
    Score(
        name="mse",
        group="Ensemble mean",
        label="MSE",
        best="low",
        definition="Mean squared error of the ensemble mean, in units of the truth's variance.",
    ),
    Score(
        name="pcc",
        group="Ensemble mean",
        label="Corr.",
        best="high",
        definition="Pearson correlation of the ensemble mean with the truth.",
    ),
    Score(
        name="bias",
        group="Ensemble mean",
        label="Bias",
        best="zero",
        definition="Mean of ensemble mean minus truth, in units of the truth's standard deviation.",
    ),
    Score(
        name="crps_fair",
        group="All members",
        label="CRPS",
        best="low",
        definition="Continuous ranked probability score, corrected for the number of members, in units of the "
        "truth's standard deviation. Rewards sharp and honest ensembles.",
    ),
    Score(
        name="coverage_ratio",
        group="Spread of the members",
        label="Coverage",
        best="at least coverage",
        definition="Part of the truths between the smallest and the largest member, as in the paper. A tie with one "
        "of them covers: where clouds are exactly zero even a perfect ensemble has more than (M - 1)/(M + 1).",
    ),
    Score(
        name="coverage_ratio_ties",
        group="Spread of the members",
        label="Coverage, ties split",
        best="coverage",
        definition="The same with ties broken at random, as expected. A perfect ensemble of M members covers "
        "(M - 1)/(M + 1), not all, with ties or without: less is too little spread, more is too much.",
    ),
    Score(
        name="spread_skill_ratio",
        group="Spread of the members",
        label="Spread/skill",
        best="one",
        definition="Spread of the members over the error of their mean, unbiased for the number of members: below 1 "
        "the ensemble is overconfident.",
    ),
    Score(
        name="spread_skill_correlation",
        group="Spread of the members",
        label="Spread–skill corr.",
        best="high",
        definition="Correlation of the spread with the error of the mean: does the ensemble know when it is unsure?",
    ),
    Score(
        name="std_ratio",
        group="Shape, relative to truth",
        label="Std",
        best="one",
        definition="Standard deviation of all members over that of the truth.",
    ),
    Score(
        name="skewness_ratio",
        group="Shape, relative to truth",
        label="Skew.",
        best="one",
        definition="Skewness of all members over that of the truth.",
    ),
    Score(
        name="kurtosis_ratio",
        group="Shape, relative to truth",
        label="Kurt.",
        best="one",
        definition="Kurtosis of all members over that of the truth.",
    ),
)
"""The ten scores of the paper and its supplement, and coverage with ties split; errors first."""


@dataclass(frozen=True, kw_only=True)
class MapMetric:
    """One quantity on the map, in units of truth_std to the power ``power``.

    ``stored`` is its name at each time in the score store, ``averaged`` over the times; None: the root mean square.
    """

    name: str
    label: str
    stored: str
    averaged: str | None
    power: int
    palette: Palette
    meaning: str

    @property
    def never_negative(self) -> bool:
        """Whether it is a size, from zero to many times its median, that logarithmic colours show better."""
        return self.palette == "sequential"

    def unit(self, variable: str, units: str) -> str:
        """Unit of the values shown for one output, in physical or normalised units."""
        if self.power == 0:
            return "1"
        if units == "physical":
            unit = BY_NAME[variable].display_unit
            return unit if self.power == 1 else f"({unit})²"
        return "σ of truth" if self.power == 1 else "σ² of truth"

    def reference(self, variable: str, members: int) -> float | None:
        """What a perfect ensemble has everywhere; None where that depends on the data.

        The coverage stored is the paper's, where a tie covers: clouds tie at zero, so theirs depends on the data.
        """
        if self.name == "coverage":
            return None if BY_NAME[variable].non_negative else perfect_coverage(members)
        return 0.0 if self.name == "bias" else None

    def perfect_words(self, variable: str, members: int) -> str:
        """What a perfect ensemble covers; clouds that tie at zero are covered beyond that."""
        least = "at least " if BY_NAME[variable].non_negative else ""
        return f"perfect: {least}{perfect_coverage(members):.0%}"

    def factor(self, variable: str, units: str, truth_std: float) -> float:
        """What stored values are multiplied by to be shown in :meth:`unit`."""
        if self.power == 0 or units != "physical":
            return 1.0
        return (truth_std * BY_NAME[variable].display_factor) ** self.power


MAPS: tuple[MapMetric, ...] = (
    MapMetric(
        name="mse",
        label="Mean squared error",
        stored="column_mse",
        averaged="cell_mse",
        power=2,
        palette="sequential",
        meaning="of the ensemble mean",
    ),
    MapMetric(
        name="coverage",
        label="Coverage",
        stored="column_covered",
        averaged="cell_coverage_ratio",
        power=0,
        palette="coverage",
        meaning="is the truth between the smallest and the largest member? A tie covers.",
    ),
    MapMetric(
        name="spread",
        label="Spread",
        stored="column_spread",
        averaged=None,
        power=1,
        palette="sequential",
        meaning="standard deviation of the members",
    ),
    MapMetric(
        name="crps_fair",
        label="CRPS, fair",
        stored="column_crps_fair",
        averaged="cell_crps_fair",
        power=1,
        palette="sequential",
        meaning="error of the whole distribution",
    ),
    MapMetric(
        name="bias",
        label="Bias",
        stored="column_bias",
        averaged="cell_bias",
        power=1,
        palette="diverging",
        meaning="ensemble mean minus truth",
    ),
)
MAP_BY_NAME = {metric.name: metric for metric in MAPS}
