"""What made an emulator: the sections of its ``config.yaml`` beside the model, which its card is written from."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

import diffmp_core
from diffmp_core.identity import kept_id
from diffmp_core.stores import count_splits, select_split
from diffmp_core.training.config import TrainingConfig
from diffmp_core.training.processes import Processes
from diffmp_core.training.trainer import Trainer

_SECONDS_FOR_GIT = 10


def provenance(
    config: TrainingConfig, columns: xr.Dataset, trainer: Trainer, processes: Processes, *, values_sha256: str
) -> dict[str, Any]:
    """Configuration, columns, split, times, versions, duration; ``values_sha256`` is of the training values as read."""
    times = select_split(columns, "train")["time"].values
    return {
        "training": config.model_dump(mode="json", exclude={"model"}),
        "columns": {
            "columns_id": kept_id(columns),
            **{key: _plain(columns.attrs.get(key)) for key in ("title", "source", "spacing_km")},
            "training_columns": len(trainer.training),
            "training_times": {"count": len(times), "first": str(times[0]), "last": str(times[-1])},
            "times_by_split": count_splits(columns),
            "training_values_sha256": values_sha256,
        },
        "result": {
            "steps": trainer.position.step,
            "batch": trainer.batch,
            "training_samples_seen": trainer.position.step * trainer.batch,
            "stopped_early": trainer.position.stopped,
            "validation_loss": trainer.kept_loss(),
            "validation_criterion": trainer.position.best_criterion,
            "minutes": round(trainer.position.seconds / 60, 2),
            "device": device_name(processes.device),
            "processes": processes.count,
        },
        "versions": {
            "diffmp": diffmp_core.__version__,
            "git": git_revision(Path(diffmp_core.__file__).parent),
            "python": platform.python_version(),
            "torch": str(torch.__version__),
        },
    }


def git_revision(folder: Path) -> str | None:
    """Revision of the code in a folder, ``-dirty`` where tracked files there differ from it; None where git knows none.

    A package installed inside another project's working tree is not tracked by it, and gets None.
    """
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    if revision is None:
        return None
    return f"{revision}-dirty" if _git(folder, "status", "--porcelain", "--untracked-files=no", ".") else revision


def _git(folder: Path, *arguments: str) -> str | None:
    """What a git command prints; None where it fails or there is no git."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_FOR_GIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def device_name(device: torch.device) -> str:
    """Name of the hardware, as readable as it is known."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.machine()}, {torch.get_num_threads()} threads)"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
