"""A part of a tab that draws the ensemble of a target: it asks the emulator, and says so where there is no answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import panel as pn
import xarray as xr

from diffmp_core.drawn import Drawn
from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..data.target import DEPENDS
from ..exhibits import Ensemble
from ..state.choices import LIVE_STEPS
from ..state.state import State
from .answers import Asker, duration
from .layout import words
from .notices import hidden_notice, say


class LiveEnsemble(ABC):
    """Asks one question at a time: that of the exhibit which is shown.

    What is drawn stays, with its words, until the answer takes its place; one that is late finds the truth alone.

    Attributes:
        asks: choices that a question is made of.
        answer: of the emulator ``(column, member, output, level)``, None while there is none.
        data: what is drawn, as the exhibit arranges the answer; without one the truth alone, None without columns.
    """

    asks: ClassVar[tuple[str, ...]] = ("emulator", "members", "seed", *DEPENDS)

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.asker = Asker(lambda: state.chosen(self.asks))
        self.answer: np.ndarray | None = None
        self.data: xr.Dataset | None = None
        self.status, self.notice, self.caution = words(""), hidden_notice(), hidden_notice(severity="warning")

    @abstractmethod
    def exhibit(self) -> Ensemble:
        """The ensemble that the present choices make."""

    @property
    def answered(self) -> xr.Dataset | None:
        """What is drawn, where the emulator has answered: what an export takes."""
        return None if self.answer is None else self.data

    def ask(self) -> None:
        """Ask the emulator for the ensemble of the present choices."""
        exhibit, self.answer = self.exhibit(), None
        try:
            self.asker.ask(lambda: exhibit.ask(self.catalog, self.asker.key), self._take, self.refuse, slow=self._wait)
        except DiffmpError as error:
            self.refuse(error)

    def arrange(self) -> None:
        """Arrange what is there of the present choices, and draw it."""
        try:
            self.data = self.exhibit().arrange(self.catalog, self.answer)
        except DiffmpError:  # no columns, which was said when they were asked for
            self.data = None
        with pn.io.hold():
            self.draw()

    @property
    def asked_for(self) -> Drawn:
        """What becomes of the question."""
        exhibit = self.exhibit()
        return self.catalog.drawn(exhibit.experiment, exhibit.emulator, members=exhibit.members, steps=LIVE_STEPS)

    def _wait(self) -> None:
        """Leave the truth alone until the ensemble is there."""
        with pn.io.hold():
            self.notice.visible = self.caution.visible = False
            self.status.object = f"Drawing {self.asked_for.size} …"
            self.arrange()

    def _take(self, answer: np.ndarray, took: float) -> None:
        """Draw an answer, and say what to bear in mind with it."""
        with pn.io.hold():
            self.notice.visible = False
            self.answer = answer
            drawn = self.asked_for
            seed = f" from seed {self.exhibit().seed}" if drawn.has_spread else ""
            self.status.object = f"{drawn.size}{seed}, {duration(took)}"
            self.arrange()
            if self.data is not None:
                say(self.caution, self.data.attrs["cautions"])
                self.caution.severity = "warning" if self.data.attrs["out_of_range"] else "info"

    def refuse(self, error: BaseException) -> None:
        """Draw without an ensemble, and say why."""
        with pn.io.hold():
            self.notice.param.update(object=str(error), visible=True)
            self.caution.visible = False
            self.answer = None
            self.status.object = ""
            self.arrange()

    @abstractmethod
    def draw(self) -> None:
        """Draw the dataset that is there, or nothing."""
