"""One column of a user's own, as one line of text: what addresses, scenario files and exported Python hold of it."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diffmp_core.columns.plausibility import check_values
from diffmp_core.errors import DiffmpError
from diffmp_core.schema import ColumnSchema

WHOLE_STRATOSPHERE = 21_000.0
"""Columns whose levels reach beyond this height [m] have more than air of one temperature above the tropopause."""

MOST_NUMBERS = 20_000
"""Numbers of a column's text."""
_NUMBER = re.compile(r"-?\d{1,6}(\.\d{1,8})?(e[+-]?\d{1,2})?", re.ASCII)
_KNOWN_LEVELS = re.compile(r"(\d{1,4}):(\d{1,4})", re.ASCII)


class UserColumn(NamedTuple):
    """A column that was read: its inputs ``(input, level)``, and the first and last + 1 level that the file reaches."""

    inputs: NDArray[np.float32]
    known: tuple[int, int]


def to_text(inputs: NDArray, schema: ColumnSchema, known: tuple[int, int] | None = None) -> str:
    """Inputs ``(input, level)`` as numbers with a blank between, in the units that people read, profiles from below.

    Five or six digits each, about 450 letters for the paper's inputs: short enough for an address. Where not all levels
    are ``known``, the first and the last + 1 that are stand at the end.
    """
    numbers = []
    for values, variable in zip(np.asarray(inputs, dtype=float), schema.inputs, strict=True):
        shown = (values if variable.profile else values[:1]) * variable.display_factor
        numbers += [f"{number:.6g}" if abs(number) >= 100 else f"{number:.5g}" for number in shown]
    if known is not None and tuple(known) != (0, schema.levels):
        numbers.append(f"{known[0]}:{known[1]}")
    return " ".join(numbers)


def known_levels(text: str, schema: ColumnSchema) -> tuple[int, int]:
    """First and last + 1 level that were read and not continued, from what :func:`to_text` wrote."""
    found = _KNOWN_LEVELS.fullmatch(text.rpartition(" ")[2])
    return (int(found[1]), int(found[2])) if found else (0, schema.levels)


def continued_words(text: str, schema: ColumnSchema) -> str:
    """Which levels of what :func:`to_text` wrote were continued, in words; '' if none was."""
    first, last = known_levels(text, schema)
    height, names = schema.height, schema.inputs.profiles.names
    ends = [f"below {height[first]:.0f} m"] if first > 0 else []
    ends += [f"above {height[last - 1] / 1000:.1f} km"] if last < len(height) else []
    if not ends:
        return ""
    keeping = names
    follows = ""
    if last < len(height) and is_deep(height) and "T" in names:
        keeping, follows = tuple(name for name in names if name != "T"), "T goes on as the standard atmosphere does, "
    keep = "keep their end values" if len(keeping) > 1 else "keeps its end value"
    return f"its file has nothing {' and '.join(ends)}: {follows}{listed(keeping)} {keep} there"


def check_text(text: str) -> str:
    """The text again, if it can be of a column at all: numbers with a blank between; of which one, a schema tells.

    Raises:
        DiffmpError: other text.
    """
    parts = text.split(" ")
    if _KNOWN_LEVELS.fullmatch(parts[-1]):
        parts = parts[:-1]
    if not 1 <= len(parts) <= MOST_NUMBERS or not all(map(_NUMBER.fullmatch, parts)):
        raise DiffmpError("expected numbers of a column with a blank between, found other text; load the file again")
    return text


def from_text(text: str, schema: ColumnSchema) -> NDArray[np.float32]:
    """Inputs ``(input, level)`` from what :func:`to_text` wrote.

    Raises:
        DiffmpError: other text, or numbers that are no weather.
    """
    first, last = known_levels(text, schema)
    parts = text.split(" ")
    if _KNOWN_LEVELS.fullmatch(parts[-1]):
        parts = parts[:-1]
    expected = sum(schema.levels if variable.profile else 1 for variable in schema.inputs)
    if len(parts) != expected or not all(map(_NUMBER.fullmatch, parts)) or not 0 <= first < last <= schema.levels:
        raise DiffmpError(
            f"expected {expected} numbers of a column with a blank between, found other text; load the file again"
        )
    numbers, inputs = np.array([float(part) for part in parts]), np.empty(schema.input_shape)
    place = 0
    for row, variable in zip(inputs, schema.inputs, strict=True):
        count = schema.levels if variable.profile else 1
        row[:] = numbers[place : place + count] / variable.display_factor
        check_values(variable.name, row, "the column's text")
        place += count
    return inputs.astype(np.float32)


def template(inputs: NDArray, schema: ColumnSchema) -> str:
    """A CSV file with inputs ``(input, level)``, to be filled with one's own."""
    heads = ["height [m]", *(f"{v.name} [{v.display_unit}]" for v in schema.inputs)]
    profiles, singles = (listed(channels.names) for channels in (schema.inputs.profiles, schema.inputs.singles))
    lines = [
        "# One column for DIFF-MP. Any number of levels, by height above the surface or by pressure [hPa];",
        f"# {profiles} at each{f', {singles} in the first row alone' if singles else ''}. Fluxes are positive upward.",
        ",".join(heads),
    ]
    for level, z in enumerate(schema.height):
        shown = [
            f"{inputs[row, level] * v.display_factor:.5g}" if v.profile or level == 0 else ""
            for row, v in enumerate(schema.inputs)
        ]
        lines.append(",".join([f"{z:.1f}", *shown]))
    return "\n".join(lines) + "\n"


def is_deep(height: NDArray) -> bool:
    """Whether levels at ``height`` [m] reach so far that temperature above a sounding is no constant."""
    return bool(height[-1] > WHOLE_STRATOSPHERE)


def listed(names: tuple[str, ...]) -> str:
    """Names in a sentence: ``T, qv and u``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
