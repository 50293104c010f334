"""Answers of a live emulator, brought from its worker thread into the session that asked."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any

import panel as pn
from bokeh.document import Document

SLOW_MS = 500
"""Readers who wait longer than this for an answer are told that it is coming [ms]."""


class Asker:
    """Asks for one view at a time and takes the newest answer only, and only to what the page still asks.

    ``ask`` returns at once. In a session the answer is delivered under the document's lock, so that it may change Bokeh
    models; without one (tests, scripts) ``ask`` waits and delivers before it returns. ``key`` names this view of this
    session to the emulator, which drops a question of the same key that it has not begun.
    """

    def __init__(self, question: Callable[[], Hashable] = lambda: None) -> None:
        """``question`` gives what the page asks at this moment; an answer to what it asked before is not drawn."""
        self.key = uuid.uuid4().hex
        self.latest = 0
        self.question = question

    def ask(
        self,
        submit: Callable[[], Future],
        deliver: Callable[[Any, float], None],
        refuse: Callable[[BaseException], None],
        slow: Callable[[], None] = lambda: None,
    ) -> int:
        """Put a question and return its number; ``latest`` is the number of the newest.

        Args:
            submit: starts the work and returns its future.
            deliver: gets the result and the milliseconds from question to answer.
            refuse: gets the exception where there is no result; a question that is no longer asked gets neither.
            slow: takes away what answers an earlier question and says that the page is working, where there is no
                answer after :data:`SLOW_MS`.
        """
        self.latest += 1
        number, start, document, asked = self.latest, time.perf_counter(), session(), self.question()

        def is_asked() -> bool:
            return number == self.latest and asked == self.question()

        def finish(future: Future, took: float) -> None:
            if not is_asked() or future.cancelled():
                return
            error = future.exception()
            if error is not None:
                refuse(error)
            else:
                deliver(future.result(), took)

        def done(future: Future) -> None:
            took = 1000 * (time.perf_counter() - start)
            if document is not None:
                in_session(document, lambda: finish(future, took))

        future = submit()
        if document is None:
            wait([future])
            finish(future, 1000 * (time.perf_counter() - start))
        else:
            future.add_done_callback(done)
            after(SLOW_MS, lambda: slow() if is_asked() and not future.done() else None)
        return number


def session() -> Document | None:
    """The document of the reader's session; None in tests and scripts."""
    document = pn.state.curdoc
    return document if document is not None and document.session_context is not None else None


def after(milliseconds: int, action: Callable[[], None]) -> None:
    """Run an action later in this session; at once where there is none."""
    document = session()
    if document is None:
        action()
    else:
        document.add_timeout_callback(action, milliseconds)


def in_session(document: Document, action: Callable[[], None]) -> None:
    """Run an action in the session of a document, unless the reader has left."""
    context = document.session_context
    if context is not None and not context.destroyed:
        document.add_next_tick_callback(action)


def duration(milliseconds: float) -> str:
    """How long an answer took, in words; one that was kept took no time."""
    return "kept from before" if milliseconds < 1 else f"in **{milliseconds:.0f} ms**"
