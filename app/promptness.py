"""How soon Panel acts on what a widget sends, and how much it sends: the one place that reaches into Panel for it."""

from __future__ import annotations

from panel.reactive import Syncable
from panel_material_ui.base import MaterialComponent

PROMPT_MS = 10
"""Panel waits so long for more changes of a widget before it acts; its own 50 ms are half of what a picture may take.

Not nothing, so that the moves of a drag that came while the server was busy are answered once.
"""
IMPORTS = {"imports": {"@mui/material": "/"}}
"""What a component of panel-material-ui says that it imports: that it is one of Material UI's. Its code comes in one
bundle, and the whole list, 2 kB for each of a hundred components of a page, is for code that does not."""


def act_promptly() -> None:
    """Have every session of this process wait ``PROMPT_MS``."""
    Syncable._debounce = PROMPT_MS


def send_little() -> None:
    """Have every component of this process send ``IMPORTS``."""
    MaterialComponent._process_importmap = classmethod(lambda cls: IMPORTS)
