"""Who runs the chunks of a simulation: processes of this machine, or the workers of a Dask cluster.

A chunk is written as a whole and marked afterwards (:mod:`.output_store`), so a worker may die at any moment: what is
marked is kept, what is not is run again to the same bytes.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

from diffmp_core.errors import DiffmpError

if TYPE_CHECKING:
    from distributed import Client

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
ANSWER_SECONDS = 10.0  # in which a scheduler answers
SILENCE_SECONDS = 60.0  # after which a scheduler that answered before, and may be busy, is given up
WORKERLESS_SECONDS = 60.0  # after which a cluster without any worker is given up
WATCH_SECONDS = 5.0  # between two looks at the cluster

Task = Callable[[], int]
Report = Callable[[int], None]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(tasks: Sequence[Task], count: int, report: Report) -> None:
    """Run the tasks in count fresh processes of one thread each, or in this one if count is 1.

    report: called with the result of each task as it ends.

    Raises:
        DiffmpError: a task raised it, or a process was killed; the other processes are stopped at once.
    """
    if count == 1:
        for task in tasks:
            report(task())
        return
    others = set(multiprocessing.active_children())
    try:
        with (
            environment(ONE_THREAD),
            ProcessPoolExecutor(
                count, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
            ) as pool,
        ):
            futures = [pool.submit(task) for task in tasks]
            processes = set(multiprocessing.active_children()) - others

            def watch() -> None:
                # The pool itself may overlook the death of the process that it started last until a task ends.
                if any(process.exitcode for process in processes):
                    raise BrokenProcessPool("a worker process died")

            try:
                gather(futures, report, watch)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in processes:
                    process.terminate()
                raise
    except BrokenProcessPool as error:
        raise DiffmpError(
            "expected all worker processes to finish, found one killed; free some memory or use fewer workers, then "
            "start again: it goes on where it stopped."
        ) from error


def run_on_cluster(tasks: Sequence[Task], address: str, report: Report) -> None:
    """Run the tasks on the workers of the dask.distributed scheduler at an address; work of a lost worker is moved.

    report: called with the result of each task as it ends.

    Raises:
        DiffmpError: a task raised it, the scheduler does not answer or is lost, or all workers are gone.
    """
    from distributed import Client, KilledWorker  # loads slowly, and few runs need it

    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook's own thread has a running event loop already
            thread.submit(asyncio.run, answer(address)).result()
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise DiffmpError(
            f"expected a Dask scheduler at {address!r}, found none that answers within {ANSWER_SECONDS:.0f} s; start "
            "one with 'dask scheduler' or check the address."
        ) from error
    seen = time.monotonic()

    def watch() -> None:
        nonlocal seen
        if client.sync(known_workers, client, callback_timeout=SILENCE_SECONDS):
            seen = time.monotonic()
        elif time.monotonic() - seen > WORKERLESS_SECONDS:
            raise DiffmpError(
                f"expected workers at the scheduler {address}, found none for {WORKERLESS_SECONDS:.0f} s; start some "
                f"with 'dask worker {address}', then start again: it goes on where it stopped."
            )

    with client:
        executor = client.get_executor(pure=False)
        try:
            gather([executor.submit(task) for task in tasks], report, watch)
        except (CancelledError, OSError) as error:
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # one sentence, not its traceback too
            raise DiffmpError(
                f"expected the scheduler at {address} to stay, found it gone or silent; start it and its workers, then "
                "start again: it goes on where it stopped."
            ) from error
        except KilledWorker as error:
            raise DiffmpError(
                f"expected the workers of {address} to live, found several killed at the same cells; give each 1 GB "
                "of memory, then start again: it goes on where it stopped."
            ) from error
        finally:
            executor.shutdown(wait=False)


async def known_workers(client: Client) -> Collection[str]:
    """Addresses of the workers that the scheduler has; OSError if it is lost.

    Unlike ``client.scheduler_info()``, which keeps quiet about that and waits for a silent scheduler for ever.
    """
    if client.scheduler is None:
        raise ConnectionError("the client is closed")
    return (await client.scheduler.identity(n_workers=-1))["workers"]


async def answer(address: str) -> None:
    """Return if a scheduler answers at the address within bounded time, which Client() itself does not promise."""
    from distributed import Security
    from distributed.comm import connect

    arguments = Security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(address, timeout=ANSWER_SECONDS, **arguments), ANSWER_SECONDS)
    await comm.close()


def gather(futures: list[Future], report: Report, watch: Callable[[], None] = lambda: None) -> None:
    """Report each result as it comes, raise the first error; watch is called every few seconds."""
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, timeout=WATCH_SECONDS, return_when=FIRST_COMPLETED)
        for future in ended:
            report(future.result())
        watch()


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables that hold for the processes started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def end_with_parent() -> None:
    """Let this worker process end when the process that started it is killed, instead of waiting for ever."""
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
