"""Verdict: whether the cloud-resolving model does, when a column is changed, what an emulator answers.

A change is *beyond noise* where a two-sided t test of the paired change (changed minus unchanged, with the same random
numbers) refuses zero at 5 %: over the columns where there are several, else over the members of the one column, with
the larger of both standard errors. The emulator's answer is of an instant, the model's of hours: the model's mean over
the hours that it ran decides, and the first and the last hour stand beside it. Whether both answers differ is Welch's t
test of their difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from diffmp_core.physics.column_integrals import Change, chance

LEVEL = 0.05
"""Of the tests."""

Outcome: TypeAlias = Literal["agrees", "contradicts", "not confirmed", "missed", "undecided"]
"""What the emulator's answer is, seen from the model's."""

MEANING: dict[Outcome, str] = {
    "agrees": "The emulator agrees with the model in sign",
    "contradicts": "The emulator contradicts the model: the signs are opposite",
    "not confirmed": "The model does not confirm the emulator: its change is within noise, and the two differ",
    "missed": "The emulator misses what the model does: its change is within noise, and the two differ",
    "undecided": "Noise hides whether they agree",
}
ASSOCIATION = (
    "The emulator tells what goes with such a column (an association), not what the change would do to it (an effect)."
)
NOT_ASKED = "The cloud-resolving model has not been asked what this change does."


@dataclass(frozen=True)
class Estimate:
    """A change with its standard error, in the unit of its integral.

    Attributes:
        change, standard_error: the error is the larger of draw and columns, NaN where it is not known.
        error_of: ``draw``, ``columns`` or '' (not known).
        samples: columns, or members, that the error is over.
    """

    change: float
    standard_error: float
    error_of: str
    samples: int

    @property
    def is_beyond_noise(self) -> bool:
        """Whether a t test refuses that there is no change."""
        return bool(chance(self.change, self.standard_error, degrees=self.samples - 1) < LEVEL)

    def differs(self, other: Estimate) -> bool:
        """Whether Welch's t test refuses that both changes are the same."""
        squares = [part.standard_error**2 for part in (self, other)]
        small = sum(s**2 / max(part.samples - 1, 1) for s, part in zip(squares, (self, other), strict=True))
        degrees = sum(squares) ** 2 / small if small > 0 else math.inf
        return bool(chance(self.change - other.change, math.sqrt(sum(squares)), degrees=degrees) < LEVEL)


@dataclass(frozen=True)
class Verdict:
    """An emulator's change of one column integral beside the cloud-resolving model's.

    Attributes:
        integral, unit: which one, as in :func:`diffmp_core.physics.column_integrals.integrals_of`.
        emulator: the emulator's answer.
        model: the model's mean over the hours that it ran, which decides.
        hourly: the model's in each hour after the change.
    """

    integral: str
    unit: str
    emulator: Estimate
    model: Estimate
    hourly: tuple[Estimate, ...]

    @property
    def outcome(self) -> Outcome:
        """What the emulator's answer does, by the rule of this module."""
        emulator, model = self.emulator, self.model
        if emulator.is_beyond_noise and model.is_beyond_noise:
            return "agrees" if emulator.change * model.change > 0 else "contradicts"
        if (emulator.is_beyond_noise or model.is_beyond_noise) and emulator.differs(model):
            return "not confirmed" if emulator.is_beyond_noise else "missed"
        return "undecided"

    @property
    def factor(self) -> float:
        """Emulator's change over the model's where they agree, else NaN."""
        return self.emulator.change / self.model.change if self.outcome == "agrees" else math.nan

    @property
    def is_near(self) -> bool:
        """Whether they agree and neither change is more than twice the other."""
        return 0.5 <= self.factor <= 2

    @property
    def turns(self) -> bool:
        """Whether the model's own change has opposite signs in the first and the last hour, both beyond noise."""
        first, last = self.hourly[0], self.hourly[-1]
        return first.is_beyond_noise and last.is_beyond_noise and first.change * last.change < 0

    @property
    def in_short(self) -> str:
        """The outcome in a word; where they agree in sign with how many times the model's change it is."""
        size = f" in sign, {_factor(self.factor)} times" if self.outcome == "agrees" else ""
        return f"{self.integral}: {self.outcome}{size}"

    @property
    def record(self) -> dict[str, Any]:
        """All of it for JSON: estimates, outcome, factor and whether that is near 1; what is not known is None."""
        return _plain(asdict(self) | {"outcome": self.outcome, "factor": self.factor, "is_near": self.is_near})

    @property
    def words(self) -> str:
        """What follows, and both changes with their errors."""
        hours = len(self.hourly)
        each = {f"hour {hour}": self.hourly[hour - 1] for hour in (1, hours)} if hours > 1 else {}
        beside = "".join(f"; {name} {_words(found, self.unit)}" for name, found in each.items())
        over = f"mean of {hours} h" if hours > 1 else "1 h"
        size = f"; its change is {_factor(self.factor)} times the model's" if self.outcome == "agrees" else ""
        turns = " The model's own change turns its sign in these hours." if self.turns else ""
        return (
            f"{MEANING[self.outcome]}{size}. Change of {self.integral}: emulator {_words(self.emulator, self.unit)}, "
            f"cloud-resolving model {_words(self.model, self.unit)}, {over}{beside}.{turns}"
        )


def judge(
    emulator: Sequence[Change], mean: Sequence[Change], hourly: Sequence[Sequence[Change]], *, members: tuple[int, int],
    columns: int,
) -> tuple[Verdict, ...]:  # fmt: skip
    """Verdicts on the column integrals that both tell of, heating first.

    Args:
        emulator: its changes, of an instant.
        mean, hourly: the model's, of the mean over the hours and of each hour, of the same columns.
        members: of each column, the emulator's and the model's.
        columns: how many both are means over.
    """

    def estimate(changes: Sequence[Change], name: str, which: int) -> Estimate:
        found = next(change for change in changes if change.name == name)
        samples = columns if found.error_of == "columns" else members[which]
        return Estimate(found.change, found.error, found.error_of, samples)

    return tuple(
        Verdict(
            change.name,
            change.unit,
            estimate(emulator, change.name, 0),
            estimate(mean, change.name, 1),
            tuple(estimate(hour, change.name, 1) for hour in hourly),
        )
        for change in emulator
        if any(change.name == other.name for other in mean)
    )


def verdict_words(verdicts: Sequence[Verdict]) -> str:
    """The verdict on the first integral in full, those on the others in short."""
    first, *others = verdicts
    rest = "; ".join(verdict.in_short for verdict in others)
    return f"{first.words}{f' Also {rest}.' if rest else ''}"


def _words(estimate: Estimate, unit: str) -> str:
    """A change with its error rounded to two figures, and whether it is within noise."""
    change, error = estimate.change, estimate.standard_error
    known = math.isfinite(error)
    size = error if known and error > 0 else abs(change) / 10
    digits = max(0, 1 - math.floor(math.log10(size))) if size > 0 else 0
    of = f" ± {error:,.{digits}f}" if known else ""
    noise = "" if estimate.is_beyond_noise else ", within noise"
    said = f" ({estimate.error_of}{noise})" if known else " (error not known)"
    return f"{change:+,.{digits}f}{of} {unit}{said}".replace("-", "−")


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _factor(factor: float) -> str:
    return f"{factor:.0f}" if factor >= 10 else f"{factor:.2g}"
