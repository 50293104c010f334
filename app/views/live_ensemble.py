"""A part of a tab that draws the ensemble of a target: it asks the emulator, and says so where there is no answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import panel as pn

from diffmp_core.drawn import Drawn
from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..data.target import DEPENDS, Target, target_cautions
from ..state.choices import STEPS, Choices
from ..state.state import State
from .answers import Asker, duration
from .layout import words
from .notices import hidden_notice, say


class LiveEnsemble(ABC):
    """Asks one question at a time, of the columns of ``target``.

    What is drawn stays, with its words, until the answer takes its place; one that is late finds the target alone.

    Attributes:
        asks: choices that a question is made of.
        members: (member, 4, level), of many columns the members' means over them; None while there is no answer.
    """

    asks: ClassVar[tuple[str, ...]] = ("emulator", "members", "seed", *DEPENDS)

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.asker = Asker(lambda: state.chosen(self.asks))
        self.target: Target | None = None
        self.members: np.ndarray | None = None
        self.asked = state.choices
        self.status, self.notice, self.caution = words(""), hidden_notice(), hidden_notice(severity="warning")

    def ask(self, choices: Choices, *, nothing: str) -> None:
        """Ask the emulator of these choices for an ensemble; ``nothing`` says why there is no target."""
        self.asked, self.members = choices, None
        try:
            if self.target is None:
                raise DiffmpError(nothing)
            inputs, live = self.target.inputs, self.catalog.live(choices.experiment, choices.emulator)
        except DiffmpError as error:
            self.refuse(error)
            return
        self.asker.ask(
            lambda: live.submit(self.asker.key, inputs, members=choices.members, steps=STEPS, seed=choices.seed),
            self._answer,
            self.refuse,
            slow=self._wait,
        )

    @property
    def asked_for(self) -> Drawn:
        """What becomes of the question that was asked last."""
        asked = self.asked
        return self.catalog.drawn(asked.experiment, asked.emulator, members=asked.members, steps=STEPS)

    @property
    def has_spread(self) -> bool:
        """Whether its members can differ."""
        return self.asked_for.has_spread

    def _wait(self) -> None:
        """Leave the target alone until its ensemble is there."""
        with pn.io.hold():
            self.notice.visible = False
            self.status.object = f"Drawing {self.asked_for.size} …"
            self._bear_in_mind()
            self.draw()

    def _answer(self, ensemble: np.ndarray, took: float) -> None:
        """Draw an ensemble (column, member, 4, level)."""
        with pn.io.hold():
            self.notice.visible = False
            self.members = np.asarray(ensemble).mean(axis=0)
            seed = f" from seed {self.asked.seed}" if self.has_spread else ""
            self.status.object = f"{self.asked_for.size}{seed}, {duration(took)}"
            self._bear_in_mind()
            self.draw()

    def refuse(self, error: BaseException) -> None:
        """Draw without an ensemble, and say why."""
        with pn.io.hold():
            self.notice.param.update(object=str(error), visible=True)
            self.caution.visible = False
            self.members = None
            self.status.object = ""
            self.draw()

    def _bear_in_mind(self) -> None:
        """Say what to bear in mind with an answer for the target."""
        asked = self.asked
        if self.target is not None:
            cautions = target_cautions(self.catalog, asked.experiment, asked.emulator, self.target)
            say(self.caution, " ".join(cautions.sentences()))
            self.caution.severity = "warning" if cautions.is_out_of_range else "info"

    @abstractmethod
    def draw(self) -> None:
        """Draw the target and the ensemble that are there."""
