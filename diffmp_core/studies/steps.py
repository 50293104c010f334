"""Study ``steps``: models trained on fixed steps against one that knows all noise levels (Figures 3 and 4)."""

from __future__ import annotations

import xarray as xr
from pydantic import Field

from diffmp_core.models.schedule import FIXED_STEPS
from diffmp_core.studies.cases import Case, CaseRunner, Sampling
from diffmp_core.studies.inputs import StudyInputs
from diffmp_core.studies.preset import SMOKE_SIZE, SMOKE_TIGHT, TWO_CORES, Preset
from diffmp_core.studies.sources import Trained, TrainingSize, sized_config
from diffmp_core.studies.study import Plan


class StepsPreset(Preset):
    """Options of the study."""

    steps: tuple[int, ...] = FIXED_STEPS
    seeds: int = Field(default=3, ge=1)
    """Trainings of each model."""
    size: TrainingSize = TWO_CORES


def run(runner: CaseRunner, inputs: StudyInputs, preset: StepsPreset) -> xr.Dataset:
    """Train the paper's configuration on each number of fixed steps and on continuous levels, without guidance.

    Axes ``training`` (fixed, continuous), ``steps``, ``seed``; scored on validation columns, as in the paper.
    """
    columns = inputs.only_columns("steps")
    cases = []
    for seed in range(preset.seeds):
        for training in ("fixed", "continuous"):
            for steps in preset.steps:
                fixed = training == "fixed"
                config = sized_config(
                    "paper",
                    preset.size,
                    name=f"fixed-{steps}" if fixed else "continuous",
                    seed=seed,
                    model={"schedule": f"paper_fixed_{steps}"} if fixed else {},
                )
                source = Trained(config, columns.path)
                unguided = (0.0,) * len(source.outputs)
                cases.append(
                    Case(
                        {"training": training, "steps": steps, "seed": seed},
                        source,
                        columns.path,
                        "validation",
                        Sampling(preset.members, steps, preset.limit, preset.seed, unguided),
                    )
                )
    return runner.results(cases)


PLAN = Plan(
    presets={
        "default": StepsPreset(limit=512),
        "paper": StepsPreset(limit=10_000, size=TrainingSize()),
        "smoke": StepsPreset(**SMOKE_TIGHT, steps=(5, 2), seeds=1, size=SMOKE_SIZE),
    },
    run=run,
)
