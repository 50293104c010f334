"""The page as a person meets it: a server of its own and a window of Chromium that records what goes wrong."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
MAIN = Path(__file__).resolve().parents[2] / "app" / "main.py"
PATIENCE_S = 120


@dataclass(frozen=True)
class Server:
    """A running server of the page; ``url`` is that of the page."""

    url: str
    port: int
    process: subprocess.Popen


@contextmanager
def serve(folders: Sequence[Path], *options: str, port: int | None = None) -> Iterator[Server]:
    """The page with these experiments, served by this interpreter until the block ends; on a free port."""
    port = port or free_port()
    command = [sys.executable, "-m", "panel", "serve", str(MAIN), "--port", str(port), *options, "--args"]
    process = subprocess.Popen(
        [*command, *map(str, folders)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"OMP_NUM_THREADS": "1", **os.environ},
    )
    server = Server(f"http://127.0.0.1:{port}/main", port, process)
    try:
        wait_until_served(server.url, process)
        yield server
    finally:
        process.kill()
        process.wait()


@contextmanager
def chromium(*arguments: str) -> Iterator:
    """A Chromium, or a skip that says what is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium: install it or name its executable in CHROMIUM")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *arguments])
        yield found
        found.close()


@contextmanager
def watched_window(browser, address: str, **options) -> Iterator:
    """A window whose ``errors`` and requests to other hosts (``outside``, refused) are recorded."""
    window = browser.new_page(**{"viewport": {"width": 1400, "height": 900}} | options)
    window.set_default_timeout(1000 * PATIENCE_S)
    window.errors, window.outside = [], []
    own = urlparse(address).netloc

    def route(request_route) -> None:
        if urlparse(request_route.request.url).netloc in (own, ""):
            request_route.continue_()
        else:
            window.outside.append(request_route.request.url)
            request_route.abort()

    window.route("**/*", route)
    window.on("console", lambda message: window.errors.append(message.text) if message.type == "error" else None)
    window.on("pageerror", lambda error: window.errors.append(str(error)))
    yield window
    window.close()


def open_tab(window, name: str) -> None:
    """Click a tab and wait until it is drawn."""
    window.get_by_role("tab", name=name).click()
    window.get_by_role("tab", name=name, selected=True).wait_for()
    window.get_by_text("Drawing …").locator("visible=true").wait_for(state="detached")
    window.wait_for_function("() => Bokeh.documents[0].is_idle")


def column_field(window, tab: str):
    """Where a tab takes a column of the reader's own; another tab that was built ahead has one too."""
    return window.get_by_role("tabpanel", name=tab).locator("input[type=file]")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_served(url: str, process: subprocess.Popen) -> None:
    """Return when the page answers; fail where the server ends or stays silent."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"the server ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.3)
    pytest.fail(f"no page at {url} within {PATIENCE_S} s")
