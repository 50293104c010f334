"""Disks that take no more: real refusals of the operating system, at the write."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

PAGE = 4096
"""Bytes that the small file system gives out at once."""


@contextmanager
def full_disk(room: int = 500) -> Iterator[None]:
    """Let this process write no file longer than some bytes: beyond them a write fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Disk(Protocol):
    """A folder on a disk, and a way to leave a share of what some files took for more."""

    folder: Path

    def leaving(self, share: float, written: Path) -> contextmanager: ...


class ShortFiles:
    """Any folder; room is what one file may have, as for those who may not mount: `ulimit -f` of a batch system."""

    reason = "File too large"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def leaving(self, share: float, written: Path) -> Iterator[None]:
        """Room for files of a share of the longest in ``written``."""
        with full_disk(int(share * max(path.stat().st_size for path in _files(written)))):
            yield


class SmallDisk:
    """A file system of its own; room is what a ballast leaves."""

    reason = "No space left on device"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def leaving(self, share: float, written: Path) -> Iterator[None]:
        """Room for a share of what is in ``written``."""
        room = int(share * sum(-(-path.stat().st_size // PAGE) * PAGE for path in _files(written))) // PAGE * PAGE
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(2**20)):
                    pass
            except OSError:
                file.truncate(file.seek(0, 2) // PAGE * PAGE - room)
        try:
            yield
        finally:
            ballast.unlink()


@contextmanager
def small_disk(folder: Path, *, megabytes: int = 16) -> Iterator[SmallDisk]:
    """A file system of some megabytes at an empty folder; skips the test where mounting is not allowed."""
    with mounted(folder, f"size={megabytes}m"):
        yield SmallDisk(folder)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory at an empty folder; skips the test where mounting is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
