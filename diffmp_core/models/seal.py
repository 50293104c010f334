"""The seal of an emulator folder: what its files were when it was written, so that a changed one says so.

``config.yaml`` has it under ``seal``: the format of the folder, the version that wrote it, and the SHA-256 of weights,
normalisation and training domain. It guards against mixed-up and damaged copies, not against someone who writes a new
seal. ``config.yaml`` itself is not sealed: its text is for people, too. Folders written before there were seals open.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffmp_core import __version__
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import SEAL as KEY
from diffmp_core.storage.files import unreadable
from diffmp_core.stores import sha256_of

FORMAT = 1
"""Format of the folder; goes up when an older version would read a newer folder wrongly."""


def make_seal(folder: Path, written: Mapping[str, Path]) -> dict[str, Any]:
    """Seal for a folder's ``config.yaml``: of the files that it has, and of those ``written`` that it is to have."""
    files = {path.name: path for path in folder.iterdir() if path.name[0] != "."} | dict(written)
    sealed = sorted(name for name in files if Path(name).suffix in (".safetensors", ".json"))
    return {"format": FORMAT, "written_by": __version__, "sha256": {name: sha256_of(files[name]) for name in sealed}}


def check_format(config: Mapping[str, Any], folder: Path) -> None:
    """Refuse a folder of another format.

    Raises:
        DiffmpError: it is of another format.
    """
    seal = config.get(KEY) or {}
    found = seal.get("format", FORMAT)
    if found != FORMAT:
        raise DiffmpError(
            f"expected an emulator folder of format {FORMAT}, as diffmp {__version__} reads, found format {found!r}, "
            f"written by diffmp {seal.get('written_by', 'of unknown version')}, in {folder}; install that version or "
            "train again"
        )


def check_seal(config: Mapping[str, Any], folder: Path) -> None:
    """Hold the files of a folder against its seal, if it has one.

    Raises:
        DiffmpError: a file that is missing or not the one that was written.
    """
    for name, expected in ((config.get(KEY) or {}).get("sha256") or {}).items():
        path = folder / Path(name).name
        try:
            found = sha256_of(path)
        except OSError as error:
            otherwise = (
                f"expected {path.name}, written with this emulator, found none in {folder}; copy the whole folder again"
            )
            raise unreadable(path, error, otherwise) from error
        if found != expected:
            raise DiffmpError(
                f"expected {path.name} as it was written with this emulator (SHA-256 {str(expected)[:12]}), found "
                f"{found[:12]} in {folder}: it was changed or belongs to another emulator; copy the whole folder again"
            )
