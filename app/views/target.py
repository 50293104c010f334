"""The columns that the Sensitivity tab perturbs: the selected one, or a composite of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.catalog import Catalog
from app.selections import COMPOSITES, column_facts
from app.state import State
from diffmp_core.stores import stack_channels
from diffmp_core.variables import INPUTS

TARGETS = {"Selected column": "column", **{name.capitalize(): name for name in COMPOSITES}}


@dataclass(frozen=True, eq=False)
class Target:
    """Columns to be perturbed: inputs (column, 6, level), layer_mass (column, level) kg m-2, and what they are."""

    inputs: NDArray[np.float32]
    layer_mass: NDArray[np.float64]
    rule: str


def take_target(state: State, catalog: Catalog) -> tuple[Target | None, str]:
    """Columns of the present choice, None where no column belongs to it, and in words which they are."""
    cells, rule = _cells(state, catalog)
    if not len(cells):
        return None, rule
    selected = state.cell if state.composite == "column" else None
    key = ("target", state.experiment, state.composite, state.time, selected)
    return catalog.keep(key, lambda: _read(state, catalog, cells, rule)), rule


def _cells(state: State, catalog: Catalog) -> tuple[NDArray[np.int64], str]:
    if state.composite == "column":
        cells = catalog.grid(state.experiment)
        lat, lon = cells.lat[state.cell], cells.lon[state.cell]
        place = f"{abs(lat):.1f}°{'N' if lat >= 0 else 'S'} {abs(lon):.1f}°{'E' if lon >= 0 else 'W'}"
        return np.array([state.cell]), f"Column {state.cell}, {place}, {cells.times[state.time]}"
    facts = catalog.keep(
        ("facts", state.experiment, state.time), lambda: column_facts(catalog.columns(state.experiment), state.time)
    )
    selection = COMPOSITES[state.composite]
    chosen = selection.composite(facts)
    return chosen, f"Mean over {selection.words}, {catalog.grid(state.experiment).times[state.time]}"


def _read(state: State, catalog: Catalog, cells: NDArray[np.int64], rule: str) -> Target:
    columns = catalog.columns(state.experiment).isel(time=[state.time], cell=cells)
    mass = np.asarray(columns["layer_mass"], dtype=float)
    return Target(stack_channels(columns, INPUTS), np.broadcast_to(mass, (len(cells), columns.sizes["level"])), rule)
