"""Answers while someone drags a slider: one worker thread for all, and only the newest question of each client.

Long work (a sweep) asks piece by piece and patiently: its pieces wait until nobody drags.
"""

from __future__ import annotations

import functools
import hashlib
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, Unpack

import numpy as np
import torch

from diffmp_core.columns.domain import DOMAIN_FILE, TrainingDomain
from diffmp_core.errors import DiffmpError
from diffmp_core.models.folder import load_emulator
from diffmp_core.sampling.draw import DRAWING, Drawing, draw_ensemble
from diffmp_core.schema import ColumnSchema

Result = TypeVar("Result")

KEPT_BYTES = 64 * 2**20
"""Answers kept for a question that comes again (the baseline, while the perturbed column changes)."""

PATIENCE_S = 120.0
"""A worker that takes longer over one piece of work is given up: 64 members of 40 columns take 20 s on one core."""


class WorkerLost(DiffmpError):
    """The worker took too long, or died, over this piece of work; another one serves the others."""


class LatestWins:
    """One worker that serves clients in turn, each with its newest piece of work.

    A client that hands in work while an older piece of its own still waits replaces it: the older future is cancelled,
    and the client keeps its place in the queue. Patient work is served when no other work waits, in turn as well.

    A worker that is found dead, or has been over one piece of work for longer than ``patience`` seconds, is replaced:
    that piece ends with :class:`WorkerLost`, the others are served. The thread given up ends with what it does.
    """

    def __init__(self, *, threads: int = 1, patience: float = PATIENCE_S) -> None:
        self._threads, self._patience = threads, patience
        self._worker: threading.Thread | None = None
        self._waiting: OrderedDict[Hashable, tuple[Future, Callable[[], object]]] = OrderedDict()
        self._patient: OrderedDict[Hashable, tuple[Future, Callable[[], object]]] = OrderedDict()
        self._lock = threading.Condition()

    def submit(self, key: Hashable, work: Callable[[], Result], *, patient: bool = False) -> Future[Result]:
        """Hand in work for a client; its future is cancelled if newer work of the same client overtakes it.

        ``patient`` work is begun only when nobody's other work waits; what has begun is not interrupted, so keep its
        pieces short.
        """
        future: Future[Result] = Future()
        with self._lock:
            queue = self._patient if patient else self._waiting
            older = queue.get(key)
            queue[key] = (future, work)
            if self._worker is None or not self._worker.is_alive():
                self._start_worker()
            self._lock.notify()
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

    def _start_worker(self) -> None:
        """Have a new thread serve from now on; call it with the lock held."""
        self._worker = threading.Thread(target=self._serve, name="emulator", daemon=True)
        self._worker.start()
        self._lock.notify_all()

    def _serve(self) -> None:
        """Do what waits, until another thread serves instead."""
        torch.set_num_threads(self._threads)
        me = threading.current_thread()
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._worker is not me or self._waiting or self._patient)
                if self._worker is not me:
                    return
                _, (future, work) = (self._waiting or self._patient).popitem(last=False)
            if not future.set_running_or_notify_cancel():
                continue
            watch = threading.Timer(self._patience, self._give_up, (me, future))
            watch.daemon = True
            watch.start()
            try:
                hand_over = functools.partial(future.set_result, work())
            except BaseException as error:
                hand_over = functools.partial(future.set_exception, error)
            watch.cancel()
            with suppress(InvalidStateError):  # it was given up
                hand_over()

    def _give_up(self, worker: threading.Thread, future: Future) -> None:
        """Replace a worker that has not come back from this piece of work."""
        with self._lock:
            if future.done() or self._worker is not worker:
                return
            self._start_worker()
        with suppress(InvalidStateError):  # it came back at the last moment
            future.set_exception(
                WorkerLost(
                    f"expected an answer of the emulator within {self._patience:g} s, found none; its worker was "
                    "started again: change something to ask once more"
                )
            )


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
        profile_milliseconds: what one profile of the last answer that was not kept took, None before the first.
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
        self.domain = TrainingDomain.load(domain, self.emulator.schema.inputs) if domain.is_file() else None
        self.profile_milliseconds: float | None = None
        self._worker = worker or shared_worker()
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def schema(self) -> ColumnSchema:
        """Variables and levels of the columns that it reads and returns."""
        return self.emulator.schema

    def submit(
        self, key: Hashable, inputs: np.ndarray, *, patient: bool = False, **options: Unpack[Drawing]
    ) -> Future[np.ndarray]:
        """Ask for an ensemble; see :meth:`answer`, and :meth:`LatestWins.submit` for ``patient``.

        An older question of the same ``key`` that waits is cancelled.
        """
        inputs = np.array(inputs, dtype=np.float32)
        kept = self._find(_question(inputs, options))
        if kept is None:
            return self._worker.submit(key, lambda: self.answer(inputs, **options), patient=patient)
        self._worker.drop(key)
        future: Future[np.ndarray] = Future()
        future.set_result(kept)
        return future

    def submit_work(self, key: Hashable, work: Callable[[LiveEmulator], Result]) -> Future[Result]:
        """Have the worker run ``work(self)`` under the same rules (``diffmp_core.response.sensitivity``)."""
        return self._worker.submit(key, lambda: work(self))

    def answer(self, inputs: np.ndarray, **options: Unpack[Drawing]) -> np.ndarray:
        """Ensemble ``(column, member, output, level)`` for inputs ``(column, input, level)``, on the calling thread.

        Recent answers are kept. The same seed and shape give the same noise, whatever the inputs. The array is shared:
        it cannot be written to.

        Raises:
            DiffmpError: inputs or options that do not suit the emulator.
        """
        options = DRAWING | options
        question = _question(np.asarray(inputs, dtype=np.float32), options)
        kept = self._find(question)
        if kept is not None:
            return kept
        start = time.perf_counter()
        ensemble = draw_ensemble(self.emulator, inputs, **options)
        self.profile_milliseconds = 1e3 * (time.perf_counter() - start) / max(1, ensemble.shape[0] * ensemble.shape[1])
        ensemble.flags.writeable = False
        with self._lock:
            self._kept[question] = ensemble
            while len(self._kept) > 1 and sum(value.nbytes for value in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return ensemble

    def answer_patiently(self, inputs: np.ndarray, **options: Unpack[Drawing]) -> np.ndarray:
        """As :meth:`answer`, for a piece of long work: computed by the worker once nobody's slider moves.

        Blocks the calling thread, which must not be the worker's. Kept answers come at once.
        """
        return self.submit(uuid.uuid4(), inputs, patient=True, **options).result()

    def _find(self, question: str) -> np.ndarray | None:
        with self._lock:
            if question in self._kept:
                self._kept.move_to_end(question)
            return self._kept.get(question)


def _question(inputs: np.ndarray, options: Drawing) -> str:
    """Fingerprint of a question."""
    digest = hashlib.sha256(np.ascontiguousarray(inputs).tobytes())
    digest.update(repr((inputs.shape, sorted((DRAWING | options).items()))).encode())
    return digest.hexdigest()
