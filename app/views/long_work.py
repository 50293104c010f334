"""Work that takes longer than a moment: a button that starts it, its progress, and a button that stops it."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeAlias

import panel_material_ui as pmui

from .answers import Asker, in_session, session
from .layout import words

REPORT_EVERY = 0.15
"""Seconds between two reports of progress to the page."""
AT_ONCE = 8
"""Pieces of work that wait for a model at once; they hold threads, not cores."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told of what is done and of how much there is; raises :class:`Stopped` once nobody waits for the result."""


class Stopped(Exception):
    """The reader stopped the work, or left."""


class LongWork:
    """One piece of work at a time: buttons, bar and words to be placed, and what happens between them."""

    def __init__(self, label: str, start: Callable[[], None], executor: Callable[[], Executor]) -> None:
        """``label`` names the button that calls ``start``; ``executor`` gives the threads that work."""
        self.asker, self._executor = Asker(), executor
        self.stop = threading.Event()
        self.running = False
        self.run = pmui.Button(label=label, size="small", variant="contained", on_click=lambda _: start())
        self.cancel = pmui.Button(
            label="Stop", size="small", variant="outlined", visible=False, on_click=lambda _: self.halt()
        )
        self.bar = pmui.LinearProgress(value=0, variant="determinate", visible=False, sizing_mode="stretch_width")
        self.status = words("")

    def begin(
        self,
        work: Callable[[Progress], Any],
        deliver: Callable[[Any, float], None],
        refuse: Callable[[BaseException], None],
        *,
        first: str,
        progress: str,
    ) -> None:
        """Stop what runs and start this.

        Args:
            work: runs on a thread of its own and reports its progress.
            deliver: gets the result and the milliseconds that it took.
            refuse: gets what was raised; not that the reader stopped it.
            first: words until something is done.
            progress: words of a report, with ``{done}`` and ``{total}``.
        """
        self.halt()
        self.stop = stop = threading.Event()
        self._busy(True)
        self.status.object = first
        report = self.reporter(stop, progress)

        def done(result: Any, took: float) -> None:
            self._busy(False)
            self.status.object = "Stopped." if stop.is_set() else ""
            if not stop.is_set():  # else it was stopped when it had just come to its end
                deliver(result, took)

        def failed(error: BaseException) -> None:
            self._busy(False)
            stopped = isinstance(error, Stopped)
            self.status.object = "Stopped." if stopped else ""
            if not stopped:
                refuse(error)

        self.asker.ask(lambda: self._executor().submit(work, report), done, failed)

    def halt(self) -> None:
        """Stop what runs, if anything does, as soon as it reports; say so until then."""
        self.stop.set()
        if self.running:
            self.status.object = "Stopping …"

    def reporter(self, stop: threading.Event, progress: str) -> Progress:
        """Progress from the working thread into this session, a few times a second."""
        document, told = session(), 0.0

        def report(done: int, total: int) -> None:
            nonlocal told
            context = document.session_context if document is not None else None
            if stop.is_set() or (context is not None and context.destroyed):
                raise Stopped
            now = time.monotonic()
            if document is not None and now - told > REPORT_EVERY:
                told = now
                in_session(document, lambda: self._show(stop, progress, done, total))

        return report

    def _show(self, stop: threading.Event, progress: str, done: int, total: int) -> None:
        if self.stop is stop and self.running and not stop.is_set():
            self.bar.value = 100 * done // max(total, 1)
            if done:
                self.status.object = progress.format(done=done, total=total)

    def _busy(self, busy: bool) -> None:
        self.running = busy
        self.bar.param.update(value=0, visible=busy)
        self.cancel.visible = self.run.disabled = busy


@functools.cache
def waiting_threads() -> ThreadPoolExecutor:
    """Threads for work that mostly waits for the model's one worker."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="waiting")
