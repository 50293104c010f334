"""Plugins: modules from outside that register scores, kinds of emulator, sliders, sources or studies.

A plugin is code, run with the rights of whoever starts the command, and is named by that user: as a file in
``DIFFMP_PLUGINS``, or as an installed package with an entry point of the group ``diffmp.plugins``. Data never name one.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import entry_points
from importlib.util import module_from_spec
from pathlib import Path
from traceback import extract_tb

from diffmp_core.errors import DiffmpError

VARIABLE = "DIFFMP_PLUGINS"
"""Environment variable with paths of plugin files, separated as in ``PATH``; processes started from here inherit it."""
GROUP = "diffmp.plugins"
"""Group of entry points, each a module."""
MODULE = "diffmp_plugin_"
"""Before the name of a file: the module that it becomes."""

_loaded: set[str] = set()


def load_plugins() -> None:
    """Import every plugin that is installed or named in the environment, each once a process.

    Raises:
        DiffmpError: one that is not there or fails to import.
    """
    for point in entry_points(group=GROUP):
        if point.value not in _loaded:
            try:
                point.load()
            except Exception as error:
                where = f"{point.value}, entry point {point.name!r}"
                raise _refusal(error, where, "correct or uninstall it") from error
            _loaded.add(point.value)
    for text in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(text).resolve()
        if str(path) not in _loaded:
            _import_file(path)
            _loaded.add(str(path))


def name_plugins(files: list[Path]) -> None:
    """Name plugin files, before those in the environment; this process and those that it starts load them."""
    named = [str(file.resolve()) for file in files]
    os.environ[VARIABLE] = os.pathsep.join([*named, *filter(None, [os.environ.get(VARIABLE, "")])])


def _import_file(path: Path) -> None:
    if not path.is_file() or path.suffix != ".py":
        raise DiffmpError(f"expected a plugin, a Python file, at {path}, found none; correct {VARIABLE}")
    name = MODULE + path.stem
    if name in sys.modules:
        raise DiffmpError(
            f"expected plugins with different names, found {path.name} in {sys.modules[name].__file__} and {path}; "
            "rename one"
        )
    loader = SourceFileLoader(name, str(path))
    specification = ModuleSpec(name, loader, origin=str(path))
    specification.has_location = True
    module = sys.modules[name] = module_from_spec(specification)
    try:
        loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        raise _refusal(error, f"{path}, line {line}", f"correct it, or take it out of {VARIABLE}") from error


def _refusal(error: Exception, where: str, remedy: str) -> DiffmpError:
    """What is wrong with a plugin: its own sentence where it has one, as of a name that is taken."""
    if isinstance(error, DiffmpError):
        return DiffmpError(f"{error} ({where})")
    return DiffmpError(
        f"expected a plugin that can be imported, found {type(error).__name__}: {error} ({where}); {remedy}"
    )
