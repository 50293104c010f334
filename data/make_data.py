"""Make all shipped simulator data from nothing: ``make data``, or ``python data/make_data.py``.

Four seasons are simulated for training and two, with other weather, for testing; columns of four resolutions are
prepared, DIFF-MP and its rivals trained, the guidance of one chosen on validation columns, and the demo written. Each
step is left out if its result is there and goes on where it was stopped. At the end what was made is held against what
was shipped before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from make_answers import make_answers
from make_demo import CALIBRATED, DEMO, EMULATORS, ONE_STEP, REGRESSION, demo_figures, finer_emulator, make_demo

from diffmp_core.models.folder import WEIGHTS_FILE, load_config, load_emulator, save_emulator
from diffmp_core.models.seal import KEY
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.storage.files import write_text
from diffmp_core.variables import PAPER

HERE = Path(__file__).parent
SEASONS = ("2005-04-01", "2005-07-10", "2005-10-01", "2006-01-01")
"""Starts of the paper's four periods."""

TRAINING = {"starts": SEASONS, "grid": "G4", "hours": 98, "seed": 0, "spin_up_hours": 36, "split": "50,12,0"}
TESTING = {
    "starts": (SEASONS[1], SEASONS[3]),
    "grid": "G5",
    "hours": 40,
    "seed": 1,
    "spin_up_hours": 39,
    "split": "0,0,1",
}
ONE_STEP_TRAINING = TRAINING | {"grid": "G3"}
"""Of the emulator that sets out from the calibrated one's weights: a quarter of the columns is enough."""

SPACING_KM = 120
"""Resolution of the demo."""

FINER_KM = (60, 30, 15)
"""Resolutions at which the calibrated emulator is trained too; a cell has one column of each."""

GUIDANCE = (0.0, 0.2, 0.4, 0.6, 0.8)
TOLERANCE = 0.05
"""Largest relative difference of a figure from the one that was shipped before that passes without a word."""


def diffmp(*arguments: object, threads: int | None = 1) -> None:
    """Run the command line in a process of its own."""
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    subprocess.run([sys.executable, "-c", "from diffmp_core.cli import run; run()", *map(str, arguments)],
                   check=True, env=environment)  # fmt: skip


def simulate(work: Path, name: str, plan: dict) -> Path:
    """Simulate the seasons of a plan; returns the folder of the runs."""
    runs = work / name
    for start in plan["starts"]:
        options = ("--grid", plan["grid"], "--hours", plan["hours"], "--start", start, "--seed", plan["seed"])
        diffmp("simulate", runs / f"{start}.zarr", *options)
    return runs


def prepare(work: Path, name: str, plan: dict, spacing_km: int = SPACING_KM) -> Path:
    """One column store of a plan's runs."""
    suffix = "" if spacing_km == SPACING_KM else f"-{spacing_km}km"
    out = work / f"columns-{name}{suffix}.zarr"
    if not out.exists():
        options = ("--spin-up-hours", plan["spin_up_hours"], "--split", plan["split"], "--spacing-km", spacing_km)
        diffmp("prepare", simulate(work, name, plan), out, *options)
    return out


def train(work: Path, columns: Path, folder: Path) -> Path:
    """Train one of the shipped emulators as ``configs/`` says; returns where it lies."""
    out = work / folder.name
    if not (out / WEIGHTS_FILE).exists():
        config = HERE / "configs" / f"{folder.name.replace(f'-{SPACING_KM}km', '')}.yaml"
        diffmp("train", columns, out, "--config", _with_pretrained(config, work))
    return out


def _with_pretrained(config: Path, work: Path) -> Path:
    """The configuration, which names a pretrained network in ``runs/``, with that of this folder of work."""
    options = yaml.safe_load(config.read_text())
    pretrained = (options.get("model") or {}).get("pretrained")
    if pretrained is None:
        return config
    options["model"]["pretrained"] = str(work / Path(pretrained).name)
    path = work / config.name
    path.write_text(yaml.safe_dump(options, sort_keys=False))
    return path


def ship(trained: Path, folder: Path) -> None:
    """Copy a trained emulator to where it is shipped, its weights in bfloat16."""
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    config = load_config(trained)
    extra = {key: value for key, value in config.items() if key not in ("model", KEY)}
    save_emulator(load_emulator(trained, precision="float32"), folder, extra, weights=torch.bfloat16)


def choose_guidance(emulator: Path, columns: Path, limit: int) -> list[float]:
    """The guidance, one for all outputs since they are denoised together, with the least CRPS on validation columns.

    CRPS is taken relative to the least of each output, and averaged over the outputs.
    """
    results = [
        evaluate(emulator, columns, split="validation", limit=limit, guidance=(w,) * len(PAPER.outputs.names))
        for w in GUIDANCE
    ]
    crps = np.array([[result.scores[name]["crps_fair"] for name in PAPER.outputs.names] for result in results])
    for name, values in zip(PAPER.outputs.names, crps.T, strict=True):
        print(f"{name}: CRPS {values.round(4)} at guidance {GUIDANCE}", flush=True)
    best = int(np.argmin((crps / crps.min(axis=0)).mean(axis=1)))
    return [GUIDANCE[best]] * len(PAPER.outputs.names)


def set_guidance(emulator: Path, guidance: list[float]) -> None:
    """Enter the default guidance of an emulator in its configuration."""
    path = emulator / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["model"]["guidance"] = guidance
    write_text(path, yaml.safe_dump(config, sort_keys=False))


def compare(before: dict[str, float], after: dict[str, float]) -> int:
    """Print which figures differ from those shipped before by more than the tolerance; returns how many."""
    off = 0
    for name in sorted(before.keys() & after.keys()):
        difference = abs(after[name] - before[name]) / max(abs(before[name]), 1e-12)
        if difference > TOLERANCE:
            off += 1
            print(f"{name}: shipped {before[name]:.4g}, made {after[name]:.4g} ({100 * difference:.0f} %)")
    print(f"{len(before.keys() & after.keys())} figures compared, {off} differ by more than {100 * TOLERANCE:.0f} %")
    return off


def main(
    work: Annotated[Path, typer.Option(help="Folder for what lies between: 1.4 GB.")] = Path("runs"),
    validation_columns: Annotated[int, typer.Option(help="Columns on which the guidance is chosen.")] = 800,
) -> None:
    """Make the shipped simulator data and emulators again."""
    work.mkdir(parents=True, exist_ok=True)
    shipped = work / "demo-shipped"
    columns, test = prepare(work, "train", TRAINING), prepare(work, "test", TESTING)
    finer = {finer_emulator(km): prepare(work, "train", TRAINING, km) for km in FINER_KM}
    todo = {REGRESSION: columns} | {folder: columns for folder in EMULATORS.values() if folder != ONE_STEP} | finer
    train(work, columns, REGRESSION)  # the GAN's frozen network
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        trained = dict(zip(todo, pool.map(lambda item: train(work, item[1], item[0]), todo.items()), strict=True))
    set_guidance(trained[CALIBRATED], choose_guidance(trained[CALIBRATED], columns, validation_columns))
    for folder, source in trained.items():
        ship(source, folder)
    ship(train(work, prepare(work, "train-one-step", ONE_STEP_TRAINING), ONE_STEP), ONE_STEP)
    if not shipped.exists():
        shutil.copytree(DEMO, shipped)
    shutil.rmtree(DEMO, ignore_errors=True)
    make_demo(test, columns)
    make_answers(DEMO)
    if compare(demo_figures(shipped), demo_figures(DEMO)):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
