"""What of the options of an ensemble took effect: an emulator in one evaluation has no steps, a reference no network.

Known without torch, because whoever shows an ensemble or its scores has to say it, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diffmp_core.kinds import KINDS


@dataclass(frozen=True)
class Drawn:
    """How an ensemble was drawn.

    Attributes:
        members: ensemble size; 1 where all members are alike.
        steps: denoising steps; None where there are none, or nothing is known of them.
        guidance: strength of each output; None as for ``steps``.
        evaluations: of the network for each member, with and without the inputs where it is guided; None: not known.
    """

    members: int
    steps: int | None = None
    guidance: tuple[float, ...] | None = None
    evaluations: int | None = None

    @property
    def has_spread(self) -> bool:
        """Whether members can differ; else coverage, ranks and scores of the spread are undefined."""
        return self.members > 1

    @property
    def size(self) -> str:
        """Ensemble size in words."""
        return f"{self.members} members" if self.has_spread else "one answer"

    def over(self, columns: int) -> str:
        """Size of the ensembles of so many columns in words."""
        if columns == 1:
            return self.size
        return f"{columns} columns × {self.size}" if self.has_spread else f"{columns} columns, {self.size} each"

    @property
    def words(self) -> str:
        """Members, steps and guidance, as far as there are any."""
        if not self.has_spread:
            return "one answer, no spread"
        parts = [self.size]
        if self.steps is not None:
            parts.append(_counted(self.steps, "step"))
        elif self.evaluations:
            parts.append(f"{_counted(self.evaluations, 'evaluation')} each")
        if any(self.guidance or ()):
            parts.append(f"guidance {guidance_words(self.guidance or ())}")
        return ", ".join(parts)


def drawn_by_kind(kind: str | None, *, members: int, steps: int, guidance: Sequence[float]) -> Drawn:
    """What an emulator of a kind makes of these options."""
    known = KINDS.get(kind or "")
    if known is None:
        return Drawn(members)
    if not known.denoises:
        return Drawn(1 if known.alike else members, evaluations=int(known.network))
    passes = 2 if any(guidance) else 1
    return Drawn(members, steps=steps, guidance=tuple(guidance), evaluations=passes * steps)


def drawn_for(table: Mapping[str, Any], kind: str | None) -> Drawn | None:
    """How the ensemble of a table of scores was drawn; None where it does not say how many members there were.

    Tables of before ``evaluations`` name the options that were asked for, whatever became of them.

    Args:
        table: what ``diffmp score`` wrote.
        kind: kind of the emulator, ``diffmp_core.kinds.REFERENCE`` where it has no folder.
    """
    members, steps, guidance = table.get("members"), table.get("steps"), tuple(table.get("guidance") or ())
    if not members:
        return None
    if "evaluations" in table:
        return Drawn(int(members), steps=steps, guidance=guidance or None, evaluations=table["evaluations"])
    if steps is None:
        return Drawn(int(members))
    return drawn_by_kind(kind, members=int(members), steps=int(steps), guidance=guidance)


def guidance_words(guidance: Sequence[float]) -> str:
    """Strengths of guidance, once where all outputs have the same."""
    return ", ".join(f"{w:g}" for w in (guidance[:1] if len(set(guidance)) == 1 else guidance))


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
