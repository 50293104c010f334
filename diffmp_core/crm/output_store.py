"""The zarr store of raw simulator output: layout, creation, one region for each chunk of cells, which are written.

The variable ``simulated(cell)`` says which: a chunk's part of it is written last, and each part is a file of its own
that appears whole or not at all. So a store can be killed, resumed, moved, and read before it is complete.
"""

import json
import os
import shutil
import socket
import warnings
from pathlib import Path

import numpy as np
import zarr

from diffmp_core.crm.icosahedral import IcosahedralGrid
from diffmp_core.crm.snapshots import SEGMENT_POINTS
from diffmp_core.crm.vertical_grid import DX, N_LEVELS, interface_heights, layer_heights
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, parse_json, read_json
from diffmp_core.storage.files import disk_errors
from diffmp_core.storage.lock import lock_file

SMALLEST_CHUNK, MOST_CHUNKS = 32, 320  # cells; chunks of a large grid
HOURS_PER_CHUNK = 240
SIMULATED = "simulated"
ROOT = ""

PROFILES = {  # name: units, long name, standard name
    "T": ("K", "air temperature", "air_temperature"),
    "qv": ("kg kg-1", "water vapour mixing ratio", "humidity_mixing_ratio"),
    "qc": ("kg kg-1", "cloud liquid water mixing ratio", "cloud_liquid_water_mixing_ratio"),
    "qi": ("kg kg-1", "cloud ice mixing ratio", "cloud_ice_mixing_ratio"),
    "tend_T_mp": ("K s-1", "temperature tendency due to microphysics", None),
    "tend_qv_mp": ("kg kg-1 s-1", "water vapour tendency due to microphysics", None),
    "tend_T_flux": ("K s-1", "temperature tendency due to resolved eddy flux, -(1/rho) d(rho w'T')/dz", None),
    "tend_qv_flux": ("kg kg-1 s-1", "water vapour tendency due to resolved eddy flux, -(1/rho) d(rho w'qv')/dz", None),
}
SURFACE = {
    "SHF": ("W m-2", "surface sensible heat flux, positive upward", "surface_upward_sensible_heat_flux"),
    "LHF": ("W m-2", "surface latent heat flux, positive upward", "surface_upward_latent_heat_flux"),
}
ROOT_SURFACE = {
    "Ps": ("Pa", "surface pressure", "surface_air_pressure"),
    "SOLIN": (
        "W m-2",
        "downwelling shortwave radiation at the surface, shaded by cloud",
        "surface_downwelling_shortwave_flux_in_air",
    ),
    "precipitation": ("kg m-2 s-1", "precipitation, mean of the hour before", "precipitation_flux"),
    "w_max": ("m s-1", "largest upward velocity of the points and levels", None),
}


def cells_per_chunk(cells: int) -> int:
    """Cells of a chunk, which is one task and one region of the store: 32 up to G5, 128 at G6."""
    return max(SMALLEST_CHUNK, cells // MOST_CHUNKS)


def _add(
    group: zarr.Group,
    name: str,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    attrs: tuple,
    data: np.ndarray | None = None,
    dtype: str = "float32",
) -> None:
    sizes = dict(zip(dims, shape, strict=True))
    limit = {"time": HOURS_PER_CHUNK, "cell": cells_per_chunk(sizes.get("cell", 1))}
    chunks = shape if data is not None else tuple(min(size, limit.get(dim, size)) for dim, size in sizes.items())
    array = group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        dimension_names=dims,
        fill_value=0 if dtype.startswith("int") else np.nan,
    )
    array.attrs.update({"units": attrs[0], "long_name": attrs[1]} | ({"standard_name": attrs[2]} if attrs[2] else {}))
    if data is not None:
        array[...] = data


def _fill_group(group: zarr.Group, grid: IcosahedralGrid, land: np.ndarray, configuration: dict, name: str) -> None:
    """Coordinates and empty variables of one resolution."""
    hours, cells = configuration["hours"], grid.lat.size
    _add(
        group,
        "time",
        ("time",),
        (hours,),
        (f"hours since {configuration['start']}T00:00:00", "time", "time"),
        np.arange(1, hours + 1),
        "int64",
    )
    group["time"].attrs.update({"calendar": "proleptic_gregorian", "axis": "T"})
    _add(
        group,
        "lat",
        ("cell",),
        (cells,),
        ("degrees_north", "latitude of the cell centre", "latitude"),
        grid.lat,
        "float64",
    )
    _add(
        group,
        "lon",
        ("cell",),
        (cells,),
        ("degrees_east", "longitude of the cell centre", "longitude"),
        grid.lon,
        "float64",
    )
    _add(group, "area", ("cell",), (cells,), ("sr", "solid angle of the cell", None), grid.area, "float64")
    _add(group, "land_fraction", ("cell",), (cells,), ("1", "land fraction", "land_area_fraction"), land, "float64")
    _add(
        group,
        "height",
        ("level",),
        (N_LEVELS,),
        ("m", "height of the layer middle", "height"),
        layer_heights()[:N_LEVELS],
        "float64",
    )
    group["height"].attrs["positive"] = "up"
    _add(
        group,
        "height_interface",
        ("interface",),
        (N_LEVELS + 1,),
        ("m", "height of the layer interface", "height"),
        interface_heights()[: N_LEVELS + 1],
        "float64",
    )
    _add(group, "pressure", ("cell", "level"), (cells, N_LEVELS), ("Pa", "base-state pressure", "air_pressure"))
    _add(group, "layer_mass", ("cell", "level"), (cells, N_LEVELS), ("kg m-2", "air mass of the layer", None))
    for variable, attrs in PROFILES.items():
        _add(group, variable, ("time", "cell", "level"), (hours, cells, N_LEVELS), attrs)
        group[variable].attrs["coordinates"] = "lat lon area land_fraction height pressure layer_mass"
    for variable, attrs in (SURFACE | ROOT_SURFACE if name == ROOT else SURFACE).items():
        _add(group, variable, ("time", "cell"), (hours, cells), attrs)
        group[variable].attrs["coordinates"] = "lat lon area land_fraction"
    points = SEGMENT_POINTS.get(name, 24)
    group.attrs.update(
        {
            "Conventions": "CF-1.11",
            "title": f"Idealised superparameterised columns, {points * DX / 1000:.0f} km",
            "source": "DIFF-MP column simulator: one periodic 2-D cloud-resolving model per cell; not GRIST data",
            "coordinates": "height_interface",
            "points": points,
            "diffmp_kind": "crm",
            "grid": configuration["grid"],
            "start": configuration["start"],
            "seed": configuration["seed"],
            "scheme": configuration["scheme"],
            "configuration": json.dumps(configuration, sort_keys=True),
            **({"sea_table": json.dumps(configuration["sea_table"])} if "sea_table" in configuration else {}),
        }
    )


