"""The charts of a study: from the scores of its cases, as an exhibit gathers them, to curves and rows of dots."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.scores.score import SCORES
from diffmp_core.studies.study import STUDIES, Study

from .axes import plain_number
from .study_chart import Chart, Gap, Series, dodged
from .study_gaps import SIGNS, gap_sentences, why_empty

CHOICES: Mapping[str, str] = {
    "none": "no guidance",
    "paper": "the paper's Table 2",
    "crps_fair": "least CRPS",
    "statistics": "statistics nearest to the truth's",
}
"""Ways in which strengths of guidance are chosen (docs/studies.md)."""

COST = "milliseconds_per_column"


RUNAWAY = 1e3
"""Ratio of the greatest to the least value of a score from which on its axis is logarithmic."""


def study_charts(data: xr.Dataset, study: str, *, full: bool = False) -> list[Chart]:
    """Charts of the scores in a dataset, outputs of one score after each other.

    Args:
        data: scores over the axes of the study and ``variable``, ``NAME_std`` over trainings where there are several
            (:meth:`diffmp_app.exhibits.study.StudyScores.gather`).
        study: which study it is.
        full: name both score and output at each chart.
    """
    outputs = [str(name) for name in data["variable"].values]
    charts = [
        score_chart(data, study, str(name), output, full=full or len(outputs) > 1)
        for name in data.attrs["criteria"].split()
        for output in outputs
    ]
    return [*charts, cost_chart(data, study)] if COST in data else charts


def study_gaps(data: xr.Dataset, study: str) -> list[str]:
    """What is missing in a dataset of a study and why, in sentences."""
    how = STUDIES[study]

    def called(axis: str, value: Any) -> str:
        named = _value_name(how, axis, value)
        return f"{how.along_label} {named}" if axis == how.along and not how.rows else named

    axes = (how.along, *how.series) if how.rows else (*how.series, how.along)
    return gap_sentences(data, axes, called)


def score_chart(data: xr.Dataset, study: str, name: str, output: str, *, full: bool) -> Chart:
    """One score of one output."""
    how, score = STUDIES[study], data[name].sel(variable=output)
    spread = data[f"{name}_std"].sel(variable=output) if f"{name}_std" in data else xr.full_like(score, np.nan)
    short, definition = SCORES[name].heading, SCORES[name].definition
    return Chart(
        title=_title(data, output) if full else short,
        x_label=short if how.rows and full else how.along_label,
        y_label=short if full and not how.rows else "",
        series=(*_series(data, how, score, spread), *_chosen(data, score, output)),
        rows=tuple(how.value_label(value) for value in data[how.along].values) if how.rows else (),
        perfect=data[name].attrs.get("perfect"),
        logarithmic=(how.logarithmic, not how.rows and runs_away(score)),
        description=f"{short} of {_title(data, output)}. {definition}",
        gaps=_gaps(data, how, name, output),
    )


def _title(data: xr.Dataset, output: str) -> str:
    """What an output of a dataset is called."""
    return str(data["title"].sel(variable=output).values)


def runs_away(score: xr.DataArray) -> bool:
    """Whether a score spans so many powers of ten that only a logarithmic axis shows it: some sampling diverged."""
    known = score.values[np.isfinite(score.values)]
    return bool(known.size) and bool(known.min() > 0) and bool(known.max() > RUNAWAY * known.min())


def cost_chart(data: xr.Dataset, study: str) -> Chart:
    """What an ensemble costs."""
    how = STUDIES[study]
    cost = data[COST]
    return Chart(
        title="Time [ms a column]",
        x_label=how.along_label,
        y_label="",
        series=_series(data, how, cost, xr.full_like(cost, np.nan)),
        logarithmic=(how.logarithmic, True),
        description="Wall-clock time of one column's ensemble [ms], on the machine of the study",
    )


def guidance_table(data: xr.Dataset) -> str:
    """What Table 2 of the paper says, as HTML: the strength that each rule chooses for each output, and what it is
    worth on the columns that are reported on."""
    outputs = [str(name) for name in data["variable"].values]
    reported = [str(name) for name in data.attrs["criteria"].split() if f"report_{name}" in data]
    heads = "".join(f'<th scope="col">{escape(_title(data, name))}</th>' for name in outputs)
    rows = []
    for emulator, choice in product(data["emulator"].values, data["choice"].values):
        case = data.sel(emulator=emulator, choice=choice)
        cells = ""
        for output in outputs:
            at = case.sel(variable=output)
            strength = float(at["best_guidance"])
            if not np.isfinite(strength):
                cells += '<td>– <span class="soft">none for columns of this width</span></td>'
                continue
            worth = ", ".join(f"{SCORES[n].heading} {_number(at[f'report_{n}'])}" for n in reported[:1])
            soft = f' <span class="soft">{escape(worth)}</span>' if worth else ""
            cells += f"<td>{strength:.1f}{soft}</td>"
        rows.append(f"<tr><td>{escape(str(emulator))}</td><td>{escape(CHOICES[str(choice)])}</td>{cells}</tr>")
    return (
        '<div class="scroll"><table class="facts"><thead><tr><th scope="col">Emulator</th>'
        f'<th scope="col">w chosen by</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _number(score: xr.DataArray) -> str:
    """A score of a choice; those that were tried and have none diverged."""
    value = float(score)
    return plain_number(value) if np.isfinite(value) else "diverged"


def _series(data: xr.Dataset, how: Study, score: xr.DataArray, spread: xr.DataArray) -> tuple[Series, ...]:
    """A series for each value of the axes that tell them apart; those without any case are left out."""
    places = list(product(*(data[axis].values for axis in how.series)))
    rows = np.arange(data.sizes[how.along], dtype=float)
    made = []
    for number, values in enumerate(places):
        where = dict(zip(how.series, values, strict=True))
        y, error = (array.sel(where).transpose(how.along).values.astype(float) for array in (score, spread))
        if how.rows:
            x, y = y, dodged(rows, number, len(places))
        else:
            x = _along(data, how, where)
            order = np.argsort(x)
            x, y, error = x[order], y[order], error[order]
        if np.isfinite(x + y).any():
            made.append(Series(_name(data, how, where), number, x, y, error, "dots" if how.rows else "curve"))
    return tuple(made)


def _gaps(data: xr.Dataset, how: Study, name: str, output: str) -> tuple[Gap, ...]:
    """Where cases without a score would be, and why they have none; those not in the study are left out."""
    places = list(product(*(data[axis].values for axis in how.series)))
    made = []
    for number, values in enumerate(places):
        where = dict(zip(how.series, values, strict=True))
        row = np.arange(data.sizes[how.along], dtype=float)
        at = dodged(row, number, len(places)) if how.rows else _along(data, how, where)
        for position, value in zip(at, data[how.along].values, strict=True):
            why = why_empty(data, name, where | {how.along: value}, output)
            if why in SIGNS:
                made.append(Gap(_name(data, how, where), number, float(position), why))
    return tuple(made)


def _along(data: xr.Dataset, how: Study, where: Mapping[str, Any]) -> NDArray[np.float64]:
    """What a series is drawn against: passes of the network where they are known, else the axis itself."""
    if how.along == "steps" and "network_evaluations" in data:
        return data["network_evaluations"].sel(where).values.astype(float)
    return data[how.along].values.astype(float)


def _name(data: xr.Dataset, how: Study, where: Mapping[str, Any]) -> str:
    """Name of a series: its values, without those of axes that have a single one if others tell enough."""
    telling = {axis: value for axis, value in where.items() if data.sizes[axis] > 1} or where
    return ", ".join(_value_name(how, axis, value) for axis, value in telling.items())


def _value_name(how: Study, axis: str, value: Any) -> str:
    return f"{value} km" if axis == "spacing_km" else how.value_label(value)


def _chosen(data: xr.Dataset, score: xr.DataArray, output: str) -> tuple[Series, ...]:
    """Strengths of guidance that were chosen for an output, as points on the curves."""
    if "best_guidance" not in data:
        return ()
    scanned = data["guidance"].values.astype(float)
    order = np.argsort(scanned)
    choices = [str(choice) for choice in data["choice"].values if choice != "none"]
    made = []
    for number, choice in enumerate(choices):
        x = data["best_guidance"].sel(choice=choice, variable=output).values.astype(float)
        curves = score.transpose("emulator", "guidance").values[:, order]
        y = np.array([np.interp(w, scanned[order], curve) for w, curve in zip(x, curves, strict=True)])
        if np.isfinite(x + y).any():
            made.append(Series(f"chosen by {CHOICES[choice]}", number, x, y, np.full_like(x, np.nan), "mark"))
    return tuple(made)
