"""One column of a user's own: from a small CSV or netCDF file to the inputs of an emulator, and as one line of text.

A file is data from outside: its size, kind, names, units and values are checked, nothing in it is run, and all that is
wrong with it is one sentence. Classic and HDF5 netCDF are read in a process of their own
(:mod:`diffmp_core.columns.user_netcdf`), because libraries in C can be crashed by a broken file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diffmp_core.columns.levels import nominal_height, refuse_disordered
from diffmp_core.columns.plausibility import check_upright, check_values
from diffmp_core.columns.units import conversion
from diffmp_core.columns.user_netcdf import read_netcdf
from diffmp_core.constants import REFERENCE_PRESSURE
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import INPUT_NAMES, INPUTS, LEVELS

LARGEST = 1_000_000
"""Bytes of a file that are read."""
MOST_ROWS = 1000
"""Levels that a file may have."""
SHORT_BELOW, SHORT_ABOVE = 200.0, 1000.0
"""How far [m] the lowest and the highest level of a file may lie within the emulator's; the end value is kept there."""
CONTINUED_FROM = 15_000.0
"""Height [m], about 120 hPa, from which on a file may end however high the emulator's levels reach: the standard
atmosphere has one temperature from 11 to 20 km, and vapour mixes well in the stratosphere, so both keep their value."""

_ROUNDING = 15.0
"""Height [m] by which an end of a file may be rounded and still reach a level: 1 hPa near the ground is 8 m."""

PLACES = ("height", "pressure")
ALIASES: Mapping[str, str] = {
    "z": "height", "altitude": "height", "height": "height", "p": "pressure", "pressure": "pressure",
    "t": "T", "temperature": "T", "qv": "qv", "q": "q", "specific_humidity": "q",
    "ps": "Ps", "shf": "SHF", "lhf": "LHF", "solin": "SOLIN",
}  # fmt: skip
"""What a file may call a variable, without regard to capitals; ``q`` is specific humidity."""

UNITS: Mapping[str, tuple[str, ...]] = {
    "height": ("m", "km"),
    "pressure": ("Pa", "hPa"),
    "T": ("K", "degC"),
    **dict.fromkeys(("qv", "q"), ("kg kg-1", "g/kg")),
    "Ps": ("Pa", "hPa"),
    **dict.fromkeys(("SHF", "LHF", "SOLIN"), ("W m-2", "kW m-2")),
}
"""Units, SI first, which is taken where none is said; whatever else UDUNITS converts into these is understood too."""

TEXT_UNITS = {"T": 1.0, "qv": 1e3, "Ps": 1e-2, "SHF": 1.0, "LHF": 1.0, "SOLIN": 1.0}
"""SI to the units of the text, so that its numbers are short."""
_NUMBER = re.compile(r"-?\d{1,6}(\.\d{1,8})?(e-\d{1,2})?", re.ASCII)
_PROFILES = tuple(variable.name for variable in INPUTS if variable.profile)
_KNOWN = re.compile(r"(\d{1,2}):(\d{1,2})", re.ASCII)


class UserColumn(NamedTuple):
    """A column that was read: its inputs ``(6, level)``, and the first and last + 1 level that the file reaches."""

    inputs: NDArray[np.float32]
    known: tuple[int, int] = (0, LEVELS)


@dataclass(frozen=True, eq=False)
class Field:
    """One variable of a file: values ``(level,)`` or ``(1,)``, and its unit ('' where the file says none)."""

    values: NDArray[np.float64]
    unit: str


def read_user_column(content: bytes, *, height: NDArray, pressure: NDArray) -> UserColumn:
    """Inputs in SI of the one column in a CSV or netCDF file, and which levels it reaches.

    The file has T, qv (or q, specific humidity), Ps, SHF, LHF and SOLIN, and ``height`` above the surface or
    ``pressure`` of its levels, in either order, from which T and qv are interpolated linearly (in the logarithm of
    pressure); without both it has the emulator's levels, lowest first. In pressure the emulator's levels are where they
    are with the surface at 1000 hPa, in proportion to Ps. Beyond its ends, as far as it may be short
    (:data:`SHORT_BELOW`, :data:`CONTINUED_FROM`), T and qv keep their last value.

    Args:
        content: bytes of the file, at most :data:`LARGEST`.
        height: of the emulator's levels ``(level,)`` [m].
        pressure: of the emulator's levels ``(level,)`` [Pa], nominal.

    Raises:
        DiffmpError: a file that is too large, of another kind, or without what is needed; a unit that is not known,
            values that are no weather, levels that do not reach as far as the emulator's.
    """
    if len(content) > LARGEST:
        raise DiffmpError(f"expected a file of at most {LARGEST:,} bytes, found {len(content):,}; send one column only")
    if content[:3] == b"CDF" or content[:4] == b"\x89HDF":
        read = read_netcdf(content, tuple(ALIASES), MOST_ROWS)
        fields = {ALIASES[name]: Field(np.array(values), unit) for name, (values, unit) in read.items()}
    else:
        fields = _read_csv(content)
    found = {name: _to_si(name, field) for name, field in fields.items()}
    if "q" in found and "qv" not in found:
        found["qv"] = found["q"] / (1.0 - found["q"])
    missing = [name for name in INPUT_NAMES if name not in found]
    if missing:
        raise DiffmpError(
            f"expected T, qv, Ps, SHF, LHF and SOLIN in the file, found {', '.join(found) or 'none of them'}; "
            f"add {', '.join(missing)}"
        )
    for name in INPUT_NAMES:
        check_values(name, found[name], "the file")
    for variable in INPUTS:
        if not variable.profile and np.ptp(found[variable.name]) > 0:
            raise DiffmpError(f"expected one value of {variable.name}, found several; send one column only")
    profiles, known = _on_levels(found, np.asarray(height, dtype=float), np.asarray(pressure, dtype=float))
    check_upright(profiles["qv"], "the file")
    rows = [profiles[v.name] if v.profile else np.full(len(height), found[v.name][0]) for v in INPUTS]
    return UserColumn(from_text(to_text(np.stack(rows).astype(np.float32))), known)


