"""Make the figures and tables of docs/simulator.md: ``make figures``, or ``python docs/figures.py [RUN ...]``.

Each RUN is a store of ``diffmp simulate``, one a season. Without any, the four seasons are simulated first into the
work folder; what is there already is kept.
"""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import typer
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from make_data import SEASONS, TRAINING

from diffmp_core.constants import LATENT_HEAT_VAPORISATION, SECONDS_PER_DAY
from diffmp_core.crm import climate
from diffmp_core.crm.noise import COMPARED, global_members, variance_within_and_between
from diffmp_core.crm.simulate import simulate
from diffmp_core.stores import open_store, write_store
from diffmp_core.variables import BY_NAME, OUTPUT_NAMES

HERE = Path(__file__).parent
NEEDED = ("T", "qv", "qc", "qi", "tend_T_mp", "tend_qv_mp", "tend_T_flux", "tend_qv_flux")
NEEDED_SURFACE = ("SHF", "LHF", "precipitation", "w_max")
FINEST = "15km"
COLOURS = ("#009E73", "#D55E00", "#CC79A7", "#0072B2", "#E69F00")
"""Okabe and Ito: told apart by colour-blind readers too; dashes tell them apart in grey."""
DASHES = ("-", "--", "-.", ":")
RAIN_LEVELS = (0, 0.25, 0.5, 1, 2, 4, 8, 16)  # mm/day
TOP = 18.0  # km, of the profiles
NAMES = {
    "tend_T_sgs": "Heating",
    "tend_qv_sgs": "Moistening",
    "qc": "Cloud liquid",
    "qi": "Cloud ice",
    "T": "Temperature",
    "qv": "Vapour",
}
LEAST_RANGE = {"tend_T_sgs": 4.0, "tend_qv_sgs": 4.0, "qc": 20.0, "qi": 10.0}
"""Least width of an axis of the regimes, in display units, so that next to nothing looks like it."""
LEADS = (1, 3, 6)  # hours since members parted
LEAST_VARIANCE = 1e-3
"""A noise share is shown where the variance is at least this part of the largest of all levels."""


def read_season(path: Path, spin_up_hours: int) -> tuple[xr.Dataset, xr.Dataset]:
    """The run at 120 km and its finest segments after spin-up, in memory."""
    run, finest = open_store(path), open_store(path / FINEST)
    run = climate.after_spin_up(run[[*NEEDED, *NEEDED_SURFACE, "layer_mass"]], spin_up_hours).load()
    finest = climate.after_spin_up(finest[["qc", "layer_mass"]], spin_up_hours).load()
    return run.assign_attrs(grid=open_store(path).attrs["grid"]), finest


def rain(run: xr.Dataset) -> xr.DataArray:
    """Precipitation in mm/day."""
    return run["precipitation"] * SECONDS_PER_DAY


def evaporation(run: xr.Dataset) -> xr.DataArray:
    """Evaporation in mm/day."""
    return run["LHF"] * (SECONDS_PER_DAY / LATENT_HEAT_VAPORISATION)


def save(figure: Figure, path: Path) -> None:
    """Write a figure whose bytes depend on what it shows alone."""
    part = path.with_name(f"part-{path.name}")
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(part, metadata=metadata)
    plt.close(figure)
    os.replace(part, path)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB", file=sys.stderr)


def month(start: str) -> str:
    """Name of a season by its start."""
    return datetime.date.fromisoformat(start).strftime("%-d %B")


