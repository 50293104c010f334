"""Study ``samplers``: what ensembles of one network are worth by sampler and number of evaluations, and their cost."""

from __future__ import annotations

import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.models.diffusion import DiffMP, DiffMPConfig, SamplerName
from diffmp_core.models.folder import load_config
from diffmp_core.models.schedule import SCHEDULES
from diffmp_core.studies.cases import Case, CaseRunner, Sampling
from diffmp_core.studies.inputs import StudyInputs
from diffmp_core.studies.preset import SMOKE_TIGHT, Preset
from diffmp_core.studies.sources import Given
from diffmp_core.studies.study import Plan


class SamplersPreset(Preset):
    """Options of the study."""

    samplers: tuple[SamplerName, ...] = ("ancestral", "ddim", "dpm_solver_pp_2m", "dpm_solver_pp_2m_sde")
    steps: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100)


def run(runner: CaseRunner, inputs: StudyInputs, preset: SamplersPreset) -> xr.Dataset:
    """Sample trained diffusion models, without guidance, by each sampler at each number of steps.

    Axes ``emulator``, ``sampler``, ``steps``; scored on validation columns: what is chosen by it is yet to be tested.

    Raises:
        DiffmpError: no emulators, or one that samples in its own way.
    """
    cases = []
    for folder in inputs.given_emulators("samplers"):
        model = load_config(folder)["model"]
        schedule = SCHEDULES.get(model.get("schedule", DiffMPConfig().schedule))
        if model.get("kind") != DiffMP.kind or (schedule is not None and schedule.fixed is not None):
            raise DiffmpError(
                f"expected a diffusion model that takes any number of steps, found {model.get('kind')!r} of schedule "
                f"{model.get('schedule')!r} in {folder.name}; leave it out"
            )
        columns = inputs.columns_of(folder)
        unguided = (0.0,) * len(Given(folder).outputs)
        cases += [
            Case(
                {"emulator": folder.name, "sampler": sampler, "steps": steps},
                Given(folder, sampler),
                columns.path,
                "validation",
                Sampling(preset.members, steps, preset.limit, preset.seed, unguided),
            )
            for sampler in preset.samplers
            for steps in preset.steps
        ]
    return runner.results(cases)


PLAN = Plan(
    presets={
        "default": SamplersPreset(limit=512),
        "paper": SamplersPreset(limit=10_000),
        "smoke": SamplersPreset(**SMOKE_TIGHT, steps=(1, 5)),
    },
    run=run,
)
