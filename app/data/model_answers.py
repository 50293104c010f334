"""What the cloud-resolving model has answered, kept with an experiment or asked for here, and the verdict on it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import xarray as xr

from diffmp_core.crm.answers import FILE, KeptAnswers, ModelAnswer, cells_words, read_answers, refusal
from diffmp_core.crm.vertical_grid import N_LEVELS
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.response.verdict import ASSOCIATION, NOT_ASKED, Verdict, judge, verdict_words
from diffmp_core.schema import schema_of
from diffmp_core.variables import PAPER

if TYPE_CHECKING:
    from diffmp_core.crm.runs import ModelRuns
    from diffmp_core.response.sensitivity import Response


KEPT_ANSWERS, KEPT_RUNS = 256, 4
"""Answers (20 kB each) and runs with all their members (4 MB of 40 columns) that are remembered."""
NOT_HERE = "The cloud-resolving model cannot be asked about these columns."
MODEL_OUTPUTS = PAPER.outputs
"""What the cloud-resolving model answers, in the order of its profiles."""

Key: TypeAlias = tuple[int, str, tuple]


@dataclass(frozen=True, eq=False)
class ModelQuestion:
    """Columns of a time of an experiment, by their indices, and a change."""

    time: int
    cells: tuple[int, ...]
    perturbation: Perturbation

    @property
    def key(self) -> Key:
        """The same for questions that have the same answer."""
        return self.time, cells_words(self.cells), self.perturbation.identity


def other_variables(places: xr.Dataset) -> str:
    """Why the model cannot be asked about columns of these variables and levels, as a sentence; '' where it can."""
    schema, lacking = schema_of(places), list[str]()
    for wanted, there in ((PAPER.inputs, schema.inputs), (PAPER.outputs, schema.outputs)):
        lacking += [variable.name for variable in wanted if variable not in there]
    if schema.levels != N_LEVELS:
        return (
            f"expected columns on the {N_LEVELS} levels of the cloud-resolving model, found {schema.levels} levels; "
            "it can answer on its own levels only"
        )
    if lacking:
        return (
            f"expected columns with the variables of the cloud-resolving model, found none called {lacking[0]}; "
            "it can answer in its own variables only"
        )
    return ""


class ModelAnswers:
    """Answers about the columns of one experiment.

    Attributes:
        refused: why the model cannot be asked about them, '' where it can.
    """

    def __init__(self, folder: Path, places: xr.Dataset, columns: Callable[[], xr.Dataset]) -> None:
        """``places`` has the attributes of the columns, ``columns`` opens them."""
        self.refused, self._columns = refusal(places) or other_variables(places), columns
        self._kept: KeptAnswers | None = None
        self._problem = ""
        if (folder / FILE).is_file():
            try:
                self._kept = read_answers(folder / FILE, str(places.attrs.get("columns_id")))
            except DiffmpError as error:
                self._problem = str(error)
        self._lock = threading.Lock()
        self._answers: OrderedDict[Key, ModelAnswer] = OrderedDict()
        self._runs: OrderedDict[tuple[Key, int], ModelRuns] = OrderedDict()

    def find(self, question: ModelQuestion) -> ModelAnswer | None:
        """The answer asked for last, else the one kept with the experiment, else None."""
        with self._lock:
            found = self._answers.get(question.key)
        if found is None and self._kept is not None:
            found = self._kept.find(question.time, question.cells, question.perturbation)
        return found

    def hours_asked(self, question: ModelQuestion) -> int:
        """Hours of the answer that was asked for here; 0 where none was."""
        with self._lock:
            found = self._answers.get(question.key)
        return 0 if found is None else len(found.hourly)

    def ask(self, question: ModelQuestion, hours: int, progress: Callable[[int, int], None] | None = None) -> ModelRuns:
        """Run the model, on the calling thread, and remember what it answers; see :func:`run_model`."""
        from diffmp_core.crm.runs import run_model  # compiled code: only when it is asked for

        key = question.key, hours
        with self._lock:
            runs = self._runs.get(key)
        if runs is None:
            changes = [question.perturbation]
            (runs,) = run_model(self._columns(), question.time, question.cells, changes, hours=hours, progress=progress)
        with self._lock:
            self._answers[question.key], self._runs[key] = runs.answer, runs
            for kept, most in ((self._answers, KEPT_ANSWERS), (self._runs, KEPT_RUNS)):
                while len(kept) > most:
                    kept.popitem(last=False)
        return runs

    def judge(self, response: Response, time: int, cells: tuple[int, ...]) -> Judged:
        """What the model says to an emulator's response about columns of a time; no ``cells`` are a reader's own."""
        change = response.perturbation
        if change.changes_nothing:
            return Judged(None, (), "")
        if not cells or self.refused or change.not_in_model:
            return Judged(None, (), f"{NOT_HERE} {ASSOCIATION}")
        answer = self.find(ModelQuestion(time, cells, change))
        if answer is None:
            return Judged(None, (), " ".join(filter(None, (NOT_ASKED, self._problem))))
        verdicts = judge(
            response.changes,
            answer.mean,
            answer.hourly,
            members=(response.members, answer.members),
            columns=answer.columns,
        )
        return Judged(answer, verdicts, " ".join(filter(None, (verdict_words(verdicts), answer.other_weather))))


@dataclass(frozen=True, eq=False)
class Judged:
    """The model's answer beside an emulator's, if it is known, the verdicts, and all of it in words."""

    answer: ModelAnswer | None
    verdicts: tuple[Verdict, ...]
    words: str
