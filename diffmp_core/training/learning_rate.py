"""Learning rate as a function of how far the training is."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cyclical", "cosine"]


def cyclical_rate(cycles: float, lowest: float, highest: float) -> float:
    """Triangular cyclical rate (Smith 2017, doi:10.1109/WACV.2017.58), which the paper uses (Section 3.1).

    Args:
        cycles: cycles done so far; the rate is lowest at whole numbers and highest half-way between.
        lowest, highest: the two ends, 1e-4 and 1e-3 in the paper.
    """
    return lowest + (highest - lowest) * (1 - abs(2 * (cycles % 1.0) - 1))


def cosine_rate(done: float, lowest: float, highest: float) -> float:
    """Half a cosine from ``highest`` at the start to ``lowest`` at the end (Loshchilov and Hutter, arXiv:1608.03983).

    Args:
        done: share of the training that is done, 0 to 1; clipped.
    """
    return lowest + (highest - lowest) * 0.5 * (1 + math.cos(math.pi * min(max(done, 0.0), 1.0)))


def warmup_factor(step: int, warmup_steps: int) -> float:
    """Linear rise to 1 over the first steps; ``step`` counts from 0."""
    return min(1.0, (step + 1) / (warmup_steps + 1))
