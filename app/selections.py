"""Columns of one time picked by simple rules that can be said in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core import regimes
from diffmp_core.regimes import REGIMES, Facts


def column_facts(columns: xr.Dataset, time: int) -> Facts:
    """Facts about every column of one time of a column store (dims time, cell, level)."""
    return regimes.column_facts(columns.isel(time=time))


@dataclass(frozen=True)
class Selection:
    """A rule: which columns it admits, by what it ranks them (None: it takes all alike), and both in words."""

    words: str
    admits: Callable[[Facts], NDArray[np.bool_]]
    ranks_by: Callable[[Facts], NDArray[np.float64]] | None = None

    def ranked(self, facts: Facts) -> NDArray[np.int64]:
        """Cells admitted, best first; in the order of the cells where nothing ranks them."""
        cells = np.flatnonzero(self.admits(facts))
        if self.ranks_by is None:
            return cells
        return cells[np.argsort(-self.ranks_by(facts)[cells], kind="stable")]


PRESETS: dict[str, Selection] = {
    name: Selection(regime.words(), regime.admits, regime.ranks_by) for name, regime in REGIMES.items()
}
"""Single columns worth a look: the regimes, ranked."""
