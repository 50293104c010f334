"""The way of one column's ensemble from noise to profiles, step by step (Figure 2 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import NetworkEmulator
from diffmp_core.models.normalizer import Normalised
from diffmp_core.models.samplers import watching
from diffmp_core.sampling.draw import draw_ensemble

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Denoising:
    """Every evaluation of the denoiser, from noise on, and the ensemble that they end in; physical units.

    Attributes:
        signal: s of the state at each step ``(step,)``: ``x = s x_0 + sqrt(1 - s^2) noise`` in normalised units.
        states: x at each step ``(step, member, output, level)``.
        predicted: the x_0 that the network predicts from it ``(step, member, output, level)``.
        ensemble: the answer ``(member, output, level)``; traces of cloud may be zero in it.
    """

    signal: NDArray[np.float64]
    states: Array
    predicted: Array
    ensemble: Array


def denoise_column(
    emulator: NetworkEmulator,
    column: NDArray,
    *,
    members: int = 32,
    steps: int = 5,
    guidance: tuple[float, ...] | None = None,
    seed: int = 0,
) -> Denoising:
    """How the ensemble of a column ``(input, level)`` comes about: that of ``draw_ensemble``, bit for bit.

    Args:
        members, steps, guidance, seed: see :func:`diffmp_core.sampling.draw.draw_ensemble`.

    Raises:
        DiffmpError: an emulator that does not denoise, inputs or options that do not suit it.
    """
    seen: list[tuple[float, NDArray, NDArray]] = []

    def watch(s: float, x: Tensor, x_0: Tensor) -> None:
        state, guess = (emulator.normalizer.physical_outputs(Normalised(v[0].float())).cpu().numpy() for v in (x, x_0))
        seen.append((s, state, guess))

    with watching(watch):
        ensemble = draw_ensemble(
            emulator, np.asarray(column)[None], members=members, steps=steps, guidance=guidance, seed=seed
        )
    if not seen:
        raise DiffmpError(
            f"expected an emulator that denoises, found one of kind {emulator.kind!r}, which answers at once; "
            "choose a diffusion model"
        )
    signal, states, predicted = zip(*seen, strict=True)
    return Denoising(np.array(signal), np.stack(states), np.stack(predicted), ensemble[0])
