"""Profiles of the four targets by weather, and what the columns of each kind are like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.crm import climate
from diffmp_core.variables import PAPER

from .season import Season, profiles
from .style import COLOURS, NAMES, TOP, markdown
from .weather import WEATHER

LEAST_RANGE = {"tend_T_sgs": 4.0, "tend_qv_sgs": 4.0, "qc": 20.0, "qi": 10.0}
"""Least width of an axis, in display units, so that next to nothing looks like it."""


def regime_statistics(seasons: Sequence[Season]) -> dict[str, dict[str, xr.DataArray]]:
    """Mean and percentiles (statistic, level) of the targets, SI, by regime and target."""
    parts = [profiles(season, WEATHER) for season in seasons]
    height = seasons[0].run["height"].values
    return {
        name: {target: _statistics([part[name][target] for part in parts], height) for target in PAPER.outputs.names}
        for name in WEATHER
    }


def _statistics(parts: list[NDArray[np.float32]], height: NDArray) -> xr.DataArray:
    rows = np.concatenate(parts).astype(np.float64)[None]
    profile = xr.DataArray(rows, dims=("time", "cell", "level"), coords={"height": ("level", height)})
    return climate.profile_statistics(profile, xr.ones_like(profile.isel(level=0), dtype=bool))


def regime_figure(statistics: dict[str, dict[str, xr.DataArray]]) -> Figure:
    """Profiles of the four targets (columns) in the four regimes (rows): mean, median and middle 80 %."""
    figure, axes = plt.subplots(
        len(statistics), len(PAPER.outputs.names), figsize=(8.6, 10.0), sharey=True, layout="constrained"
    )
    for row, (name, targets) in zip(axes, statistics.items(), strict=True):
        for ax, (variable, values) in zip(row, targets.items(), strict=True):
            shown = values * PAPER.stored[variable].display_factor
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
            share = 0.0 if PAPER.stored[variable].non_negative else 0.5
            ax.set_xlim(low - share * missing, high + (1.0 - share) * missing)
            ax.locator_params(axis="x", nbins=4)
        row[0].set_ylabel(f"{name}\nHeight (km)")
    for ax, variable in zip(axes[-1], PAPER.outputs.names, strict=True):
        ax.set_xlabel(f"{NAMES[variable]} ({PAPER.stored[variable].display_unit})")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
    return figure


def regime_table(seasons: Sequence[Season], statistics: dict[str, dict[str, xr.DataArray]]) -> str:
    """What the columns of each regime are like on average."""
    rows = []
    for name, choose in WEATHER.items():
        masks = [choose(season.fields) for season in seasons]

        def mean(fields: list[NDArray], masks: list[NDArray[np.bool_]] = masks) -> float:
            return float(np.concatenate([field[mask] for field, mask in zip(fields, masks, strict=True)]).mean())

        heating = statistics[name]["tend_T_sgs"].sel(statistic="mean")
        peak = int(heating.argmax("level"))
        rows.append(
            [
                name,
                f"{sum(int(mask.sum()) for mask in masks)}",
                f"{mean([season.fields['rain'].values for season in seasons]):.1f}",
                f"{mean([season.fields['heating'].values for season in seasons]):.0f}",
                f"{float(heating[peak]) * SECONDS_PER_DAY:.1f} at {float(heating['height'][peak]) / 1e3:.1f}",
                f"{mean([season.fields['LWP'].values for season in seasons]):.0f}",
                f"{mean([season.fields['IWP'].values for season in seasons]):.0f}",
                f"{mean([season.fields['stability'].values for season in seasons]):.1f}",
            ]
        )
    header = [
        "regime", "columns", "rain, mm/day", "heating, W/m²", "largest heating, K/day at km", "LWP, g/m²", "IWP, g/m²",
        "stability, K",
    ]  # fmt: skip
    return markdown(header, rows)
