"""A study: how many members are enough, for trained emulators on validation columns."""

import xarray as xr

from diffmp_core.studies.cases import Case, CaseRunner, Sampling
from diffmp_core.studies.inputs import StudyInputs
from diffmp_core.studies.preset import SMOKE_TIGHT, Preset
from diffmp_core.studies.sources import Given
from diffmp_core.studies.study import STUDIES, Plan, Study


class MembersPreset(Preset):
    """Options of the study."""

    sizes: tuple[int, ...] = (2, 4, 8, 16, 32, 64)


def run(runner: CaseRunner, inputs: StudyInputs, preset: MembersPreset) -> xr.Dataset:
    """Sample each emulator with each number of members.

    Raises:
        DiffmpError: no emulators.
    """
    return runner.results([
        Case(
            {"emulator": folder.name, "members": size},
            Given(folder),
            inputs.columns_of(folder).path,
            "validation",
            Sampling(members=size, steps=5, limit=preset.limit, seed=preset.seed),
        )
        for folder in inputs.given_emulators("members")
        for size in preset.sizes
    ])  # fmt: skip


PLAN = Plan(
    presets={
        "default": MembersPreset(),
        "paper": MembersPreset(limit=10_000),
        "smoke": MembersPreset(**SMOKE_TIGHT, sizes=(2, 4)),
    },
    run=run,
)
STUDIES.register(
    Study(
        name="members",
        title="How many members are enough",
        label="Size of the ensemble",
        paper="none",
        plan=lambda: PLAN,
        axes=("emulator", "members"),
        series=("emulator",),
        along="members",
        along_label="members",
        logarithmic=True,
        emulators="needed",
        how_to_read="Scores that are fair do not depend on the number of members but by chance; coverage must.",
    )
)
