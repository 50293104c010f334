"""Scores from statistics, and the tables that people read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from diffmp_core.scores.climsim import CRITERIA
from diffmp_core.scores.moments import Array
from diffmp_core.scores.statistics import VANISHING_SKEWNESS, VANISHING_STD, Statistics

if TYPE_CHECKING:
    from diffmp_core.scores.result import ScoreResult

METRICS = (
    "mse",
    "pcc",
    "coverage_ratio",
    "coverage_ratio_ties",
    "spread_skill_correlation",
    "spread_skill_ratio",
    "std_ratio",
    "skewness_ratio",
    "kurtosis_ratio",
    "crps_fair",
    "bias",
)
"""Names of the scores, in the order of every table."""

SPREAD_METRICS = ("coverage_ratio", "coverage_ratio_ties", "spread_skill_correlation", "spread_skill_ratio")
"""Scores that only an ensemble of several members has."""

SHORT_NAMES = {
    "mse": "MSE",
    "pcc": "PCC",
    "coverage_ratio": "coverage",
    "coverage_ratio_ties": "coverage, ties split",
    "spread_skill_correlation": "spread-skill correlation",
    "spread_skill_ratio": "spread-skill ratio",
    "std_ratio": "std ratio",
    "skewness_ratio": "skewness ratio",
    "kurtosis_ratio": "kurtosis ratio",
    "crps_fair": "CRPS (fair)",
    "bias": "bias",
}
"""Headings of the tables."""


CRITERION_NAMES = {
    "mae": "MAE [W/m²]",
    "rmse": "RMSE [W/m²]",
    "r2": "R² (mean)",
    "r2_pooled": "R² (pooled)",
    "crps": "CRPS [W/m²]",
}
"""Headings of the criteria of the ClimSim benchmark."""


CLEAR_NAMES = {
    "truth": "share without cloud, truth",
    "members": "share without cloud, members",
    "worst_level": "their difference at the worst level",
}
"""Headings of the shares without cloud."""


def perfect_coverage(members: int) -> float:
    """Coverage, ties split, of a perfect ensemble of M members, with ties or without: (M - 1)/(M + 1).

    Proof: break ties among truth and members at random; the truth is then as likely to have any of the M + 1 ranks as
    the members that it cannot be told from, and with two of these ranks, the first and the last, it lies outside.
    """
    return (members - 1) / (members + 1)


def metrics(statistics: Statistics) -> dict[str, Array]:
    r"""Scores of each entry of the statistics.

    With truth y, members x_i (i = 1 .. M), ensemble mean m, member variance s^2 (ddof = 1), and averages <> over the
    samples of the entry, all in units of the truth's one global standard deviation:

    ======================== =============================================================== ===========
    mse                      <(m - y)^2>                                                     0
    pcc                      Pearson correlation of m and y                                  1
    coverage_ratio           <min x_i <= y <= max x_i>: a tie at either end covers           -
    coverage_ratio_ties      the same, ties broken at random, as expected (Hamill 2001)      (M-1)/(M+1)
    spread_skill_correlation Pearson correlation of s and abs(m - y)                         high
    spread_skill_ratio       sqrt((M + 1)/M <s^2>) / sqrt(<(m - y)^2>)                       1
    std_ratio                std of all members together / std of y                          1
    skewness_ratio           skewness of all members together / skewness of y                1
    kurtosis_ratio           kurtosis (3 for a Gaussian) of all members / kurtosis of y      1
    crps_fair                <fair CRPS>                                                     low
    bias                     <m - y>                                                         0
    ======================== =============================================================== ===========

    pcc, spread_skill_correlation and the ratios are NaN where the truth's standard deviation is below
    ``VANISHING_STD``, the skewness ratio also where the truth's skewness is below ``VANISHING_SKEWNESS``, and what
    speaks of the spread where there is one member. A sample is one value: one time, cell and level of one variable.

    References:
        Hamill 2001, doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2.
    """
    sums = statistics.sums
    with np.errstate(invalid="ignore", divide="ignore"):
        count = sums.count
        mse, spread = sums.squared_error / count, sums.variance / count
        members = statistics.members.count / count
        skewness = statistics.truth.skewness
        ratios = {
            "pcc": statistics.truth_and_mean.correlation,
            "spread_skill_correlation": statistics.spread_and_error.correlation,
            "spread_skill_ratio": np.where(mse > 0, np.sqrt((members + 1) / members * spread / mse), np.nan),
            "std_ratio": statistics.members.std / statistics.truth.std,
            "skewness_ratio": np.where(
                np.abs(skewness) >= VANISHING_SKEWNESS, statistics.members.skewness / skewness, np.nan
            ),
            "kurtosis_ratio": statistics.members.kurtosis / statistics.truth.kurtosis,
        }
        varies = statistics.truth.std >= VANISHING_STD
        means = {
            "mse": mse,
            "coverage_ratio": np.where(members > 1, sums.covered / count, np.nan),
            "coverage_ratio_ties": np.where(members > 1, sums.covered_ties / count, np.nan),
            "crps_fair": sums.crps / count,
            "bias": sums.error / count,
        }
    scores = means | {name: np.where(varies & np.isfinite(value), value, np.nan) for name, value in ratios.items()}
    return {name: scores[name] for name in METRICS}


def ideal(members: int) -> dict[str, float]:
    """What a perfect ensemble of that size would score, where that is known beforehand."""
    ones = ("spread_skill_ratio", "std_ratio", "skewness_ratio", "kurtosis_ratio")
    perfect = {"coverage_ratio_ties": perfect_coverage(members), "bias": 0.0} | dict.fromkeys(ones, 1.0)
    return {name: value for name, value in perfect.items() if members > 1 or name not in SPREAD_METRICS}


def rich_table(result: ScoreResult) -> Table:
    """The overall scores for a terminal: one row a score, one column a variable, and what is ideal.

    Below them the criteria of the ClimSim benchmark, and the shares without cloud, of the outputs that have them.
    """
    table = Table(
        title=f"{result.emulator} on {result.columns:,} columns ({result.title}, split {result.scored})",
        caption="\n".join(
            (
                f"{result.drawn.words}, seed {result.seed}; "
                "MSE in units of the truth's variance, CRPS and bias of its standard deviation",
                *([result.caution] if result.caution else []),
                *result.notes,
                *result.climsim_notes,
            )
        ),
    )
    table.add_column("score")
    for variable in result.scores:
        table.add_column(variable, justify="right")
    table.add_column("ideal", justify="right", style="dim")
    for name in METRICS:
        values = (_shown(scores[name]) for scores in result.scores.values())
        table.add_row(SHORT_NAMES[name], *values, _shown(ideal(result.drawn.members).get(name)))
    if result.climsim:
        table.add_section()
        table.add_row("[bold]ClimSim criteria[/bold]")
    for name in CRITERIA if result.climsim else ():
        values = (_shown(result.climsim.get(variable, {}).get(name)) for variable in result.scores)
        table.add_row(CRITERION_NAMES[name], *values, _shown(None))
    table.add_section()
    for name, heading in CLEAR_NAMES.items() if result.clear else ():
        values = (_shown(result.clear.get(variable, {}).get(name)) for variable in result.scores)
        table.add_row(heading, *values, _shown(0.0 if name == "worst_level" else None))
    return table


def markdown_table(
    tables: Sequence[tuple[str, Mapping]],
    metrics: Sequence[str] = (
        "crps_fair",
        "mse",
        "pcc",
        "coverage_ratio",
        "coverage_ratio_ties",
        "spread_skill_ratio",
        "std_ratio",
    ),
    *,
    digits: int = 2,
) -> str:
    """Several emulators side by side in Markdown: one row each, one column a score, values for each output.

    Args:
        tables: name and content of ``scores.json`` of each emulator, scored on the same columns.
        metrics: which scores, in order.
        digits: decimals shown.
    """
    variables = list(dict.fromkeys(name for _, table in tables for name in table["scores"]))
    lines = [
        "| " + " | ".join(["", *(SHORT_NAMES[name] for name in metrics)]) + " |",
        "|" + "---|" * (len(metrics) + 1),
    ]
    for label, table in tables:
        cells = ["/".join(_shown(table["scores"].get(v, {}).get(name), digits) for v in variables) for name in metrics]
        lines.append("| " + " | ".join([label, *cells]) + " |")
    symbols = ", ".join(variables)
    return "\n".join([*lines, "", f"Values for {symbols}."])


def _shown(value: float | None, digits: int = 3) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}"
