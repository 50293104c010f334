"""Two sessions at once: no Bokeh model is shared between them, and neither moves the other."""

from __future__ import annotations

from bokeh.document import Document

from app.page import DashboardPage


def test_sessions_share_arrays_and_nothing_else(catalog):
    pages = [DashboardPage(catalog, "?tab=Maps") for _ in range(2)]
    documents = [page.panel().server_doc(Document()) for page in pages]
    models = [{model.id for model in document.models} for document in documents]
    assert models[0]
    assert not models[0] & models[1]
    pages[0].state.level = 3
    assert pages[1].state.level != 3
