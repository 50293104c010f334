"""Undo and redo: the states that were shown, in order."""

from __future__ import annotations

from .choices import Choices

LONGEST = 200
"""States remembered."""


class History:
    """States before and after the present one. The page records a state when nothing has moved for a while, so that
    a drag of a slider is one step."""

    def __init__(self, present: Choices) -> None:
        self.present = present
        self._past: list[Choices] = []
        self._future: list[Choices] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier state."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether a state was taken back."""
        return bool(self._future)

    def record(self, choices: Choices) -> None:
        """The state has become this one; what was taken back before is forgotten."""
        if choices == self.present:
            return
        self._past = [*self._past, self.present][-LONGEST:]
        self._future = []
        self.present = choices

    def undo(self) -> Choices:
        """The state before, or the present one where there is none."""
        if self._past:
            self._future.append(self.present)
            self.present = self._past.pop()
        return self.present

    def redo(self) -> Choices:
        """The state that was taken back last, or the present one where there is none."""
        if self._future:
            self._past.append(self.present)
            self.present = self._future.pop()
        return self.present
