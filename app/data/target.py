"""The columns that Profiles and Sensitivity show: the selected one, or some of those in the region and regime."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffmp_core.columns import user_column
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.regimes import represent
from diffmp_core.response.cautions import Cautions, find_cautions
from diffmp_core.stores import stack_inputs, stack_outputs
from diffmp_core.variables import Channels, ColumnVariables

from ..state.choices import Choices
from .catalog import Catalog
from .composites import selection_words

TARGETS = {"Selected column": "column", "Mean of the region": "composite", "Your own": "own"}
DEPENDS = ("experiment", "time", "cell", "target", "own", "region", "south", "north", "west", "east", "regime")
"""Choices that decide which columns these are."""
OWN = "Your own column"
ABOUT_OWN = (
    "A column of your own: interpolated to the emulator's levels, with the air of the experiment's mean column; no "
    "truth is known, and the cloud-resolving model cannot be asked about it."
)
NO_COLUMN = "No column of this time belongs to the region and regime; choose another one or another time."
NO_OWN = "No column of your own is loaded yet; load a file, or choose a column of the experiment."


@dataclass(frozen=True, eq=False)
class Target:
    """Columns at one time.

    Attributes:
        inputs, truth: (column, input or output, level), stored units; NaN as truth where it is not known.
        variables: which channel of these is what.
        layer_mass: (column, level) kg m-2.
        rule: what they are, in words.
        cells: their indices (column,), none for a reader's own.
        notes: sentences about them, for the cautions.
    """

    inputs: NDArray[np.float32]
    truth: NDArray[np.float32]
    variables: ColumnVariables
    layer_mass: NDArray[np.float64]
    rule: str
    cells: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_truth(self) -> bool:
        """Whether the truth is known."""
        return bool(np.isfinite(self.truth).all())

    def read_by(self, channels: Channels) -> NDArray[np.float32]:
        """The inputs (column, input, level) that an emulator reads, in its own order.

        Raises:
            DiffmpError: one that these columns lack.
        """
        return self.inputs[:, [self.variables.inputs.channel(name) for name in channels.names]]


def target_cautions(catalog: Catalog, experiment: str, emulator: str, target: Target) -> Cautions:
    """What to bear in mind with an emulator's answer for these columns as they are.

    Raises:
        DiffmpError: an emulator without weights.
    """
    live = catalog.live(experiment, emulator)
    return find_cautions(
        target.read_by(live.schema.inputs),
        live.domain,
        channels=live.schema.inputs,
        pressure=catalog.grid(experiment).pressure,
        layer_mass=target.layer_mass,
        notes=target.notes,
    )


def take_target(choices: Choices, catalog: Catalog) -> tuple[Target | None, str]:
    """Columns of the present choice, None where no column belongs to it, and in words which they are."""
    if choices.target == "own":
        return _own(choices, catalog) if choices.own else (None, NO_OWN)
    cells, rule = _cells(choices, catalog)
    if not len(cells):
        return None, rule
    key = ("target", choices.experiment, choices.time, tuple(cells), rule)
    return catalog.keep(key, lambda: _read(choices, catalog, cells, rule)), rule


def _own(choices: Choices, catalog: Catalog) -> tuple[Target | None, str]:
    """The reader's own column; its air is the mean of the experiment's columns, in proportion to surface pressure."""
    schema = catalog.schema(choices.experiment)
    try:
        inputs = user_column.from_text(choices.own, schema)[None]
    except DiffmpError as error:  # of other columns than these, or no weather
        return None, str(error)

    def mean_air() -> NDArray[np.float64]:
        columns = catalog.columns(choices.experiment)
        over = [str(dim) for dim in columns["layer_mass"].dims if dim != "level"]
        mass = columns["layer_mass"].mean(over)
        return np.asarray(mass / columns["Ps"].mean() if "Ps" in schema.inputs else mass, dtype=float)

    mass = catalog.keep(("mean air", choices.experiment), mean_air)
    if "Ps" in schema.inputs:
        mass = mass * float(inputs[0, schema.inputs.channel("Ps"), 0])
    truth = np.full((1, *schema.output_shape), np.nan, dtype=np.float32)
    continued = user_column.continued_words(choices.own, schema)
    rule = f"{OWN}; {continued}" if continued else OWN
    return Target(inputs, truth, schema.variables, mass[None], rule, notes=(ABOUT_OWN,)), rule


def _cells(choices: Choices, catalog: Catalog) -> tuple[NDArray[np.int64], str]:
    grid = catalog.grid(choices.experiment)
    when = grid.times[choices.time]
    if choices.target == "column":
        return np.array([choices.cell]), f"Column {choices.cell}, {grid.place(choices.cell)}, {when}"
    mask = catalog.mask(choices)
    here = np.ones(grid.lat.size, bool) if mask is None else mask[choices.time]
    chosen, some = represent(here), int(here.sum())
    count = str(some) if len(chosen) == some else f"{len(chosen)} of the {some:,}"
    return chosen, f"Mean over {count} columns: {selection_words(choices)}, {when}"


def _read(choices: Choices, catalog: Catalog, cells: NDArray[np.int64], rule: str) -> Target:
    columns = catalog.columns(choices.experiment).isel(time=[choices.time], cell=cells)
    mass = np.asarray(columns["layer_mass"], dtype=float)
    return Target(
        stack_inputs(columns),
        stack_outputs(columns),
        catalog.schema(choices.experiment).variables,
        np.broadcast_to(mass, (len(cells), columns.sizes["level"])),
        rule,
        tuple(map(int, cells)),
    )
