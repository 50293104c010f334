"""Split of a store by whole times, with a gap between training, validation and test (Section 2 of the paper).

Times are never split by cell: neighbouring cells of one time share the weather. Times that lie closer together than the
gap are tied into one block first (:func:`group_times`); blocks are then either dealt out (scattered times) or, where a
run is continuous and there are too few blocks, cut at borders along which the gap's times are set aside.
"""

from __future__ import annotations

import numpy as np

from diffmp_core.stores import SPLITS

PAPER_PROPORTIONS = (13, 4, 2)
"""Days of training, validation and test in each of the paper's periods."""

NEW_RUN_HOURS = 24.0
"""Times further apart than this belong to different runs."""

_TRAIN, _VALIDATION, _TEST, _GAP = range(len(SPLITS))


def seconds_since_first(times: np.ndarray) -> np.ndarray:
    """Seconds since the first element of ``datetime64`` or cftime values, float64."""
    elapsed = times - times[0]
    if np.issubdtype(elapsed.dtype, np.timedelta64):
        return elapsed / np.timedelta64(1, "s")
    return np.array([step.total_seconds() for step in elapsed])


def group_times(seconds: np.ndarray, gap_hours: float) -> np.ndarray:
    """Block number of each (sorted) time: a new block starts where the previous time is at least the gap away."""
    return np.concatenate([[0], np.cumsum(np.diff(seconds) >= gap_hours * 3600.0)])


def split_times(
    times: np.ndarray,
    *,
    gap_hours: float,
    proportions: tuple[float, float, float] = PAPER_PROPORTIONS,
    runs: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """Give every time its split.

    * Runs: every block of times closer than :data:`NEW_RUN_HOURS` is a continuous run, cut as below, so that every
      split has its part of every season.
    * Scattered times (at least three blocks of times closer than the gap): whole blocks are dealt out in a random
      order, each to the split that is furthest below its share, so that every split sees all seasons; no time is lost.
    * A continuous run: the paper's order, training then validation then test, and the times less than the gap
      after a border are set aside (``gap``).
    * Too few times for three splits a gap apart: everything is ``test``; such a store is there to be scored.

    Args:
        times: ``(time,)`` sorted, datetime64 or cftime.
        gap_hours: no two times of different splits are closer than this.
        proportions: weights of training, validation and test; a weight of 0 leaves that split out.
        runs: the times are those of one or more continuous runs.
        seed: of the order in which blocks are dealt out; a continuous run draws nothing.

    Returns:
        ``(time,)`` int8, indices into :data:`diffmp_core.stores.SPLITS`.
    """
    seconds = seconds_since_first(times)
    share = np.asarray(proportions, dtype=float) / sum(proportions)
    if runs:
        run = group_times(seconds, max(NEW_RUN_HOURS, gap_hours))
        split = np.concatenate([_cut_run(seconds[run == r], share, gap_hours * 3600.0) for r in range(run[-1] + 1)])
    else:
        split = _deal_blocks(group_times(seconds, gap_hours), share, np.random.default_rng(seed))
        if not _has_all(split, share):
            split = _cut_run(seconds, share, gap_hours * 3600.0)
    if not _has_all(split, share):
        split = np.full(len(times), _TEST)
    return split.astype(np.int8)


def _has_all(split: np.ndarray, share: np.ndarray) -> bool:
    wanted = np.array([_TRAIN, _VALIDATION, _TEST])[share > 0]
    return all((split == name).any() for name in wanted)


def _deal_blocks(block: np.ndarray, share: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Whole blocks, in random order, each to the split furthest below its share; the largest one to training."""
    sizes = np.bincount(block)
    owner = np.empty(len(sizes), dtype=int)
    filled = np.zeros(3)
    order = generator.permutation(len(sizes))
    order = order[np.argsort(sizes[order] < sizes.max(), kind="stable")]
    for index in order:
        owner[index] = int(np.argmax(share * len(block) - filled))
        filled[owner[index]] += sizes[index]
    # A long run with a few stray blocks would leave training with nearly all: then the run itself is cut instead.
    fair = np.abs(filled / len(block) - share).max() < 0.15
    return owner[block] if fair else np.full(len(block), _TEST)


def _cut_run(seconds: np.ndarray, share: np.ndarray, gap: float) -> np.ndarray:
    """Consecutive parts of the times in the given shares; times within the gap after a border are set aside."""
    count = len(seconds)
    wanted = np.array([_TRAIN, _VALIDATION, _TEST])[share > 0]
    borders = np.rint(np.cumsum(share[share > 0])[:-1] * count).astype(int)
    borders = np.clip(borders, 1, max(count - 1, 1))
    split = np.full(count, wanted[0])
    for border, name in zip(borders, wanted[1:], strict=True):
        split[border:] = name
        last_before = seconds[border - 1]
        split[border:][seconds[border:] - last_before < gap] = _GAP
    return split
