"""The command ``diffmp study``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from diffmp_core.cli.terminal import console, progress_bar
from diffmp_core.studies.study import STUDIES


class PresetName(StrEnum):
    """Sizes of a study."""

    default = "default"
    paper = "paper"
    smoke = "smoke"


def study(
    name: Annotated[str, typer.Argument(help=f"Which comparison to make: {', '.join(STUDIES)}; see docs/studies.md.")],
    columns: Annotated[list[Path], typer.Argument(help="Column stores with training and validation times, one a km.")],
    out: Annotated[Path, typer.Argument(help="Store to write (.nc); a killed study goes on where it stopped.")],
    preset: Annotated[
        PresetName, typer.Option(help="default: for two cores; paper: its size; smoke: a minute, to try.")
    ] = PresetName.default,
    emulator: Annotated[
        list[Path] | None,
        typer.Option(help="Trained emulator folder, again for more; for guidance, samplers, and models to train none."),
    ] = None,
    test: Annotated[
        list[Path] | None,
        typer.Option(help="Column store to report on, one a resolution; the test times of COLUMNS by default."),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Trainings of each model (steps, models).")] = None,
) -> None:
    """Make one of the paper's comparisons: emulators trained or given, sampled in many ways, scored, in one store."""
    from diffmp_core.studies.run import run_study
    from diffmp_core.studies.table import study_tables

    result = run_study(
        name,
        columns,
        out,
        preset=preset.value,
        emulators=emulator or (),
        test=test or (),
        seeds=seeds,
        watch=lambda case: progress_bar(case, "columns"),
    )
    typer.echo(study_tables(result))
    console.print(f"wrote {out}")
