"""The table of overall scores that ``diffmp score`` writes as JSON (docs/contracts.md), read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, check_shape, read_json

Scores = dict[str, dict[str, float | None]]


class _Table(BaseModel):
    """What readers count on; a table of an older version lacks what that did not know, a newer one has more."""

    model_config = ConfigDict(extra="allow")

    scores: Scores = Field(min_length=1)
    climsim: Scores = {}
    physical: Scores = {}
    clear: Scores = {}
    members: int | None = Field(default=None, ge=1)
    steps: int | None = None
    columns: int | None = None
    seed: int | None = None
    guidance: list[float] | None = None
    notes: list[str] = []


def read_score_table(path: Path) -> dict[str, Any]:
    """Content of a table of ``diffmp score``.

    Raises:
        DiffmpError: no such file, not JSON, or something else.
    """
    try:
        table = read_json(path)
        check_shape(table, _Table)
    except UnreadableError as error:
        raise DiffmpError(
            f"expected a table of 'diffmp score' at {path}, found {error}; score again or name another"
        ) from error
    return table
