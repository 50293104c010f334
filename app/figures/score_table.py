"""The table of scores as HTML: a block for each output, a row for each emulator, the best values marked."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import groupby

import numpy as np
import xarray as xr

from diffmp_core.scores.score import SCORES, Score, grouped_scores


def score_table(data: xr.Dataset, selected: str, *, note: str = "") -> str:
    """All scores of all emulators.

    Args:
        data: scores ``(variable, emulator)``, as :meth:`diffmp_app.exhibits.score_summary.ScoreSummary.gather` gives
            them; what is NaN shows as a dash.
        selected: emulator whose rows stand out.
        note: escaped sentence above the table.
    """
    body = "".join(_block(data.isel(variable=place), selected) for place in range(data.sizes["variable"]))
    headings = "".join(_heading(score) for score in grouped_scores())
    return (
        f'<p class="note">{note}</p><div class="scroll" tabindex="0" role="region" aria-label="Scores of '
        f'every emulator"><table><thead>{_groups()}<tr><td></td>{headings}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{_definitions()}"
    )


def score_tiles(data: xr.Dataset) -> str:
    """One emulator, a tile each output: fair CRPS, and coverage and spread beside those of a perfect ensemble.

    ``data`` are its scores ``(variable)``.
    """
    shown = [SCORES[name] for name in ("pcc", "coverage_ratio_ties", "spread_skill_ratio")]
    tiles, members = [], int(data["members"])
    for place in range(data.sizes["variable"]):
        one = data.isel(variable=place)
        rows = "".join(
            f"<tr><td>{escape(score.label)}</td><td>{_text(float(one[score.name]))}</td>"
            f'<td class="soft">{score.perfect(members) or "–"}</td></tr>'
            for score in shown
        )
        title, crps = str(one["title"].values), _text(float(one["crps_fair"]))
        tiles.append(
            f'<div class="tile"><h3>{escape(title)}</h3><div class="number">{crps}</div><table><thead><tr>'
            f'<td></td><td></td><th class="soft">perfect</th></tr></thead>{rows}</table></div>'
        )
    note = "Large: fair CRPS in units of the truth's standard deviation, less is better."
    return f'<p class="note">{note}</p><div class="tiles">{"".join(tiles)}</div>'


def best_emulators(score: Score, values: Mapping[str, float], members: Mapping[str, int]) -> set[str]:
    """Emulators whose value, as it is printed, is the best one of a score; none where the score ranks nothing.

    Args:
        values: score of each emulator, NaN where it has none.
        members: ensemble size of each emulator.
    """
    distances = {
        name: round(score.distance(value, members[name]), 3) for name, value in values.items() if np.isfinite(value)
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


def _block(data: xr.Dataset, selected: str) -> str:
    """One output of all emulators."""
    rows = [
        f'<tr class="variable"><th scope="rowgroup" colspan="{len(SCORES) + 1}">{escape(str(data["title"].values))} '
        f'<span class="soft">{escape(str(data["about"].values))}</span></th></tr>'
    ]
    scores = grouped_scores()
    names = [str(name) for name in data["emulator"].values]
    sizes = dict(zip(names, map(int, data["members"].values), strict=True))
    values = {score.name: dict(zip(names, map(float, data[score.name].values), strict=True)) for score in scores}
    best = {score.name: best_emulators(score, values[score.name], sizes) for score in scores}
    for name in names:
        cells = "".join(_cell(score, values[score.name][name], name in best[score.name]) for score in scores)
        rows.append(f"<tr{' class=selected' if name == selected else ''}><td>{escape(name)}</td>{cells}</tr>")
    members = max(sizes.values())
    perfect = "".join(f"<td{_edge(score)}>{score.perfect(members)}</td>" for score in scores)
    rows.append(f'<tr class="perfect"><td>perfect ensemble of {members}</td>{perfect}</tr>')
    return "".join(rows)


def _cell(score: Score, value: float, best: bool) -> str:
    return f"<td{_edge(score, 'best' if best else '')}>{_text(value)}</td>"


def _text(value: float) -> str:
    return f"{value:.3f}".replace("-", "−") if np.isfinite(value) else "–"


def _edge(score: Score, *classes: str) -> str:
    """Class attribute; the first score of a group has a line at its left."""
    first = next(other for other in SCORES.values() if other.group == score.group) is score
    names = " ".join(filter(None, ("group" if first else "", *classes)))
    return f' class="{names}"' if names else ""


def _definitions() -> str:
    items = "".join(f"<dt>{escape(score.label)}</dt><dd>{escape(score.definition)}</dd>" for score in grouped_scores())
    return f"<details><summary>What the scores mean</summary><dl>{items}</dl></details>"
