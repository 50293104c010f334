"""Random streams that are functions of (seed, purpose, counters), so that nothing random needs to be saved.

Every step and every micro-batch has its own stream: a resumed training, or one spread over several processes,
draws exactly what an uninterrupted one in a single process draws.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What a stream is drawn for; never renumber, or a resumed training would differ."""

    weights = 0
    order = 1
    noise = 2
    validation = 3
    ensemble = 4
    domain = 5
    criterion = 6


def stream_seed(seed: int, purpose: Purpose, *counters: int) -> int:
    """63-bit seed of one stream, mixed by NumPy's SeedSequence; a purpose always has the same number of counters."""
    words = np.random.SeedSequence((seed, int(purpose), *counters)).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def stream(seed: int, purpose: Purpose, *counters: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Generator of one stream on a device."""
    return torch.Generator(device=device).manual_seed(stream_seed(seed, purpose, *counters))
