"""What stands below the maps: their means, the columns marked, and how a difference was tested."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..data.catalog import Catalog
from ..data.composites import selection_words, selects_all
from ..exhibits import ScoreMap
from ..figures.axes import plain_number
from ..figures.zonal import area_mean
from ..state.state import State

Shown: TypeAlias = tuple[ScoreMap, NDArray[np.float32]]
"""A map and its values ``(cell,)`` in the unit shown."""


def map_summary(state: State, catalog: Catalog, shown: Sequence[Shown], *, took: float) -> str:
    """Mean and column of each map, how a difference was tested, what the marks mean, and the milliseconds it took."""
    cells = catalog.grid(state.experiment)
    first, two = shown[0][0], len(shown) == 2
    unit = f" {first.unit}" if first.score.power else ""
    where = "Global mean" if selects_all(state.choices) else f"Mean of {escape(selection_words(state.choices))}"
    times = f"mean over {len(cells.times)} times" if state.average else cells.times[state.time]
    means = [f"{plain_number(area_mean(values, cells.area))}{unit}" for _, values in shown]
    tested = ""
    if first.is_difference and first.levels(catalog) is not None:
        _, low, high = (plain_number(value) for value in first.mean_words(catalog))
        means = [f"difference {means[0]} (95 %: {low} to {high})"]
        tested = f"{escape(first.test_words(catalog, first.evidence(catalog)))}<br>"

    def at(cell: int) -> str:
        return " and ".join(f"<b>{plain_number(float(values[cell]))}{unit}</b>" for _, values in shown)

    lines = [f"<b>{where} {' and '.join(means)}</b> · {times}, {cells.level_labels[state.level]}"]
    if two:
        lines.append(
            f"Solid: {escape(first.emulator)} · dashed: {escape(first.pinned_emulator)} · the colours are the same"
        )
    lines.append(
        f"{tested}◯ column {state.cell}, {cells.place(state.cell)}: {at(state.cell)} "
        "(click the map, or use arrow keys on it, for another)"
    )
    if state.pinned_cell >= 0:
        lines.append(f"□ pinned column {state.pinned_cell}, {cells.place(state.pinned_cell)}: {at(state.pinned_cell)}")
    crosses = dict.fromkeys(escape(side.cross_words(catalog)) for side, _ in shown if not side.is_difference)
    lines.append(" · ".join([*crosses, f"drawn in {took:.0f} ms"]))
    return "<br>".join(lines)
