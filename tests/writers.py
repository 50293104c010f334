"""What every command writes, each as one call, on material of a few columns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diffmp_app.report.write import write_report

from diffmp_core.columns.fetch import fetch_climsim
from diffmp_core.columns.prepare import prepare
from diffmp_core.crm.simulate import simulate
from diffmp_core.export import export_emulator
from diffmp_core.sampling.generate import generate
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.studies.run import run_study
from diffmp_core.studies.samplers import SamplersPreset
from diffmp_core.training.card import write_card
from diffmp_core.training.config import load_config
from diffmp_core.training.loop import train

SAMPLING = {"members": 4, "steps": 2}
SAMPLERS = SamplersPreset(members=4, limit=16, samplers=("ddim",), steps=(1, 2))


@dataclass(frozen=True)
class Material:
    """What commands read: a column store, raw data, a configuration, an emulator, an experiment, a mirror."""

    columns: Path
    raw: Path
    config: Path
    emulator: Path
    experiment: Path
    mirror: str
    published: list[str]


Write = Callable[[Material, Path, int], object]
"""Writes into a folder; the number makes contents differ."""

REPLACING: dict[str, Write] = {
    "sample": lambda m, out, n: generate(m.emulator, m.columns, out / "ensemble.zarr", seed=n, **SAMPLING),
    "score": lambda m, out, n: evaluate(
        m.emulator, m.columns, out / "experiment", seed=n, json_path=out / "scores.json", **SAMPLING
    ),
    "score some": lambda m, out, n: evaluate(m.emulator, m.columns, out / "some", seed=n, limit=8, **SAMPLING),
    "export onnx": lambda m, out, n: export_emulator(m.emulator, out / "e.onnx", format="onnx", steps=n + 1),
    "export torchscript": lambda m, out, n: export_emulator(
        m.emulator, out / "e.pt", format="torchscript", steps=n + 1
    ),
    "card": lambda m, out, n: write_card(_copy(m.emulator, out / "emulator")),
    "report": lambda m, out, n: write_report(m.experiment, out / "report.html"),
}
"""Commands that begin anew: what is there stays until they are done, and a failure leaves nothing."""

RESUMING: dict[str, Write] = {
    "simulate": lambda m, out, n: simulate(out / "run.zarr", grid="G0", hours=1, workers=1),
    "train": lambda m, out, n: train(m.columns, out / "emulator", config=load_config(str(m.config)), progress=False),
    "study": lambda m, out, n: run_study(
        "samplers", [m.columns], out / "samplers.nc", preset=SAMPLERS, emulators=[m.emulator]
    ),
    "fetch": lambda m, out, n: fetch_climsim(out / "climsim", m.published, endpoint=m.mirror),
}
"""Commands that go on where they stopped: what a failure leaves is their own and whole."""

ONCE: dict[str, Write] = {
    "prepare": lambda m, out, n: prepare(m.raw, out / "columns.zarr"),
    "prepare nc": lambda m, out, n: prepare(m.raw, out / "columns.nc"),
}
"""Commands that replace nothing."""

EVERY = REPLACING | RESUMING | ONCE


def _copy(emulator: Path, folder: Path) -> Path:
    """An emulator folder under another name; files that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in emulator.iterdir():
        if not (folder / path.name).exists():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Hash of each file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
