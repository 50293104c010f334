"""Registries: what there is of scores, kinds of emulator, sliders, sources and studies, each by its name.

Everything that is said of an entry is said in the entry; tables, options and controls follow from the registry. One
more is registered by a module of this package or by a plugin (:mod:`diffmp_core.plugins`, docs/extending.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from diffmp_core.errors import DiffmpError


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """By which it is chosen, in commands, files and addresses."""
        ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Mapping[str, Entry]):
    """Entries by name, in the order in which they were registered."""

    def __init__(self, what: str, entries: Iterable[Entry] = ()) -> None:
        """``what`` says what an entry is, for messages: "score"."""
        self.what = what
        self._entries: dict[str, Entry] = {}
        self._closed_by = ""
        for entry in entries:
            self.register(entry)

    def register(self, entry: Entry) -> Entry:
        """Add an entry, the last in order; returns it.

        Raises:
            DiffmpError: a name that is taken or is no Python identifier, or a registry that is closed.
        """
        if not entry.name.isidentifier():
            raise DiffmpError(
                f"expected a name of letters, digits and underscores for a {self.what}, found {entry.name!r}; rename it"
            )
        if entry.name in self._entries:
            raise DiffmpError(f"expected a new name for a {self.what}, found {entry.name!r}, which is taken; rename it")
        if self._closed_by:
            raise DiffmpError(
                f"expected the {self.what} {entry.name!r} to be registered before {self._closed_by} is imported, found "
                "it imported; register it in a plugin, or earlier"
            )
        self._entries[entry.name] = entry
        return entry

    def close(self, reader: str) -> None:
        """Take no more entries, because a module has made its classes from those there are."""
        self._closed_by = reader

    def find(self, name: object) -> Entry:
        """The entry of a name.

        Raises:
            DiffmpError: there is none.
        """
        if not isinstance(name, str) or name not in self._entries:
            raise DiffmpError(f"expected a {self.what} among {', '.join(self)}, found {name!r}; choose one")
        return self._entries[name]

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