def to_text(inputs: NDArray, known: tuple[int, int] = (0, LEVELS)) -> str:
    """Inputs ``(6, level)`` as numbers with a blank between: T [K], qv [g/kg] from below, Ps [hPa], fluxes [W/m²].

    Five or six digits each, about 450 letters: short enough for an address. Where not all levels are ``known``, the
    first and the last + 1 that are stand at the end.
    """
    numbers = []
    for values, variable in zip(np.asarray(inputs, dtype=float), INPUTS, strict=True):
        shown = (values if variable.profile else values[:1]) * TEXT_UNITS[variable.name]
        numbers += [f"{number:.6g}" if abs(number) >= 100 else f"{number:.5g}" for number in shown]
    if tuple(known) != (0, LEVELS):
        numbers.append(f"{known[0]}:{known[1]}")
    return " ".join(numbers)


def known_levels(text: str) -> tuple[int, int]:
    """First and last + 1 level that were read and not continued, from what :func:`to_text` wrote."""
    found = _KNOWN.fullmatch(text.rpartition(" ")[2])
    return (int(found[1]), int(found[2])) if found else (0, LEVELS)


def continued_words(text: str, *, height: NDArray) -> str:
    """Which levels at ``height`` [m] of what :func:`to_text` wrote were continued, in words; '' if none was."""
    first, last = known_levels(text)
    ends = [f"below {height[first]:.0f} m"] if first > 0 else []
    ends += [f"above {height[last - 1] / 1000:.1f} km"] if last < len(height) else []
    return f"its file has nothing {' and '.join(ends)}: T and qv keep their end values there" if ends else ""


def from_text(text: str) -> NDArray[np.float32]:
    """Inputs ``(6, level)`` from what :func:`to_text` wrote.

    Raises:
        DiffmpError: other text, or numbers that are no weather.
    """
    first, last = known_levels(text)
    parts = text.split(" ")
    if _KNOWN.fullmatch(parts[-1]):
        parts = parts[:-1]
    expected = sum(LEVELS if variable.profile else 1 for variable in INPUTS)
    if len(parts) != expected or not all(map(_NUMBER.fullmatch, parts)) or not 0 <= first < last <= LEVELS:
        raise DiffmpError(
            f"expected {expected} numbers of a column with a blank between, found other text; load the file again"
        )
    numbers, inputs = np.array([float(part) for part in parts]), np.empty((len(INPUTS), LEVELS))
    place = 0
    for row, variable in zip(inputs, INPUTS, strict=True):
        count = LEVELS if variable.profile else 1
        row[:] = numbers[place : place + count] / TEXT_UNITS[variable.name]
        check_values(variable.name, row, "the column's text")
        place += count
    return inputs.astype(np.float32)


def template(inputs: NDArray, *, height: NDArray) -> str:
    """A CSV file with inputs ``(6, level)`` on levels at ``height`` [m], to be filled with one's own."""
    heads = ["height [m]", *(f"{v.name} [{v.display_unit}]" for v in INPUTS)]
    lines = [
        "# One column for DIFF-MP. Any number of levels, by height above the surface or by pressure [hPa];",
        "# T and qv at each, the four others in the first row alone. Fluxes are positive upward.",
        ",".join(heads),
    ]
    for level, z in enumerate(height):
        shown = [
            f"{inputs[row, level] * v.display_factor:.5g}" if v.profile or level == 0 else ""
            for row, v in enumerate(INPUTS)
        ]
        lines.append(",".join([f"{z:.1f}", *shown]))
    return "\n".join(lines) + "\n"


