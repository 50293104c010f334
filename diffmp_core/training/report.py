"""What a training shows on standard error: a progress bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_SECONDS_BETWEEN_MOVES = 1.0
_SECONDS_BETWEEN_LINES = 30.0


class Report:
    """Progress, loss and throughput of a training; silent if not ``shown``."""

    def __init__(self, *, shown: bool) -> None:
        self.shown = shown
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("train"),
            BarColumn(),
            TextColumn("{task.percentage:>5.1f} %  {task.fields[state]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            speed_estimate_period=300,
            console=self._console,
            disable=not shown or not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._last = time.monotonic()

    def __enter__(self) -> Report:
        self._progress.start()
        self._last = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """One line."""
        if self.shown:
            self._console.print(text, highlight=False, soft_wrap=True)

    def since_last(self) -> float:
        """Seconds since the last :meth:`update`, or since the start."""
        return time.monotonic() - self._last

    def is_due(self) -> bool:
        """Whether it is time for the next :meth:`update`."""
        interval = _SECONDS_BETWEEN_LINES if self._progress.disable else _SECONDS_BETWEEN_MOVES
        return self.shown and self.since_last() >= interval

    def update(self, done: float, state: str) -> None:
        """Show the share done (0 to 1), and loss and throughput in words."""
        self._last = time.monotonic()
        if self._progress.disable:
            self.say(f"train {100 * done:5.1f} %  {state}")
            return
        if self._task is None:
            self._task = self._progress.add_task("train", total=1.0, state=state)
        self._progress.update(self._task, completed=done, state=state)
