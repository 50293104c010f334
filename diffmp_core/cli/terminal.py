"""What commands show on standard error: a progress bar on a terminal, a line now and then in a batch job's log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

console = Console(stderr=True)

LOG_SECONDS = 60.0  # between two lines of progress where there is no terminal


class ReportProgress(Protocol):
    """Callable that long work tells how far it is: units done, units in all."""

    def __call__(self, done: int, total: int, *_: object) -> None: ...


@contextmanager
def progress_bar(description: str, unit: str) -> Iterator[ReportProgress]:
    """Progress bar on standard error, as a callable ``report(done, total)``."""
    with Progress(
        TextColumn(description),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]} left"),
        console=console,
    ) as progress:
        task = progress.add_task(description, total=None, left="?")
        begun, before, printed = time.monotonic(), None, 0.0

        def report(done: int, total: int, *_: object) -> None:
            nonlocal before, printed
            elapsed = time.monotonic() - begun
            before = done if before is None else before
            left = time_left(done - before, total - done, elapsed)
            progress.update(task, completed=done, total=total, left=left)
            if not console.is_terminal and elapsed > printed + LOG_SECONDS:  # a batch job's log has no bar
                console.print(f"{description} {done}/{total} {unit}, {left} left")
                printed = elapsed

        yield report


def time_left(gained: int, remaining: int, elapsed: float) -> str:
    """Time left as h:mm:ss at the mean pace of ``gained`` units in ``elapsed`` seconds; "?" before the first unit.

    Units that an earlier, killed run had done are no gain of this one: they would promise too much.
    """
    return str(timedelta(seconds=round(elapsed * remaining / gained))) if gained > 0 else "?"
