"""An even choice of columns, for an evaluation that shall not take all."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError

LEAST_SHARE_OF_LIMIT = 0.97
"""How much of a limit an even choice of times and cells must use."""

LEAST_IMBALANCE = np.log(4)
"""Log of the ratio of shares beyond which a product that fits the limit exactly gives way to a more even one."""


def spread_evenly(columns: xr.Dataset, limit: int) -> xr.Dataset:
    """At most ``limit`` columns: some times by some cells, both evenly spaced.

    Among the products that use up the limit (or nearly, where it has no good factors) the one is taken that keeps the
    most similar share of times and of cells.

    Raises:
        DiffmpError: a limit below 1.
    """
    if limit < 1:
        raise DiffmpError(f"expected a limit of at least 1 column, found {limit}; choose a larger one")
    times, cells = columns.sizes["time"], columns.sizes["cell"]
    if limit >= times * cells:
        return columns
    choices = [(k, min(cells, limit // k)) for k in range(1, min(times, limit) + 1)]

    def imbalance(choice: tuple[int, int]) -> float:
        return abs(float(np.log((choice[0] / times) / (choice[1] / cells))))

    fullest = max(k * m for k, m in choices)
    exact = [choice for choice in choices if choice[0] * choice[1] == fullest]
    near = [choice for choice in choices if choice[0] * choice[1] >= LEAST_SHARE_OF_LIMIT * fullest]
    best = min(exact, key=imbalance)
    if imbalance(best) > LEAST_IMBALANCE + imbalance(min(near, key=imbalance)):
        best = min(near, key=imbalance)

    def even(count: int, size: int) -> NDArray[np.intp]:
        return ((np.arange(count) + 0.5) * size / count).astype(np.intp)

    return columns.isel(time=even(best[0], times), cell=even(best[1], cells))
