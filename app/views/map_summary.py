"""What stands below the maps: their means, the columns marked, and how a difference was tested."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import xarray as xr

from ..data.catalog import Catalog
from ..data.composites import selection_words, selects_all
from ..exhibits import ScoreMap
from ..figures.axes import plain_number
from ..state.state import State


def map_summary(state: State, catalog: Catalog, field: ScoreMap, parts: Sequence[xr.Dataset], *, took: float) -> str:
    """Mean and column of each panel, how a difference was tested, what the marks mean, and the milliseconds it took."""
    cells, said = catalog.grid(state.experiment), parts[0].attrs
    unit = f" {field.unit(catalog)}" if field.score.power else ""
    where = "Global mean" if selects_all(state.choices) else f"Mean of {escape(selection_words(state.choices))}"
    times = f"mean over {len(cells.times)} times" if state.average else cells.times[state.time]
    means = f"{'difference ' if said['test_words'] else ''}{said['mean_words']}"
    tested = f"{escape(said['test_words'])}<br>" if said["test_words"] else ""

    def at(cell: int) -> str:
        values = (float(panel[field.metric].values[cell]) for panel in parts)
        return " and ".join(f"<b>{plain_number(value)}{unit}</b>" for value in values)

    level = f", {cells.level_labels[state.level]}" if field.output(catalog).profile else ""
    lines = [f"<b>{where} {means}</b> · {times}{level}"]
    if len(parts) == 2:
        lines.append(
            f"Solid: {escape(field.emulator)} · dashed: {escape(field.pinned_emulator)} · the colours are the same"
        )
    lines.append(
        f"{tested}◯ column {state.cell}, {cells.place(state.cell)}: {at(state.cell)} "
        "(click the map, or use arrow keys on it, for another)"
    )
    if state.pinned_cell >= 0:
        lines.append(f"□ pinned column {state.pinned_cell}, {cells.place(state.pinned_cell)}: {at(state.pinned_cell)}")
    lines.append(" · ".join(filter(None, [escape(said["cross_words"]), f"drawn in {took:.0f} ms"])))
    return "<br>".join(lines)
