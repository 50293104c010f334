"""How far a training is: the header of its checkpoint, which can be read without torch and without the tensors."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, parse_json
from diffmp_core.storage.files import unreadable

CHECKPOINT_FOLDER = "checkpoint"
"""Folder in an emulator folder that holds the state of an unfinished training."""
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
        stale: validations since the best one.
        stopped: whether the training ended early, for want of better validations.
        steps: optimiser steps of the whole training; None in checkpoints of older versions.
        max_minutes: time after which it ends at the latest, None without one.
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
    stale: int = 0
    stopped: bool = False
    steps: int | None = None
    max_minutes: float | None = None


def read_position(folder: Path) -> Position | None:
    """Position in the checkpoint of a folder, None where there is none.

    Raises:
        DiffmpError: a truncated or foreign file.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            header: dict[str, str] = file.metadata() or {}
        if header.get("diffmp_kind") != "checkpoint":
            raise DiffmpError(f"expected a checkpoint, found another file at {path}; choose another folder")
        return Position.model_validate(parse_json(header["position"]))
    except (OSError, SafetensorError, KeyError, UnreadableError, ValidationError) as error:
        raise broken(path, error) from error


def broken(path: Path, error: Exception) -> DiffmpError:
    """What is said of a checkpoint that cannot be read."""
    otherwise = (
        f"expected a whole training checkpoint, found one that cannot be read at {path} ({type(error).__name__}); "
        "choose another folder, or remove that file to start again"
    )
    return unreadable(path, error, otherwise)
