"""One column of a user's own, from a small CSV or netCDF file to the inputs of columns.

A file is data from outside: its size, kind, names, units and values are checked, nothing in it is run, and all that is
wrong with it is one sentence. Classic and HDF5 netCDF are read in a process of their own
(:mod:`diffmp_core.columns.user_netcdf`), because libraries in C can be crashed by a broken file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.columns.derived import FROM_INPUTS, LEVEL_DIFFERENCES
from diffmp_core.columns.levels import nominal_height, refuse_disordered, standard_temperature
from diffmp_core.columns.plausibility import check_upright, check_values
from diffmp_core.columns.units import conversion
from diffmp_core.columns.user_column import UserColumn, from_text, is_deep, listed, to_text
from diffmp_core.columns.user_netcdf import read_netcdf
from diffmp_core.constants import REFERENCE_PRESSURE
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.moisture import per_dry_air
from diffmp_core.schema import ColumnSchema
from diffmp_core.variables import KNOWN_INPUTS, Channels

LARGEST = 1_000_000
"""Bytes of a file that are read."""
MOST_ROWS = 1000
"""Levels that a file may have."""
SHORT_BELOW, SHORT_ABOVE = 200.0, 1000.0
"""How far [m] the lowest and the highest level of a file may lie within the columns'; the end value is kept there."""
CONTINUED_FROM = 15_000.0
"""Height [m], about 120 hPa, from which on a file may end however high the columns' levels reach: the standard
atmosphere has one temperature from 11 to 20 km, and vapour mixes well in the stratosphere, so both keep their value.
In columns that reach higher, temperature goes on as the standard atmosphere's does."""

_ROUNDING = 15.0
"""Height [m] by which an end of a file may be rounded and still reach a level: 1 hPa near the ground is 8 m."""

PLACES = ("height", "pressure")
ALIASES: Mapping[str, str] = {
    "z": "height", "altitude": "height", "height": "height", "p": "pressure", "pressure": "pressure",
    "t": "T", "temperature": "T", "qv": "qv", "q": "q", "specific_humidity": "q",
    "ps": "Ps", "shf": "SHF", "lhf": "LHF", "solin": "SOLIN", "latitude": "lat",
}  # fmt: skip
"""What a file may call a variable besides its own name, without regard to capitals; ``q`` is specific humidity."""

UNITS: Mapping[str, tuple[str, ...]] = {
    "height": ("m", "km"),
    "pressure": ("Pa", "hPa"),
    "T": ("K", "degC"),
    **dict.fromkeys(("qv", "q"), ("kg kg-1", "g/kg")),
    "Ps": ("Pa", "hPa"),
    **dict.fromkeys(("SHF", "LHF", "SOLIN"), ("W m-2", "kW m-2")),
}
"""Units, SI first, which is taken where none is said; whatever else UDUNITS converts into these is understood too.
Other inputs have their own unit."""

Profiles = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Field:
    """One variable of a file: values ``(level,)`` or ``(1,)``, and its unit ('' where the file says none)."""

    values: NDArray[np.float64]
    unit: str


def read_user_column(content: bytes, schema: ColumnSchema) -> UserColumn:
    """Inputs in SI of the one column in a CSV or netCDF file, and which levels it reaches.

    The file has the inputs of the columns, or those that they are derived from (qv from q, RH from T, qv and Ps ...),
    and ``height`` above the surface or ``pressure`` of its levels, in either order, from which profiles are
    interpolated linearly (in the logarithm of pressure); without both it has the columns' levels, lowest first. In
    pressure these lie where they do with the surface at 1000 hPa, in proportion to Ps. Beyond its ends, as far as it
    may be short (:data:`SHORT_BELOW`, :data:`CONTINUED_FROM`), profiles keep their last value.

    Args:
        content: bytes of the file, at most :data:`LARGEST`.
        schema: inputs and levels of the columns that it is to be one of.

    Raises:
        DiffmpError: a file that is too large, of another kind, or without what is needed; a unit that is not known,
            values that are no weather, levels that do not reach as far as the columns'.
    """
    if len(content) > LARGEST:
        raise DiffmpError(f"expected a file of at most {LARGEST:,} bytes, found {len(content):,}; send one column only")
    aliases = _aliases(schema.inputs)
    if content[:3] == b"CDF" or content[:4] == b"\x89HDF":
        read = read_netcdf(content, tuple(aliases), MOST_ROWS)
        ordered = sorted(read.items(), key=lambda item: item[0].startswith("input_"))  # of a store: not the output
        fields = {aliases[name]: Field(np.array(values), unit) for name, (values, unit) in ordered}
    else:
        fields = _read_csv(content, aliases, schema.inputs)
    found = {name: _to_si(name, field, schema.inputs) for name, field in fields.items()}
    if "q" in found and "qv" not in found:
        found["qv"] = per_dry_air(found["q"], found["q"])
    _check(found, schema.inputs)
    profiles, known = _on_levels(found, schema)
    if "qv" in profiles:
        check_upright(profiles["qv"], "the file")
    rows = []
    for variable in schema.inputs:
        if not variable.profile:
            rows.append(np.full(schema.levels, found[variable.name][0]))
        elif variable.name in profiles and not (
            variable.name in LEVEL_DIFFERENCES and _derivable(variable.name, found)
        ):
            rows.append(profiles[variable.name])
        else:
            rows.append(_derive(variable.name, profiles, found, schema))
    return UserColumn(from_text(to_text(np.stack(rows).astype(np.float32), schema), schema), known)


