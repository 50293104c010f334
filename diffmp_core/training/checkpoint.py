"""Resumable state of a training: one safetensors file with a JSON header, replaced in one step.

Random streams are functions of the step (:mod:`diffmp_core.compute.seeds`) and are not saved. Tensors are named
``model.*``, ``average.*`` (EMA weights), ``best.*`` (EMA weights of the best validation) and ``optimizer.*``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from diffmp_core.storage.files import write_bytes
from diffmp_core.training.position import FILE, Position, broken, read_position


def save_checkpoint(folder: Path, position: Position, tensors: dict[str, Tensor]) -> None:
    """Write ``folder/state.safetensors``; a kill at any moment leaves the old or the new one, whole.

    Raises:
        DiffmpError: the disk is full or the folder cannot be written.
    """
    held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    header = {"diffmp_kind": "checkpoint", "position": position.model_dump_json()}
    write_bytes(folder / FILE, save(held, metadata=header))


def load_checkpoint(folder: Path, device: torch.device) -> tuple[Position, dict[str, Tensor]] | None:
    """Position and tensors of a checkpoint, None where there is none.

    Raises:
        DiffmpError: a truncated or foreign file.
    """
    position = read_position(folder)
    if position is None:
        return None
    try:
        with safe_open(folder / FILE, framework="pt") as file:
            return position, {name: file.get_tensor(name).to(device) for name in sorted(file.keys())}
    except (OSError, SafetensorError) as error:
        raise broken(folder / FILE, error) from error


def flatten_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimiser as named tensors; its options are in the configuration."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {f"{index}.{key}": torch.as_tensor(value) for index, entry in state.items() for key, value in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what :func:`flatten_optimizer` took.

    What has a parameter's shape gets its order in memory, too: fused optimisers walk along both alike.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        like = parameters[int(index)]
        if value.shape == like.shape:
            value = torch.empty_like(like, dtype=value.dtype).copy_(value)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with ``prefix.`` before each name."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one group, without its prefix."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
