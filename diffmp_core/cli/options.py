"""Options that several commands share, and what their text means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diffmp_core.errors import DiffmpError

Members = Annotated[int, typer.Option(min=2, help="Ensemble members for each column.")]
Steps = Annotated[int, typer.Option(min=1, help="Denoising steps (network evaluations).")]
Guidance = Annotated[
    str | None,
    typer.Option(
        help="Guidance w: one number for all outputs, or one for each, e.g. 0.5,0.5,0,0; the emulator's own by default."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed; the same seed gives the same answer.")]
Split = Annotated[
    str,
    typer.Option(help="train, validation, test, all; auto: test of the emulator's own training store, all of another."),
]


def parse_guidance(text: str | None, emulator: Path) -> tuple[float, ...] | None:
    """Guidance strength of each output of an emulator from ``"0.5,0.5,0,0"``; one number holds for all.

    Raises:
        DiffmpError: neither one number nor one for each output, a negative one, or no emulator there.
    """
    if text is None:
        return None
    from diffmp_core.models.folder import load_schema

    outputs = load_schema(emulator).outputs.names
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) == 1:
        values *= len(outputs)
    if len(values) != len(outputs) or not all(0 <= value <= 100 for value in values):
        raise DiffmpError(
            f"expected one number from 0 to 100 for --guidance, or {len(outputs)} ({', '.join(outputs)}), "
            f"found {text!r}; write for example 0.5 or {','.join(['0.5'] * len(outputs))}"
        )
    return values


def parse_names(text: str | None) -> tuple[str, ...] | None:
    """Names from ``"T,qv,Ps"``; None stays None."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def parse_split(text: str) -> tuple[float, float, float]:
    """Shares of training, validation and test times from ``"13,4,2"``.

    Raises:
        DiffmpError: not three numbers.
    """
    try:
        train, validation, test = (float(part) for part in text.split(","))
    except ValueError as error:
        raise DiffmpError(
            f"expected three numbers for --split (training, validation, test), found {text!r}; write for example 13,4,2"
        ) from error
    return train, validation, test
