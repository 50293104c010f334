"""What the presets of all studies have in common: sizes of ensembles, of what is scored and of trainings."""

from __future__ import annotations

from typing import TypedDict

from pydantic import BaseModel, ConfigDict, Field

from diffmp_core.studies.sources import TrainingSize


class Preset(BaseModel):
    """Options that every study has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    members: int = Field(default=32, ge=2)
    limit: int | None = Field(default=1024, ge=1)
    """Columns scored, spread evenly; None takes all."""
    seed: int = Field(default=0, ge=0)
    """Seed of the sampling, the same for all cases: they share their noise where members and steps are equal."""


TWO_CORES = TrainingSize(filters=32, batch=512, micro_batch=512, epochs=5, validation_columns=1024, precision="bf16")
"""Trainings of some minutes on 100,000 columns."""

SMOKE_SIZE = TrainingSize(
    filters=8, layers=2, batch=64, micro_batch=64, epochs=1, max_minutes=0.05, warmup_steps=4, validation_columns=64,
    precision="fp32",
)  # fmt: skip
"""Trainings of three seconds: to try a study, not to be believed."""


class Tight(TypedDict):
    """Few members and columns."""

    members: int
    limit: int


SMOKE_TIGHT: Tight = {"members": 4, "limit": 32}
"""Ensembles of the smoke presets."""
