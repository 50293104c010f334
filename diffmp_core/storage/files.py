"""Files and folders as everything here writes them: whole under their names or not at all, for whoever the umask lets.

No file goes through ``tempfile`` or a library that makes files that way: they are their owner's alone (mode 0600).
What the operating system refuses, at whichever layer, becomes one sentence; what was there before stays as it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from diffmp_core.errors import DiffmpError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a full disk, a quota and a limit on the length of files say."""

REFUSALS = (*NO_ROOM, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""What a disk says to a write that it does not take, which may come wrapped in an error of a library."""

_PROBE = 2**20
"""Bytes that a disk is asked to take, to learn why a library could not write."""


@contextmanager
def whole(*paths: Path, folders: bool = False) -> Iterator[list[Path]]:
    """Names to write files (or ``folders``) under, one for each path; at the end all get their own, in order, or none.

    The folders above are made if need be. That they take files is tried at once, not after hours of work. Links are
    followed. After any failure nothing new is left behind, and what had a name has it still.

    Raises:
        DiffmpError: no room, a place that cannot be written, a folder where a file is to be, or a file in place of one.
    """
    real = [Path(os.path.realpath(path)) for path in paths]
    parts = [_beside(path, "part") for path in real]
    made: list[Path] = []
    try:
        for path, place, part in zip(paths, real, parts, strict=True):
            with disk_errors(path):
                _refuse_other_kind(path, place, folders=folders)
                made += _make_folder(place.parent)
                part.touch()
                part.unlink()
        yield parts
        for path, part in zip(paths, parts, strict=True):
            with disk_errors(path):
                _settle(part)
        for path, place, part in zip(paths, real, parts, strict=True):
            with disk_errors(path):
                _replace(part, place)
        made = []
    except Exception as error:
        for path, part in zip(paths, parts, strict=True):
            if refusal := _refusal(error, part):
                raise unwritable(path, refusal) from error
        raise
    finally:
        for part in parts:
            _discard(part)
        for folder in made[::-1]:
            with suppress(OSError):  # others have written there since
                folder.rmdir()


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all.

    Raises:
        DiffmpError: it cannot be written.
    """
    with whole(path) as (part,):
        part.write_bytes(content)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text file in UTF-8, whole or not at all.

    Raises:
        DiffmpError: it cannot be written.
    """
    write_texts({path: text})
    return path


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write text files in UTF-8, all of them or none; they get their names in order.

    Raises:
        DiffmpError: one cannot be written.
    """
    with whole(*texts) as parts:
        for part, text in zip(parts, texts.values(), strict=True):
            part.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Remove a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses while ``path`` is written into one sentence."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> DiffmpError:
    """What to say of a file or folder that could not be written."""
    reason = error.strerror or error
    if error.errno in NO_ROOM:
        return DiffmpError(
            f"expected room to write {path}, found {reason}; free space, then run the same command again"
        )
    blocking = next((above for above in path.absolute().parents if above.exists() and not above.is_dir()), None)
    if blocking is not None:
        return DiffmpError(
            f"expected a folder at {blocking} to write {path.name} in, found a file; choose another name"
        )
    return DiffmpError(
        f"expected a place to write {path}, found {reason}; choose another, or let its owner change who may write there"
    )


def unreadable(path: Path, error: BaseException, otherwise: str) -> DiffmpError:
    """What to say of a file or folder that could not be read: that its mode forbids it, or else ``otherwise``."""
    return forbidden(path, error) or DiffmpError(otherwise)


def forbidden(path: Path, error: BaseException) -> DiffmpError | None:
    """What to say of a file or folder whose mode forbids to read it; None where an error is about something else."""
    denied = next((found for found in _chain(error) if isinstance(found, PermissionError)), None)
    if denied is None and not (_exists(path) and not os.access(path, os.R_OK)):
        return None
    place = Path(os.fsdecode(denied.filename)) if denied is not None and denied.filename else path
    return DiffmpError(
        f"expected permission to read {place}, found none ({_mode(place)}); it may be whole: let its owner run "
        f"'chmod a+r' on it (a+rx on folders)"
    )


def refuse_devices(path: Path) -> None:
    """Refuse what is neither file nor folder: a pipe keeps a reader waiting for ever.

    Raises:
        DiffmpError: it is one of those.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DiffmpError(f"expected a file or a folder, found a pipe or a device at {path}; name another one")


def find_refusal(error: BaseException) -> OSError | None:
    """The refusal of a disk to write among an error and its causes, None if there is none."""
    found = (cause for cause in _chain(error) if isinstance(cause, OSError) and cause.errno in REFUSALS)
    return next(found, None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refusal(error: Exception, part: Path) -> OSError | None:
    """Why ``part`` could not be written, None if the error is about something else, such as reading.

    An error of the system that names another file is about that one. netCDF's library keeps its reasons to itself, as
    a RuntimeError, or says "Permission denied" of a full disk: the disk is asked.
    """
    if isinstance(error, DiffmpError):
        return None
    own = error if isinstance(error, OSError) and error.filename is not None else None
    if own is not None and not Path(os.fsdecode(own.filename)).is_relative_to(part):
        return None
    if isinstance(error, RuntimeError | PermissionError) and (found := _ask(part)):
        return found
    return own or find_refusal(error)


def _ask(part: Path) -> OSError | None:
    """What the disk says to one more megabyte of a part, None if it takes it."""
    probe = part if part.is_file() else _beside(part, "probe")
    try:
        with open(probe, "ab") as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    finally:
        if probe != part:
            _discard(probe)
    return None


def _beside(path: Path, ending: str) -> Path:
    """A new hidden name in the same folder; of a long name it has the beginning."""
    return path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.{ending}")


def _refuse_other_kind(path: Path, place: Path, *, folders: bool) -> None:
    refuse_devices(place)
    if folders and place.exists() and not place.is_dir():
        raise DiffmpError(f"expected the name of a folder to write, found a file at {path}; choose another name")
    if not folders and place.is_dir():
        raise DiffmpError(f"expected the name of a file to write, found a folder at {path}; choose another name")


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; those that were not there, from the top."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _settle(part: Path) -> None:
    """Have a file on the disk itself: a network's or a quota's refusal may come no earlier. Folders are left to it."""
    if part.is_dir():
        return
    file = os.open(part, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _replace(part: Path, path: Path) -> None:
    """Put a finished file or folder under its name; an old folder is put back if that fails."""
    if not path.is_dir():
        os.replace(part, path)
        return
    old = _beside(path, "old")
    os.rename(path, old)
    try:
        os.replace(part, path)
    except BaseException:
        os.rename(old, path)
        raise
    remove(old)


def _discard(part: Path) -> None:
    """Remove what was written so far, and free its room at once.

    After a full disk netCDF's library cannot close its file, which would take its room as long as the process lives.
    """
    with suppress(OSError):
        if part.is_file():
            os.truncate(part, 0)
        remove(part)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _mode(path: Path) -> str:
    """Mode and owner in words, such as ``-rw------- of user 0``."""
    try:
        found = path.stat()
    except OSError:
        return "a folder above is closed"
    return f"{stat.filemode(found.st_mode)} of user {found.st_uid}"
