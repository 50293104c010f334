"""One run at a time into a place: whoever writes a store, a folder or a file holds its lock while it works.

The lock is a file beside the place, ``.NAME.lock``, which says who holds it and goes with the run. The operating system
frees the lock of a killed run, so a file left behind blocks nobody.
"""

from __future__ import annotations

import errno
import inspect
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from filelock import FileLock, Timeout

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import unwritable

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def lock_file(out: Path) -> Path:
    """Where the lock of a place lies: beside it, or in it where it is a folder in one that cannot be written."""
    out = Path(os.path.realpath(out))
    inside = out.is_dir() and os.access(out, os.W_OK) and not os.access(out.parent, os.W_OK)
    return (out if inside else out.parent) / f".{out.name}.lock"


@contextmanager
def hold(out: Path | str) -> Iterator[str]:
    """Keep other runs off a place to write; yields the run's token, which stands in the lock file.

    Raises:
        DiffmpError: another run holds it, or the folder cannot be written.
    """
    out = Path(out)
    path = lock_file(out)
    held = FileLock(path)
    token = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
    made: list[Path] = []
    try:
        made += [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        with _unless_lockless():
            held.acquire(blocking=False)
        path.write_text(token, encoding="utf-8")
    except Timeout as error:
        raise DiffmpError(
            f"expected no other run to write {out}, found {_holder(path)} at it; wait for it or choose another name"
        ) from error
    except OSError as error:
        if held.is_locked:
            _leave(path, held, made)
        if path.exists() and not os.access(path, os.W_OK):
            raise DiffmpError(
                f"expected no other run to write {out}, found the lock of {_holder(path)}, another user's ({path}); "
                "wait for it, or remove the lock if that run is over"
            ) from error
        raise unwritable(out, error) from error
    try:
        yield token
    finally:
        _leave(path, held, made)


def holding(argument: str) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Let a function hold (:func:`hold`) the place that it writes while it runs.

    Args:
        argument: name of its argument that says where; nothing is held where that is None.
    """

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        signature = inspect.signature(function)

        @wraps(function)
        def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            out = signature.bind(*args, **kwargs).arguments.get(argument)
            if out is None:
                return function(*args, **kwargs)
            with hold(out):
                return function(*args, **kwargs)

        return run

    return decorate


@contextmanager
def _unless_lockless() -> Iterator[None]:
    """Pass over what a file system without locks says: there a run goes on unlocked."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
            raise


def _holder(path: Path) -> str:
    """Who wrote a lock file, in words."""
    words: list[str] = []
    with suppress(OSError, UnicodeDecodeError):  # it has gone, or another user's
        words = path.read_text(encoding="utf-8").split()
    host, process, *_ = [*words, "?", "?"]
    return f"process {process} on {host}"


def _leave(path: Path, held: FileLock, made: list[Path]) -> None:
    """Give the lock back, and remove the folders that were made for it if nothing else came into them."""
    with suppress(OSError):
        path.unlink()
    held.release()
    for folder in made:
        with suppress(OSError):
            folder.rmdir()
