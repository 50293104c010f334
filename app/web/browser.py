"""What only the browser can do: address, keys, full screen, what outlives a reload. ``assets/browser.js`` does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param
from panel.custom import JSComponent

from diffmp_core.shipped import ASSETS

COMMANDS = (
    "undo", "redo", "west", "east", "north", "south", "up", "down",
    "next", "previous", "first", "last", "notes", "controls", "leave", "explain",
)  # fmt: skip
"""What a key can ask for."""
KEYS_CLASS = "diffmp-keys"
"""Inside an element of this class arrow keys step to the next column, and page keys to the next level."""
PRESENT_CLASS = "diffmp-present"
"""A click in an element of this class fills the screen."""


class Browser(JSComponent):
    """Writes the address (no reload, no entry in the browser's history) and says which command a key asks for.

    It keeps the talk for the life of its tab, says when the connection is lost, and comes back when the server does.
    """

    query = param.String(default="", doc="Query of the address")
    presenting = param.Boolean(default=False, doc="Full screen and large type")
    talk = param.String(default="", doc="The scenes as a scenario file; empty without scenes")
    drawers = param.Integer(default=0, doc="Counts the drawers opened: each needs a name for screen readers")
    place = param.Integer(default=0, doc="Index of the scene shown last")

    _esm = (ASSETS / "browser.js").read_text(encoding="utf-8")

    def __init__(
        self,
        obey: Callable[[str], None] = lambda command: None,
        restore: Callable[[str, int, bool], None] = lambda talk, place, presenting: None,
        **params: Any,
    ) -> None:
        """``obey`` gets one of ``COMMANDS``; ``restore`` the ``talk``, ``place``, ``presenting`` kept."""
        super().__init__(visible=False, width=0, height=0, margin=0, **params)
        self._obey, self._restore = obey, restore

    def _handle_msg(self, data: Any) -> None:
        """A message of the page; what is neither a command nor a talk is dropped."""
        match data:
            case {"command": str(command)} if command in COMMANDS:
                self._obey(command)
            case {"restore": {"talk": str(talk), "place": int(place), "presenting": bool(presenting)}} if not self.talk:
                self._restore(talk, place, presenting)
