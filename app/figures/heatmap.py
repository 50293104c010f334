"""What a heatmap value x level shows: counts as shares, levels at their place, ranges, palettes."""

from __future__ import annotations

from dataclasses import dataclass

import colorcet
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from diffmp_core.scores.distributions import log_ratio

from ..data.axes import LevelAxis

ROWS = 240
"""Rows of a heatmap: levels are stretched to their place on the vertical axis by the nearest level."""

LEAST_SHARE = 1e-5
"""Share of the values of a level below which a bin is drawn as empty, however many values there are."""


@dataclass(frozen=True)
class Histograms:
    """Counts of one output.

    ``edges`` (bin + 1,) in standard deviations of the truth, ``truth`` (level, bin), ``members`` (level, bin) of each
    emulator by name, all members pooled, ``ensemble_size`` of each. A single value has one level.
    """

    edges: NDArray[np.float64]
    truth: NDArray[np.float64]
    members: dict[str, NDArray[np.float64]]
    ensemble_size: dict[str, int]


def least_share(truth: ArrayLike) -> float:
    """Smallest share that counts ``([level,] bin)`` of the truth can show, one value of a level.

    What is rarer is drawn as empty.
    """
    return max(LEAST_SHARE, 1.0 / max(float(np.sum(truth, axis=-1).max()), 1.0))


def ratio_between(histograms: Histograms, first: str, second: str) -> NDArray[np.float64]:
    """How many times more often one emulator than another has a value, log2 ``(level, bin)``; NaN for counting noise.

    As :func:`~diffmp_core.scores.distributions.log_ratio`, with each count over the size of its ensemble: members of
    one column resemble each other, so they count together as one value. That leaves too much blank, not too little.
    """
    of, over = (histograms.members[name] / histograms.ensemble_size[name] for name in (first, second))
    return log_ratio(over, of)


def stretch(values: ArrayLike, axis: LevelAxis) -> NDArray[np.float32]:
    """Rows of levels (level, bin) put at their place on a linear vertical axis: (ROWS, bin), smallest first."""
    low, high = sorted((axis.start, axis.end))
    centres = low + (np.arange(ROWS) + 0.5) * (high - low) / ROWS
    ascending = axis.edges if axis.edges[0] < axis.edges[-1] else axis.edges[::-1]
    row = np.clip(np.searchsorted(ascending, centres, side="right") - 1, 0, len(axis.values) - 1)
    if axis.edges[0] > axis.edges[-1]:
        row = len(axis.values) - 1 - row
    return np.asarray(values, dtype=np.float32)[row]


def edges_of(data: xr.Dataset) -> NDArray[np.float64]:
    """Edges (bin + 1,) of the bins of a dataset, in the unit shown."""
    bounds = data["value_bounds"].values
    return np.append(bounds[:, 0], bounds[-1, 1])


def shares_of(data: xr.Dataset) -> dict[str, NDArray[np.float64]]:
    """Shares ([level,] bin) of a dataset, of the truth and of each emulator."""
    members = {str(name): data["share"].values[place] for place, name in enumerate(data["emulator"].values)}
    return {"truth": data["truth_share"].values} | members


def ratios_of(data: xr.Dataset) -> dict[str, NDArray[np.float64]]:
    """Ratios ([level,] bin) of a dataset: of each emulator to the truth, or of the first to the second."""
    names = [str(name) for name in data["emulator"].values]
    if "log2_ratio_between" in data:
        return {names[0]: data["log2_ratio_between"].values}
    return dict(zip(names, data["log2_ratio"].values, strict=True))


def occupied(data: xr.Dataset) -> tuple[float, float]:
    """Value range of a dataset that holds every bin drawn (of at least ``least_share`` at some level)."""
    edges, least = edges_of(data), least_share(data["truth_count"].values)
    drawn = np.flatnonzero(
        np.any([(np.atleast_2d(share) >= least).any(axis=0) for share in shares_of(data).values()], 0)
    )
    if drawn.size == 0:
        return float(edges[0]), float(edges[-1])
    return float(edges[max(drawn[0] - 1, 0)]), float(edges[min(drawn[-1] + 2, len(edges) - 1)])


def share_colours(dark: bool) -> list[str]:
    """Sequential map whose low end is near the colour of the page."""
    return list(colorcet.palette["CET_CBL2"])[40:] if dark else list(colorcet.palette["CET_L17"])[20:]


def ratio_colours(dark: bool) -> list[str]:
    """Diverging map whose middle is near the colour of the page."""
    return list(colorcet.palette["bky" if dark else "CET_CBD1"])


def hollow(shares: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Shares, NaN where they are below ``least`` and the bin counts as empty."""
    return np.where(shares >= least, shares, np.nan)
