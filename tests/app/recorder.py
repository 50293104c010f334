"""A tab in place of the real ones."""

from __future__ import annotations

from diffmp_core.errors import DiffmpError


class Recorder:
    """A tab that records what the page asks of it; ``fails`` says that it cannot be built."""

    depends = ("level", "variable")

    def __init__(self, fails: bool = False) -> None:
        self.built, self.fails, self.refreshed = 0, fails, []

    def panel(self):
        if self.fails:
            raise DiffmpError("expected <weights>, found none")
        self.built += 1
        return "content"

    def refresh(self, changed):
        self.refreshed.append(changed)
