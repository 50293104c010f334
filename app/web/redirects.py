"""The server's own address, without the page's name, leads to the page with all that the address asks for.

With a prefix that is ``/diffmp`` as well as ``/diffmp/``; the page is ``main``, and ``main/`` leads there too: what is
relative, ``./main`` and the page's scripts, a browser reads from the last slash. Panel takes an address to pieces at
colons and question marks, of which an IPv6 host and a query may have more than one.
"""

from __future__ import annotations

from typing import Any

from panel.io import location
from panel.io.server import DocHandler, RootHandler
from tornado.web import RequestHandler

from diffmp_core.cli.address import HOST


def preserve_query_on_redirect() -> None:
    """Have this process keep host, path and query of an address; Panel drops some, or fails at them."""
    RootHandler.redirect = _redirect
    DocHandler.get = _get
    location._get_location_params = location_parts


def location_parts(protocol: str | None, host: str | None, uri: str | None) -> dict[str, str]:
    """Parts of the address of a request as ``window.location`` has them."""
    rest, sharp, fragment = (uri or "").partition("#")
    path, mark, query = rest.partition("?")
    found = HOST.fullmatch(host or "")
    parts = {
        "protocol": f"{protocol}:" if protocol else "",
        "hostname": found["name"] if found else "",
        "port": (found["port"] or "") if found else "",
        "pathname": path if path.startswith("/") else "",
        "search": mark + query,
        "hash": sharp + fragment,
    }
    parts["href"] = f"{parts['protocol']}{f'//{host}' if host else ''}{uri or ''}"
    return {name: value for name, value in parts.items() if value}


def _redirect(handler: RequestHandler, url: str, *args: Any, **options: Any) -> None:
    query, last = handler.request.query, handler.request.path.rpartition("/")[2]
    if last and url.startswith("./"):
        url = f"./{last}/{url.removeprefix('./')}"
    asked = f"{url}?{query}" if query and "?" not in url else url  # the way to the login has a query of its own
    RequestHandler.redirect(handler, asked, *args, **options)


_get_page = DocHandler.get


async def _get(handler: RequestHandler, *args: Any, **options: Any) -> None:
    *_, name, behind = ("", *handler.request.path.split("/"))
    if name and not behind:
        _redirect(handler, f"../{name}")
    else:
        await _get_page(handler, *args, **options)
