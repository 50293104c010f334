"""Small synthetic column stores with plausible structure, for tests only: never a source of a reported figure."""

from __future__ import annotations

import numpy as np
import xarray as xr

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, GRAVITY
from diffmp_core.identity import columns_id
from diffmp_core.schema import variables_attrs
from diffmp_core.stores import SPLITS
from diffmp_core.variables import PAPER, ColumnVariables, choose_variables

WIDE = choose_variables(
    (*PAPER.inputs.names, "qc", "qi", "u", "lat"), ("tend_T_sgs", "PRECC", "tend_qv_sgs", "qc", "FLWDS")
)
"""A choice unlike the paper's: more inputs, names that are both, single values among the outputs."""


def make_columns(
    cells: int = 42, times: int = 6, seed: int = 0, *, variables: ColumnVariables = PAPER, levels: int = 30
) -> xr.Dataset:
    """Column store whose outputs depend on the inputs plus noise: a learnable, stochastic toy."""
    rng = np.random.default_rng(seed)
    golden = np.arange(cells) + 0.5
    lat = np.degrees(np.arcsin(1 - 2 * golden / cells))
    lon = (golden * 137.50776) % 360 - 180
    height = 20_000 * (0.08 * (np.arange(levels) + 0.5) / levels + 0.92 * ((np.arange(levels) + 0.5) / levels) ** 1.7)
    interface = 20_000 * (0.08 * np.arange(levels + 1) / levels + 0.92 * (np.arange(levels + 1) / levels) ** 1.7)
    pressure = 1.0e5 * np.exp(-height / 7400)
    density = pressure / (GAS_CONSTANT_DRY_AIR * 250.0)
    shape = (times, cells)
    surface_temperature = 300 - 35 * np.sin(np.radians(lat)) ** 2 + rng.normal(0, 1.5, shape)
    temperature = np.maximum(surface_temperature[..., None] - 0.0065 * height, 205.0) + rng.normal(
        0, 0.5, (*shape, levels)
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
    surface_pressure = 1.0e5 + rng.normal(0, 500, shape)
    land = (np.cos(np.radians(3 * lon)) > 0.4).astype(np.float32)
    sun = np.cos(np.radians(lat)) * rng.uniform(0, 1, shape)
    inputs = {
        "T": temperature,
        "qv": humidity,
        "q": humidity / (1 + humidity),
        "Ps": surface_pressure,
        "SHF": 10 + 20 * activity,
        "LHF": 60 + 60 * activity,
        "SOLIN": 400 * sun,
        "qc": 0.5 * liquid,
        "qi": 0.5 * ice,
        "u": 10 * np.sin(np.radians(lat))[:, None] * height / 10_000 + 0 * temperature,
        "lat": np.broadcast_to(lat, shape),
        "land_fraction": np.broadcast_to(land, shape),
        "cos_zenith": sun,
    }
    outputs = {
        "tend_T_sgs": heating,
        "tend_qv_sgs": drying,
        "tend_q_sgs": drying / (1 + humidity) ** 2,
        "qc": liquid,
        "qi": ice,
        "PRECC": 1e-8 * np.maximum(activity + 0.3 * noise[..., 0] - 0.7, 0),
        "FLWDS": 250 + 100 * np.exp((surface_temperature - 300) / 15) + 20 * noise[..., 1],
        "NETSW": 300 * sun * (1 - 0.3 * np.minimum(activity, 2) / 2),
    }
    values = {variables.stored_input(v.name): inputs[v.name] for v in variables.inputs}
    values |= {v.name: outputs[v.name] for v in variables.outputs}
    split = np.full(times, SPLITS.index("train"), dtype=np.int8)
    split[-2:] = (SPLITS.index("validation"), SPLITS.index("test"))
    columns = xr.Dataset(
        {name: (v.dims, values[name].astype(np.float32), v.attrs) for name, v in variables.stored.items()},
        coords={
            "time": np.datetime64("2005-04-02T00:00", "ns") + np.arange(times) * np.timedelta64(3, "h"),
            "split": ("time", split, {"flag_values": list(range(4)), "flag_meanings": " ".join(SPLITS)}),
            "lat": ("cell", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("cell", lon, {"units": "degrees_east", "standard_name": "longitude"}),
            "area": ("cell", np.full(cells, 4 * np.pi / cells), {"units": "sr"}),
            "land_fraction": ("cell", land),
            "height": ("level", height, {"units": "m", "positive": "up"}),
            "pressure": ("level", pressure, {"units": "Pa"}),
            "layer_mass": (
                ("cell", "level"),
                np.broadcast_to(density * np.diff(interface), (cells, levels)).copy(),
                {"units": "kg m-2"},
            ),
        },
        attrs={
            "diffmp_kind": "columns",
            "title": "Synthetic test columns",
            "source": "synthetic",
            "spacing_km": 120,
            "gravity": GRAVITY,
        }
        | variables_attrs(variables),
    )
    columns.attrs["columns_id"] = columns_id(columns)
    return columns
