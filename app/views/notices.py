"""What the page has to say to its reader: in one closable box at its top, or beside a figure that cannot be drawn."""

from __future__ import annotations

import html
import logging
import weakref
from collections.abc import Callable, Sequence

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

MOST_SENTENCES = 8
"""Sentences in one notice."""

log = logging.getLogger(__name__)


class Notices(pn.Column):
    """The place at the top of the page; the latest notice takes that of the one before."""

    def __init__(self) -> None:
        super().__init__(sizing_mode="stretch_width", margin=0)

    def tell(self, sentences: Sequence[str]) -> None:
        """Say all of this in one notice; nothing if there is nothing to say."""
        if sentences:
            self[:] = [notice(sentences)]

    def report(self, error: BaseException) -> None:
        """Tell the reader that something failed in this session, and the log what; the session goes on."""
        log.error("a callback of the dashboard failed", exc_info=error)
        self.tell(
            [
                f"Something went wrong ({type(error).__name__}); the server's log says what. "
                "Reload the page to start afresh."
            ]
        )

    def reporter(self) -> Callable[[BaseException], None]:
        """:meth:`report` for Panel's configuration, which would keep the whole session alive for what it refers to."""
        report = weakref.WeakMethod(self.report)

        def tell(error: BaseException) -> None:
            if found := report():
                found(error)

        return tell


def hidden_notice(content: str | Viewable = "", severity: str = "info") -> pmui.Alert:
    """A box beside a figure, hidden until there is something to say."""
    return pmui.Alert(content, severity=severity, visible=False, sizing_mode="stretch_width")


def say(box: pmui.Alert, text: str) -> None:
    """Say something in a box beside a figure, or hide it where there is nothing to say."""
    box.param.update(object=text, visible=bool(text))


def notice(sentences: Sequence[str]) -> pmui.Alert:
    """A closable box; the text may come from an address or a file, so it is neither HTML nor Markdown."""
    more = len(sentences) - MOST_SENTENCES
    lines = [*sentences[:MOST_SENTENCES], *([f"… and {more} more."] if more > 0 else [])]
    return pmui.Alert(
        pn.pane.HTML("<br>".join(map(html.escape, lines)), margin=0),
        severity="warning",
        closeable=True,
        sizing_mode="stretch_width",
        margin=(5, 0),
    )
