"""Whether anybody waits: what is done ahead of the readers is done when nobody does."""

from __future__ import annotations

import time

QUIET_S = 2.0
"""Nobody waits when nobody has asked this process for anything for so long."""


class Activity:
    """When this process last did something for a reader."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def note(self) -> None:
        """Something was asked just now."""
        self._last = time.monotonic()

    @property
    def quiet(self) -> bool:
        """Whether nothing was asked for a while."""
        return time.monotonic() - self._last > QUIET_S


activity = Activity()
"""That of this process, all sessions together."""
