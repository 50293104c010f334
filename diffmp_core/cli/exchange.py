"""The commands that bring data in and carry emulators out: ``diffmp fetch``, ``diffmp export``, ``diffmp card``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from diffmp_core.cli.options import Guidance, Steps, parse_guidance
from diffmp_core.cli.terminal import console, progress_bar


class DataSet(StrEnum):
    """Published data sets that ``diffmp fetch`` knows."""

    climsim = "climsim"


class FileFormat(StrEnum):
    """Formats that ``diffmp export`` writes."""

    onnx = "onnx"
    torchscript = "torchscript"


def fetch(
    data: Annotated[DataSet, typer.Argument(help="climsim: ClimSim, low resolution (CC-BY-4.0), 3 MB a time.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; the same command again fetches only what is missing.")],
    start: Annotated[str, typer.Option(help="First time: YYYY-MM-DD, model years 0001-02 to 0009-01.")] = "0001-02-01",
    times: Annotated[int, typer.Option(min=1, help="How many times.")] = 20,
    every_hours: Annotated[float, typer.Option(help="Hours between them, a multiple of 1/3 (a step of 20 min).")] = 37,
    times_of: Annotated[
        Path | None,
        typer.Option(help="Fetch the times of this column or score store (of an experiment) instead."),
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option(help="Fetch this file of the data set instead, again for more.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(envvar="HF_ENDPOINT", help="Address of a mirror of Hugging Face.")
    ] = None,
) -> None:
    """Fetch published columns: resumable, each file checked against its published checksum."""
    from diffmp_core.columns.fetch import fetch_climsim, regular_times, step_files, stored_times

    if file:
        files = list(file)
    else:
        chosen = stored_times(times_of) if times_of else regular_times(start, count=times, every_hours=every_hours)
        files = step_files(chosen)
    with progress_bar("fetch", "files") as report:
        fetch_climsim(out, files, endpoint=endpoint, progress=report)
    console.print(f"wrote {len(files)} files to {out}; next: diffmp prepare {out} COLUMNS")


def export(
    emulator: Annotated[Path, typer.Argument(help="Emulator folder.")],
    out: Annotated[Path, typer.Argument(help="File to write.")],
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="torchscript for FTorch and libtorch, onnx for ONNX runtimes.")
    ] = FileFormat.torchscript,
    steps: Steps = 5,
    guidance: Guidance = None,
) -> None:
    """Write an emulator as one file for a host model: physical columns and noise in, tendencies and clouds out."""
    from diffmp_core.export import export_emulator

    strengths = parse_guidance(guidance, emulator)
    program = export_emulator(emulator, out, format=file_format.value, steps=steps, guidance=strengths)
    about = program.about()
    for direction in ("inputs", "outputs"):
        for entry in about[direction]:
            console.print(
                f"{direction[:-1]:6} {entry['name']:12} ({', '.join(map(str, entry['dims']))}) [{entry['units']}]",
                markup=False,
                highlight=False,
            )
    console.print(f"wrote {out}; how to call it: docs/coupling.md")


def card(
    emulator: Annotated[Path, typer.Argument(help="Emulator folder.")],
    scores: Annotated[Path | None, typer.Option(help="Table of diffmp score (JSON) to show on it.")] = None,
) -> None:
    """Write the model card of an emulator folder, card.md: training data, code, configuration, scores."""
    from diffmp_core.storage.lock import hold
    from diffmp_core.training.card import write_card

    with hold(emulator):
        console.print(f"wrote {write_card(emulator, scores=scores)}")