def latitude_figure(seasons: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> Figure:
    """Precipitation, evaporation, liquid water path and low cloud by latitude, a line a season."""
    figure, axes = plt.subplots(2, 2, figsize=(8.4, 5.6), sharex=True, layout="constrained")
    for (start, (run, finest)), colour, dash in zip(seasons.items(), COLOURS, DASHES, strict=False):
        lines = (
            climate.zonal_mean(rain(run), run).mean("time"),
            climate.zonal_mean(evaporation(run), run).mean("time"),
            1e3 * climate.zonal_mean(climate.water_path(run["qc"], run), run).mean("time"),
            100 * climate.zonal_mean(climate.cloudy(finest).astype(float), finest).mean("time"),
        )
        for ax, line in zip(axes.flat, lines, strict=True):
            ax.plot(line["latitude"], line, dash, color=colour, lw=1.8, label=month(start))
    titles = ("Precipitation (mm/day)", "Evaporation (mm/day)", "Liquid water path (g/m²)", "Low cloud (%)")
    ticks = (-90, -60, -30, 0, 30, 60, 90)
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_title(title, loc="left")
        ax.set_xscale("function", functions=(lambda x: np.sin(np.radians(x)), lambda x: np.degrees(np.arcsin(x))))
        ax.set_xlim(-89, 89)
        ax.set_xticks([t for t in ticks if abs(t) < 90], [latitude_name(t) for t in ticks if abs(t) < 90])
        ax.set_ylim(0)
    for ax in axes[1]:
        ax.set_xlabel("Latitude (equal areas)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=4)
    return figure


def latitude_name(degrees: int) -> str:
    """A latitude as readers write it."""
    return "0°" if not degrees else f"{abs(degrees)}°{'N' if degrees > 0 else 'S'}"


def map_figure(seasons: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> Figure:
    """Maps of mean precipitation, one a season, with the model's own land."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 4.9), subplot_kw={"projection": "mollweide"}, layout="constrained")
    edges_lon, edges_lat = np.linspace(-np.pi, np.pi, 361), np.linspace(-np.pi / 2, np.pi / 2, 181)
    lon, lat = np.meshgrid(0.5 * (edges_lon[1:] + edges_lon[:-1]), 0.5 * (edges_lat[1:] + edges_lat[:-1]))

    def points(longitude, latitude):
        return np.stack(
            [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=-1
        )

    norm = BoundaryNorm(RAIN_LEVELS, 256)
    for ax, (start, (run, _)) in zip(axes.flat, seasons.items(), strict=False):
        tree = cKDTree(points(np.radians(run["lon"].values), np.radians(run["lat"].values)))
        nearest = tree.query(points(lon, lat))[1]
        values = rain(run).mean("time").values[nearest]
        shown = ax.pcolormesh(edges_lon, edges_lat, values, cmap="YlGnBu", norm=norm, rasterized=True)
        land = run["land_fraction"].values[nearest]
        ax.contour(lon, lat, land, levels=[0.5], colors="#555555", linewidths=0.6)
        ax.set_title(month(start), loc="left")
        ax.set(xticks=[], yticks=[])
    for ax in axes.flat[len(seasons) :]:
        ax.set_axis_off()
    bar = figure.colorbar(shown, ax=axes, shrink=0.75, pad=0.02, ticks=RAIN_LEVELS, format="%g")
    bar.set_label("Precipitation (mm/day)")
    return figure


def convection_figure(seasons: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> Figure:
    """Tropical rain and land fog by local time, and how often updraughts pass a speed."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.3), layout="constrained")
    runs = [run for run, _ in seasons.values()]
    names = ("tropical land, 0–10°", "tropical sea, 0–10°", "mid-latitude land, 35–65°", "mid-latitude sea, 35–65°")
    for name, colour, dash in zip(names, COLOURS[1:], ("-", "--", "-.", ":"), strict=True):
        region = climate.REGIONS[name]
        if "tropical" in name:
            lines = [
                climate.by_local_hour(rain(r), climate.local_hour(r, shift=-0.5), region.mask(r), width=2.0)
                for r in runs
            ]
            for line in lines:
                left.plot(line["local_hour"], line, color=colour, lw=0.6, alpha=0.6)
            mean = xr.concat(lines, "season").mean("season")
            left.plot(mean["local_hour"], mean, dash, color=colour, lw=2.2, label=name)
        if region.land:
            fog = [
                climate.by_local_hour(100 * climate.foggy(f), climate.local_hour(f), region.mask(f))
                for _, f in seasons.values()
            ]
            mean = xr.concat(fog, "season").mean("season")
            middle.plot(mean["local_hour"], mean, dash, color=colour, lw=2.2, label=name)
        speed = np.sort(np.concatenate([r["w_max"].values[:, region.mask(r).values].ravel() for r in runs]))[::-1]
        rank = np.unique(np.geomspace(1, speed.size, 300).astype(int))
        right.semilogy(speed[rank - 1], 100 * rank / speed.size, dash, color=colour, lw=1.8, label=name)
    left.set(xlabel="Local solar time (h)", ylabel="Precipitation (mm/day)", xlim=(0, 24), xticks=range(0, 25, 6))
    left.set_ylim(0)
    left.set_title("Rain: mean and each season", loc="left")
    middle.set(xlabel="Local solar time (h)", ylabel="Columns with fog (%)", xlim=(0, 24), xticks=range(0, 25, 6))
    middle.set_ylim(0, 100)
    middle.set_title("Fog over land", loc="left")
    right.set(
        xlabel="Largest updraught of a column (m/s)", ylabel="Columns and hours that pass it (%)", ylim=(0.003, 110)
    )
    right.set_xlim(0)
    right.set_title("Updraughts", loc="left")
    figure.legend(*right.get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=4)
    return figure


def regime_figure(runs: list[xr.Dataset]) -> Figure:
    """Profiles of the four targets (columns) in the four regimes (rows): mean, median and middle 80 %."""
    figure, axes = plt.subplots(
        len(climate.REGIMES), len(OUTPUT_NAMES), figsize=(8.6, 10.0), sharey=True, layout="constrained"
    )
    for row, (name, regime) in zip(axes, climate.REGIMES.items(), strict=True):
        masks = [regime.mask(run) for run in runs]
        for ax, variable in zip(row, OUTPUT_NAMES, strict=True):
            factor = BY_NAME[variable].display_factor
            pooled = xr.concat([climate.targets(run)[variable].drop_vars("time") for run in runs], "time")
            mask = xr.concat([m.drop_vars("time") for m in masks], "time")
            shown = climate.profile_statistics(pooled, mask) * factor
            height = shown["height"] / 1e3
            ax.fill_betweenx(
                height, shown.sel(statistic="p10"), shown.sel(statistic="p90"), color=COLOURS[3], alpha=0.25, lw=0,
                label="10 to 90 %",
            )  # fmt: skip
            ax.plot(shown.sel(statistic="p50"), height, "--", color=COLOURS[3], lw=1.2, label="median")
            ax.plot(shown.sel(statistic="mean"), height, color=COLOURS[1], lw=2.0, label="mean")
            ax.axvline(0, color="#888888", lw=0.6, zorder=0)
            ax.set_ylim(0, TOP)
            low, high = float(shown.min()), float(shown.max())
            missing = max(LEAST_RANGE[variable] - (high - low), 0.05 * (high - low))
            share = 0.0 if BY_NAME[variable].non_negative else 0.5
            ax.set_xlim(low - share * missing, high + (1.0 - share) * missing)
            ax.locator_params(axis="x", nbins=4)
        row[0].set_ylabel(f"{name}\nHeight (km)")
    for ax, variable in zip(axes[-1], OUTPUT_NAMES, strict=True):
        ax.set_xlabel(f"{NAMES[variable]} ({BY_NAME[variable].display_unit})")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
    return figure


def noise_figure(members: xr.Dataset) -> Figure:
    """How members of one column differ, by height and hours since they parted: targets and coarse state."""
    figure, axes = plt.subplots(2, 3, figsize=(8.4, 6.4), sharey=True, layout="constrained")
    for ax, name in zip(axes.flat, ("tend_T_sgs", "tend_qv_sgs", "T", "qc", "qi", "qv"), strict=True):
        within, between = variance_within_and_between(members[name])
        total = within + between
        shown = (100 * within / total).where(total > LEAST_VARIANCE * total.max("level"))
        unit = "noise share of the variance, %"
        if name not in OUTPUT_NAMES:
            shown, unit = within**0.5 * BY_NAME[name].display_factor, f"spread, {BY_NAME[name].display_unit}"
        for lead, colour, dash in zip(LEADS, COLOURS, DASHES, strict=False):
            ax.plot(shown.sel(hour=lead), members["height"] / 1e3, dash, color=colour, lw=1.8, label=f"{lead} h apart")
        ax.set_title(NAMES[name], loc="left")
        ax.set(xlim=(0, 100 if name in OUTPUT_NAMES else None), ylim=(0, TOP), xlabel=unit)
    for ax in axes[:, 0]:
        ax.set_ylabel("Height (km)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
    return figure


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def season_table(seasons: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> str:
    """Global figures, a row a season."""
    rows = []
    for start, (run, _) in seasons.items():
        wet, land = rain(run), run["land_fraction"] >= 0.5

        def mean(field, where=True, run=run):
            return float(climate.area_mean(field, run["area"], where).mean())

        driest = climate.zonal_mean(wet, run).mean("time").sel(latitude=slice(-40, 40))
        rows.append(
            [
                month(start),
                f"{mean(wet):.2f}",
                f"{mean(wet.isel(time=slice(0, 24))):.2f} → {mean(wet.isel(time=slice(-24, None))):.2f}",
                f"{mean(wet, ~land):.2f} / {mean(wet, land):.2f}",
                f"{mean(evaporation(run)):.2f}",
                f"{mean(run['LHF'], ~land):.0f} / {mean(run['LHF'], land):.0f}",
                f"{climate.itcz_latitude(wet.mean('time'), run):+.1f}°",
                f"{float(driest.min()):.1f} at {latitude_name(int(driest['latitude'][driest.argmin()]))}",
                f"{float(wet.max()):.0f}",
                f"{float(run['w_max'].max()):.0f}",
            ]
        )
    header = [
        "start", "rain, mm/day", "first → last day", "sea / land", "evaporation, mm/day", "LHF sea / land, W/m²",
        "ITCZ", "driest band within 40°", "wettest hour, mm/day", "strongest updraught, m/s",
    ]  # fmt: skip
    return table(header, rows)


def region_table(seasons: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> str:
    """Means of all seasons, a row a region."""
    rows = []
    for name, region in climate.REGIONS.items():

        def mean(pick, name=region):
            values = [
                float(climate.area_mean(field, run["area"], name.mask(run)).mean())
                for run, finest in seasons.values()
                for field in (pick(run, finest),)
            ]
            return np.mean(values)

        fastest = np.concatenate(
            [run["w_max"].values[:, region.mask(run).values].ravel() for run, _ in seasons.values()]
        )
        rows.append(
            [
                name,
                f"{mean(lambda run, _: rain(run)):.1f}",
                f"{mean(lambda run, _: run['LHF']):.0f}",
                f"{mean(lambda run, _: run['SHF']):.0f}",
                f"{mean(lambda run, _: 1e3 * climate.water_path(run['qc'], run)):.0f}",
                f"{mean(lambda run, _: 1e3 * climate.water_path(run['qi'], run)):.0f}",
                f"{mean(lambda run, _: climate.water_path(run['qv'], run)):.0f}",
                f"{100 * mean(lambda _, finest: climate.cloudy(finest).astype(float)):.0f}",
                f"{100 * mean(lambda _, finest: climate.foggy(finest).astype(float)):.0f}",
                f"{np.percentile(fastest, 99):.1f}",
            ]
        )
    header = [
        "region", "rain, mm/day", "LHF, W/m²", "SHF, W/m²", "LWP, g/m²", "IWP, g/m²", "vapour, kg/m²", "low cloud, %",
        "fog, %", "updraught passed in 1 % of hours, m/s",
    ]  # fmt: skip
    return table(header, rows)


def regime_table(runs: list[xr.Dataset]) -> str:
    """What the columns of each regime are like on average."""
    rows = []
    for name, regime in climate.REGIMES.items():
        masks = [regime.mask(run) for run in runs]

        def mean(pick, masks=masks):
            values = np.concatenate([pick(r).values[m.values] for r, m in zip(runs, masks, strict=True)])
            return values.mean(axis=0)

        heating = mean(lambda r: climate.targets(r)["tend_T_sgs"].transpose("time", "cell", "level"))
        peak = int(heating.argmax())
        rows.append(
            [
                name,
                f"{sum(int(m.sum()) for m in masks)}",
                f"{mean(rain):.1f}",
                f"{mean(climate.column_heating):.0f}",
                f"{heating[peak] * SECONDS_PER_DAY:.1f} at {float(runs[0]['height'][peak]) / 1e3:.1f}",
                f"{1e3 * mean(lambda r: climate.water_path(r['qc'], r)):.0f}",
                f"{1e3 * mean(lambda r: climate.water_path(r['qi'], r)):.0f}",
                f"{mean(climate.stability):.1f}",
            ]
        )
    header = [
        "regime", "columns", "rain, mm/day", "heating, W/m²", "largest heating, K/day at km", "LWP, g/m²", "IWP, g/m²",
        "stability, K",
    ]  # fmt: skip
    return table(header, rows)


def noise_table(members: xr.Dataset) -> str:
    """Noise share of the variance summed over the levels, and the spread of the coarse state."""
    rows = []
    for name in COMPARED:
        within, between = variance_within_and_between(members[name])
        if name in OUTPUT_NAMES:
            label, digits = f"{NAMES[name]}: share, %", 0
            shown = 100 * within.sum("level") / (within + between).sum("level")
        else:
            label, digits = f"{NAMES[name]}: spread, {BY_NAME[name].display_unit}", 2
            shown = within.mean("level") ** 0.5 * BY_NAME[name].display_factor
        rows.append([label, *(f"{float(shown.sel(hour=lead)):.{digits}f}" for lead in LEADS)])
    return table(["members apart for", *(f"{lead} h" for lead in LEADS)], rows)


def read_members(path: Path) -> xr.Dataset:
    """Members of the second season, made and kept if they are not there."""
    if not path.exists():
        write_store(global_members(start=datetime.date.fromisoformat(SEASONS[1])), path)
    return xr.open_dataset(path).load()


def main(
    runs: Annotated[list[Path] | None, typer.Argument(help="Stores of diffmp simulate, one a season.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the figures.")] = HERE / "figures",
    work: Annotated[Path, typer.Option(help="Folder of the runs and members that are made here.")] = Path(
        "runs/climate"
    ),
    grid: Annotated[str, typer.Option(help="Grid of the runs that are made here.")] = "G4",
    hours: Annotated[int, typer.Option(help="Their length.")] = TRAINING["hours"],
    spin_up_hours: Annotated[int, typer.Option(help="Hours left out at the start of every run.")] = TRAINING[
        "spin_up_hours"
    ],
) -> None:
    """Make the figures of docs/simulator.md and print its tables."""
    runs = runs or [simulate(work / f"{start}-{grid}.zarr", grid=grid, hours=hours, start=start) for start in SEASONS]
    seasons = {open_store(path).attrs["start"]: read_season(path, spin_up_hours) for path in runs}
    seasons = dict(sorted(seasons.items()))
    members = read_members(work / "noise.nc")
    out.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update(
        {"font.size": 9, "axes.titlesize": 9.5, "axes.spines.top": False, "axes.spines.right": False,
         "figure.facecolor": "white", "savefig.facecolor": "white", "svg.hashsalt": "diffmp", "svg.fonttype": "none",
         "savefig.dpi": 95}
    )  # fmt: skip
    save(latitude_figure(seasons), out / "latitude.svg")
    save(map_figure(seasons), out / "precipitation.png")
    save(convection_figure(seasons), out / "convection.svg")
    datasets = [run for run, _ in seasons.values()]
    save(regime_figure(datasets), out / "regimes.svg")
    save(noise_figure(members), out / "noise.svg")
    hours_used = {start: run.sizes["time"] for start, (run, _) in seasons.items()}
    print(f"Grid {datasets[0].attrs['grid']}; hours after the first {spin_up_hours}: {hours_used}\n")
    for text in (season_table(seasons), region_table(seasons), regime_table(datasets), noise_table(members)):
        print(text)


if __name__ == "__main__":
    typer.run(main)
