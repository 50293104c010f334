"""Score stores and tables as they are to be read: those of older versions say what is not so.

They name the steps of emulators that have none, and give a coverage and ranks of members that are all alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from diffmp_core.drawn import drawn_for
from diffmp_core.schema import variables_of
from diffmp_core.scores.maps import MAPS
from diffmp_core.scores.score import spread_scores

ALIKE = "spread_skill_ratio"
"""Score that is 0 of all values together only where no two members ever differed."""

RANKS = "rank_histogram"


def spread_fields() -> tuple[str, ...]:
    """Fields of a score store that only an ensemble of different members has."""
    columns = (score.stored for score in MAPS.values() if score.of_spread)
    averages = (f"{over}_{name}" for over in ("cell", "level", "overall") for name in spread_scores())
    return (*columns, RANKS, *averages)


def true_store(store: xr.Dataset) -> xr.Dataset:
    """A score store; where all members are alike it is that of one member: without spread, coverage and ranks."""
    if not _has_one_answer(store):
        return store
    size = max(1, int(store.attrs.get("members", 1)))
    alone = store.drop_vars([name for name in spread_fields() if name in store]).assign_attrs(members=1)
    if "histogram_members" in alone and size > 1:
        alone["histogram_members"] = alone["histogram_members"] // size
    return alone


def counted_levels(store: xr.Dataset, variable: str) -> slice:
    """Levels of a score store at which an output has values of its own: all, or the lowest of a single value.

    A single value stands at every level; counts and tests over levels would take it for so many.
    """
    return slice(None) if variables_of(store).outputs.named(variable).profile else slice(0, 1)


def true_table(table: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    """A table of ``diffmp score`` with the members, steps, guidance and evaluations that took effect.

    Args:
        kind: kind of the emulator, ``diffmp_core.kinds.REFERENCE`` where it has no folder.
    """
    scores = table.get("scores") or {}
    found = dict(table)
    if (drawn := drawn_for(table, kind)) is not None:
        found |= asdict(drawn) | {"guidance": None if drawn.guidance is None else list(drawn.guidance)}
    if found.get("members") == 1 or is_zero([values.get(ALIKE) for values in scores.values()]):
        found["members"], without = 1, spread_scores()
        found["scores"] = {
            variable: {name: None if name in without else value for name, value in values.items()}
            for variable, values in scores.items()
        }
    return found


def is_zero(ratios: Any) -> bool:
    """Whether spread-skill ratios over everything, one a variable, say that no two members ever differed."""
    known = np.array([np.nan if ratio is None else ratio for ratio in ratios], dtype=float)
    known = known[np.isfinite(known)]
    return bool(known.size) and not known.any()


def _has_one_answer(store: xr.Dataset) -> bool:
    if store.attrs.get("members") == 1:
        return True
    return f"overall_{ALIKE}" in store and is_zero(store[f"overall_{ALIKE}"].values)
