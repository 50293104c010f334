"""How soon Panel acts on what a widget sends: the one place that reaches into Panel, which has no option for it."""

from __future__ import annotations

from panel.reactive import Syncable

PROMPT_MS = 10
"""Panel waits so long for more changes of a widget before it acts; its own 50 ms are half of what a picture may take.

Not nothing, so that the moves of a drag that came while the server was busy are answered once.
"""


def act_promptly() -> None:
    """Have every session of this process wait ``PROMPT_MS``."""
    Syncable._debounce = PROMPT_MS
