"""Small synthetic column stores with plausible structure, for tests only: never a source of a reported figure."""

from __future__ import annotations

import numpy as np
import xarray as xr

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, GRAVITY
from diffmp_core.identity import columns_id
from diffmp_core.stores import SPLITS
from diffmp_core.variables import INPUTS, LEVELS, OUTPUTS


def make_columns(cells: int = 42, times: int = 6, seed: int = 0) -> xr.Dataset:
    """Column store whose outputs depend on the inputs plus noise: a learnable, stochastic toy."""
    rng = np.random.default_rng(seed)
    golden = np.arange(cells) + 0.5
    lat = np.degrees(np.arcsin(1 - 2 * golden / cells))
    lon = (golden * 137.50776) % 360 - 180
    height = 20_000 * (0.08 * (np.arange(LEVELS) + 0.5) / LEVELS + 0.92 * ((np.arange(LEVELS) + 0.5) / LEVELS) ** 1.7)
    interface = 20_000 * (0.08 * np.arange(LEVELS + 1) / LEVELS + 0.92 * (np.arange(LEVELS + 1) / LEVELS) ** 1.7)
    pressure = 1.0e5 * np.exp(-height / 7400)
    density = pressure / (GAS_CONSTANT_DRY_AIR * 250.0)
    shape = (times, cells)
    surface_temperature = 300 - 35 * np.sin(np.radians(lat)) ** 2 + rng.normal(0, 1.5, shape)
    temperature = np.maximum(surface_temperature[..., None] - 0.0065 * height, 205.0) + rng.normal(
        0, 0.5, (*shape, LEVELS)
    )
    humidity = 0.8 * 0.018 * np.exp((surface_temperature[..., None] - 300) / 15 - height / 2500)
    activity = rng.gamma(0.7, 1.0, shape) * np.cos(np.radians(lat)) ** 2
    bump = np.exp(-(((height - 6000) / 3000) ** 2))
    low = np.exp(-(((height - 900) / 500) ** 2))
    noise = rng.normal(0, 1, (*shape, 3))
    heating = (8 * activity[..., None] * (1 + 0.3 * noise[..., :1]) * bump - 2 * low) / 86400
    drying = -(3e-3 * activity[..., None] * (1 + 0.3 * noise[..., 1:2]) * np.exp(-height / 4000)) / 86400
    liquid = 5e-5 * np.maximum(activity[..., None] + 0.5 * noise[..., 2:3] - 0.5, 0) * low
    ice = 2e-5 * np.maximum(activity[..., None] - 0.8, 0) * np.exp(-(((height - 10_000) / 2500) ** 2))
    values = {
        "T": temperature,
        "qv": humidity,
        "Ps": np.broadcast_to(1.0e5 + rng.normal(0, 500, shape), shape),
        "SHF": 10 + 20 * activity,
        "LHF": 60 + 60 * activity,
        "SOLIN": 400 * np.cos(np.radians(lat)) * rng.uniform(0, 1, shape),
        "tend_T_sgs": heating,
        "tend_qv_sgs": drying,
        "qc": liquid,
        "qi": ice,
    }
    split = np.full(times, SPLITS.index("train"), dtype=np.int8)
    split[-2:] = (SPLITS.index("validation"), SPLITS.index("test"))
    columns = xr.Dataset(
        {v.name: (v.dims, values[v.name].astype(np.float32), v.attrs) for v in INPUTS + OUTPUTS},
        coords={
            "time": np.datetime64("2005-04-02T00:00", "ns") + np.arange(times) * np.timedelta64(3, "h"),
            "split": ("time", split, {"flag_values": list(range(4)), "flag_meanings": " ".join(SPLITS)}),
            "lat": ("cell", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("cell", lon, {"units": "degrees_east", "standard_name": "longitude"}),
            "area": ("cell", np.full(cells, 4 * np.pi / cells), {"units": "sr"}),
            "land_fraction": ("cell", (np.cos(np.radians(3 * lon)) > 0.4).astype(np.float32)),
            "height": ("level", height, {"units": "m", "positive": "up"}),
            "pressure": ("level", pressure, {"units": "Pa"}),
            "layer_mass": (
                ("cell", "level"),
                np.broadcast_to(density * np.diff(interface), (cells, LEVELS)).copy(),
                {"units": "kg m-2"},
            ),
        },
        attrs={
            "diffmp_kind": "columns",
            "title": "Synthetic test columns",
            "source": "synthetic",
            "spacing_km": 120,
            "gravity": GRAVITY,
        },
    )
    columns.attrs["columns_id"] = columns_id(columns)
    return columns
