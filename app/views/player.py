"""A button that plays through a choice of numbers, such as the levels of a map."""

from __future__ import annotations

from collections.abc import Callable

from panel.viewable import Viewable

from ..state.state import State
from .answers import after
from .controls import STEP, Disabled, small_button, stepped_slider

FRAME_MS = 350
"""Time that a value is seen; less than after what history and address follow, so that what is played is one step."""
PLAY, STOP = "▶", "■"


class Player:
    """Plays from where the choice is to its end, or from its start where it is there.

    Another click, another value, or another tab stops it.
    """

    def __init__(self, state: State, name: str, *, says: str, disabled: Disabled = False) -> None:
        self.state, self.name = state, name
        self.at: int | None = None
        self._tab, self._turn = state.tab, 0
        self.button = small_button(PLAY, self._click, says=says, disabled=disabled, width=26, margin=(0, 1), sx=STEP)

    def _click(self) -> None:
        if self.at is not None:
            self._rest()
            return
        (low, high), value = self.state.param[self.name].bounds, getattr(self.state, self.name)
        self._tab, self._turn = self.state.tab, self._turn + 1
        self._show(low if value >= high else value + 1)

    def _show(self, value: int) -> None:
        self.at, self.button.label = value, STOP
        setattr(self.state, self.name, value)
        turn = self._turn
        after(FRAME_MS, lambda: self._go_on(turn))

    def _go_on(self, turn: int) -> None:
        """The next value; nothing if this is a frame of something that was stopped."""
        if turn != self._turn or self.at is None:
            return
        left = self.state.tab != self._tab or getattr(self.state, self.name) != self.at
        if left or self.at >= self.state.param[self.name].bounds[1]:
            self._rest()
        else:
            self._show(self.at + 1)

    def _rest(self) -> None:
        self.at, self.button.label = None, PLAY


def played_slider(
    state: State, name: str, label: str, text: Callable[[int], str], disabled: Disabled = False
) -> Viewable:
    """A slider with buttons for one step, and one that plays."""
    player = Player(state, name, says=f"Play through the {label.lower()}s", disabled=disabled)
    slider = stepped_slider(state, name, label, text, disabled)
    slider.append(player.button)
    return slider
