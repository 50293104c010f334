"""Where the dashboard listens, under which names it answers, and what to type to open it."""

from __future__ import annotations

import errno
import re
from ipaddress import IPv6Address, ip_address

from diffmp_core.errors import DiffmpError

HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*)\.?(:(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
"""The header ``Host`` of a request."""
_ORIGIN = re.compile(
    r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9*_-]+(\.[a-z0-9*_-]+)*)(:(?P<port>[0-9]{1,5}|\*))?", re.IGNORECASE
)
_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")


def plain_name(name: str) -> str:
    """A name in small letters; an IPv6 address, with or without brackets, in brackets and as short as can be."""
    try:
        return f"[{IPv6Address(name.strip('[]'))}]"
    except ValueError:
        return name.lower().removesuffix(".")


def check_free(address: str, port: int) -> None:
    """See that the server will be able to listen there, by doing it as the server does.

    Raises:
        DiffmpError: an unknown name, an address of another machine, a port in use or one that is not ours to take.
    """
    from tornado.netutil import bind_sockets

    try:
        sockets = bind_sockets(port, address or "nowhere")  # '' would be everywhere
    except (OSError, UnicodeError) as error:
        number, reason = getattr(error, "errno", None), getattr(error, "strerror", None) or error
        if number == errno.EADDRINUSE:
            raise DiffmpError(
                f"expected port {port} on {address} to be free, found it in use; choose another with --port"
            ) from error
        if number in (errno.EACCES, errno.EPERM):
            raise DiffmpError(
                f"expected a port that you may listen on, found {port} ({reason}); choose one above 1023 with --port"
            ) from error
        raise DiffmpError(
            f"expected an address of this machine for --address, found {address!r} ({reason}); "
            "write 127.0.0.1, ::1 or 0.0.0.0"
        ) from error
    for each in sockets:
        each.close()


def open_at(address: str) -> str:
    """The host by which this machine reaches a server that listens at an address: its loopback where that is any."""
    try:
        listening = ip_address(address)
    except ValueError:
        return address
    if listening.is_unspecified:
        return "127.0.0.1" if listening.version == 4 else "::1"
    return str(listening)


def check_prefix(prefix: str) -> str:
    """The path at which a proxy offers the page, with a slash before each part and none behind; '' for none.

    Raises:
        DiffmpError: it has characters that do not stand for themselves in an address.
    """
    parts = [part for part in prefix.split("/") if part]
    if not all(_SEGMENT.fullmatch(part) for part in parts):
        raise DiffmpError(
            f"expected a path of letters, digits and - _ ~ . for --prefix, found {prefix!r}; write for example /diffmp"
        )
    return "".join(f"/{part}" for part in parts)


def check_origin(origin: str) -> str:
    """A name under which the page may be opened, ``HOST:PORT``; port 80 where none is said, as a browser says it.

    Raises:
        DiffmpError: a whole address, or no name.
    """
    found = _ORIGIN.fullmatch(origin)
    if found is None or ((found["port"] or "*") != "*" and not 0 < int(found["port"]) < 65536):
        raise DiffmpError(
            f"expected HOST or HOST:PORT for --allow-websocket-origin, found {origin!r}; "
            "write for example dashboard.example.org"
        )
    name = plain_name(found["name"])
    if found["port"] is None:
        return name if name == "*" or name.startswith("[") else f"{name}:80"
    return f"{name}:{found['port']}"
