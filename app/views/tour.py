"""The tour: five steps over the page for a first visit, to be skipped at any time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param
from panel.custom import JSComponent

from diffmp_core.shipped import ASSETS

from ..state.choices import TABS

TOUR: tuple[dict[str, str], ...] = (
    {
        "tab": "Overview",
        "title": "What is shown",
        "text": "Choose an experiment and an emulator in the header. The table holds every score of every emulator; "
        "★ is the best.",
    },
    {
        "tab": "Maps",
        "title": "Where it is right",
        "text": "One score over the globe, by level and time. Click the map to select a column: every tab then shows "
        "it. Region and regime, above the tabs, select many columns.",
    },
    {
        "tab": "Profiles",
        "title": "What it answers",
        "text": "The emulator draws an ensemble for the selected column, live, beside the truth.",
    },
    {
        "tab": "Sensitivity",
        "title": "What if",
        "text": "Move a slider: the inputs change, and the emulator answers while you drag.",
    },
    {
        "tab": "Overview",
        "title": "Show it to others",
        "text": "The address holds all that is chosen: copy it. Export, below a figure, gives pictures and data; "
        "Scenes and files, and Present, make a talk. Explain says what each control and score means.",
    },
)


class Tour(JSComponent):
    """A small window at the lower left that walks through the tabs; the browser remembers that it was seen."""

    steps = param.List(default=list(TOUR), doc="tab, title and text of each step")
    runs = param.Integer(default=0, doc="Counts the requests to start")

    _esm = (ASSETS / "tour.js").read_text(encoding="utf-8")

    def __init__(self, show: Callable[[str], None], welcome: Callable[[bool], None], **params: Any) -> None:
        """``show`` shows a tab by name; ``welcome`` hears whether this is a first visit."""
        super().__init__(visible=False, width=0, height=0, margin=0, **params)
        self._show, self._welcome = show, welcome

    def start(self) -> None:
        """Begin at the first step."""
        self.runs += 1

    def _handle_msg(self, data: Any) -> None:
        """A message of the page; what is none of ours is dropped."""
        match data:
            case {"tab": str(tab)} if tab in TABS:
                self._show(tab)
            case {"first": bool(first)}:
                self._welcome(first)
