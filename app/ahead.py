"""What is done ahead of the readers, while nobody waits: the first model is loaded and has answered once."""

from __future__ import annotations

import functools
import importlib
import threading
import time
from contextlib import suppress

from app.catalog import Catalog
from app.state import State
from app.target import take_target
from diffmp_core.errors import DiffmpError

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


@functools.cache
def load_ahead(catalog: Catalog) -> threading.Thread:
    """Load the emulator that a new session shows and have it answer what a new session asks; once in a process.

    The steps wait until the process is quiet, so that no page is slower for them.
    """
    thread = threading.Thread(target=_load, args=(catalog,), name="ahead", daemon=True)
    thread.start()
    return thread


def _load(catalog: Catalog) -> None:
    _wait()
    importlib.import_module("diffmp_core.sampling.live")  # torch; before the catalog, whose lock others wait for
    with suppress(DiffmpError):  # the tab that asks says why there is no answer
        _wait()
        choices = State(catalog.names, catalog.limits).choices
        live = catalog.live(choices.experiment, choices.emulator)
        target, _ = take_target(choices, catalog)
        if target is not None:
            live.answer_patiently(target.inputs, members=choices.members, seed=choices.seed)


def _wait() -> None:
    while not activity.quiet:
        time.sleep(QUIET_S / 4)
