"""What exhibits of a column have in common that ask an emulator: the column, or many, and the ensemble drawn for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..data.target import NO_COLUMN, Target, take_target, target_cautions
from .exhibit import OfSelection, drawn_words


def together(cautions: Mapping[str, str]) -> str:
    """Cautions of several answers by whose they are: said once where they are the same, named where not."""
    if len(set(cautions.values())) == 1:
        return next(iter(cautions.values()))
    return " ".join(f"{name}: {said}" for name, said in cautions.items() if said)


@dataclass(frozen=True, kw_only=True)
class LiveColumn(OfSelection):
    """An ensemble that an emulator draws live for a column, for many, or for the reader's own.

    Attributes:
        time, cell: indices of the column.
        target: ``column``, ``composite`` for means over columns of region and regime, or ``own``.
        own: the reader's column, as :mod:`diffmp_core.columns.user_column` writes it.
        members, seed: of the ensemble of each column.
    """

    emulator: str
    time: int
    cell: int
    target: str = "column"
    own: str = ""
    members: int = 32
    seed: int = 0
    units: str = "physical"
    vertical: str = "height"

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensemble drawn here."""
        return drawn_words(catalog, self.experiment, self.emulator, members=self.members, seed=self.seed)

    def columns(self, catalog: Catalog) -> Target:
        """The columns that the ensemble is drawn for.

        Raises:
            DiffmpError: none belongs to the selection.
        """
        columns, why_not = take_target(self.choices, catalog)
        if columns is None:
            raise DiffmpError(why_not if self.target == "own" else NO_COLUMN)
        return columns

    def cautions(self, catalog: Catalog, columns: Target) -> dict[str, Any]:
        """Attributes that say what to bear in mind with the emulator's answer for these columns as they are."""
        found = target_cautions(catalog, self.experiment, self.emulator, columns)
        return {"cautions": " ".join(found.sentences()), "out_of_range": int(found.is_out_of_range)}
