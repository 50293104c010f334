"""Playing through levels and times: every value once, from where it is; anything else that is done stops it."""

from __future__ import annotations

import pytest
from diffmp_app.state.state import State
from diffmp_app.views import player
from diffmp_app.views.player import PLAY, STOP, Player


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list:
    """What is to be done after each frame, done by the test."""
    waiting: list = []
    monkeypatch.setattr(player, "after", lambda _, action: waiting.append(action))
    return waiting


def test_it_plays_to_the_end_and_from_the_start_again(state: State):
    seen = []
    state.param.watch(lambda event: seen.append(event.new), "level")
    state.level = 26
    made = Player(state, "level", says="Play")
    made.button.param.trigger("clicks")
    assert seen == [26, 27, 28, 29]
    made.button.param.trigger("clicks")
    assert seen[4:] == list(range(30))
    assert made.button.label == PLAY


@pytest.mark.parametrize("done", [{"level": 3}, {"tab": "Overview"}, None], ids=str)
def test_another_value_tab_or_click_stops_it(state: State, frames: list, done: dict | None):
    state.param.update(tab="Maps", level=10)
    made = Player(state, "level", says="Play")
    made.button.param.trigger("clicks")
    frames.pop()()
    assert (state.level, made.button.label) == (12, STOP)
    if done is None:
        made.button.param.trigger("clicks")
    else:
        state.param.update(**done)
    level = state.level
    frames.pop()()
    assert (state.level, made.button.label, frames) == (level, PLAY, [])


def test_a_frame_of_what_was_stopped_does_not_go_on_with_what_plays_now(state: State, frames: list):
    state.level = 10
    made = Player(state, "level", says="Play")
    for _ in range(3):  # play, stop, play
        made.button.param.trigger("clicks")
    assert (state.level, len(frames)) == (12, 2)
    frames[0]()
    assert (state.level, len(frames)) == (12, 2)
