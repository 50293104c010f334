"""The denoising view on the Profiles tab: from noise to the members, step by step, on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import panel as pn
import xarray as xr
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..data.target import DEPENDS
from ..exhibits import DenoisingSteps
from ..exhibits.denoising import step_words
from ..exhibits.exhibit import levels_of
from ..figures.axes import set_range
from ..figures.denoising import DenoisingPanel
from ..state.choices import LIVE_STEPS
from ..state.state import State
from .answers import Asker, after
from .controls import small_button, stepped_slider, switch
from .export_menu import export_menu
from .layout import words
from .notices import hidden_notice, say
from .variable_panels import VariablePanels

if TYPE_CHECKING:
    from diffmp_core.sampling.denoising import Denoising

ASKS = ("emulator", "members", "seed", *DEPENDS)
"""Choices that ask for other steps."""
FRAME_MS = 700
"""Time that a step is seen while playing."""
WHAT_IT_IS = """
**From noise to profiles.** Blue: the members after each step of the sampler, pure noise at first. Orange: the profiles
that the network, given the column's inputs, predicts from them; the next state is a mixture of both. After the last
step they are the ensemble above. s is the share of the profile in the state.
"""


class DenoisingView:
    """A switch, and while it is on the outputs at one step, with a slider and a button that plays."""

    depends: ClassVar[tuple[str, ...]] = (
        "denoising", "step", "emulator", "units", "vertical", "dark", "members", "seed", *DEPENDS,
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.asker = Asker(lambda: state.chosen(ASKS))
        self.found: Denoising | None = None
        self.data: xr.Dataset | None = None
        self.y_range = Range1d(start=0, end=1)
        self.panels = VariablePanels(lambda entry: DenoisingPanel(entry, self.y_range))
        self.notice, self.caution = hidden_notice(), hidden_notice(severity="warning")
        self.playing = False
        self.play = small_button("Play", self._play, says="Play the steps from noise to profiles")
        self.shown = pn.Column(sizing_mode="stretch_width", visible=state.denoising, margin=0)

    def panel(self) -> Viewable:
        """The switch; the figures below it while it is on."""
        state = self.state
        self.shown[:] = [
            words(WHAT_IT_IS),
            self.notice,
            self.caution,
            pn.Row(
                self.play,
                stepped_slider(state, "step", "Step", self._step_words),
                sizing_mode="stretch_width",
                margin=0,
            ),
            self.panels.place,
            export_menu("steps", lambda: DenoisingSteps.of(state), self.catalog, lambda: self.data),
        ]
        return pn.Column(
            switch(state, "denoising", "Show how the ensemble comes out of noise"),
            self.shown,
            sizing_mode="stretch_width",
            margin=0,
        )

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask again for another column, emulator or draw; else draw what is there. Nothing is asked while it is off."""
        state = self.state
        self.shown.visible = state.denoising
        self.panels.fit(self.catalog.schema(state.experiment).outputs, dark=state.dark)
        if "dark" in changed:
            self.panels.paint(state.dark)
        if changed & set(ASKS):
            self.found = self.data = None
        if not state.denoising:
            self.playing = False
        elif self.found is None:
            self._ask()
        elif changed & {"units", "vertical"}:
            self._arrange(self.found)
        else:
            self._draw()

    def _ask(self) -> None:
        exhibit = DenoisingSteps.of(self.state)
        try:
            self.asker.ask(
                lambda: exhibit.ask(self.catalog, self.asker.key),
                lambda found, _: self._arrange(found),
                self._refuse,
                slow=lambda: self._leave_alone("Drawing the steps …"),
            )
        except DiffmpError as error:
            self._refuse(error)

    def _arrange(self, found: Denoising) -> None:
        self.found = found
        self.data = DenoisingSteps.of(self.state).arrange(self.catalog, found)
        with pn.io.hold():
            self.notice.visible = False
            say(self.caution, self.data.attrs["cautions"])
            levels = levels_of(self.data, self.state.vertical)
            set_range(self.y_range, (levels.start, levels.end))
            self._draw()

    def _draw(self) -> None:
        if self.data is not None:
            with pn.io.hold():
                DenoisingSteps.of(self.state).show(self.data, self.panels)

    def _refuse(self, error: BaseException) -> None:
        if not isinstance(error, DiffmpError):
            raise error
        self._leave_alone(str(error))

    def _leave_alone(self, said: str) -> None:
        """Draw nothing, and say why."""
        with pn.io.hold():
            self.found = self.data = None
            self.notice.param.update(object=said, visible=True)
            self.caution.visible = False
            for panel in self.panels.values():
                panel.clear()

    def _step_words(self, step: int) -> str:
        return step_words(step, float(self.data["signal"][step]) if self.data is not None else None, LIVE_STEPS)

    def _play(self) -> None:
        """From noise to the answer, one step after the other; a second click stops."""
        self.playing = not self.playing and self.data is not None
        if self.playing:
            self.state.step = 0
            after(FRAME_MS, self._advance)

    def _advance(self) -> None:
        if not self.playing or not self.state.denoising:
            return
        self.state.step = min(self.state.step + 1, LIVE_STEPS)
        self.playing = self.state.step < LIVE_STEPS
        if self.playing:
            after(FRAME_MS, self._advance)
