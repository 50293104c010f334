"""Sessions: no Bokeh model is shared between two, neither moves the other, and one that ends leaves nothing."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator
from types import SimpleNamespace

import panel as pn
import pytest
from bokeh.document import Document
from diffmp_app.data.catalog import Catalog
from diffmp_app.page import DashboardPage
from diffmp_app.state.choices import TABS
from panel.io.state import set_curdoc


def test_sessions_share_arrays_and_nothing_else(catalog):
    pages = [DashboardPage(catalog, "?tab=Maps") for _ in range(2)]
    documents = [page.panel().server_doc(Document()) for page in pages]
    models = [{model.id for model in document.models} for document in documents]
    assert models[0]
    assert not models[0] & models[1]
    pages[0].state.level = 3
    assert pages[1].state.level != 3


def visit(catalog: Catalog, tab: str) -> weakref.ref:
    """Open the page as its entry does, look at a tab, end the session; what is left of the page."""
    document = Document()
    with set_curdoc(document):
        page = DashboardPage(catalog)
        pn.config.exception_handler = page.notices.reporter()
        page.panel().server_doc(document)
        page.state.tab = tab
        page.state.level = 3
    for callback in document.session_destroyed_callbacks:
        callback(SimpleNamespace(_document=document, id="a session"))
    document.clear()
    return weakref.ref(page)


@pytest.fixture
def unlogged() -> Iterator[None]:
    """No log: pytest would keep records, and what they speak of, until the end of the test."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("unlogged")
@pytest.mark.parametrize("tab", TABS)
def test_a_session_that_ends_leaves_nothing(catalog, tab):
    """A table of Panel's that keeps one object of a session keeps all of it, five megabytes each."""
    left = visit(catalog, tab)
    for _ in range(3):  # what has a finaliser goes one round later
        gc.collect()
    assert left() is None