def _aliases(inputs: Channels) -> dict[str, str]:
    """What a file may call the inputs, what they are made of, and its levels."""
    parts = (part for name in inputs.names if name in FROM_INPUTS for part in FROM_INPUTS[name].requires)
    used = {*inputs.names, *parts, *PLACES}
    used |= {"q"} if "qv" in used else set()
    own = {f"{prefix}{name.casefold()}": name for name in used for prefix in ("", "input_")}
    return {alias: name for alias, name in {**ALIASES, **own}.items() if name in used}


def _is_profile(name: str, inputs: Channels) -> bool:
    """Whether a variable of a file has a value on each level."""
    known = inputs.named(name) if name in inputs else KNOWN_INPUTS.get(name)
    return name in PLACES or (known is not None and known.profile)


def _derivable(name: str, found: Mapping[str, NDArray]) -> bool:
    """Whether an input follows from what a file has."""
    return name in FROM_INPUTS and all(part in found for part in FROM_INPUTS[name].requires)


def _check(found: Mapping[str, NDArray], inputs: Channels) -> None:
    """Raise unless a file has all that is needed, plausible, and single values once."""
    missing = [name for name in inputs.names if name not in found and not _derivable(name, found)]
    if missing:
        raise DiffmpError(
            f"expected {listed(inputs.names)} in the file, found {', '.join(found) or 'none of them'}; add "
            f"{', '.join(missing)}"
        )
    for name, values in found.items():
        if name not in PLACES:
            check_values(name, values, "the file")
    for variable in inputs:
        if variable.name in found and not variable.profile and np.ptp(found[variable.name]) > 0:
            raise DiffmpError(f"expected one value of {variable.name}, found several; send one column only")


def _derive(name: str, profiles: Profiles, found: Mapping[str, NDArray], schema: ColumnSchema) -> NDArray[np.float64]:
    """A derived input on the columns' levels, where the pressure is in proportion to that at the surface."""
    parts = {
        part: xr.DataArray(profiles[part], dims="level") for part in FROM_INPUTS[name].requires if part in profiles
    }

    def pressure() -> xr.DataArray:
        return xr.DataArray(schema.pressure * found["Ps"][0] / REFERENCE_PRESSURE, dims="level")

    return FROM_INPUTS[name].compute(parts, pressure).values


def _read_csv(content: bytes, aliases: Mapping[str, str], inputs: Channels) -> dict[str, Field]:
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
        name = aliases.get(called.casefold())
        if name is None:
            continue
        if name in fields:
            raise DiffmpError(f"expected one column {name} in the table, found two; leave one out")
        cells = [row[place].strip() if place < len(row) else "" for row in rows[1:]]
        if _is_profile(name, inputs):
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


def _to_si(name: str, field: Field, inputs: Channels) -> NDArray[np.float64]:
    known = UNITS.get(name) or (inputs.named(name).unit if name in inputs else KNOWN_INPUTS[name].unit,)
    to_unit = conversion(field.unit or known[0], known[0])
    if to_unit is None:
        raise DiffmpError(f"expected {name} in {' or '.join(known)}, found {field.unit[:20]!r}; convert it")
    factor, offset = to_unit
    return field.values * factor + offset


def _on_levels(found: Mapping[str, NDArray[np.float64]], schema: ColumnSchema) -> tuple[Profiles, tuple[int, int]]:
    """Profiles ``(level,)`` on the columns' levels, and the first and last + 1 of these that the file reaches."""
    height, pressure = np.asarray(schema.height, dtype=float), np.asarray(schema.pressure, dtype=float)
    names = [name for name in found if name not in PLACES and _is_profile(name, schema.inputs)]
    place = next((name for name in PLACES if name in found), None)
    if not names:
        return {}, (0, schema.levels)
    counts = {len(found[name]) for name in (*names, *PLACES) if name in found}
    if len(counts) > 1 or (place is None and counts != {len(height)}):
        raise DiffmpError(
            f"expected height or pressure of each level, or values on the emulator's {len(height)} levels, found "
            f"{' and '.join(map(str, sorted(counts)))} values; add a column height or pressure"
        )
    if place is None:
        return {name: found[name] for name in names}, (0, len(height))
    if not np.isfinite(found[place]).all() or (place == "pressure" and found[place].min() <= 0):
        raise DiffmpError(f"expected finite {place} of each level, above 0 for pressure, found others; repair them")
    refuse_disordered(found[place], f"{place} [{'m' if place == 'height' else 'Pa'}]", "the file")
    order = np.argsort(found[place] if place == "height" else -found[place])
    ordered = {name: found[name][order] for name in (*names, place)}
    if place == "height":
        given, wanted, levels, factor, unit = ordered["height"], height, height, 1e-3, "km"
        given_height, wanted_height = given, height
    else:
        if "Ps" not in found:
            raise DiffmpError("expected Ps beside the pressure of levels in the file, found none; add Ps")
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
    profiles = {name: np.interp(wanted, given, ordered[name]) for name in names}
    if is_deep(height) and "T" in profiles:
        end = given_height[-1]
        rise = standard_temperature(wanted_height) - standard_temperature(end)
        profiles["T"] = profiles["T"] + np.where(wanted_height > end, rise, 0.0)
    return profiles, (int(known[0]), int(known[-1]) + 1)
