"""Answers while someone drags a slider: one worker thread for all, and only the newest question of each client."""

from __future__ import annotations

import functools
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
from diffmp_core.sampling.draw import draw_ensemble
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


@functools.cache
def shared_worker() -> LatestWins:
    """The worker of this process: one thread, because two on a busy machine are many times slower than one."""
    return LatestWins()


class LiveEmulator:
    """An emulator that answers many sessions at once, from one thread.

    Attributes:
        folder: where it was loaded from.
        emulator: the network.
        domain: training domain, None in a folder without one.
        milliseconds: what the last answer that was not kept took to compute, None before the first.
    """

    def __init__(self, folder: Path | str, *, worker: LatestWins | None = None) -> None:
        """Load an emulator.

        Args:
            folder: emulator folder.
            worker: who computes; the one of this process if not given.

        Raises:
            DiffmpError: not an emulator folder.
        """
        self.folder = Path(folder)
        self.emulator = load_emulator(self.folder)
        domain = self.folder / DOMAIN_FILE
        self.domain = TrainingDomain.load(domain) if domain.is_file() else None
        self.milliseconds: float | None = None
        self._worker = worker or shared_worker()
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def submit(
        self,
        key: Hashable,
        inputs: np.ndarray,
        *,
        members: int = 32,
        steps: int = 5,
        seed: int = 0,
        guidance: tuple[float, ...] | None = None,
    ) -> Future[np.ndarray]:
        """Ask for an ensemble; see :meth:`answer`. An older question of the same ``key`` that waits is cancelled."""
        inputs = np.array(inputs, dtype=np.float32)
        kept = self._find(_question(inputs, members, steps, seed, guidance))
        if kept is None:
            return self._worker.submit(
                key, lambda: self.answer(inputs, members=members, steps=steps, seed=seed, guidance=guidance)
            )
        self._worker.drop(key)
        future: Future[np.ndarray] = Future()
        future.set_result(kept)
        return future

    def submit_work(self, key: Hashable, work: Callable[[LiveEmulator], Result]) -> Future[Result]:
        """Have the worker run ``work(self)`` under the same rules (e.g. ``diffmp_core.sensitivity.respond``)."""
        return self._worker.submit(key, lambda: work(self))

    def answer(
        self,
        inputs: np.ndarray,
        *,
        members: int = 32,
        steps: int = 5,
        seed: int = 0,
        guidance: tuple[float, ...] | None = None,
    ) -> np.ndarray:
        """Ensemble ``(column, member, 4, level)`` for inputs ``(column, 6, level)``, on the calling thread.

        Recent answers are kept. The same seed and shape give the same noise, whatever the inputs. The array is shared:
        it cannot be written to.

        Raises:
            DiffmpError: inputs or options that do not suit the emulator.
        """
        question = _question(np.asarray(inputs, dtype=np.float32), members, steps, seed, guidance)
        kept = self._find(question)
        if kept is not None:
            return kept
        start = time.perf_counter()
        ensemble = draw_ensemble(self.emulator, inputs, members=members, steps=steps, seed=seed, guidance=guidance)
        self.milliseconds = 1e3 * (time.perf_counter() - start)
        ensemble.flags.writeable = False
        with self._lock:
            self._kept[question] = ensemble
            while len(self._kept) > 1 and sum(value.nbytes for value in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return ensemble

    def _find(self, question: str) -> np.ndarray | None:
        with self._lock:
            if question in self._kept:
                self._kept.move_to_end(question)
            return self._kept.get(question)


def _question(inputs: np.ndarray, members: int, steps: int, seed: int, guidance: tuple[float, ...] | None) -> str:
    """Fingerprint of a question."""
    digest = hashlib.sha256(np.ascontiguousarray(inputs).tobytes())
    digest.update(repr((inputs.shape, members, steps, seed, guidance)).encode())
    return digest.hexdigest()
