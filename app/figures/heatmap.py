"""What a heatmap value x level shows: counts as shares, levels at their place, ranges, palettes."""

from __future__ import annotations

from dataclasses import dataclass

import colorcet
import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffmp_core.scores.distributions import log_ratio, shares

from ..data.axes import LevelAxis

ROWS = 240
"""Rows of a heatmap: levels are stretched to their place on the vertical axis by the nearest level."""

LEAST_SHARE = 1e-5
"""Share of the values of a level below which a bin is drawn as empty, however many values there are."""


@dataclass(frozen=True)
class Histograms:
    """Counts of one output.

    ``edges`` (bin + 1,) in standard deviations of the truth, ``truth`` (level, bin), ``members`` (level, bin) of each
    emulator by name, all members pooled, ``ensemble_size`` of each.
    """

    edges: NDArray[np.float64]
    truth: NDArray[np.float64]
    members: dict[str, NDArray[np.float64]]
    ensemble_size: dict[str, int]

    @property
    def least_share(self) -> float:
        """Smallest share that the truth can show, one value of a level; what is rarer is drawn as empty."""
        return max(LEAST_SHARE, 1.0 / max(float(self.truth.sum(axis=-1).max()), 1.0))


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


def occupied(histograms: Histograms) -> tuple[float, float]:
    """Value range, in the unit of the edges, that holds every bin drawn (of at least ``least_share`` at some level)."""
    counts = [histograms.truth, *histograms.members.values()]
    drawn = np.flatnonzero(np.any([(shares(c) >= histograms.least_share).any(axis=0) for c in counts], axis=0))
    if drawn.size == 0:
        return float(histograms.edges[0]), float(histograms.edges[-1])
    first, last = max(drawn[0] - 1, 0), min(drawn[-1] + 2, len(histograms.edges) - 1)
    return float(histograms.edges[first]), float(histograms.edges[last])


def share_colours(dark: bool) -> list[str]:
    """Sequential map whose low end is near the colour of the page."""
    return list(colorcet.palette["CET_CBL2"])[40:] if dark else list(colorcet.palette["CET_L17"])[20:]


def ratio_colours(dark: bool) -> list[str]:
    """Diverging map whose middle is near the colour of the page."""
    return list(colorcet.palette["bky" if dark else "CET_CBD1"])


def hollow(counts: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Shares (level, bin), NaN where they are below ``least`` and the bin counts as empty."""
    share = shares(counts)
    return np.where(share >= least, share, np.nan)
