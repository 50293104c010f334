"""Where it rains, by latitude, on maps and by local time; how strong updraughts are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from diffmp_core.crm import climate

from .season import Season
from .style import COLOURS, DASHES, latitude_name, month

RAIN_LEVELS = (0, 0.25, 0.5, 1, 2, 4, 8, 16)  # mm/day
LATITUDES = {
    "rain": ("Precipitation (mm/day)", 1.0),
    "evaporation": ("Evaporation (mm/day)", 1.0),
    "LWP": ("Liquid water path (g/m²)", 1.0),
    "low_cloud": ("Low cloud (%)", 100.0),
}
"""Fields shown by latitude: title and factor."""
PLACES = ("tropical land, 0–10°", "tropical sea, 0–10°", "mid-latitude land, 35–65°", "mid-latitude sea, 35–65°")


def latitude_figure(seasons: Sequence[Season]) -> Figure:
    """Precipitation, evaporation, liquid water path and low cloud by latitude, a line a season."""
    figure, axes = plt.subplots(2, 2, figsize=(8.4, 5.6), sharex=True, layout="constrained")
    for season, colour, dash in zip(seasons, COLOURS, DASHES, strict=False):
        for ax, (name, (_, factor)) in zip(axes.flat, LATITUDES.items(), strict=True):
            line = climate.zonal_mean(factor * season.fields[name].mean("time"), season.fields)
            ax.plot(line["latitude"], line, dash, color=colour, lw=1.8, label=month(season.start))
    ticks = (-60, -30, 0, 30, 60)
    for ax, (title, _) in zip(axes.flat, LATITUDES.values(), strict=True):
        ax.set_title(title, loc="left")
        ax.set_xscale(
            "function", functions=(lambda x: np.sin(np.radians(x)), lambda x: np.degrees(np.arcsin(np.clip(x, -1, 1))))
        )
        ax.set_xlim(-89, 89)
        ax.set_xticks(ticks, [latitude_name(tick) for tick in ticks])
        ax.set_ylim(0)
    for ax in axes[1]:
        ax.set_xlabel("Latitude (equal areas)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=4)
    return figure


def _directions(longitude: NDArray, latitude: NDArray) -> NDArray:
    """Unit vectors (..., 3) of places in radians."""
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=-1
    )


def map_figure(seasons: Sequence[Season]) -> Figure:
    """Maps of mean precipitation, one a season, with the model's own land."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 4.9), subplot_kw={"projection": "mollweide"}, layout="constrained")
    edges_lon, edges_lat = np.linspace(-np.pi, np.pi, 361), np.linspace(-np.pi / 2, np.pi / 2, 181)
    lon, lat = np.meshgrid(0.5 * (edges_lon[1:] + edges_lon[:-1]), 0.5 * (edges_lat[1:] + edges_lat[:-1]))
    norm = BoundaryNorm(RAIN_LEVELS, 256)
    for ax, season in zip(axes.flat, seasons, strict=False):
        tree = cKDTree(_directions(*(np.radians(season.fields[name].values) for name in ("lon", "lat"))))
        nearest = tree.query(_directions(lon, lat))[1]
        values = season.fields["rain"].mean("time").values[nearest]
        shown = ax.pcolormesh(edges_lon, edges_lat, values, cmap="YlGnBu", norm=norm, rasterized=True)
        land = season.fields["land_fraction"].values[nearest]
        ax.contour(lon, lat, land, levels=[0.5], colors="#555555", linewidths=0.6)
        ax.set_title(month(season.start), loc="left")
        ax.set(xticks=[], yticks=[])
    for ax in axes.flat[len(seasons) :]:
        ax.set_axis_off()
    bar = figure.colorbar(shown, ax=axes, shrink=0.75, pad=0.02, ticks=RAIN_LEVELS, format="%g")
    bar.set_label("Precipitation (mm/day)")
    return figure


def convection_figure(seasons: Sequence[Season]) -> Figure:
    """Tropical rain and land fog by local time, and how often updraughts pass a speed."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.3), layout="constrained")
    for name, colour, dash in zip(PLACES, COLOURS[1:], DASHES, strict=True):
        region = climate.REGIONS[name]
        if "tropical" in name:
            lines = [by_local_hour(season, "rain", region, shift=-0.5) for season in seasons]
            for line in lines:
                left.plot(line["local_hour"], line, color=colour, lw=0.6, alpha=0.6)
            mean = xr.concat(lines, "season").mean("season")
            left.plot(mean["local_hour"], mean, dash, color=colour, lw=2.2, label=name)
        if region.land:
            fog = [100 * by_local_hour(season, "fog", region) for season in seasons]
            mean = xr.concat(fog, "season").mean("season")
            middle.plot(mean["local_hour"], mean, dash, color=colour, lw=2.2, label=name)
        speed = np.sort(updraughts(seasons, region))[::-1]
        rank = np.unique(np.geomspace(1, speed.size, 300).astype(int)) if speed.size else np.arange(0)
        right.semilogy(speed[rank - 1], 100 * rank / max(speed.size, 1), dash, color=colour, lw=1.8, label=name)
    for ax in (left, middle):
        ax.set(xlabel="Local solar time (h)", xlim=(0, 24), xticks=range(0, 25, 6))
    left.set(ylabel="Precipitation (mm/day)")
    left.set_ylim(0)
    left.set_title("Rain: mean and each season", loc="left")
    middle.set(ylabel="Columns with fog (%)", ylim=(0, 100))
    middle.set_title("Fog over land", loc="left")
    right.set(
        xlabel="Largest updraught of a column (m/s)", ylabel="Columns and hours that pass it (%)", ylim=(0.003, 110)
    )
    right.set_xlim(0)
    right.set_title("Updraughts", loc="left")
    figure.legend(*right.get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=4)
    return figure


def by_local_hour(season: Season, name: str, region: climate.Region, *, shift: float = 0.0) -> xr.DataArray:
    """Mean of a field over the cells of a region by local time."""
    inside = season.fields.isel(cell=np.flatnonzero(region.mask(season.fields)))
    everywhere = xr.ones_like(inside["lat"], dtype=bool)
    hour = climate.local_hour(inside, shift=shift)
    return climate.by_local_hour(inside[name].astype(float), hour, everywhere)


def updraughts(seasons: Sequence[Season], region: climate.Region) -> NDArray:
    """Largest updraughts of all columns and hours of a region, m/s, in one row."""
    return np.concatenate([s.fields["w_max"].values[:, region.mask(s.fields).values].ravel() for s in seasons])