def _read_csv(content: bytes) -> dict[str, Field]:
    """Variables of a table with a heading ``name [unit]``; lines that begin with # are left out."""
    try:
        text = content.decode("utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        separator = next((mark for mark in ",;\t" if lines and mark in lines[0]), ",")
        rows = list(csv.reader(io.StringIO("\n".join(lines[: MOST_ROWS + 2])), delimiter=separator))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DiffmpError(
            "expected a CSV table in UTF-8 or a netCDF file, found something else; take the template"
        ) from error
    if len(rows) < 2 or len(rows) > MOST_ROWS + 1:
        raise DiffmpError(
            f"expected a heading and 1 to {MOST_ROWS} rows, found {len(lines)} lines; send one column of levels"
        )
    fields: dict[str, Field] = {}
    for place, heading in enumerate(rows[0]):
        called, unit = _name_and_unit(heading)
        name = ALIASES.get(called.casefold())
        if name is None:
            continue
        if name in fields:
            raise DiffmpError(f"expected one column {name} in the table, found two; leave one out")
        cells = [row[place].strip() if place < len(row) else "" for row in rows[1:]]
        if name in PLACES or name in ("T", "qv", "q"):
            numbers = [_number(cell, name, number) for number, cell in enumerate(cells, start=1)]
        else:
            numbers = [_number(cell, name, number) for number, cell in enumerate(cells, start=1) if cell]
        if not numbers:
            raise DiffmpError(f"expected a number of {name} in the first row, found none; fill it in")
        fields[name] = Field(np.array(numbers), unit)
    return fields


def _name_and_unit(heading: str) -> tuple[str, str]:
    """The parts of a heading such as ``T [K]`` or ``T (K)``; no regular expression, whose time a file could choose."""
    heading = heading.strip()
    for start, end in ("[]", "()"):
        if heading.endswith(end) and start in heading:
            name, unit = heading[:-1].split(start, maxsplit=1)
            return name.strip(), unit.strip()
    return heading, ""


def _number(cell: str, name: str, row: int) -> float:
    try:
        if "_" in cell:  # Python's own way to write a number
            raise ValueError(cell)
        return float(cell)
    except ValueError:
        found = repr(cell[:20]) if cell else "nothing"
        raise DiffmpError(f"expected a number of {name} in row {row} of the table, found {found}; fill it in") from None


def _to_si(name: str, field: Field) -> NDArray[np.float64]:
    known = UNITS[name]
    to_unit = conversion(field.unit or known[0], known[0])
    if to_unit is None:
        raise DiffmpError(f"expected {name} in {' or '.join(known)}, found {field.unit[:20]!r}; convert it")
    factor, offset = to_unit
    return field.values * factor + offset


def _on_levels(
    found: Mapping[str, NDArray[np.float64]], height: NDArray[np.float64], pressure: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], tuple[int, int]]:
    """T and qv ``(level,)`` on the emulator's levels, and the first and last + 1 of these that the file reaches."""
    counts = {len(found[name]) for name in (*_PROFILES, *PLACES) if name in found}
    place = next((name for name in PLACES if name in found), None)
    if len(counts) > 1 or (place is None and counts != {len(height)}):
        raise DiffmpError(
            f"expected height or pressure of each level, or values on the emulator's {len(height)} levels, found "
            f"{' and '.join(map(str, sorted(counts)))} values; add a column height or pressure"
        )
    if place is None:
        return {name: found[name] for name in _PROFILES}, (0, len(height))
    if not np.isfinite(found[place]).all() or (place == "pressure" and found[place].min() <= 0):
        raise DiffmpError(f"expected finite {place} of each level, above 0 for pressure, found others; repair them")
    refuse_disordered(found[place], f"{place} [{'m' if place == 'height' else 'Pa'}]", "the file")
    order = np.argsort(found[place] if place == "height" else -found[place])
    ordered = {name: found[name][order] for name in (*_PROFILES, place)}
    if place == "height":
        given, wanted, levels, factor, unit = ordered["height"], height, height, 1e-3, "km"
        given_height, wanted_height = given, height
    else:
        share = found["Ps"][0] / REFERENCE_PRESSURE
        levels, factor, unit = pressure * share, 1e-2, "hPa"
        given, wanted = -np.log(ordered["pressure"]), -np.log(levels)
        given_height, wanted_height = nominal_height(ordered["pressure"] / share), nominal_height(pressure)
    lowest_end = min(wanted_height[-1] - SHORT_ABOVE, CONTINUED_FROM)
    if given_height[0] > wanted_height[0] + SHORT_BELOW or given_height[-1] < lowest_end:
        ends = ordered[place][[0, -1]] * factor
        raise DiffmpError(
            f"expected levels from {levels[0] * factor:.3g} to {levels[-1] * factor:.3g} {unit} as the emulator has "
            f"them, or to {CONTINUED_FROM / 1000:g} km at least, found {ends[0]:.3g} to {ends[1]:.3g} {unit}; add what "
            "is missing"
        )
    reached = (wanted_height > given_height[0] - _ROUNDING) & (wanted_height < given_height[-1] + _ROUNDING)
    known = np.flatnonzero(reached)
    return {name: np.interp(wanted, given, ordered[name]) for name in _PROFILES}, (int(known[0]), int(known[-1]) + 1)
