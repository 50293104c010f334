"""Which variables and which levels columns are made with: sets by name, lists of names, or a file of definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from diffmp_core.columns.levels import Levels
from diffmp_core.columns.units import conversion
from diffmp_core.errors import DiffmpError
from diffmp_core.schema import FORMAT, VariablesFile
from diffmp_core.storage.documents import UnreadableError, read_yaml
from diffmp_core.variables import (
    KNOWN_INPUTS,
    KNOWN_OUTPUTS,
    PAPER,
    VARIABLE_SETS,
    Channels,
    ColumnVariables,
    Variable,
)

ALL: Literal["all"] = "all"
"""Every level of the source."""

SET_LEVELS: Mapping[str, Levels] = {"climsim-v1": ALL}
"""Levels of named variable sets, where they differ from the paper's."""

MIN_LEVELS = 2
"""Fewest levels that columns may have."""

_KEYS = ("inputs", "outputs", "levels")


@dataclass(frozen=True)
class ColumnChoice:
    """What columns are made with.

    Attributes:
        variables: inputs and outputs.
        levels: number of levels below 20 km, or ``all``; None: 30, or the simulator's own.
    """

    variables: ColumnVariables = PAPER
    levels: Levels | None = None


PAPER_COLUMNS = ColumnChoice()
"""What columns are made with unless somebody says otherwise."""


def choose(
    variables: str | Path = "paper",
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    levels: Levels | None = None,
) -> ColumnChoice:
    """What columns are to be made with.

    Args:
        variables: name of a variable set, or a YAML file (:func:`read_choice`).
        inputs, outputs: names of all inputs, of all outputs, instead of those of ``variables``.
        levels: instead of those that belong to ``variables``.

    Raises:
        DiffmpError: an unknown name, not a variables file, or an invalid level count.
    """
    name = str(variables)
    if name in VARIABLE_SETS:
        chosen = ColumnChoice(VARIABLE_SETS[name], SET_LEVELS.get(name))
    elif Path(variables).suffix in (".yaml", ".yml"):
        chosen = read_choice(Path(variables))
    else:
        raise DiffmpError(
            f"expected variables among {', '.join(VARIABLE_SETS)} or a YAML file, found {name!r}; choose one of these"
        )
    own = chosen.variables
    picked = ColumnVariables(
        own.inputs if inputs is None else _pick(inputs, "inputs", KNOWN_INPUTS, own.inputs),
        own.outputs if outputs is None else _pick(outputs, "outputs", KNOWN_OUTPUTS, own.outputs),
    )
    return ColumnChoice(picked, chosen.levels if levels is None else _checked_levels(levels, "--levels"))


def read_choice(path: Path) -> ColumnChoice:
    """Variables and levels from a YAML file.

    It has lists ``inputs`` and ``outputs``, each entry of which is the name of a known variable or the full definition
    of one that the source holds under that name (attributes of :class:`diffmp_core.variables.Variable`), and maybe
    ``levels``: a number of levels below 20 km, or ``all``.

    Raises:
        DiffmpError: no such file, not YAML, another key, an unknown name, or a definition that is none.
    """
    where = path.name
    try:
        content = read_yaml(path)
    except UnreadableError as error:
        raise DiffmpError(f"expected YAML at {path}, found {error}; check the path") from error
    if not isinstance(content, dict) or not {"inputs", "outputs"} <= content.keys() <= set(_KEYS):
        found = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise DiffmpError(f"expected the keys inputs, outputs and maybe levels in {where}, found {found}; correct them")
    roles = (("inputs", KNOWN_INPUTS), ("outputs", KNOWN_OUTPUTS))
    entries = {role: _entries(content[role], role, known, where) for role, known in roles}
    try:
        read = VariablesFile.model_validate({"format": FORMAT, **entries})
    except ValidationError as error:
        first = error.errors()[0]
        role, *place = first["loc"]
        which = f" number {int(place[0]) + 1}" if place else ""
        what = f", {place[1]}" if place[1:] else ""
        raise DiffmpError(
            f"expected definitions of variables in {where}, found {first['msg']!r} of {role}{which}{what}; correct it"
        ) from error
    variables = read.variables()
    for variable in (*variables.inputs, *variables.outputs):
        _refuse_redefined(variable, where)
    levels = content.get("levels")
    return ColumnChoice(variables, None if levels is None else _checked_levels(levels, where))


def parse_levels(text: str) -> Levels:
    """Levels for ``--levels``: a number, or ``all``; raises as :func:`choose`."""
    return _checked_levels(int(text) if text.isascii() and text.isdigit() else text, "--levels")


def _checked_levels(levels: Any, where: str) -> Levels:
    if levels == ALL or (isinstance(levels, int) and not isinstance(levels, bool) and levels >= MIN_LEVELS):
        return levels
    raise DiffmpError(
        f"expected {MIN_LEVELS} levels or more, or 'all', of {where}, found {levels!r}; choose one of these"
    )


def _pick(names: Sequence[str], role: str, known: Mapping[str, Variable], own: Channels) -> Channels:
    offered = {**known, **{variable.name: variable for variable in own}}
    if unknown := [name for name in names if name not in offered]:
        raise DiffmpError(f"expected {role} among {', '.join(offered)}, found {unknown[0]!r}; choose among these")
    return Channels(offered[name] for name in names)


def _entries(found: Any, role: str, known: Mapping[str, Variable], where: str) -> list[Any]:
    """Definitions of a list in which known variables stand by name alone."""
    if not isinstance(found, list):
        raise DiffmpError(f"expected a list of {role} in {where}, found {type(found).__name__}; write - NAME lines")
    if unknown := [entry for entry in found if isinstance(entry, str) and entry not in known]:
        raise DiffmpError(
            f"expected {role} among {', '.join(known)}, or definitions with name, symbol, long_name, unit, "
            f"display_unit and display_factor, in {where}, found {unknown[0]!r}; choose one or define it"
        )
    return [asdict(known[entry]) if isinstance(entry, str) else entry for entry in found]


def _refuse_redefined(variable: Variable, where: str) -> None:
    """Raise unless a variable of a known name is that one, and any other has a unit."""
    for known in (KNOWN_INPUTS.get(variable.name), KNOWN_OUTPUTS.get(variable.name)):
        if known is not None and (variable.unit, variable.profile) != (known.unit, known.profile):
            raise DiffmpError(
                f"expected {variable.name} in {known.unit}, {'on levels' if known.profile else 'a single value'}, in "
                f"{where}, found {variable.unit}, {'on levels' if variable.profile else 'a single value'}; define "
                "another name"
            )
    if conversion(variable.unit, variable.unit) is None:
        raise DiffmpError(
            f"expected a unit of {variable.name} that UDUNITS knows in {where}, found {variable.unit!r}; correct it"
        )
