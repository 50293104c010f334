"""The scores: what each is called, what it means, how it follows from statistics, and what a perfect ensemble gets.

Every table, study and option that names a score takes it from :data:`SCORES`. Notation of the formulas: y truth,
x₁ … x_M members, x̄ their mean, s their standard deviation (ddof = 1), ⟨ ⟩ the mean over samples, all in units of the
truth's one global standard deviation. A sample is one value: one time, cell and level of one variable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from diffmp_core.registry import Registry
from diffmp_core.scores.moments import Array

if TYPE_CHECKING:
    from diffmp_core.scores.ensemble import Ensemble
    from diffmp_core.scores.statistics import Statistics

VANISHING_STD = 1e-3
"""Below this standard deviation of the truth [of its one global standard deviation] correlations and ratios are NaN."""

VANISHING_SKEWNESS = 0.1
"""Below this skewness, of either sign, the truth is as good as symmetric, and there is none to compare with."""

Best = Literal["low", "high", "one", "zero", "coverage", "at least coverage"]


def perfect_coverage(members: int) -> float:
    """Coverage, ties split, of a perfect ensemble of M members, with ties or without: (M - 1)/(M + 1).

    Proof: break ties among truth and members at random; the truth is then as likely to have any of the M + 1 ranks as
    the members that it cannot be told from, and with two of these ranks, the first and the last, it lies outside.
    """
    return (members - 1) / (members + 1)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One score of an ensemble.

    Attributes:
        name: in files and addresses.
        heading: in tables and studies.
        label: in the page's table, whose column is narrow and stands under ``group``.
        definition: what it means, in a sentence or two.
        formula: the same in symbols.
        best: which value wins; of "at least coverage" none does, since a perfect ensemble has more than its coverage
            where truth and members tie.
        of: the score ``(...)`` of statistics ``(...)``. Not needed where ``sample`` is given.
        sample: value ``(column, variable, level)`` of each sample of an ensemble; the score is its mean.
        power: its unit is the truth's standard deviation to this power.
        of_spread: only an ensemble of several members has it.
        compares_variation: NaN where the truth hardly varies (:data:`VANISHING_STD`).
        in_studies: whether studies show it.
    """

    name: str
    heading: str
    label: str
    group: str
    definition: str
    formula: str
    best: Best
    of: Callable[[Statistics], Array] | None = None
    sample: Callable[[Ensemble], NDArray] | None = None
    power: int = 0
    of_spread: bool = False
    compares_variation: bool = False
    in_studies: bool = True

    @property
    def unit(self) -> str:
        """Unit, as score stores have it."""
        return {0: "1", 1: "truth_std"}.get(self.power, f"truth_std**{self.power}")

    @property
    def ranks(self) -> bool:
        """Whether some value is the best one."""
        return self.best != "at least coverage"

    def values(self, statistics: Statistics) -> Array:
        """The score of each entry of the statistics, NaN where it is undefined."""
        with np.errstate(invalid="ignore", divide="ignore"):
            sums = statistics.sums
            found = sums.further[self.name] / sums.count if self.of is None else self.of(statistics)
            if self.of_spread:
                found = np.where(statistics.members.count / sums.count > 1, found, np.nan)
            if self.compares_variation:
                found = np.where((statistics.truth.std >= VANISHING_STD) & np.isfinite(found), found, np.nan)
        return found

    def ideal(self, members: int) -> float | None:
        """What a perfect ensemble of so many members scores; None where that is not known beforehand."""
        if members == 1 and self.of_spread:
            return None
        return {"one": 1.0, "zero": 0.0, "coverage": perfect_coverage(members)}.get(self.best)

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
        if members == 1 and self.of_spread:
            return ""
        coverage = f"{perfect_coverage(members):.3f}"
        known = {"one": "1", "zero": "0", "coverage": coverage, "at least coverage": f"≥ {coverage}"}
        return known.get(self.best, "")


def _spread_skill_ratio(statistics: Statistics) -> Array:
    sums = statistics.sums
    mse, variance = sums.squared_error / sums.count, sums.variance / sums.count
    members = statistics.members.count / sums.count
    return np.where(mse > 0, np.sqrt((members + 1) / members * variance / mse), np.nan)


def _skewness_ratio(statistics: Statistics) -> Array:
    skewness = statistics.truth.skewness
    return np.where(np.abs(skewness) >= VANISHING_SKEWNESS, statistics.members.skewness / skewness, np.nan)


MEAN, ALL, SPREAD, SHAPE = "Ensemble mean", "All members", "Spread of the members", "Shape, relative to truth"

