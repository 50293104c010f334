"""What is done ahead of the readers, while nobody waits: the first model is loaded and has answered once."""

from __future__ import annotations

import asyncio
import functools
import importlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..data.target import take_target
from ..state.state import State

QUIET_S = 2.0
"""Nobody waits when nobody has asked this process for anything for so long."""
THREAD = "ahead"
"""Name of the thread that loads."""


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


@functools.cache
def load_ahead(catalog: Catalog) -> None:
    """Load the emulator that a new session shows and have it answer what a new session asks; once in a process.

    A server that has not begun to serve (``--warm``) does it now. One that has does it on a thread, whose steps wait
    until the process is quiet, so that no page is slower for them.
    """
    if is_serving():
        threading.Thread(target=_load, args=(catalog, _wait), name=THREAD, daemon=True).start()
    else:
        _load(catalog, lambda: None)


def is_serving() -> bool:
    """Whether this is run by a server's event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _load(catalog: Catalog, wait: Callable[[], None]) -> None:
    wait()
    importlib.import_module("diffmp_core.sampling.live")  # torch; before the catalog, whose lock others wait for
    with suppress(DiffmpError):  # the tab that asks says why there is no answer
        wait()
        choices = State(catalog.names, catalog.limits).choices
        live = catalog.live(choices.experiment, choices.emulator)
        target, _ = take_target(choices, catalog)
        if target is not None:
            live.answer_patiently(target.inputs, members=choices.members, seed=choices.seed)


def _wait() -> None:
    while not activity.quiet:
        time.sleep(QUIET_S / 4)
