"""YAML and JSON that people write and send: read whole from a regular file, and plain enough for what reads on.

A document may be small and yet without end: a name that is a pipe waits for ever, a thousand brackets end Python's
stack, ten lines of aliases stand for a billion values. All of that is refused here, once, with a reason.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from diffmp_core.storage.files import unreadable

if TYPE_CHECKING:
    from pydantic import BaseModel

LARGEST = 16_000_000
"""Bytes of a document that are read; the largest that DIFF-MP writes has some 30,000."""
MOST_VALUES = 1_000_000
"""Values in a document, those behind an alias counted each time."""
DEEPEST = 60
"""Brackets within brackets; DIFF-MP writes five."""

_FOREIGN = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What PyYAML and json raise for text that is none: tags of YAML are converted without a check of their own."""


class UnreadableError(Exception):
    """A document that cannot be read; its text goes after "found": ``nothing``, ``no YAML (line 3)``."""


def read_document(path: Path) -> str:
    """Text of a regular file, UTF-8, at most :data:`LARGEST` bytes.

    Raises:
        UnreadableError: nothing there, something that is no file, too much, or other bytes.
        DiffmpError: its mode forbids it.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError("no regular file")
            content = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnreadableError("nothing") from error
    except IsADirectoryError as error:
        raise UnreadableError("a folder") from error
    except PermissionError as error:
        raise unreadable(path, error, "") from error
    except (OSError, ValueError) as error:  # a name may hold what no name can
        raise UnreadableError(f"none that can be read ({getattr(error, 'strerror', None) or error})") from error
    if len(content) > LARGEST:
        raise UnreadableError(f"more than {LARGEST:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"something unreadable: no UTF-8 (byte {error.start})") from error


def read_yaml(path: Path) -> Any:
    """Value of a YAML file.

    Raises:
        UnreadableError: see :func:`read_document`; no YAML, or not plain (:func:`check_plain`).
    """
    text = read_document(path)
    try:
        value = yaml.safe_load(text)
    except _FOREIGN as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise UnreadableError(f"something unreadable: no YAML{line}{_depth(error)}") from error
    check_plain(value)
    return value


def read_json(path: Path) -> Any:
    """Value of a JSON file.

    Raises:
        UnreadableError: see :func:`read_document` and :func:`parse_json`.
    """
    return parse_json(read_document(path))


def parse_json(text: str) -> Any:
    """Value of JSON text.

    Raises:
        UnreadableError: no JSON, or not plain (:func:`check_plain`).
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"{error.msg!r} at line {error.lineno}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"something unreadable: no JSON{_depth(error)}") from error
    check_plain(value)
    return value


def check_shape(value: Any, model: type[BaseModel]) -> None:
    """Hold a value against what its readers count on.

    Raises:
        UnreadableError: where and how it is otherwise first.
    """
    from pydantic import ValidationError  # 0.1 s, which the help of a command need not wait for

    try:
        model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top"
        raise UnreadableError(f"something else at {place} ({first['msg']})") from error


def check_plain(value: Any) -> None:
    """Hold a value of mappings and lists against :data:`DEEPEST` and :data:`MOST_VALUES`.

    Raises:
        UnreadableError: it is deeper or has more, or texts in it are no Unicode.
    """
    levels: list[Iterator[Any]] = [iter((value,))]
    for _ in range(MOST_VALUES):
        try:
            found = next(levels[-1])
        except StopIteration:
            levels.pop()
            if not levels:
                return
            continue
        if isinstance(found, Mapping):
            levels.append(iter([*found.keys(), *found.values()]))
        elif isinstance(found, list | tuple | set):
            levels.append(iter(found))
        elif isinstance(found, str) and not found.isprintable() and (problem := _what_is_wrong(found)):
            raise UnreadableError(problem)
        if len(levels) > DEEPEST:
            raise UnreadableError(f"brackets more than {DEEPEST} deep")
    raise UnreadableError(f"more than {MOST_VALUES:,} values")


def _what_is_wrong(text: str) -> str:
    if "\0" in text:
        return "a zero byte in a text"
    return "half a character in a text" if any("\ud800" <= letter <= "\udfff" for letter in text) else ""


def _depth(error: Exception) -> str:
    return ", too deep" if isinstance(error, RecursionError) else ""


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