def create(out: Path, grid: IcosahedralGrid, land: np.ndarray, configuration: dict) -> None:
    """Make the empty store; it appears whole under its name or not at all."""
    with disk_errors(out):
        skeleton = out.parent / f".{out.name}.skeleton"
        shutil.rmtree(skeleton, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            _fill_store(skeleton, grid, land, configuration)
            os.replace(skeleton, out)
        finally:
            shutil.rmtree(skeleton, ignore_errors=True)


def _fill_store(skeleton: Path, grid: IcosahedralGrid, land: np.ndarray, configuration: dict) -> None:
    root = zarr.open_group(str(skeleton), mode="w")
    _fill_group(root, grid, land, configuration, ROOT)
    _add(root, SIMULATED, ("cell",), (grid.lat.size,), ("1", "whether the cell is written", None), dtype="int8")
    root[SIMULATED].attrs.update({"flag_values": [0, 1], "flag_meanings": "missing written"})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        for name in SEGMENT_POINTS:
            _fill_group(root.create_group(name), grid, land, configuration, name)
            zarr.consolidate_metadata(str(skeleton), path=name)
        zarr.consolidate_metadata(str(skeleton))


def stored_configuration(out: Path) -> dict:
    """Configuration of an existing store; anything else there raises DiffmpError."""
    try:
        return parse_json(read_json(out / "zarr.json")["attributes"]["configuration"])
    except (UnreadableError, LookupError, TypeError) as error:
        raise DiffmpError(
            f"expected a simulator store or nothing, found something else ({out}); choose another name."
        ) from error


def stored_land(out: Path) -> np.ndarray:
    """Land fraction (cell,) of an existing store."""
    with disk_errors(out):
        return np.asarray(zarr.open_array(str(out / "land_fraction"), mode="r")[:])


def require_shared(out: Path, token: str) -> None:
    """Raise DiffmpError unless the store at this path, as seen from here, is held by the run with this token."""
    try:
        found = lock_file(out).read_text()
    except OSError:
        found = None
    if found != token:
        raise DiffmpError(
            f"expected the store of this run at {out} on worker {socket.gethostname()}, found none or another; give a "
            "folder that all workers share."
        )


def missing_chunks(out: Path) -> list[tuple[int, int]]:
    """First and last + 1 cell of each chunk that is not written yet."""
    with disk_errors(out):
        written = np.asarray(zarr.open_array(str(out / SIMULATED), mode="r")[:])
    size, cells = cells_per_chunk(len(written)), len(written)
    bounds = [(first, min(first + size, cells)) for first in range(0, cells, size)]
    return [(first, last) for first, last in bounds if not written[first:last].all()]


def is_complete(out: Path) -> bool:
    """Whether a simulator store holds every cell."""
    return (Path(out) / SIMULATED).exists() and not missing_chunks(Path(out))


def write_hours(out: Path, hours: slice, cells: slice, data: dict[str, dict[str, np.ndarray]]) -> None:
    """Write some hours of a chunk of cells; data: group -> variable -> (time, cell[, level])."""
    with disk_errors(out):
        for group, variables in data.items():
            for variable, values in variables.items():
                zarr.open_array(str(out / group / variable), mode="r+")[hours, cells] = values


def finish_chunk(out: Path, cells: slice, coordinates: dict[str, np.ndarray]) -> None:
    """Write the (cell, level) coordinates that all groups share, then mark the chunk of cells as written."""
    with disk_errors(out):
        for group in (ROOT, *SEGMENT_POINTS):
            for variable, values in coordinates.items():
                zarr.open_array(str(out / group / variable), mode="r+")[cells] = values
        zarr.open_array(str(out / SIMULATED), mode="r+")[cells] = 1


def sweep(out: Path) -> None:
    """Remove the half-written files that a killed run leaves behind."""
    with disk_errors(out):
        for leftover in sorted(out.rglob("*.partial")):
            leftover.unlink(missing_ok=True)
