"""How members of one column differ: the noise share of the targets and the spread of the coarse state."""

from __future__ import annotations

import datetime
from pathlib import Path

import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from diffmp_core.crm.noise import COMPARED, global_members, variance_within_and_between
from diffmp_core.stores import open_store, write_store
from diffmp_core.variables import PAPER

from .style import COLOURS, DASHES, NAMES, TOP, markdown

LEADS = (1, 3, 6)  # hours since members parted
LEAST_VARIANCE = 1e-3
"""A noise share is shown where the variance is at least this part of the largest of all levels."""


def read_members(path: Path, start: str) -> xr.Dataset:
    """Members from a start, made and kept if they are not there."""
    if not path.exists():
        write_store(global_members(start=datetime.date.fromisoformat(start)), path)
    return open_store(path).load()


def noise_figure(members: xr.Dataset) -> Figure:
    """How members of one column differ, by height and hours since they parted: targets and coarse state."""
    figure, axes = plt.subplots(2, 3, figsize=(8.4, 6.4), sharey=True, layout="constrained")
    for ax, name in zip(axes.flat, ("tend_T_sgs", "tend_qv_sgs", "T", "qc", "qi", "qv"), strict=True):
        within, between = variance_within_and_between(members[name])
        total = within + between
        shown = (100 * within / total).where(total > LEAST_VARIANCE * total.max("level"))
        unit = "noise share of the variance, %"
        if name not in PAPER.outputs.names:
            shown, unit = within**0.5 * PAPER.stored[name].display_factor, f"spread, {PAPER.stored[name].display_unit}"
        for lead, colour, dash in zip(LEADS, COLOURS, DASHES, strict=False):
            ax.plot(shown.sel(hour=lead), members["height"] / 1e3, dash, color=colour, lw=1.8, label=f"{lead} h apart")
        ax.set_title(NAMES[name], loc="left")
        ax.set(xlim=(0, 100 if name in PAPER.outputs.names else None), ylim=(0, TOP), xlabel=unit)
    for ax in axes[:, 0]:
        ax.set_ylabel("Height (km)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
    return figure


def noise_table(members: xr.Dataset) -> str:
    """Noise share of the variance summed over the levels, and the spread of the coarse state."""
    rows = []
    for name in COMPARED:
        within, between = variance_within_and_between(members[name])
        if name in PAPER.outputs.names:
            label, digits = f"{NAMES[name]}: share, %", 0
            shown = 100 * within.sum("level") / (within + between).sum("level")
        else:
            label, digits = f"{NAMES[name]}: spread, {PAPER.stored[name].display_unit}", 2
            shown = within.mean("level") ** 0.5 * PAPER.stored[name].display_factor
        rows.append([label, *(f"{float(shown.sel(hour=lead)):.{digits}f}" for lead in LEADS)])
    return markdown(["members apart for", *(f"{lead} h" for lead in LEADS)], rows)
