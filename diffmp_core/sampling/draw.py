"""Ensembles for some columns, from a seed."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import torch

from diffmp_core.models.base import Emulator, NetworkEmulator
from diffmp_core.training.seeds import Purpose, stream
from diffmp_core.variables import OUTPUTS

COLUMNS_AT_ONCE = 32
"""Columns whose noise is drawn together and that pass through the network together; with 32 members they fit the caches
of a core best. Part of the answer: another number gives other noise."""


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
    device = emulator.device if isinstance(emulator, NetworkEmulator) else torch.device("cpu")
    strengths = default_guidance(emulator) if guidance is None else guidance
    inputs = np.ascontiguousarray(inputs, dtype=np.float32)
    parts = [
        emulator.sample(
            torch.from_numpy(inputs[first : first + COLUMNS_AT_ONCE]),
            members,
            generator=stream(seed, Purpose.ensemble, start + first, device=device),
            steps=steps,
            guidance=strengths,
        ).numpy()
        for first in range(0, max(len(inputs), 1), COLUMNS_AT_ONCE)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
