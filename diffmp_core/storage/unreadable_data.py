"""Why something cannot be read, in one sentence that says what to do."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import forbidden

_KINDS = (
    (b"GRIB", "a GRIB file", "convert it to netCDF"),
    (b"BUFR", "a BUFR file", "convert it to netCDF"),
    (b"\x0e\x03\x13\x01", "an HDF4 file", "convert it to netCDF"),
    (b"\x1f\x8b", "a file packed by gzip", "unpack it"),
    (b"BZh", "a file packed by bzip2", "unpack it"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"<", "a web page or XML", "fetch the file itself"),
    (b"version https://git-lfs", "a pointer of Git LFS instead of the file", "fetch it with 'git lfs pull'"),
    (b"\x89HDF", "an HDF5 file that is cut off or damaged", "fetch or copy it again"),
    (b"CDF", "a netCDF file that is cut off or damaged", "fetch or copy it again"),
)
"""First bytes of a file, what it is, and what to do."""


def unreadable_data(path: Path, error: BaseException) -> DiffmpError:
    """The one sentence for what a library says of a store or file that it cannot open or read.

    Causes that are told apart: rights, too many files, a missing codec or filter, times that are no dates, a folder
    that is no store, torn metadata or chunks, another kind of file, a damaged one. What is left is the library's word.
    """
    chain = list(_chain(error))
    words = next((_first_line(one) for one in reversed(chain) if str(one).strip()), "no reason given")
    expected = f"expected readable data at {path}"
    if denied := forbidden(path, error):
        return denied
    for one in chain:
        if isinstance(one, OSError) and one.errno in (errno.EMFILE, errno.ENFILE):
            return DiffmpError(f"{expected}, found too many files open at once; raise the limit ('ulimit -n')")
        if "Codec" in type(one).__name__ or "undefined filter" in str(one):
            return DiffmpError(
                f"{expected}, found it packed by a codec or filter that is not installed ({_first_line(one)}); install "
                "it, or write the data with another one such as zlib or zstd"
            )
    if any("decode time" in str(one) for one in chain):
        told = next((_first_line(one) for one in reversed(chain) if "time" in str(one)), words)
        return DiffmpError(f"expected times that are dates at {path}, found others ({told}); correct unit and calendar")
    if path.is_dir():
        return _unreadable_folder(path, chain, words)
    return _unreadable_file(path, error, words)


def _unreadable_folder(path: Path, chain: list[BaseException], words: str) -> DiffmpError:
    if not any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata")):
        if next(path.rglob("*.nc"), None) is not None:
            return DiffmpError(
                f"expected readable files of one run in {path}, found others ({words}); fetch or make them again"
            )
        return DiffmpError(
            f"expected a zarr store at {path}, found a folder without its metadata (zarr.json); name the store itself, "
            "or copy it whole"
        )
    for metadata in sorted([*path.glob("zarr.json"), *path.glob("*/zarr.json"), *path.glob("*/.zarray")]):
        try:
            json.loads(metadata.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return DiffmpError(
                f"expected whole metadata in the zarr store {path}, found a torn {metadata.relative_to(path)}; copy it"
            )
    if any(isinstance(one, KeyError) and "dimension" in str(one) for one in chain):
        return DiffmpError(
            f"expected named dimensions of every array in the zarr store {path}, found none; write it with xarray"
        )
    torn = any(isinstance(one, OSError | RuntimeError | EOFError) for one in chain)
    what, advice = ("a torn chunk", "copy it again") if torn else ("others", "correct what is named")
    return DiffmpError(f"expected readable data in the zarr store {path}, found {what} ({words}); {advice}")


def _unreadable_file(path: Path, error: BaseException, words: str) -> DiffmpError:
    expected = f"expected a zarr folder or a netCDF file at {path}"
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError as refusal:
        return DiffmpError(f"{expected}, found {refusal.strerror or refusal}; check the path")
    if not start:
        return DiffmpError(f"{expected}, found an empty file; fetch or copy it again")
    what, advice = next(
        ((what, advice) for magic, what, advice in _KINDS if start.startswith(magic)), ("neither", "name another file")
    )
    if start.startswith((b"\x89HDF", b"CDF")) and not isinstance(error, OSError | RuntimeError | EOFError):
        what, advice = "netCDF that breaks the CF conventions", "correct what is named"
    return DiffmpError(f"{expected}, found {what} ({words}); {advice}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from; what it was raised beside (a look into a cache) says nothing."""
    while error is not None:
        yield error
        error = error.__cause__


def _first_line(error: BaseException) -> str:
    text = str((error.strerror if isinstance(error, OSError) else None) or error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:120] if lines else 'no reason given'}"
