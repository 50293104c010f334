"""Names under which this server answers: every request is checked against them, whatever it asks for.

The address bar tells a browser whom to ask, the network where that is. A page at ``evil.example`` that lets its name
lead to 127.0.0.1 (DNS rebinding) therefore asks this server as if it were its own, and Tornado, which lets a websocket
pass whose origin is the ``Host`` of its request, finds the two alike. What such a page cannot choose is the name.

Ports are left to the check of the origin: a tunnel (``ssh -L 8080:localhost:5006``) has another one than the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bokeh.server.tornado import BokehTornado
from bokeh.server.util import match_host
from bokeh.settings import settings
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from diffmp_core.cli.address import HOST, plain_name

OWN = ("localhost", "127.0.0.1", "[::1]")
"""Names of this machine that no other can be made to look like; health checks and proxies on it use them."""


def hold_hosts() -> None:
    """Have this process answer only requests for its own names and those of ``--allow-websocket-origin``."""
    BokehTornado.find_handler = _find_handler


def host_name(given: Iterable[str]) -> str:
    """Plain name in the ``Host`` headers of a request, without its port.

    '' where there is none, more than one, or something that is no host.
    """
    first, *more = [*given] or [""]
    found = HOST.fullmatch(first)
    return plain_name(found["name"]) if found and not more else ""


def allows(name: str, origins: Iterable[str]) -> bool:
    """Whether a plain name is one of this machine's own or of the origins, ``HOST[:PORT]`` with ``*`` for any part."""
    if not name:
        return False
    patterns = (plain_name(re.sub(r":([0-9]+|\*)$", "", origin)) for origin in origins)
    return name in OWN or any(match_host(name, pattern) for pattern in patterns)


class Refusal(RequestHandler):
    """The answer to a request for another name, of whatever kind it is."""

    def prepare(self) -> None:
        """Say so, and nothing else."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(
            "This dashboard does not answer under that name. Whoever serves it can allow a name with "
            "'diffmp serve --allow-websocket-origin HOST:PORT'.\n"
        )


_find_any = BokehTornado.find_handler


def _find_handler(application: BokehTornado, request: HTTPServerRequest, **options: Any) -> Any:
    origins = settings.allowed_ws_origin() or application.websocket_origins
    if not allows(host_name(request.headers.get_list("Host")), origins):
        return application.get_handler_delegate(request, Refusal)
    return _find_any(application, request, **options)
