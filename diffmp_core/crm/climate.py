"""The climate of a simulator run, from its store as xarray opens it: means by area, cloud water, local time, heating.

Fields have the dims of the store, (time, cell[, level]), and its units; nothing here opens a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from diffmp_core.constants import SPECIFIC_HEAT_DRY_AIR
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.coarse_grain import subgrid_heating, subgrid_moistening

LOW_CLOUD_TOP = 3000.0
"""Cloud below this height counts as low [m]."""

CLOUDY_PATH = 0.010
"""Low liquid water path from which a column counts as cloudy [kg m-2]."""

FOG = 1.4e-5
"""Liquid in the lowest layer from which it counts as fog [kg kg-1]: visibility of 1 km in air of 1.2 kg m-3, with
3.912 / (144.7 LWC^0.88), LWC in g m-3, by Kunkel (1984), doi:10.1175/1520-0450(1984)023<0034:PODTVA>2.0.CO;2."""

ITCZ_EDGE = 20.0
"""The ITCZ is sought between these latitudes [degrees]."""

PERCENTILES = (10, 50, 90)


@dataclass(frozen=True)
class Region:
    """A zone of absolute latitude [degrees], sea or land."""

    low: float
    high: float
    land: bool

    def mask(self, run: xr.Dataset) -> xr.DataArray:
        """Cells of the region, (cell,) bool."""
        away = abs(run["lat"])
        return (away >= self.low) & (away < self.high) & ((run["land_fraction"] >= 0.5) == self.land)


REGIONS = {
    "tropical sea, 0–10°": Region(0, 10, False),
    "tropical land, 0–10°": Region(0, 10, True),
    "trade-wind sea, 10–30°": Region(10, 30, False),
    "subtropical land, 10–30°": Region(10, 30, True),
    "mid-latitude sea, 35–65°": Region(35, 65, False),
    "mid-latitude land, 35–65°": Region(35, 65, True),
    "polar sea, 65–90°": Region(65, 90.1, False),
    "polar land, 65–90°": Region(65, 90.1, True),
}


def after_spin_up(run: xr.Dataset, hours: int) -> xr.Dataset:
    """The run without its first hours; DiffmpError if nothing is left."""
    if not 0 <= hours < run.sizes["time"]:
        raise DiffmpError(
            f"expected a run longer than its spin-up of {hours} h, found {run.sizes['time']} h; run on for longer"
        )
    return run.isel(time=slice(hours, None))


def area_mean(field: xr.DataArray, area: xr.DataArray, where: xr.DataArray | bool = True) -> xr.DataArray:
    """Mean over the cells, weighted by their area, (..., cell) -> (...); NaN where no cell takes part.

    where: cells, or times and cells, that take part.
    """
    weights = area * xr.ones_like(area).where(where, 0.0)
    return field.weighted(weights).mean("cell")


def zonal_mean(field: xr.DataArray, run: xr.Dataset, *, width: float = 10.0) -> xr.DataArray:
    """Area-weighted means of bands of latitude, (..., cell) -> (..., latitude), named by their middles [degrees]."""
    edges = np.linspace(-90.0, 90.0, round(180.0 / width) + 1)
    bands = [
        area_mean(field, run["area"], (run["lat"] >= low) & ((run["lat"] < high) | (high == edges[-1])))
        for low, high in pairwise(edges)
    ]
    middles = xr.DataArray(
        0.5 * (edges[1:] + edges[:-1]), dims="latitude", name="latitude", attrs={"units": "degrees_north"}
    )
    return xr.concat(bands, middles)


def itcz_latitude(rain: xr.DataArray, run: xr.Dataset) -> float:
    """Latitude that halves the rain (cell,) within ``ITCZ_EDGE`` of the equator, degrees north.

    Frierson and Hwang (2012), doi:10.1175/JCLI-D-11-00116.1. The rain of a cell is spread evenly over its width, the
    root of its area, so that rows of cells on one latitude leave no steps.
    """
    amount = (rain * run["area"]).values
    latitude, width = run["lat"].values, np.degrees(np.sqrt(run["area"].values))
    edges = np.linspace(-ITCZ_EDGE, ITCZ_EDGE, 401)
    passed = np.clip((edges[:, None] - latitude) / width + 0.5, 0.0, 1.0) @ amount
    return float(np.interp(0.5 * (passed[0] + passed[-1]), passed, edges))


def water_path(content: xr.DataArray, run: xr.Dataset, *, below: float = np.inf) -> xr.DataArray:
    """Mass of a kind of water per area, kg m-2: (..., cell, level) -> (..., cell), of the levels below a height [m]."""
    return (content * run["layer_mass"].where(run["height"] < below, 0.0)).sum("level")


def column_heating(run: xr.Dataset) -> xr.DataArray:
    """Column integral of the subgrid heating, W m-2, (..., cell)."""
    return SPECIFIC_HEAT_DRY_AIR * (targets(run)["tend_T_sgs"] * run["layer_mass"]).sum("level")


def cloudy(run: xr.Dataset) -> xr.DataArray:
    """Which columns have low liquid cloud of at least ``CLOUDY_PATH``, (time, cell) bool."""
    return water_path(run["qc"], run, below=LOW_CLOUD_TOP) >= CLOUDY_PATH


def foggy(run: xr.Dataset) -> xr.DataArray:
    """Which columns have ``FOG`` in their lowest layer, (time, cell) bool."""
    return run["qc"].isel(level=0) >= FOG


def local_hour(run: xr.Dataset, *, shift: float = 0.0) -> xr.DataArray:
    """Local solar time of every time and cell, 0 to 24 h; shift by -0.5 h for means of the hour before."""
    midnight = run["time"].astype("datetime64[D]")
    universal = (run["time"] - midnight) / np.timedelta64(1, "h")
    return (universal + run["lon"] / 15.0 + shift) % 24.0


def by_local_hour(field: xr.DataArray, hour: xr.DataArray, where: xr.DataArray, *, width: float = 2.0) -> xr.DataArray:
    """Means of (time, cell) by local time, (local_hour,), named by the middles of bins [h]; NaN where nothing falls in.

    hour: (time, cell) of :func:`local_hour`.  where: cells that take part, all alike.
    """
    edges = np.arange(0.0, 24.0 + width / 2, width)
    field, hour, where = xr.broadcast(field, hour, where)
    bins = [field.where(where & (hour >= low) & (hour < high)).mean() for low, high in pairwise(edges)]
    middles = xr.DataArray(0.5 * (edges[1:] + edges[:-1]), dims="local_hour", name="local_hour", attrs={"units": "h"})
    return xr.concat(bins, middles)


def targets(run: xr.Dataset) -> xr.Dataset:
    """The four targets of equations 4 and 5, SI, with the coordinates of the run."""
    return xr.Dataset(
        {
            "tend_T_sgs": xr.apply_ufunc(subgrid_heating, run["tend_T_mp"], run["tend_T_flux"]),
            "tend_qv_sgs": xr.apply_ufunc(subgrid_moistening, run["tend_qv_mp"], run["tend_qv_flux"]),
            "qc": run["qc"],
            "qi": run["qi"],
        }
    )


def rain_around(run: xr.Dataset) -> xr.DataArray:
    """Mean precipitation of the hours before and after an instant, kg m-2 s-1; at the last one of the hour before."""
    before = run["precipitation"]
    return 0.5 * (before + before.shift(time=-1).fillna(before))


def profile_statistics(profile: xr.DataArray, where: xr.DataArray) -> xr.DataArray:
    """Mean and ``PERCENTILES`` of the columns that take part, (time, cell, level) -> (statistic, level).

    where: (time, cell) bool; every column counts alike.

    Raises:
        DiffmpError: no column takes part.
    """
    dims = ("time", "cell")
    rows = profile.transpose(*dims, "level").values[where.transpose(*dims).values]
    if not len(rows):
        raise DiffmpError(
            "expected at least one column that takes part, found none; run on for longer or on a finer grid"
        )
    values = np.concatenate([rows.mean(axis=0, keepdims=True), np.percentile(rows, PERCENTILES, axis=0)])
    names = ["mean", *(f"p{q}" for q in PERCENTILES)]
    return xr.DataArray(values, dims=("statistic", "level"), coords={"statistic": names, "height": profile["height"]})
