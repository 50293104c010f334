"""Studies and trainings in the folder of an experiment, with scores that are written down rather than computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from diffmp_core.scores.score import SCORES
from diffmp_core.stores import write_store
from diffmp_core.studies.guidance import choices
from diffmp_core.studies.result import assemble
from diffmp_core.training.checkpoint import save_checkpoint
from diffmp_core.training.log import LOG_COLUMNS, LOG_FILE, write_log
from diffmp_core.training.position import CHECKPOINT_FOLDER, Position
from diffmp_core.variables import PAPER

ABOUT = {"preset": "default", "members": 9, "sampling_seed": 0, "columns": "Test globe", "report": "test columns"}


def known(value: float) -> dict:
    """A case whose scores are this value, a little more for each further output and score."""
    scores = {
        variable: {metric: value + 0.1 * row + 0.01 * column for column, metric in enumerate(SCORES)}
        for row, variable in enumerate(PAPER.outputs.names)
    }
    return {"scores": scores, "columns": 10, "network_evaluations": 1, "seconds_per_column": 0.02 * value}


def cases(axes: Mapping[str, Iterable], *, step: float = 0.05) -> xr.Dataset:
    """All cases of some axes, each ``step`` better than the one before."""
    places = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    return assemble([(place, known(1 + step * number)) for number, place in enumerate(places)], PAPER.outputs.names)


def make_study(kind: str) -> xr.Dataset:
    """A study of each kind: two resolutions, three trainings, two emulators."""
    match kind:
        case "models":
            axes = {"spacing_km": (120, 60), "model": ("calibrated", "cvae", "climatology"), "seed": (0, 1, 2)}
            study = cases(axes)
            study = study.where((study["model"] != "climatology") | (study["seed"] == 0))
        case "steps":
            study = cases({"training": ("fixed", "continuous"), "steps": (100, 5, 2), "seed": (0, 1)})
            study["network_evaluations"] = study["network_evaluations"] * study["steps"]
        case "samplers":
            study = cases({"emulator": ("e",), "sampler": ("ddim", "ancestral"), "steps": (1, 5)})
            study["network_evaluations"] = study["network_evaluations"] * study["steps"]
        case _:
            study = cases({"emulator": ("first", "second"), "guidance": (0.0, 0.5, 1.0)}, step=-0.05)
            study = study.assign_coords(spacing_km=("emulator", [120, 60]))
            best = choices(study)
            report = cases({"emulator": ("first", "second"), "criterion": tuple(best["criterion"].values)})
            report = report.rename({name: f"report_{name}" for name in report.data_vars})
            study = study.assign(best_guidance=best, **{str(name): report[name] for name in report.data_vars})
    seeds = study["seed"].values.tolist() if "seed" in study.coords else []
    return study.assign_attrs(
        ABOUT, diffmp_kind="study", study=kind, title=f"Study of {kind}", training_seeds=np.array(seeds, dtype=float)
    )


def add_studies(folder: Path) -> Path:
    """Put one study of each kind, and a finished training of the first emulator, into an experiment."""
    for kind in ("models", "steps", "guidance", "samplers"):
        write_store(make_study(kind), folder / "studies" / f"{kind}.nc")
    add_training(folder / "calibrated", rows=3)
    return folder


def add_training(folder: Path, *, rows: int, unfinished: bool = False) -> Path:
    """A training with so many rows in its log, a row every 100 steps of 8 columns; unfinished ones have 1,000 steps."""
    folder.mkdir(parents=True, exist_ok=True)
    if unfinished:
        position = Position(run="x", step=100 * rows, seconds=50.0 * rows, rows=rows, steps=1000)
        save_checkpoint(folder / CHECKPOINT_FOLDER, position, {"w": torch.zeros(1)})
    write_log(folder / LOG_FILE, [row(number) for number in range(1, rows + 1)])
    return folder


def row(number: int) -> dict[str, str]:
    """One row of a log: the loss falls as one over the number."""
    values = {"step": 100 * number, "epoch": number, "samples": 800 * number, "loss": 1 / number,
              "validation_loss": 1.5 / number, "learning_rate": 0.001, "samples_per_s": 16}  # fmt: skip
    return {name: str(values.get(name, "")) for name in LOG_COLUMNS}
