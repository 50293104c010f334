"""A session of the dashboard: this process made ready to serve, and the page that a reader's address asks for."""

from __future__ import annotations

from collections.abc import Sequence

import panel as pn

from diffmp_core.errors import DiffmpError

from .data.catalog import open_catalog, served_folders
from .page import DashboardPage, failure_page
from .web.ahead import load_ahead
from .web.hosts import hold_hosts
from .web.promptness import drop_import_map, shorten_debounce, tag_models_once
from .web.redirects import preserve_query_on_redirect


def open_session(experiments: Sequence[str]) -> None:
    """Show the page of these experiment folders, and of those that come with the code, to whoever has just asked."""
    hold_hosts()
    pn.extension()
    shorten_debounce()
    drop_import_map()
    tag_models_once()
    preserve_query_on_redirect()
    try:
        catalog = open_catalog(tuple(served_folders(experiments)))
        dashboard = DashboardPage(catalog, pn.state.location.search)
        pn.config.exception_handler = dashboard.notices.reporter()
        page = dashboard.panel()
        load_ahead(catalog)
    except DiffmpError as error:
        page = failure_page(str(error))
    page.servable()
