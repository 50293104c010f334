"""Files that a reader may load as a column: one good table, and what is thrown at the page instead of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import netCDF4
import numpy as np

Kind: TypeAlias = Literal["NETCDF4", "NETCDF3_CLASSIC"]
MARKUP = "<img src=x onerror=alert(1)>"
HEADING = "height [m],T [K],qv [g/kg],Ps [hPa],SHF [W/m²],LHF [W/m²],SOLIN [W/m²]"
LEVELS = np.linspace(0, 20_000, 21)


def row(z: float, *, first: bool) -> str:
    """One level; the first one of a file has what is not a profile too."""
    profiles = f"{z:g},{300 - 5e-3 * z:g},{15 * np.exp(-z / 2500):.5g}"
    return f"{profiles},1010,20,120,400" if first else f"{profiles},,,,"


ROWS = [row(z, first=z == 0) for z in LEVELS]
RUBBISH = np.random.default_rng(0).bytes(2000)


def table(heading: str = HEADING, rows: Sequence[str] = ROWS, end: str = "\n") -> bytes:
    """The good table, or one with another heading or other rows."""
    return end.join([heading, *rows, ""]).encode()


def with_cell(value: str, *, row: int = 3, place: int = 1) -> bytes:
    """The good table with another cell."""
    cells = ROWS[row].split(",")
    cells[place] = value
    return table(rows=[*ROWS[:row], ",".join(cells), *ROWS[row + 1 :]])


GOOD: Mapping[str, bytes] = {
    "as it should be": table(),
    "from another system": b"\xef\xbb\xbf" + table(end="\r\n"),
    "with a column that nobody asked for": table(HEADING + ",=HYPERLINK(1)"),
    "from the top": table(rows=[row(z, first=z == LEVELS[-1]) for z in LEVELS[::-1]]),
}

BAD: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "expected a heading and 1 to 1000 rows, found 0 lines"),
    "blank lines": (b"\n\r\n\n", "found 0 lines"),
    "nulls": (b"\0" * 1000, "expected a heading"),
    "rubbish": (RUBBISH, "expected a CSV table in UTF-8 or a netCDF file"),
    "another encoding": (table().decode().encode("utf-16"), "expected a CSV table in UTF-8"),
    "heading alone": (table(rows=[]), "found 1 lines"),
    "another heading": (table("a,b,c,d,e,f,g"), "found none of them; add T, qv, Ps"),
    "a variable missing": (table(HEADING.replace("Ps [hPa]", "x")), "add Ps"),
    "a variable twice": (table(HEADING.replace("qv [g/kg]", "T")), "expected one column T in the table, found two"),
    "text": (with_cell("warm"), "expected a number of T in row 4 of the table, found 'warm'"),
    "a formula": (with_cell("=cmd|' /C calc'!A0"), "expected a number of T in row 4"),
    "markup": (with_cell(MARKUP), "expected a number of T in row 4"),
    "Python's number": (with_cell("2_90"), "found '2_90'"),
    "no number": (with_cell("nan"), "expected finite values of T"),
    "no end": (with_cell("-inf", place=0), "expected finite height"),
    "beyond numbers": (with_cell("1e400"), "expected finite values of T"),
    "a long number": (with_cell("9" * 5000), "expected finite values of T"),
    "another unit": (table(HEADING.replace("[K]", "[F]")), "expected T in K or degC"),
    "markup as unit": (table(HEADING.replace("[K]", f"[{MARKUP}]")), "expected T in K or degC"),
    "levels in disorder": (table(rows=[*ROWS[::2], *ROWS[1::2]]), "sort the levels"),
    "a level twice": (table(rows=[ROWS[0], *ROWS]), "sort the levels"),
    "rows cut off": (table(rows=[ROWS[0], *(row.split(",")[0] for row in ROWS[1:])]), "found nothing; fill it in"),
    "a quote left open": (table(rows=['"' + ROWS[0], *ROWS[1:]]), "expected a number of height in row 1"),
    "many rows": (table(rows=ROWS * 500), "expected a heading and 1 to 1000 rows"),
    "a wide table": (b"T" + b",x" * 400_000 + b"\n1\n", "add qv, Ps"),
    "a long cell": (b'T\n"' + b"1" * 900_000 + b'"\n', "expected a CSV table"),
    "many comments": (b"#\n" * 400_000, "found 0 lines"),
    "a slow heading": (b"T" + b" " * 100_000 + b"x(\n1\n", "found none of them"),
    "too large": (b"1" * 1_000_001, "expected a file of at most 1,000,000 bytes"),
    "the beginning of a netCDF file": (b"CDF", "that cannot be read"),
    "the beginning of an HDF5 file": (b"\x89HDF\r\n\x1a\n" + RUBBISH, "that cannot be read"),
}  # fmt: skip
"""Contents, and words of what has to be said."""


def netcdf(folder: Path, write: Callable[[netCDF4.Dataset], object], kind: Kind = "NETCDF4") -> bytes:
    """A netCDF file with what ``write`` puts into it."""
    path = folder / "made.nc"
    with netCDF4.Dataset(path, "w", format=kind) as file:
        write(file)
    return path.read_bytes()


def fill(file: netCDF4.Dataset) -> None:
    """The good column."""
    file.createDimension("z", len(ROWS))
    for place, heading in enumerate(HEADING.split(",")):
        name, unit = heading.rstrip("]").split(" [")
        cells = [row.split(",")[place] for row in ROWS]
        variable = file.createVariable(name, "f8", ("z",) if place < 3 else ())
        variable[...] = np.array(cells, dtype=float) if place < 3 else float(cells[0])
        variable.units = unit


def bad_netcdf(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Contents of netCDF files that are no column, and words of what has to be said."""

    def huge(file: netCDF4.Dataset) -> None:
        file.createDimension("z", 2**31 - 1)
        file.createVariable("T", "f8", ("z",))

    def chunked(file: netCDF4.Dataset) -> None:
        file.createDimension("z", None)
        file.createVariable("T", "f8", ("z",), zlib=True, chunksizes=(10**7,))[:] = [300.0] * 30

    def texts(file: netCDF4.Dataset) -> None:
        file.createDimension("z", 2)
        file.createVariable("T", str, ("z",))[0] = MARKUP

    def objects(file: netCDF4.Dataset) -> None:
        file.createDimension("z", 2)
        file.createVariable("T", file.createCompoundType(np.dtype([("a", "f8")]), "pair"), ("z",))

    def unit(file: netCDF4.Dataset) -> None:
        fill(file)
        file["T"].units = MARKUP

    whole = netcdf(folder, fill)
    return {
        "HDF5 cut off": (whole[: len(whole) // 2], "that cannot be read"),
        "classic cut off": (netcdf(folder, fill, "NETCDF3_CLASSIC")[:-50], "it is truncated"),
        "in a group": (netcdf(folder, lambda file: fill(file.createGroup("g"))), "found none of them"),
        "texts": (netcdf(folder, texts), "expected numbers of t along one dimension"),
        "objects": (netcdf(folder, objects), "expected numbers of t along one dimension"),
        "a huge dimension": (netcdf(folder, huge), r"at most 1000, found shape \(2147483647,\)"),
        "huge chunks": (netcdf(folder, chunked), "expected chunks of t of at most 1,048,576 values, found 10,000,000"),
        "markup as unit": (netcdf(folder, unit), "expected T in K or degC"),
    }
