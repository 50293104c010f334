"""What only the browser can do: the address in the bar, keys, full screen. ``assets/browser.js`` is the other half."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

COMMANDS = (
    "undo", "redo", "west", "east", "north", "south", "up", "down",
    "next", "previous", "first", "last", "notes", "controls", "leave",
)  # fmt: skip
"""What a key can ask for."""
KEYS_CLASS = "diffmp-keys"
"""Inside an element of this class arrow keys step to the next column, and page keys to the next level."""
PRESENT_CLASS = "diffmp-present"
"""A click in an element of this class fills the screen."""


class Browser(JSComponent):
    """Writes the address (no reload, no entry in the browser's history) and says which command a key asks for."""

    query = param.String(default="", doc="Query of the address")
    presenting = param.Boolean(default=False, doc="Full screen and large type")

    _esm = (Path(__file__).resolve().parents[1] / "assets" / "browser.js").read_text(encoding="utf-8")

    def __init__(self, obey: Callable[[str], None] = lambda command: None, **params: Any) -> None:
        """``obey`` gets one of ``COMMANDS``."""
        super().__init__(visible=False, width=0, height=0, margin=0, **params)
        self._obey = obey

    def _handle_msg(self, data: Any) -> None:
        """A message of the page; what is no command is dropped."""
        command = data.get("command") if isinstance(data, dict) else None
        if isinstance(command, str) and command in COMMANDS:
            self._obey(command)
