"""Answers while someone drags a slider: one emulator, one worker thread for all, the newest question of each client only."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from diffmp_core.columns.domain import TrainingDomain
from diffmp_core.models.base import load_emulator
from diffmp_core.sampling.draw import default_guidance, draw_ensemble
from diffmp_core.training.config import DOMAIN_FILE

Result = TypeVar("Result")

KEPT_BYTES = 64 * 2**20
"""Answers kept for a question that comes again (the baseline, while the perturbed column changes)."""


class LatestWins:
    """One worker that serves clients in turn, each with its newest piece of work.

    A client that hands in work while an older piece of its own still waits replaces it: the older future is cancelled,
    and the client keeps its place in the queue.
    """

    def __init__(self, *, threads: int = 1) -> None:
        self._executor = ThreadPoolExecutor(
            1, thread_name_prefix="emulator", initializer=torch.set_num_threads, initargs=(threads,)
        )
        self._waiting: OrderedDict[Hashable, tuple[Future, Callable[[], object]]] = OrderedDict()
        self._lock = threading.Lock()

    def submit(self, key: Hashable, work: Callable[[], Result]) -> Future[Result]:
        """Hand in work for a client; its future is cancelled if newer work of the same client overtakes it."""
        future: Future[Result] = Future()
        with self._lock:
            older = self._waiting.get(key)
            self._waiting[key] = (future, work)
            if older is None:
                self._executor.submit(self._serve_next)
        if older is not None:
            older[0].cancel()
            older[0].set_running_or_notify_cancel()
        return future

    def drop(self, key: Hashable) -> None:
        """Cancel what a client still has waiting."""
        with self._lock:
            older = self._waiting.get(key)
            if older is not None:
                self._waiting[key] = (older[0], older[1])
        if older is not None:
            older[0].cancel()

    def _serve_next(self) -> None:
        with self._lock:
            _, (future, work) = self._waiting.popitem(last=False)
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