SCORES: Registry[Score] = Registry(
    "score",
    (
        Score(
            name="mse",
            heading="MSE",
            label="MSE",
            group=MEAN,
            definition="Mean squared error of the ensemble mean, in units of the truth's variance.",
            formula="⟨(x̄ − y)²⟩",
            best="low",
            of=lambda found: found.sums.squared_error / found.sums.count,
            power=2,
        ),
        Score(
            name="pcc",
            heading="PCC",
            label="Corr.",
            group=MEAN,
            definition="Pearson correlation of the ensemble mean with the truth.",
            formula="⟨(x̄ − ⟨x̄⟩)(y − ⟨y⟩)⟩ / (std(x̄) std(y))",
            best="high",
            of=lambda found: found.truth_and_mean.correlation,
            compares_variation=True,
        ),
        Score(
            name="bias",
            heading="bias",
            label="Bias",
            group=MEAN,
            definition="Mean of ensemble mean minus truth, in units of the truth's standard deviation.",
            formula="⟨x̄ − y⟩",
            best="zero",
            of=lambda found: found.sums.error / found.sums.count,
            power=1,
            in_studies=False,
        ),
        Score(
            name="crps_fair",
            heading="CRPS (fair)",
            label="CRPS",
            group=ALL,
            definition="Continuous ranked probability score, corrected for the number of members, in units of the "
            "truth's standard deviation. Rewards sharp and honest ensembles.",
            formula="⟨ Σᵢ |xᵢ − y| / M − Σᵢⱼ |xᵢ − xⱼ| / (2 M (M − 1)) ⟩",
            best="low",
            of=lambda found: found.sums.crps / found.sums.count,
            power=1,
        ),
        Score(
            name="coverage_ratio",
            heading="coverage",
            label="Coverage",
            group=SPREAD,
            definition="Part of the truths between the smallest and the largest member, as in the paper. A tie with "
            "one of them covers: where clouds are exactly zero even a perfect ensemble has more than (M - 1)/(M + 1).",
            formula="⟨ [min xᵢ ≤ y ≤ max xᵢ] ⟩",
            best="at least coverage",
            of=lambda found: found.sums.covered / found.sums.count,
            of_spread=True,
        ),
        Score(
            name="coverage_ratio_ties",
            heading="coverage, ties split",
            label="Coverage, ties split",
            group=SPREAD,
            definition="The same with ties split in expectation. A perfect ensemble of M members covers "
            "(M - 1)/(M + 1), not all, with ties or without: less is too little spread, more is too much.",
            formula="⟨ 1 − ([b = 0] + [a = 0]) / (t + 1) ⟩ with b members below y, t equal to it, a above",
            best="coverage",
            of=lambda found: found.sums.covered_ties / found.sums.count,
            of_spread=True,
        ),
        Score(
            name="spread_skill_ratio",
            heading="spread-skill ratio",
            label="Spread/skill",
            group=SPREAD,
            definition="Spread of the members over the error of their mean, unbiased for the number of members: below "
            "1 the ensemble is overconfident.",
            formula="√( (M + 1)/M · ⟨s²⟩ ) / √⟨(x̄ − y)²⟩",
            best="one",
            of=_spread_skill_ratio,
            of_spread=True,
            compares_variation=True,
        ),
        Score(
            name="spread_skill_correlation",
            heading="spread-skill correlation",
            label="Spread–skill corr.",
            group=SPREAD,
            definition="Correlation of the spread with the error of the mean: does the ensemble know when it is "
            "unsure?",
            formula="corr( s, |x̄ − y| )",
            best="high",
            of=lambda found: found.spread_and_error.correlation,
            of_spread=True,
            compares_variation=True,
        ),
        Score(
            name="std_ratio",
            heading="std ratio",
            label="Std",
            group=SHAPE,
            definition="Standard deviation of all members over that of the truth.",
            formula="std(all xᵢ) / std(y)",
            best="one",
            of=lambda found: found.members.std / found.truth.std,
            compares_variation=True,
        ),
        Score(
            name="skewness_ratio",
            heading="skewness ratio",
            label="Skew.",
            group=SHAPE,
            definition="Skewness of all members over that of the truth.",
            formula="skew(all xᵢ) / skew(y), skew(x) = ⟨(x − ⟨x⟩)³⟩ / std(x)³",
            best="one",
            of=_skewness_ratio,
            compares_variation=True,
        ),
        Score(
            name="kurtosis_ratio",
            heading="kurtosis ratio",
            label="Kurt.",
            group=SHAPE,
            definition="Kurtosis of all members over that of the truth.",
            formula="kurt(all xᵢ) / kurt(y), kurt(x) = ⟨(x − ⟨x⟩)⁴⟩ / std(x)⁴",
            best="one",
            of=lambda found: found.members.kurtosis / found.truth.kurtosis,
            compares_variation=True,
        ),
    ),
)
"""The ten scores of the paper and its supplement, and coverage with ties split; errors first."""


def spread_scores() -> tuple[str, ...]:
    """Scores that only an ensemble of several members has."""
    return tuple(name for name, score in SCORES.items() if score.of_spread)


def grouped_scores() -> list[Score]:
    """Every score, those of one group together, groups in the order of their first."""
    groups = list(dict.fromkeys(score.group for score in SCORES.values()))
    return sorted(SCORES.values(), key=lambda score: groups.index(score.group))


def score_values(statistics: Statistics) -> dict[str, Array]:
    """Every score of each entry of the statistics, NaN where it is undefined."""
    return {name: score.values(statistics) for name, score in SCORES.items()}


def ideal(members: int) -> dict[str, float]:
    """What a perfect ensemble of that size would score, where that is known beforehand."""
    known = {name: score.ideal(members) for name, score in SCORES.items()}
    return {name: value for name, value in known.items() if value is not None}
