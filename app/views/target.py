"""The columns that Profiles and Sensitivity show: the selected one, or some of those in the region and regime."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.catalog import Catalog
from app.choices import Choices
from app.composites import composite, selection_words
from diffmp_core.stores import stack_channels
from diffmp_core.variables import INPUTS, OUTPUTS

TARGETS = {"Selected column": "column", "Mean of the region": "composite"}
DEPENDS = ("experiment", "time", "cell", "target", "region", "south", "north", "west", "east", "regime")
"""Choices that decide which columns these are."""


@dataclass(frozen=True, eq=False)
class Target:
    """Columns at one time.

    Attributes:
        inputs, truth: (column, 6 or 4, level), stored units.
        layer_mass: (column, level) kg m-2.
        rule: what they are, in words.
    """

    inputs: NDArray[np.float32]
    truth: NDArray[np.float32]
    layer_mass: NDArray[np.float64]
    rule: str


def take_target(choices: Choices, catalog: Catalog) -> tuple[Target | None, str]:
    """Columns of the present choice, None where no column belongs to it, and in words which they are."""
    cells, rule = _cells(choices, catalog)
    if not len(cells):
        return None, rule
    key = ("target", choices.experiment, choices.time, tuple(cells), rule)
    return catalog.keep(key, lambda: _read(choices, catalog, cells, rule)), rule


def _cells(choices: Choices, catalog: Catalog) -> tuple[NDArray[np.int64], str]:
    grid = catalog.grid(choices.experiment)
    when = grid.times[choices.time]
    if choices.target == "column":
        return np.array([choices.cell]), f"Column {choices.cell}, {grid.place(choices.cell)}, {when}"
    facts, mask = catalog.facts(choices.experiment), catalog.mask(choices)
    chosen = composite(choices, facts, np.ones(facts.lat.shape, bool) if mask is None else mask, choices.time)
    return chosen, f"Mean over {len(chosen)} columns: {selection_words(choices)}, {when}"


def _read(choices: Choices, catalog: Catalog, cells: NDArray[np.int64], rule: str) -> Target:
    columns = catalog.columns(choices.experiment).isel(time=[choices.time], cell=cells)
    mass = np.asarray(columns["layer_mass"], dtype=float)
    return Target(
        stack_channels(columns, INPUTS),
        stack_channels(columns, OUTPUTS),
        np.broadcast_to(mass, (len(cells), columns.sizes["level"])),
        rule,
    )
