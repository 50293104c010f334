"""Resumable state of a training: one safetensors file with a JSON header, replaced in one step.

Random streams are functions of the step (:mod:`diffmp_core.training.seeds`) and are not saved. Tensors are named
``model.*``, ``average.*`` (EMA weights), ``best.*`` (EMA weights of the best validation) and ``optimizer.*``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from diffmp_core.errors import DiffmpError
from diffmp_core.stores import remove

FILE = "state.safetensors"


class Position(BaseModel):
    """How far a training is.

    Attributes:
        run: fingerprint of configuration, columns and normalisation; only an equal run may go on.
        step: optimiser steps done; epoch and place in the epoch follow from it.
        seconds: time spent training.
        rows: rows of ``training.csv`` written.
        loss_steps: steps since the last row; their summed loss is the tensor ``loss``.
        last_loss, best_loss: validation loss of the last row and of the best one, None before the first.
        best_criterion: highest criterion of the paper, where weights are kept by it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    step: int = 0
    seconds: float = 0.0
    rows: int = 0
    loss_steps: int = 0
    last_loss: float | None = None
    best_loss: float | None = None
    best_criterion: float | None = None


def save_checkpoint(folder: Path, position: Position, tensors: dict[str, Tensor]) -> None:
    """Write ``folder/state.safetensors``; a kill at any moment leaves the old or the new one, whole.

    Raises:
        DiffmpError: the disk is full or the folder cannot be written.
    """
    part = folder / f".{FILE}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, part,
                  metadata={"diffmp_kind": "checkpoint", "position": position.model_dump_json()})  # fmt: skip
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, folder / FILE)
    except (OSError, SafetensorError) as error:
        remove(part)
        raise DiffmpError(
            f"could not write the checkpoint in {folder}: {error}; free space, then run the same command again"
        ) from error


def load_checkpoint(folder: Path, device: torch.device) -> tuple[Position, dict[str, Tensor]] | None:
    """Position and tensors of a checkpoint, None where there is none.

    Raises:
        DiffmpError: a truncated or foreign file.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header: dict[str, str] = file.metadata() or {}
            if header.get("diffmp_kind") != "checkpoint":
                raise DiffmpError(f"expected a checkpoint, found another file at {path}; choose another folder")
            position = Position.model_validate(json.loads(header["position"]))
            return position, {name: file.get_tensor(name).to(device) for name in sorted(file.keys())}
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError, ValidationError) as error:
        raise DiffmpError(
            f"expected a whole training checkpoint, found one that cannot be read at {path} ({type(error).__name__}); "
            "choose another folder, or remove that file to start again"
        ) from error


def flatten_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimiser as named tensors; its options are in the configuration."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {f"{index}.{key}": torch.as_tensor(value) for index, entry in state.items() for key, value in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what :func:`flatten_optimizer` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with ``prefix.`` before each name."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one group, without its prefix."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
