"""A source: NumPy archives with arrays named as in the table of variables, surface first, SI."""

from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.columns.choice import PAPER_COLUMNS, ColumnChoice
from diffmp_core.columns.derived import needed
from diffmp_core.columns.sources import SOURCES, Progress, Source
from diffmp_core.columns.sources.base import assemble
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import PAPER

PLACES = ("lat", "lon", "area", "land_fraction", "height", "layer_mass")


def recognise(path: Path) -> bool:
    """Whether the path is an archive of NumPy."""
    return path.is_file() and path.suffix == ".npz"


def read(
    path: Path, *, choice: ColumnChoice = PAPER_COLUMNS, spacing_km: int, progress: Progress | None = None
) -> xr.Dataset:
    """Open an archive as a column store without ``split``, on the levels that it has.

    Raises:
        DiffmpError: an array that is missing.
    """
    found, variables = np.load(path, allow_pickle=False), choice.variables
    inputs, outputs = needed(variables.inputs.names, PAPER.inputs.names), variables.outputs.names
    if missing := [name for name in ("time", *inputs, *outputs, *PLACES) if name not in found]:
        raise DiffmpError(f"expected an array {missing[0]!r} in {path.name}, found {sorted(found)}; add it")

    def field(name: str) -> xr.DataArray:
        dims = ("time", "cell", "level")[: found[name].ndim]
        return xr.DataArray(found[name], dims=dims, coords={"time": found["time"]}).chunk()

    return assemble(
        {name: field(name) for name in inputs},
        {name: field(name) for name in outputs},
        variables=variables,
        where=path.name,
        attrs={"title": path.stem, "source": f"archive {path.name}", "spacing_km": spacing_km},
        **{name: found[name] for name in PLACES},
    )


SOURCES.register(
    Source(
        name="npz",
        expects="an archive of NumPy (.npz) with arrays named as in the table of variables",
        recognise=recognise,
        read=read,
        gap_hours=3.0,
        runs=True,
    )
)
