"""Ensembles for some columns, from a seed."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from diffmp_core.compute.seeds import Purpose, stream
from diffmp_core.models.base import Draw, Emulator, NetworkEmulator, normal_draws
from diffmp_core.variables import OUTPUTS

COLUMNS_AT_ONCE = 32
"""Columns whose noise is drawn together. Part of the answer: another number gives other noise. On a CPU they also pass
through the network together; with 32 members they fit the caches of a core best."""

BLOCKS_ON_A_GPU = 32
"""So many times as many columns pass through the network together on a GPU: to start the thousand or two thousand
kernels of five evaluations, some microseconds each, takes as long as they run on 32 columns."""


class Drawing(TypedDict, total=False):
    """Options of :func:`draw_ensemble` that a reader chooses."""

    members: int
    steps: int
    seed: int
    guidance: tuple[float, ...] | None


DRAWING: Drawing = {"members": 32, "steps": 5, "seed": 0, "guidance": None}
"""What is drawn where nothing else is asked for."""


def default_guidance(emulator: Emulator) -> tuple[float, ...]:
    """Guidance strength of each output that an emulator was configured with; none where it knows none."""
    return tuple(getattr(getattr(emulator, "config", None), "guidance", (0.0,) * len(OUTPUTS)))


def draw_ensemble(
    emulator: Emulator,
    inputs: np.ndarray,
    *,
    members: int,
    steps: int = 5,
    guidance: tuple[float, ...] | None = None,
    seed: int = 0,
    start: int = 0,
) -> np.ndarray:
    """Ensemble ``(column, member, 4, level)`` float32 for inputs ``(column, 6, level)``, both in physical units.

    The noise is a function of ``seed``, of the columns' numbers from ``start`` on, and of ``members`` and ``steps``
    alone: other inputs get the same noise (common random numbers), and columns of a store get the same whatever was
    drawn before, if ``start`` is a multiple of :data:`COLUMNS_AT_ONCE` after the first of a time.

    Args:
        guidance: strength of each output; the emulator's own if not given.
        seed: seed of the noise.
        start: number of the first column in its store.

    Raises:
        DiffmpError: inputs or options that do not suit the emulator.
    """
    strengths = default_guidance(emulator) if guidance is None else guidance
    inputs = np.ascontiguousarray(inputs, dtype=np.float32)
    device = device_of(emulator)
    together = columns_together(device)
    parts = []
    for first in range(0, max(len(inputs), 1), together):
        part = torch.from_numpy(inputs[first : first + together])
        if isinstance(emulator, NetworkEmulator):
            draw = block_draws(seed, start + first, len(part), device)
            found = emulator.sample_drawn(part, members, draw=draw, steps=steps, guidance=strengths)
        else:
            generator = stream(seed, Purpose.ensemble, start + first, device=device)
            found = emulator.sample(part, members, generator=generator, steps=steps, guidance=strengths)
        parts.append(found.numpy())
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def device_of(emulator: Emulator) -> torch.device:
    """Where an emulator answers."""
    return emulator.device if isinstance(emulator, NetworkEmulator) else torch.device("cpu")


def columns_together(device: torch.device) -> int:
    """Columns that pass through a network together on a device."""
    return COLUMNS_AT_ONCE * (BLOCKS_ON_A_GPU if device.type == "cuda" else 1)


def block_draws(seed: int, start: int, columns: int, device: torch.device) -> Draw:
    """Draws for some columns of a store from number ``start`` on, each block of 32 from a stream of its own."""
    firsts = range(0, max(columns, 1), COLUMNS_AT_ONCE)
    blocks = [normal_draws(stream(seed, Purpose.ensemble, start + first, device=device)) for first in firsts]

    def draw(shape: tuple[int, ...]) -> Tensor:
        counts = [min(COLUMNS_AT_ONCE, shape[0] - first) for first in firsts]
        drawn = [block((count, *shape[1:])) for block, count in zip(blocks, counts, strict=True)]
        return drawn[0] if len(drawn) == 1 else torch.cat(drawn)

    return draw
