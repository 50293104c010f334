"""The table of scores as HTML: a block for each variable, a row for each emulator, the best values marked."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import groupby
from typing import Any

from diffmp_core.scores.score import SCORES, Score, grouped_scores
from diffmp_core.variables import BY_NAME, OUTPUT_NAMES

from ..data.axes import TITLES

Tables = Mapping[str, Mapping[str, Any]]
"""What 'diffmp score' wrote, for each emulator by name."""


def score_table(tables: Tables, selected: str, *, note: str = "") -> str:
    """All scores of all emulators.

    Args:
        tables: see :data:`Tables`; scores that are missing or null show as a dash.
        selected: emulator whose rows stand out.
        note: escaped sentence above the table.
    """
    members = max((_members(table) for table in tables.values()), default=0)
    body = "".join(_block(variable, tables, selected, members) for variable in OUTPUT_NAMES)
    headings = "".join(_heading(score) for score in grouped_scores())
    return (
        f'<p class="note">{note}</p><div class="scroll" tabindex="0" role="region" aria-label="Scores of '
        f'every emulator"><table><thead>{_groups()}<tr><td></td>{headings}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{_definitions()}"
    )


def score_tiles(table: Mapping[str, Any]) -> str:
    """One emulator in four tiles: fair CRPS, and coverage and spread beside those of a perfect ensemble."""
    shown = [SCORES[name] for name in ("pcc", "coverage_ratio_ties", "spread_skill_ratio")]
    tiles = []
    for variable in OUTPUT_NAMES:
        rows = "".join(
            f"<tr><td>{escape(score.label)}</td><td>{_text(_value(table, variable, score.name))}</td>"
            f'<td class="soft">{score.perfect(_members(table)) or "–"}</td></tr>'
            for score in shown
        )
        crps = _text(_value(table, variable, "crps_fair"))
        tiles.append(
            f'<div class="tile"><h3>{escape(TITLES[variable])}</h3><div class="number">{crps}</div><table><thead><tr>'
            f'<td></td><td></td><th class="soft">perfect</th></tr></thead>{rows}</table></div>'
        )
    note = "Large: fair CRPS in units of the truth's standard deviation, less is better."
    return f'<p class="note">{note}</p><div class="tiles">{"".join(tiles)}</div>'


def best_emulators(score: Score, values: Mapping[str, float | None], members: Mapping[str, int]) -> set[str]:
    """Emulators whose value, as it is printed, is the best one of a score; none where the score ranks nothing.

    Args:
        values: score of each emulator.
        members: ensemble size of each emulator.
    """
    distances = {
        name: round(score.distance(value, members[name]), 3) for name, value in values.items() if value is not None
    }
    if len(distances) < 2 or not score.ranks:
        return set()
    return {name for name, distance in distances.items() if distance == min(distances.values())}


def _groups() -> str:
    spans = [(group, len(list(scores))) for group, scores in groupby(grouped_scores(), key=lambda score: score.group)]
    return (
        '<tr class="groups"><td></td>'
        + "".join(f'<th class="group" colspan="{n}">{escape(g)}</th>' for g, n in spans)
        + "</tr>"
    )


def _heading(score: Score) -> str:
    return f'<th scope="col"{_edge(score)}><abbr title="{escape(score.definition)}">{escape(score.label)}</abbr></th>'


def _block(variable: str, tables: Tables, selected: str, members: int) -> str:
    entry = BY_NAME[variable]
    rows = [
        f'<tr class="variable"><th scope="rowgroup" colspan="{len(SCORES) + 1}">{escape(TITLES[variable])} '
        f'<span class="soft">{escape(entry.long_name)}</span></th></tr>'
    ]
    scores = grouped_scores()
    values = {
        score.name: {name: _value(table, variable, score.name) for name, table in tables.items()} for score in scores
    }
    sizes = {name: _members(table) for name, table in tables.items()}
    best = {score.name: best_emulators(score, values[score.name], sizes) for score in scores}
    for name in tables:
        cells = "".join(_cell(score, values[score.name][name], name in best[score.name]) for score in scores)
        rows.append(f"<tr{' class=selected' if name == selected else ''}><td>{escape(name)}</td>{cells}</tr>")
    perfect = "".join(f"<td{_edge(score)}>{score.perfect(members)}</td>" for score in scores)
    rows.append(f'<tr class="perfect"><td>perfect ensemble of {members}</td>{perfect}</tr>')
    return "".join(rows)


def _members(table: Mapping[str, Any]) -> int:
    return int(table.get("members") or 0)


def _value(table: Mapping[str, Any], variable: str, score: str) -> float | None:
    value = table.get("scores", {}).get(variable, {}).get(score)
    return float(value) if isinstance(value, int | float) else None


def _cell(score: Score, value: float | None, best: bool) -> str:
    return f"<td{_edge(score, 'best' if best else '')}>{_text(value)}</td>"


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _edge(score: Score, *classes: str) -> str:
    """Class attribute; the first score of a group has a line at its left."""
    first = next(other for other in SCORES.values() if other.group == score.group) is score
    names = " ".join(filter(None, ("group" if first else "", *classes)))
    return f' class="{names}"' if names else ""


def _definitions() -> str:
    items = "".join(f"<dt>{escape(score.label)}</dt><dd>{escape(score.definition)}</dd>" for score in grouped_scores())
    return f"<details><summary>What the scores mean</summary><dl>{items}</dl></details>"
