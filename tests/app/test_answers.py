"""A reader who waits is told so: late, once, and not of an answer that came or that nobody wants any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from diffmp_app.views import answers
from diffmp_app.views.answers import SLOW_MS, Asker


class Document:
    """What an answer needs of a session: what is to be done next, and what later."""

    session_context = SimpleNamespace(destroyed=False)

    def __init__(self) -> None:
        self.later: list[tuple[Callable[[], object], int]] = []

    def add_next_tick_callback(self, action: Callable[[], object]) -> None:
        action()

    def add_timeout_callback(self, action: Callable[[], object], milliseconds: int) -> None:
        self.later.append((action, milliseconds))


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch) -> Document:
    made = Document()
    monkeypatch.setattr(answers, "session", lambda: made)
    return made


@pytest.mark.parametrize(("case", "told"), [("waits", ["slow"]), ("answered", ["answer"]), ("dropped", [])])
def test_only_who_waits_for_this_answer_is_told(document: Document, case: str, told: list[str]):
    said: list[str] = []
    asker, future = Asker(), Future[str]()
    asker.ask(lambda: future, lambda found, _: said.append(found), lambda _: None, slow=lambda: said.append("slow"))
    if case == "answered":
        future.set_result("answer")
    if case == "dropped":
        asker.ask(Future, lambda *_: None, lambda _: None)
    action, milliseconds = document.later[0]
    assert milliseconds == SLOW_MS
    action()
    assert said == told


def test_the_answer_comes_after_the_words(document: Document):
    said: list[str] = []
    future = Future[str]()
    Asker().ask(lambda: future, lambda found, _: said.append(found), lambda _: None, slow=lambda: said.append("slow"))
    document.later[0][0]()
    future.set_result("answer")
    assert said == ["slow", "answer"]
