"""Study ``models``: every kind of emulator at every resolution by the seven criteria of the paper (Figure 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import xarray as xr
from pydantic import Field

from diffmp_core.errors import DiffmpError
from diffmp_core.kinds import KINDS
from diffmp_core.models.folder import load_config
from diffmp_core.studies.cases import Case, CaseRunner, Sampling
from diffmp_core.studies.inputs import StudyColumns, StudyInputs
from diffmp_core.studies.preset import SMOKE_SIZE, SMOKE_TIGHT, TWO_CORES, Preset
from diffmp_core.studies.sources import Given, Reference, Source, Trained, TrainingSize, sized_config
from diffmp_core.studies.study import Plan
from diffmp_core.training.config import shipped_configs


class ModelsPreset(Preset):
    """Options of the study."""

    models: tuple[str, ...] = Field(default_factory=shipped_configs)
    """Configurations, the shipped ones by default; all are trained in the same size, on the same columns, for as long;
    ``one_step`` goes on from the ``calibrated`` one of its seed, and has seen twice as much."""
    references: tuple[Literal["analogue", "climatology"], ...] = ("analogue", "climatology")
    steps: int = Field(default=5, ge=1)
    seeds: int = Field(default=3, ge=1)
    """Trainings of each model."""
    size: TrainingSize = TWO_CORES


def run(runner: CaseRunner, inputs: StudyInputs, preset: ModelsPreset) -> xr.Dataset:
    """Train each model from several seeds and score all beside the references, each with its own guidance.

    Axes ``spacing_km``, ``model``, ``seed`` (references have the first alone); scored on the columns to report on.
    Emulators that are given are taken in place of all trainings: their seeds are those of their configurations. Columns
    without training times have no references, which are made of those.

    Raises:
        DiffmpError: two given emulators of one resolution, model and seed.
    """
    cases = []
    for seed in range(preset.seeds):
        for columns in () if inputs.emulators else inputs.columns:
            for model in preset.models:
                cases.append(_case(columns, model, seed, training(model, columns, seed, preset.size), preset))
    for folder in inputs.emulators:
        seed = int((load_config(folder).get("training") or {}).get("seed", 0))
        cases.append(_case(inputs.columns_of(folder), model_name(folder), seed, Given(folder), preset))
    places = [tuple(case.coordinates.values()) for case in cases]
    for case, place in zip(cases, places, strict=True):
        if places.count(place) > 1:
            raise DiffmpError(f"expected one emulator of {case}, found {places.count(place)}; leave the others out")
    first = min((int(case.coordinates["seed"]) for case in cases), default=0)
    for columns in inputs.columns:
        for kind in preset.references if columns.has_training else ():
            cases.append(_case(columns, kind, first, Reference(kind, columns.path), preset))
    return runner.results(cases)


def training(model: str, columns: StudyColumns, seed: int, size: TrainingSize) -> Trained:
    """Training of a model; what it is made from is the one of its seed."""
    config = sized_config(model, size, name=f"{model}-{columns.spacing_km}km", seed=seed)
    parent = KINDS[config.model.kind].parent_config
    return Trained(config, columns.path, training(parent, columns, seed, size) if parent else None)


def model_name(folder: Path) -> str:
    """What a given emulator is called: its kind, and of diffusion models whose schedule it has."""
    model = load_config(folder)["model"]
    if model.get("kind") != "diffusion":
        return str(model.get("kind"))
    return "paper" if model.get("schedule") == "paper" else "calibrated"


def _case(columns: StudyColumns, model: str, seed: int, source: Source, preset: ModelsPreset) -> Case:
    return Case(
        {"spacing_km": columns.spacing_km, "model": model, "seed": seed},
        source,
        columns.report_path,
        columns.report_split,
        Sampling(preset.members, preset.steps, preset.limit, preset.seed),
    )


PLAN = Plan(
    presets={
        "default": ModelsPreset(),
        "paper": ModelsPreset(limit=1_600_000, size=TrainingSize(filters=128, batch=8000, epochs=5)),
        "smoke": ModelsPreset(**SMOKE_TIGHT, seeds=1, size=SMOKE_SIZE),
    },
    run=run,
)
