"""Where the dashboard listens and what is printed of it: the address that works, or one sentence."""

from __future__ import annotations

import socket
import sys

import pytest

import diffmp_core.cli.dashboard as dashboard
from diffmp_core.cli import run
from diffmp_core.cli.address import check_free, check_origin, check_prefix, open_at, plain_name
from diffmp_core.errors import DiffmpError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("address", ["nowhere.invalid", "a..b", "", "::g", "256.1.1.1", "x" * 300, "8.8.8.8"])
def test_an_address_that_is_not_this_machines_is_one_sentence(address: str):
    with pytest.raises(DiffmpError, match="expected an address of this machine for --address"):
        check_free(address, free_port())


def test_a_port_in_use_is_said_and_a_free_one_stays_free():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(DiffmpError, match="in use; choose another with --port"):
            check_free("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(DiffmpError, match="in use"):
            check_free("0.0.0.0", taken.getsockname()[1])
    port = free_port()
    check_free("localhost", port)
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize(
    ("address", "host", "url"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1", "127.0.0.1"),
        ("::", "::1", "[::1]"),
        ("0:0:0:0:0:0:0:1", "::1", "[::1]"),
        ("localhost", "localhost", "localhost"),
    ],
)
def test_what_is_printed_can_be_typed(address: str, host: str, url: str):
    assert open_at(address) == host
    assert plain_name(host) == url


@pytest.mark.parametrize(("prefix", "path"), [("", ""), ("/", ""), ("diffmp", "/diffmp"), ("//a/b-c.d/", "/a/b-c.d")])
def test_a_prefix_has_a_slash_before_each_part(prefix: str, path: str):
    assert check_prefix(prefix) == path


@pytest.mark.parametrize("prefix", ["a b", "..", "/a/../b", "a?b", "a#b", "(", "a*", "ä", "%20", "http://x", "\udcff"])
def test_a_prefix_that_does_not_stand_for_itself_is_refused(prefix: str):
    with pytest.raises(DiffmpError, match="for --prefix"):
        check_prefix(prefix)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("dashboard.example.org", "dashboard.example.org:80"),
        ("Dashboard.Example.org:8443", "dashboard.example.org:8443"),
        ("192.168.*.*:5006", "192.168.*.*:5006"),
        ("[2001:DB8::1]:5006", "[2001:db8::1]:5006"),
        ("*", "*"),
    ],
)
def test_names_are_as_bokeh_compares_them(given: str, origin: str):
    assert check_origin(given) == origin


@pytest.mark.parametrize("origin", ["http://a.org", "a.org/x", "", ":5006", "a:b", "a:0", "a:70000", "a b", "::1:5006"])
def test_a_name_that_is_none_is_refused(origin: str):
    with pytest.raises(DiffmpError, match="for --allow-websocket-origin"):
        check_origin(origin)


def test_the_server_is_started_with_all_names_and_waited_for_where_it_is(monkeypatch: pytest.MonkeyPatch):
    started = {}

    def run_server(command: list[str], environment: dict[str, str], **where: object) -> int:
        started.update(command=command, names=environment["BOKEH_ALLOW_WS_ORIGIN"], where=where)
        return 0

    port = free_port()
    options = ["--address", "0.0.0.0", "--prefix", "a/b/", "--allow-websocket-origin", "lab.example.org"]
    monkeypatch.setattr(sys, "argv", ["diffmp", "serve", "--port", str(port), *options])
    monkeypatch.setattr(dashboard, "run_server", run_server)
    monkeypatch.setenv("BOKEH_ALLOW_WS_ORIGIN", "container.example.org")
    with pytest.raises(SystemExit, match="0"):
        run()
    assert started["names"] == f"0.0.0.0:{port},localhost:{port},lab.example.org:80,container.example.org"
    assert started["where"] == {"host": "127.0.0.1", "port": port, "path": "/a/b"}
    assert started["command"][-2:] == ["--prefix", "/a/b"]
