"""The one state that drives every tab: :class:`.choices.Choices` as parameters to watch.

No widget lives here. The table of choices says what there is; this class only lets it be watched, within the bounds of
the experiment shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import param

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.sliders import SLIDERS

from .address import Limits, StateParser
from .choices import NAMES, PERTURBATIONS, Choices, field_bounds, options

INCREMENTS = {"centre": 30, **{name: slider.step for name, slider in SLIDERS.items()}}
"""Steps of sliders where they are not 1."""
FREE = {"own", "study_file"}
"""Words that no list bounds: files of studies come while one looks."""


class State(param.Parameterized):
    """Everything that a reader can choose, one parameter for each field of :class:`~diffmp_app.state.choices.Choices`.

    Attributes:
        restoring: a whole state is being shown, so no choice may follow another one.
        entering: choices follow that of the experiment, whose own change is told after theirs.
        tell: gets a sentence when an experiment cannot be shown.
    """

    entered = param.String(doc="Experiment within whose bounds all choices are")

    def __init__(self, experiments: Sequence[str], limits: Callable[[str], Limits]) -> None:
        """Start in the first experiment that can be opened; ``limits(name)`` says what one offers.

        Raises:
            DiffmpError: none can be opened.
        """
        self.parser = StateParser(experiments, limits)
        self.restoring = self.entering = False
        self.tell: Callable[[str], None] = lambda sentence: None
        super().__init__()
        self.param["experiment"].objects = list(experiments)
        self.param.watch(self._enter_experiment, "experiment")
        self.show(self.parser.first())

    @property
    def choices(self) -> Choices:
        """The present state as one value."""
        return Choices(**{name: getattr(self, name) for name in NAMES})

    def chosen(self, names: Iterable[str]) -> tuple[Any, ...]:
        """What these choices are at present: a question asked of them is answered while this stays the same."""
        return tuple(getattr(self, name) for name in names)

    def show(self, choices: Choices) -> None:
        """Take over a whole state that is valid for this page, as one event."""
        self.restoring = True
        try:
            with param.parameterized.batch_call_watchers(self):
                self.experiment = choices.experiment
                self._enter_experiment()
                self.param.update(**choices.model_dump())
        finally:
            self.restoring = False

    def reset(self) -> None:
        """Show what the experiment starts with, on the present tab and page colour."""
        start = self.parser.start(self.experiment)
        self.show(start.model_copy(update={"tab": self.tab, "dark": self.dark}))

    def reset_perturbations(self) -> None:
        """Put every slider of the Sensitivity tab back."""
        start = self.parser.start(self.experiment)
        self.param.update(**{name: getattr(start, name) for name in PERTURBATIONS})

    def resample(self) -> None:
        """Other random numbers: the next seed."""
        self.param.update(seed=(self.seed + 1) % self.param["seed"].bounds[1])

    def query(self) -> str:
        """The state as the query of an address."""
        return self.parser.query(self.choices)

    def apply_query(self, query: str) -> list[str]:
        """Show what the query of an address asks for; returns a sentence for each value refused, unescaped."""
        choices, notices = self.parser.read_query(query)
        self.show(choices)
        return notices

    def _enter_experiment(self, *_: Any) -> None:
        """Take over the bounds of the experiment, once, before any view hears of it; stay where it cannot be opened."""
        if self.entered == self.experiment:
            return
        try:
            limits = self.parser.limits(self.experiment)
        except DiffmpError as error:
            self.tell(f"The experiment {self.experiment} cannot be opened: {error}")
            self.param.update(experiment=self.entered)
            return
        self.entering = True
        try:
            self._take_over(limits)
        finally:
            self.entering = False

    def _take_over(self, limits: Limits) -> None:
        """Bounds of the experiment, and its start where a choice would mean something else in it, as one event."""
        with param.parameterized.batch_call_watchers(self):
            for name in limits.names.keys() - FREE:
                self.param[name].objects = {limits.label(name, word): word for word in limits.names[name]}
            for name, bounds in limits.bounds.items():
                self.param[name].bounds = bounds
            self.param.update(
                entered=self.experiment,
                emulator=self.emulator if self.emulator in limits.emulators else limits.emulators[0],
                variable=self.variable if self.variable in limits.outputs else next(iter(limits.outputs)),
                time=limits.within("time", self.time),
                cell=limits.cell,
                level=limits.level,
                top_level=limits.within("top_level", self.top_level),
                pinned_emulator=self.pinned_emulator if self.pinned_emulator in limits.emulators else "",
                pinned_cell=-1,
                pinned_time=-1,
                own="",
                study_file="",
                target="column" if self.target == "own" else self.target,
            )


def _parameter(name: str) -> param.Parameter:
    """A parameter that holds what a field of the choices may be."""
    field = Choices.model_fields[name]
    about: dict[str, Any] = {"default": field.default, "doc": field.description}
    if options(name):
        return param.Selector(objects=list(options(name)), **about)
    if name in FREE:
        return param.String(**about)
    if field.annotation is str:
        return param.Selector(objects=[], doc=field.description)
    if field.annotation is bool:
        return param.Boolean(**about)
    kind = param.Integer if field.annotation is int else param.Number
    return kind(bounds=field_bounds(name) or (field.default, field.default), step=INCREMENTS.get(name), **about)


for _name in NAMES:
    State.param.add_parameter(_name, _parameter(_name))
