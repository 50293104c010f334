"""Under which names the server answers: over real HTTP, every kind of request, in this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import panel as pn
import pytest
from bokeh.server.server import Server
from diffmp_app.web.hosts import allows, hold_hosts, host_name
from diffmp_app.web.redirects import location_parts, preserve_query_on_redirect
from tornado.ioloop import IOLoop

PATHS = (
    "/diffmp",
    "/diffmp/",
    "/diffmp/main",
    "/diffmp/main/ws",
    "/diffmp/main/metadata",
    "/diffmp/main/autoload.js?bokeh-autoload-element=1",
    "/diffmp/static/js/bokeh.min.js",
    "/diffmp/static/extensions/panel/panel.min.js",
    "/favicon.ico",
    "/nowhere",
)
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: bokeh, token",
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with one small page, with a proxy's name and a prefix, in a thread."""
    hold_hosts()
    preserve_query_on_redirect()
    started, ports, loops = threading.Event(), [], []

    def run() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        loops.append(IOLoop.current())
        server = Server(
            {"/main": lambda document: pn.pane.HTML("a secret").server_doc(document)},
            port=0,
            address="127.0.0.1",
            prefix="/diffmp",
            use_xheaders=True,
            allow_websocket_origin=["dashboard.example.org", "*.lab.example.org:5006"],
        )
        server.start()
        ports.append(server.port)
        started.set()
        loops[0].start()
        server.stop()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(30)
    yield ports[0]
    loops[0].add_callback(loops[0].stop)
    thread.join(30)


def ask(port: int, path: str, *headers: str, version: str = "1.1") -> str:
    """Head and beginning of the answer to a request with exactly these headers."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join([f"GET {path} HTTP/{version}", *headers, "", ""]).encode())
        return connection.recv(65536).decode("latin-1")


def status(answer: str) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize("path", PATHS)
def test_no_request_under_another_name_is_answered(port: int, path: str):
    assert status(ask(port, path, "Host: localhost:5006")) in (200, 302, 400, 404)
    answer = ask(port, path, f"Host: evil.example:{port}")
    assert status(answer) == 403
    assert "secret" not in answer
    assert "--allow-websocket-origin" in answer


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Host:",),
        ("Host: ,",),
        ("Host: localhost, evil.example",),
        ("Host: localhost@evil.example",),
        ("Host: localhost/evil.example",),
        ("Host: localhost:5006", "Host: evil.example"),
        ("Host: evil.example", "Host: localhost:5006"),
        ("Host: localhost.evil.example",),
        ("Host: evil.localhost",),
        ("Host: [::2]:5006",),
        ("Host: 127.0.0.2",),
        ("Host: 0x7f000001",),
        ("Host: dashboard.example.org.evil.example",),
        ("Host: a.b.lab.example.org",),
        ("Host: evil.example", "X-Forwarded-Host: localhost"),
        ("Host: evil.example", "X-Forwarded-Host: dashboard.example.org", "X-Real-IP: 127.0.0.1"),
        ("Host: evil.example", "Forwarded: host=localhost"),
        ("Host: evil.example", "Sec-Fetch-Site: same-origin"),
    ],
)
def test_what_is_no_name_of_this_server_is_refused(port: int, headers: tuple[str, ...]):
    for version in ("1.1", "1.0"):
        assert status(ask(port, "/diffmp/main", *headers, version=version)) in (400, 403)
        assert status(ask(port, "/diffmp/main/ws", *headers, *UPGRADE, version=version)) in (400, 403)


def test_the_name_in_the_request_line_is_none(port: int):
    assert status(ask(port, f"http://evil.example:{port}/diffmp/main", "Host: localhost")) in (400, 404)
    assert status(ask(port, f"http://localhost:{port}/diffmp/main", "Host: evil.example")) in (400, 403)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:5006",
        "localhost.:5006",
        "127.0.0.1:8080",
        "[::1]:5006",
        "[0:0:0:0:0:0:0:1]",
        "dashboard.example.org",
        "Dashboard.Example.ORG:8443",
        "dashboard.example.org.",
        "one.lab.example.org",
    ],
)
def test_every_spelling_of_an_own_name_is_answered(port: int, host: str):
    for version in ("1.1", "1.0"):
        assert status(ask(port, "/diffmp/main", f"Host: {host}", version=version)) == 200


@pytest.mark.parametrize(
    ("host", "origin", "expected"),
    [
        ("evil.example:5006", "http://evil.example:5006", 403),
        ("localhost:5006", "http://evil.example:5006", 403),
        ("localhost:5006", "http://localhost:8888", 403),
        ("localhost:5006", "http://localhost:5006", 101),
        ("localhost:8080", "http://localhost:8080", 101),
        ("[::1]:5006", "http://[::1]:5006", 101),
        ("dashboard.example.org", "https://dashboard.example.org", 101),
        ("127.0.0.1:5006", "https://dashboard.example.org", 101),
        ("evil.example:5006", "https://dashboard.example.org", 403),
    ],
)
def test_a_websocket_needs_an_own_name_and_an_allowed_origin(port: int, host: str, origin: str, expected: int):
    proxy = ("X-Real-IP: 203.0.113.7", "X-Forwarded-Proto: https")
    for headers in ((), proxy):
        found = ask(port, "/diffmp/main/ws", f"Host: {host}", f"Origin: {origin}", *UPGRADE, *headers)
        assert status(found) == expected


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/diffmp", "./diffmp/main"),
        ("/diffmp/", "./main"),
        ("/diffmp?tab=Maps&level=3", "./diffmp/main?tab=Maps&level=3"),
        ("/diffmp/main/?tab=Maps", "../main?tab=Maps"),
    ],
)
def test_a_slash_more_or_less_leads_to_the_page(port: int, path: str, leads: str):
    answer = ask(port, path, "Host: localhost")
    assert status(answer) == 302
    assert f"\r\nLocation: {leads}\r\n" in answer


@pytest.mark.parametrize("host", ["localhost:5006", "[::1]:5006", "[::1]", "localhost"])
def test_an_address_is_taken_to_pieces_as_a_browser_does(host: str):
    name, _, port = host.rpartition(":") if host.endswith("5006") else (host, "", "")
    found = location_parts("http", host, "/diffmp/main?tab=Maps&own=a?b")
    assert (found["hostname"], found.get("port", "")) == (name, port)
    assert found["pathname"] == "/diffmp/main"
    assert found["search"] == "?tab=Maps&own=a?b"
    assert found["href"] == f"http://{host}/diffmp/main?tab=Maps&own=a?b"
    assert location_parts(None, None, None) == {}


def test_a_second_question_mark_is_part_of_the_query(port: int):
    assert status(ask(port, "/diffmp/main?tab=a?b", "Host: [::1]:5006")) == 200


def test_names_are_plain_before_they_are_compared():
    assert host_name(["LOCALHOST.:5006"]) == "localhost"
    assert host_name([]) == host_name(["a", "a"]) == host_name(["a b"]) == ""
    assert not allows("", ["*"])
    assert allows("anyone.example", ["*"])
    assert allows("[2001:db8::1]", ["[2001:db8:0:0::1]:5006"])
    assert not allows("[2001:db8::2]", ["[2001:db8::1]:5006"])
