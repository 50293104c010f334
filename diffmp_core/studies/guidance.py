"""Study ``guidance``: what the strength w of classifier-free guidance does, and which is best (Figure 6, Table 2).

All outputs are scanned with one strength: the paper found that strengths of other outputs do not interfere. The choice
is made output by output on validation columns and then scored on the columns to report on, where it may turn out
otherwise.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import Field

from diffmp_core.studies.cases import Case, CaseRunner, Sampling
from diffmp_core.studies.inputs import StudyInputs
from diffmp_core.studies.preset import SMOKE_TIGHT, Preset
from diffmp_core.studies.sources import Given
from diffmp_core.studies.study import Plan
from diffmp_core.variables import PAPER

PAPER_GUIDANCE = {
    120: (0.5, 0.5, 0.0, 0.0),
    60: (0.6, 0.6, 0.0, 0.0),
    30: (0.6, 0.6, 0.0, 0.0),
    15: (0.8, 1.0, 0.3, 0.0),
}
"""Table 2 of the paper: best strength of each output of its choice by resolution in km."""

STATISTICS = ("std_ratio", "skewness_ratio", "kurtosis_ratio")
"""The statistics that the paper draws to the truth's by guidance (Section 3.3)."""

CRITERIA = ("none", "paper", "crps_fair", "statistics")
"""How strengths are chosen: all zero, Table 2, least CRPS, or statistics nearest to the truth's."""


class GuidancePreset(Preset):
    """Options of the study."""

    guidance: tuple[float, ...] = tuple(round(0.1 * i, 1) for i in range(11))
    """Strengths of the scan."""
    steps: int = Field(default=5, ge=1)


def run(runner: CaseRunner, inputs: StudyInputs, preset: GuidancePreset) -> xr.Dataset:
    """Scan the strengths on validation columns, choose, and score the choices on the columns to report on.

    Axes of the scan ``emulator``, ``guidance``; of ``best_guidance`` and of the scores ``report_*`` of the choices
    ``emulator``, ``criterion`` (:data:`CRITERIA`; Table 2 where it has the resolution).
    """
    folders = inputs.given_emulators("guidance")

    def sampling(strengths: tuple[float, ...]) -> Sampling:
        return Sampling(preset.members, preset.steps, preset.limit, preset.seed, strengths)

    scan = runner.results([
        Case(
            {"emulator": folder.name, "guidance": w},
            Given(folder),
            inputs.columns_of(folder).path,
            "validation",
            sampling((w,) * len(Given(folder).outputs)),
        )
        for folder in folders
        for w in preset.guidance
    ])  # fmt: skip
    spacings = [inputs.columns_of(folder).spacing_km for folder in folders]
    best = choices(scan.assign_coords(spacing_km=("emulator", spacings)))
    cases = []
    for folder in folders:
        columns = inputs.columns_of(folder)
        for criterion in CRITERIA:
            outputs = list(Given(folder).outputs.names)
            strengths = best.sel(emulator=folder.name, criterion=criterion, variable=outputs).values
            if np.isfinite(strengths).all():
                where = {"emulator": folder.name, "criterion": criterion}
                chosen = sampling(tuple(float(w) for w in strengths))
                cases.append(Case(where, Given(folder), columns.report_path, columns.report_split, chosen))
    report = runner.results(cases)
    report = report.rename({name: f"report_{name}" for name in report.data_vars})
    return xr.merge([scan, best.to_dataset(name="best_guidance"), report.reindex(criterion=list(CRITERIA))])


def choices(scan: xr.Dataset) -> xr.DataArray:
    """Best strength of each output by each criterion, dims ``(emulator, criterion, variable)``.

    Args:
        scan: scores ``(emulator, guidance, variable)`` with the coordinate ``spacing_km(emulator)``.

    Returns:
        Strengths; of equals the smallest, 0 for an output without scores, NaN where Table 2 lacks resolution or output.
    """
    known = {km: dict(zip(PAPER.outputs.names, row, strict=True)) for km, row in PAPER_GUIDANCE.items()}
    names = [str(name) for name in scan["variable"].values]
    table = [[known.get(int(km), {}).get(name, np.nan) for name in names] for km in scan["spacing_km"].values]
    zero = xr.zeros_like(scan["crps_fair"].isel(guidance=0, drop=True))
    chosen = {
        "none": zero,
        "paper": zero.copy(data=np.array(table)),
        "crps_fair": _least(scan["crps_fair"]),
        "statistics": _least(
            xr.concat([_distance(scan[name]) for name in STATISTICS], dim="statistic").sum("statistic")
        ),
    }
    best = xr.concat([chosen[name] for name in CRITERIA], dim="criterion").assign_coords(criterion=list(CRITERIA))
    best = best.transpose("emulator", "criterion", "variable")
    return best.assign_attrs(long_name="best guidance strength", units="1")


def _distance(ratio: xr.DataArray) -> xr.DataArray:
    """How far a ratio is from one: the absolute logarithm; infinite for ratios that are none or not positive."""
    logarithm = xr.apply_ufunc(np.log, ratio.where(ratio > 0))
    return abs(logarithm).fillna(np.inf)


def _least(score: xr.DataArray) -> xr.DataArray:
    """Strength of the lowest score."""
    return score.fillna(np.inf).sortby("guidance").idxmin("guidance").fillna(0.0)


PLAN = Plan(
    presets={
        "default": GuidancePreset(),
        "paper": GuidancePreset(limit=10_000),
        "smoke": GuidancePreset(**SMOKE_TIGHT, guidance=(0.0, 0.5, 1.0)),
    },
    run=run,
)
