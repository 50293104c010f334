"""Panel's delay before it acts on a widget, which has no public option: this fails when Panel no longer heeds ours."""

from __future__ import annotations

from types import SimpleNamespace

import panel as pn
from bokeh.document import Document
from panel.reactive import Syncable

from app.promptness import PROMPT_MS, act_promptly


def test_panel_waits_as_long_as_it_is_told(monkeypatch):
    monkeypatch.setattr(Syncable, "_debounce", Syncable._debounce)  # put back afterwards
    monkeypatch.setattr(Document, "session_context", SimpleNamespace(request=SimpleNamespace(arguments={})))
    waits: list[float] = []
    monkeypatch.setattr(Document, "add_timeout_callback", lambda _, callback, wait: waits.append(wait))
    act_promptly()
    pn.widgets.IntSlider(start=0, end=9).get_root(Document()).value = 3
    assert waits == [PROMPT_MS]
