"""Entry of the dashboard: ``panel serve app/main.py [--args EXPERIMENT ...]``; ``diffmp serve`` calls the same."""

from __future__ import annotations

import sys

import panel as pn

from app.ahead import load_ahead
from app.catalog import open_catalog, served_folders
from app.hosts import hold_hosts
from app.page import DashboardPage, failure_page
from app.promptness import act_promptly, mark_once, send_little
from app.root import keep_query
from diffmp_core.errors import DiffmpError

hold_hosts()
pn.extension()
act_promptly()
send_little()
mark_once()
keep_query()

try:
    catalog = open_catalog(tuple(served_folders(sys.argv[1:])))
    dashboard = DashboardPage(catalog, pn.state.location.search)
    pn.config.exception_handler = dashboard.notices.reporter()
    page = dashboard.panel()
    load_ahead(catalog)
except DiffmpError as error:
    page = failure_page(str(error))
page.servable()
