"""What the experiments served offer, and choices within it that come from outside: of an address, of a file.

They are read field by field. A field that cannot be read keeps the value that the experiment starts with, and one
sentence says what was expected; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from diffmp_core.errors import DiffmpError

from .choices import NAMES, Bounds, Choices, field_bounds, options

LONGEST_QUERY = 8000
"""Characters of an address that are read; what a state writes is below 700, with a column of one's own below 1,400, and
below 3,500 where that has six profiles on 60 levels."""
LONGEST_QUOTE = 40
"""Characters of a refused value that are said again."""
NOTHING = "nothing"
"""What is read for a choice of no word."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one experiment offers: emulators, numbers of times, cells and levels, where to start, files of studies.

    ``outputs`` are the variables to look at by name, and what the page calls them.
    """

    emulators: tuple[str, ...]
    outputs: Mapping[str, str]
    times: int
    cells: int
    levels: int
    cell: int = 0
    level: int = 0
    studies: tuple[str, ...] = ()

    @property
    def bounds(self) -> Mapping[str, Bounds]:
        """Bounds that only the experiment knows."""
        return {
            "time": (0, self.times - 1),
            "cell": (0, self.cells - 1),
            "level": (0, self.levels - 1),
            "top_level": (1, max(self.levels - 1, 1)),
            "pinned_time": (-1, self.times - 1),
            "pinned_cell": (-1, self.cells - 1),
        }

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Words that only the experiment knows."""
        return {
            "emulator": self.emulators,
            "variable": tuple(self.outputs),
            "pinned_emulator": ("", *self.emulators),
            "study_file": ("", *self.studies),
        }

    def label(self, name: str, word: str) -> str:
        """What is read for a word that a choice can be."""
        return self.outputs[word] if name == "variable" else word or NOTHING

    def within(self, name: str, value: int) -> int:
        """The number nearest to a value that a choice can be."""
        low, high = self.bounds[name]
        return int(min(max(value, low), high))


@dataclass(frozen=True)
class StateParser:
    """Reads choices for the experiments served, by name; ``limits`` says what each offers, or raises a DiffmpError."""

    experiments: Sequence[str]
    limits: Callable[[str], Limits]

    def start(self, experiment: str) -> Choices:
        """Where an experiment starts."""
        limits = self.limits(experiment)
        return Choices(
            experiment=experiment,
            emulator=limits.emulators[0],
            variable=next(iter(limits.outputs)),
            cell=limits.cell,
            level=limits.level,
            top_level=limits.within("top_level", Choices.model_fields["top_level"].default),
        )

    def first(self) -> Choices:
        """Where the first experiment that can be opened starts.

        Raises:
            DiffmpError: none can; the reason of the last.
        """
        return self._first()[0]

    def _first(self) -> tuple[Choices, list[str]]:
        """The same, and why each experiment before it cannot be opened."""
        reasons: list[str] = []
        for name in self.experiments[:-1]:
            try:
                return self.start(name), reasons
            except DiffmpError as error:
                reasons.append(f"The experiment {name} cannot be opened: {error}")
        return self.start(self.experiments[-1]), reasons

    def read(
        self, given: Mapping[str, Any], *, source: str = "The address", typed: bool = False
    ) -> tuple[Choices, list[str]]:
        """Choices from names and values; what is missing or refused is as the experiment starts.

        Args:
            given: of an address (texts), or of a file (``typed``: JSON types, nothing is converted).
            source: who asks, for the sentences.

        Returns:
            The choices, valid for an experiment served, and a sentence for each value refused, unescaped.
        """
        notices = [
            f"{source} names {_quote(name)}, which this page does not know; it is ignored."
            for name in given
            if name not in NAMES
        ]
        known = {name: value for name, value in given.items() if name in NAMES}
        start = self.first()
        if "experiment" in known:
            wanted = known.pop("experiment")
            if not isinstance(wanted, str) or wanted not in self.experiments:
                expected = f"one of {', '.join(self.experiments)}"
                notices.append(_refusal(source, "experiment", wanted, expected, start.experiment))
            else:
                try:
                    start = self.start(wanted)
                except DiffmpError as error:
                    notices.append(f"{source} asks for the experiment {wanted}, which cannot be opened: {error}")
        limits = self.limits(start.experiment)
        good: dict[str, Any] = {}
        for name, value in known.items():
            try:
                good[name] = _valid(name, value, limits, typed=typed)
            except ValueError:
                shown = to_text(getattr(start, name))
                notices.append(_refusal(source, name, value, expected_words(name, limits), shown))
        choices = start.model_copy(update=good)
        if choices.south >= choices.north:
            box = {"south": start.south, "north": start.north}
            notices.append(
                f"{source} asks for a box from south = {choices.south} to north = {choices.north}, expected a north "
                f"beyond the south; showing {start.south} to {start.north}."
            )
            choices = choices.model_copy(update=box)
        return choices, notices

    def read_query(self, query: str) -> tuple[Choices, list[str]]:
        """Choices from the query of an address, and a sentence for each value refused, unescaped."""
        if len(query) > LONGEST_QUERY:
            return self.first(), [f"The address is longer than {LONGEST_QUERY} characters, so its values are ignored."]
        given = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
        choices, notices = self.read(given)
        return choices, notices if "experiment" in given else [*self._first()[1], *notices]

    def query(self, choices: Choices) -> str:
        """Choices as the query of an address, ``?a=b``: only what differs from the start; '' if nothing does."""
        start = self.start(choices.experiment).model_copy(update={"experiment": self.experiments[0]})
        pairs = [
            (name, to_text(getattr(choices, name))) for name in NAMES if getattr(choices, name) != getattr(start, name)
        ]
        return f"?{urlencode(pairs)}" if pairs else ""


def expected_words(name: str, limits: Limits) -> str:
    """What a value has to be, in words."""
    if words := limits.names.get(name) or options(name):
        return f"one of {', '.join(word or NOTHING for word in words)}"
    kind = Choices.model_fields[name].annotation
    if name == "own":
        return "the numbers of a column"
    if kind is bool:
        return "0 or 1"
    low, high = limits.bounds.get(name) or field_bounds(name) or (0, 0)
    return f"{'an integer' if kind is int else 'a number'} from {low:g} to {high:g}"


def to_text(value: object) -> str:
    """A value as an address has it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _valid(name: str, value: object, limits: Limits, *, typed: bool) -> object:
    """The value of one field.

    Raises:
        ValueError: it is none (pydantic's ValidationError is one).
    """
    try:
        found = getattr(Choices.model_validate({name: value}, strict=typed), name)
    except RecursionError as error:
        raise ValueError(name) from error
    if name in limits.names and found not in limits.names[name]:
        raise ValueError(name)
    if name in limits.bounds and not limits.bounds[name][0] <= found <= limits.bounds[name][1]:
        raise ValueError(name)
    return found


def _refusal(source: str, name: str, value: object, expected: str, shown: str) -> str:
    kept = f"showing {shown}" if shown else "it is ignored"
    return f"{source} asks for {name} = {_quote(value)}, expected {expected}; {kept}."


def _quote(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
    return repr(cut) if isinstance(value, str) else cut
