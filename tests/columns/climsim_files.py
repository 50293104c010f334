"""Synthetic files in the two forms in which ClimSim data come: a stack, and published pairs of files."""

from __future__ import annotations

import os
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

CELLS, LEVELS = 6, 60
INTERFACE_PRESSURE = 1e5 * np.linspace(0.0, 1.0, LEVELS + 1) ** 2
BEFORE = {"state_t": "K", "state_q0001": "kg/kg", "state_ps": "Pa", "pbuf_SOLIN": "W/m2", "pbuf_LHFLX": "W/m2",
          "pbuf_SHFLX": "W/m2", "cam_in_LANDFRAC": "1", "state_q0002": "kg/kg", "state_q0003": "kg/kg",
          "state_u": "m/s", "state_v": "m/s", "cam_in_OCNFRAC": "1", "cam_in_ICEFRAC": "1"}  # fmt: skip
AFTER = {"state_t": "K", "state_q0001": "kg/kg", "state_q0002": "kg/kg", "state_q0003": "kg/kg",
         "cam_out_PRECC": "m/s", "cam_out_NETSW": "W/m2", "cam_out_FLWDS": "W/m2"}  # fmt: skip


def real_file(name: str) -> Path:
    """One of the ClimSim excerpts beside the repository; skips the test where there is none."""
    folder = Path(os.environ.get("DIFFMP_CLIMSIM", Path(__file__).parents[3] / "shared" / "climsim"))
    if not (folder / name).is_file():
        pytest.skip(f"no real ClimSim excerpt {name} here (DIFFMP_CLIMSIM names its folder)")
    return folder / name


def make_grid() -> dict[str, tuple[str, np.ndarray]]:
    """Grid with quadratic interfaces: pure pressure above level 20, sigma below."""
    share = np.where(np.arange(LEVELS + 1) > 20, 1.0, 0.0)
    interface = INTERFACE_PRESSURE / 1e5
    middle = 0.5 * (interface[1:] + interface[:-1])
    sigma = 0.5 * (share[1:] + share[:-1])
    return {
        "lat": ("ncol", np.linspace(-75.0, 75.0, CELLS)),
        "lon": ("ncol", np.linspace(10.0, 350.0, CELLS)),
        "area": ("ncol", np.linspace(1.0, 2.0, CELLS)),
        "hyam": ("lev", middle * (1 - sigma)),
        "hybm": ("lev", middle * sigma),
        "hyai": ("ilev", interface * (1 - share)),
        "hybi": ("ilev", interface * share),
    }


def make_stack(dates: list[tuple[int, int]], seed: int = 0) -> xr.Dataset:
    """Stacked file of (YYYYMMDD, seconds) times, float64 so that tendencies can be compared by hand."""
    rng = np.random.default_rng(seed)
    profile, surface = (len(dates), CELLS, LEVELS), (len(dates), CELLS)
    depth = np.linspace(0.0, 1.0, LEVELS)
    before = {
        "state_t": 210.0 + 80.0 * depth + rng.normal(0.0, 1.0, profile),
        "state_q0001": 0.015 * depth**4 * rng.uniform(0.8, 1.2, profile) + 2e-6,
        "state_ps": rng.uniform(9.8e4, 1.02e5, surface),
        "pbuf_SOLIN": rng.uniform(0.0, 1300.0, surface),
        "pbuf_LHFLX": rng.uniform(0.0, 300.0, surface),
        "pbuf_SHFLX": rng.uniform(-20.0, 100.0, surface),
        "cam_in_LANDFRAC": np.tile(np.linspace(0.0, 1.0, CELLS), (len(dates), 1)),
    }
    after = {
        "state_t": before["state_t"] + rng.normal(0.0, 0.05, profile),
        "state_q0001": before["state_q0001"] * rng.uniform(0.99, 1.01, profile),
        "state_q0002": np.maximum(rng.normal(0.0, 1e-5, profile), 0.0),
        "state_q0003": rng.choice([0.0, 1e-30, 5e-13, 2e-6], profile),
    }
    before |= {
        "state_q0002": after["state_q0002"] * 0.5,
        "state_q0003": after["state_q0003"] * 0.5,
        "state_u": rng.normal(5.0, 10.0, profile),
        "state_v": rng.normal(0.0, 10.0, profile),
        "cam_in_OCNFRAC": 0.75 * (1.0 - before["cam_in_LANDFRAC"]),
        "cam_in_ICEFRAC": 0.25 * (1.0 - before["cam_in_LANDFRAC"]),
    }
    after |= {
        "cam_out_PRECC": np.maximum(rng.normal(0.0, 5e-8, surface), 0.0),
        "cam_out_NETSW": 0.7 * before["pbuf_SOLIN"],
        "cam_out_FLWDS": rng.uniform(100.0, 400.0, surface),
    }
    stack = xr.Dataset({name: value for name, value in make_grid().items()})
    for prefix, values, units in (("in_", before, BEFORE), ("out_", after, AFTER)):
        for name, value in values.items():
            dims = ("sample", "ncol", "lev") if value.ndim == 3 else ("sample", "ncol")
            stack[prefix + name] = (dims, value, {"units": units[name]})
    stack["ymd"] = ("sample", np.array([date for date, _ in dates], dtype=np.int32))
    stack["tod"] = ("sample", np.array([second for _, second in dates], dtype=np.int32))
    return stack


def write_pairs(stack: xr.Dataset, folder: Path) -> None:
    """The same data as published: (lev, ncol), one pair of CDF-5 files a time, and the grid file."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = {name: (stack[name].dims, stack[name].values) for name in make_grid()}
    _write(folder / "ClimSim_low-res_grid-info.nc", grid)
    for sample in range(stack.sizes["sample"]):
        date, second = int(stack["ymd"][sample]), int(stack["tod"][sample])
        stamp = f"{date // 10_000:04d}-{date // 100 % 100:02d}-{date % 100:02d}-{second:05d}"
        for kind, prefix, names in (("mli", "in_", BEFORE), ("mlo", "out_", AFTER)):
            step = {name: stack[prefix + name].isel(sample=sample) for name in names}
            variables = {name: (array.dims[::-1], array.values.T) for name, array in step.items()}
            _write(folder / f"E3SM-MMF.{kind}.{stamp}.nc", variables)


def _write(path: Path, variables: dict[str, tuple[tuple, np.ndarray]]) -> None:
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        for name, (dims, values) in variables.items():
            for dim, size in zip(dims, values.shape, strict=True):
                if dim not in file.dimensions:
                    file.createDimension(dim, size)
            file.createVariable(name, "f8", dims)[:] = values
