"""How the figures look: colours that colour-blind readers tell apart, dashes for grey paper, bytes that stay."""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

COLOURS = ("#009E73", "#D55E00", "#CC79A7", "#0072B2", "#E69F00")
"""Okabe and Ito: told apart by colour-blind readers too; dashes tell them apart in grey."""
DASHES = ("-", "--", "-.", ":")
TOP = 18.0  # km, of the profiles
NAMES = {
    "tend_T_sgs": "Heating",
    "tend_qv_sgs": "Moistening",
    "qc": "Cloud liquid",
    "qi": "Cloud ice",
    "T": "Temperature",
    "qv": "Vapour",
}
SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 95,
    "svg.hashsalt": "diffmp",
    "svg.fonttype": "none",
}


def use_style() -> None:
    """Set the style for all figures drawn from now on, without a display."""
    mpl.use("agg")
    mpl.rcParams.update(SETTINGS)


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


def latitude_name(degrees: int) -> str:
    """A latitude as readers write it."""
    return "0°" if not degrees else f"{abs(degrees)}°{'N' if degrees > 0 else 'S'}"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
