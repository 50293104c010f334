"""Scores in tables that people read: of a terminal, and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from diffmp_core.scores.climsim import CRITERIA
from diffmp_core.scores.score import SCORES

if TYPE_CHECKING:
    from diffmp_core.scores.result import ScoreResult

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
    for name, score in SCORES.items():
        values = (_shown(scores[name]) for scores in result.scores.values())
        table.add_row(score.heading, *values, _shown(score.ideal(result.drawn.members)))
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
        "| " + " | ".join(["", *(SCORES[name].heading for name in metrics)]) + " |",
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
