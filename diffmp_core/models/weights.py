"""Weights from a safetensors file into a network, or one sentence on why not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import refuse_devices, unreadable


def load_weights(emulator: nn.Module, path: Path) -> None:
    """Fill a network with the weights of a safetensors file: every name and every shape must fit.

    Raises:
        DiffmpError: the file is missing, truncated, not safetensors, or of another network.
    """
    refuse_devices(path)
    try:
        found = load_file(path)
    except FileNotFoundError as error:
        raise unreadable(path, error, f"expected weights at {path}, found none; copy the emulator again") from error
    except (SafetensorError, OSError) as error:
        otherwise = (
            f"expected a whole safetensors file, found a truncated or foreign one at {path} ({error}); copy it again"
        )
        raise unreadable(path, error, otherwise) from error
    expected = emulator.state_dict()
    missing, foreign = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or foreign:
        problem = f"no {missing[0]!r}" if missing else f"an unknown {foreign[0]!r}"
        raise DiffmpError(
            f"expected the weights of the network in config.yaml, found {problem} in {path}; "
            "copy the whole folder again"
        )
    for name, value in found.items():
        if value.shape != expected[name].shape or not value.is_floating_point():
            raise DiffmpError(
                f"expected {name} of shape {tuple(expected[name].shape)} and floating point in {path}, "
                f"found {tuple(value.shape)} {value.dtype}; copy the whole folder again"
            )
        if not torch.isfinite(value).all():
            raise DiffmpError(
                f"expected finite weights in {path}, found NaN or infinity in {name}; train again from a checkpoint"
            )
    emulator.load_state_dict(found, strict=True)


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Shape of each tensor."""
    return {name: value.shape for name, value in tensors.items()}
