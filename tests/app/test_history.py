"""Undo and redo."""

from __future__ import annotations

from diffmp_app.state.choices import Choices
from diffmp_app.state.history import LONGEST, History


def level(number: int) -> Choices:
    return Choices(level=number % 30, seed=number)


def test_there_and_back_again():
    history = History(level(0))
    assert not history.can_undo
    assert history.undo() == history.redo() == level(0)
    for number in (1, 1, 2):
        history.record(level(number))
    assert history.undo() == level(1)
    assert history.undo() == level(0)
    assert not history.can_undo
    assert history.redo() == level(1)
    assert history.can_redo


def test_a_new_state_forgets_what_was_taken_back():
    history = History(level(0))
    history.record(level(1))
    history.undo()
    history.record(level(5))
    assert not history.can_redo
    assert history.undo() == level(0)


def test_recording_the_present_state_changes_nothing():
    history = History(level(0))
    history.record(level(1))
    history.undo()
    history.record(level(0))
    assert history.can_redo


def test_it_does_not_grow_without_end():
    history = History(level(0))
    for number in range(1, 2 * LONGEST):
        history.record(level(number))
    steps = 0
    while history.can_undo:
        history.undo()
        steps += 1
    assert steps == LONGEST
