"""A source: NumPy archives with arrays named as in the table of variables, surface first, SI."""

from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.columns.sources import SOURCES, Progress, Source
from diffmp_core.columns.sources.base import assemble
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import INPUTS, OUTPUTS

PLACES = ("lat", "lon", "area", "land_fraction", "height", "layer_mass")


def recognise(path: Path) -> bool:
    """Whether the path is an archive of NumPy."""
    return path.is_file() and path.suffix == ".npz"


def read(path: Path, *, spacing_km: int, progress: Progress | None = None) -> xr.Dataset:
    """Open an archive as a column store without ``split``.

    Raises:
        DiffmpError: an array that is missing.
    """
    found = np.load(path, allow_pickle=False)
    variables = {variable.name: variable for variable in INPUTS + OUTPUTS}
    if missing := [name for name in ("time", *variables, *PLACES) if name not in found]:
        raise DiffmpError(f"expected an array {missing[0]!r} in {path.name}, found {sorted(found)}; add it")
    time = ("time", found["time"])
    fields = {
        name: xr.DataArray(found[name], dims=variable.dims, coords={"time": time}).chunk()
        for name, variable in variables.items()
    }
    attrs = {"title": path.stem, "source": f"archive {path.name}", "spacing_km": spacing_km}
    return assemble(fields, where=path.name, attrs=attrs, **{name: found[name] for name in PLACES})


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
