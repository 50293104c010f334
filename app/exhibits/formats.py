"""The files that an exhibit leaves as: pictures, its data, and the Python that makes it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd
import xarray as xr

from diffmp_core import __version__
from diffmp_core.errors import DiffmpError
from diffmp_core.shipped import DATA

from ..data.catalog import Catalog
from .exhibit import Exhibit
from .paper import save_page

SAID = ("verdict", "cautions")
"""Attributes that stand beside a figure wherever it goes."""


@dataclass(frozen=True)
class File:
    """A file to be written or downloaded."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Format:
    """What a menu says, the ending of the name, the media type, and who writes it."""

    label: str
    suffix: str
    mime: str
    write: Callable[[Exhibit, Catalog, xr.Dataset | None], bytes]


def export(exhibit: Exhibit, catalog: Catalog, name: str, gathered: xr.Dataset | None = None) -> File:
    """An exhibit as a file.

    Args:
        name: one of :data:`FORMATS`.
        gathered: what the page has drawn of the exhibit, which leaves as it is; gathered here where it is not given.

    Raises:
        DiffmpError: an unknown format, or an experiment without the data of the exhibit.
    """
    if name not in FORMATS:
        raise DiffmpError(f"expected a format among {', '.join(FORMATS)}, found {name!r}; choose one")
    chosen = FORMATS[name]
    return File(f"{exhibit.stem}.{chosen.suffix}", chosen.mime, chosen.write(exhibit, catalog, gathered))


def csv(data: xr.Dataset) -> str:
    """A dataset as one table, comments first, units in the headings.

    Variables on some of the dimensions of others are repeated along the rest. Where dimensions have nothing in common
    (a map and its zonal mean), the rows of one follow those of the other and leave its columns empty.
    """
    lines = [
        f"# {key}: {data.attrs[key]}" for key in ("title", "subtitle", *SAID, "attribution") if data.attrs.get(key)
    ]
    table = pd.concat([_table(data[names]) for names in _groups(data)], ignore_index=True)
    units = {str(name): str(v.attrs.get("units", "1")) for name, v in data.variables.items()}
    table = table.rename(columns={name: f"{name} [{unit}]" for name, unit in units.items() if unit != "1"})
    return "\n".join(lines) + "\n" + table.to_csv(index=False, float_format="%.7g", lineterminator="\n")


def netcdf(data: xr.Dataset) -> bytes:
    """A dataset as a compressed netCDF-4 file, CF conventions."""
    encoding = {name: {"zlib": True} for name, v in data.variables.items() if v.ndim and v.dtype.kind in "fiu"}
    return bytes(data.to_netcdf(engine="netcdf4", encoding=encoding))


def script(exhibit: Exhibit, catalog: Catalog) -> str:
    """Python that opens the experiment and makes the figure, as it stands."""
    kind = type(exhibit).__name__
    given = {
        field.name: getattr(exhibit, field.name)
        for field in fields(exhibit)
        if field.name != "experiment" and getattr(exhibit, field.name) != field.default
    }
    choices = "".join(f"    {name}={value!r},\n" for name, value in given.items())
    shipped = "from diffmp_core.shipped import DATA\n" if _shipped(exhibit, catalog) else ""
    return f'''"""{kind}: a figure of the DIFF-MP {__version__} dashboard. Runs where DIFF-MP is installed."""

import sys
from pathlib import Path

from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import {kind}
{shipped}
catalog = Catalog([{_place(exhibit, catalog)}])  # the experiment's folder
exhibit = {kind}(
    experiment=catalog.names[0],
{choices})
data = exhibit.data(catalog)  # xarray.Dataset: all that is drawn, with units
print(*(data.attrs[name] for name in ("verdict", "cautions") if data.attrs.get(name)), sep="\\n")
exhibit.save(data, sys.argv[1] if len(sys.argv) > 1 else "{exhibit.stem}.svg")  # .png, .svg or .pdf
'''


def _shipped(exhibit: Exhibit, catalog: Catalog) -> bool:
    return catalog.folder(exhibit.experiment).parent == DATA


def _place(exhibit: Exhibit, catalog: Catalog) -> str:
    """The experiment's folder as Python: from the package, from where the server was started, or else in full."""
    folder = catalog.folder(exhibit.experiment)
    if _shipped(exhibit, catalog):
        return f"DATA / {folder.name!r}"
    here = Path.cwd()
    return f"Path({os.path.relpath(folder, here) if folder.is_relative_to(here) else str(folder)!r})"


def _groups(data: xr.Dataset) -> list[list[str]]:
    """Variables that share a table: those whose dimensions another one has all go to it."""
    dims = {str(name): set(map(str, v.dims)) for name, v in data.data_vars.items()}
    widest: list[set[str]] = []
    for found in sorted(dims.values(), key=len, reverse=True):
        if not any(found <= other for other in widest):
            widest.append(found)
    groups: list[list[str]] = [[] for _ in widest]
    for name, found in dims.items():
        groups[next(i for i, other in enumerate(widest) if found <= other)].append(name)
    return groups


def _table(data: xr.Dataset) -> pd.DataFrame:
    """One table, with the edges of bins beside their middles."""
    table = data.to_dataframe(dim_order=[str(dim) for dim in data.dims]).reset_index()
    for name, coordinate in data.coords.items():
        bounds = coordinate.attrs.get("bounds")
        if bounds in data.coords:
            for place, end in enumerate(("from", "to")):
                column = data[bounds].isel(bound=place).to_series()
                table.insert(table.columns.get_loc(name) + 1 + place, f"{name}_{end}", table[name].map(column))
    return table


def _picture(suffix: str) -> Callable[[Exhibit, Catalog, xr.Dataset | None], bytes]:
    def write(exhibit: Exhibit, catalog: Catalog, gathered: xr.Dataset | None) -> bytes:
        data, target = exhibit.data(catalog, gathered), io.BytesIO()
        save_page(exhibit.paper(data), data, target, suffix=suffix)
        return target.getvalue()

    return write


FORMATS: Mapping[str, Format] = {
    "png": Format("PNG, 300 dpi", "png", "image/png", _picture("png")),
    "svg": Format("SVG, vector", "svg", "image/svg+xml", _picture("svg")),
    "pdf": Format("PDF, vector", "pdf", "application/pdf", _picture("pdf")),
    "csv": Format("Data: CSV", "csv", "text/csv", lambda exhibit, *given: csv(exhibit.data(*given)).encode()),
    "netcdf": Format(
        "Data: netCDF", "nc", "application/x-netcdf", lambda exhibit, *given: netcdf(exhibit.data(*given))
    ),
    "python": Format(
        "Python script", "py", "text/x-python", lambda exhibit, catalog, _: script(exhibit, catalog).encode()
    ),
}
