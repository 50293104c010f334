"""The server's own address, without the page's name, leads to the page with all that the address asks for."""

from __future__ import annotations

from typing import Any

from panel.io.server import RootHandler
from tornado.web import RequestHandler


def keep_query() -> None:
    """Have this process keep the query where it sends a browser on to the page; Panel drops it."""
    RootHandler.redirect = _redirect


def _redirect(handler: RequestHandler, url: str, *args: Any, **options: Any) -> None:
    query = handler.request.query
    asked = f"{url}?{query}" if query and "?" not in url else url  # the way to the login has a query of its own
    RequestHandler.redirect(handler, asked, *args, **options)
