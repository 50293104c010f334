"""The dashboard as its reader meets it: a server, a window of headless Chromium, and a stopwatch in that window."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psutil
from playwright.sync_api import Page, sync_playwright

MAIN = Path(__file__).resolve().parents[1] / "app" / "main.py"
QUIET_MS = 400
"""An action is over when nothing has been drawn for this long; the silence itself is not counted."""
PATIENCE_S = 60
WATCH = """
window.acted = window.lastDrawn = window.lastMessage = 0;
window.messages = [];  // bytes of each message of Bokeh's protocol: its header, texts and buffers together
for (const name of ["fillRect", "clearRect", "drawImage", "putImageData", "stroke", "fill", "fillText"]) {
  const method = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...rest) {
    window.lastDrawn = performance.now();
    return method.apply(this, rest);
  };
}
for (const name of ["pointermove", "pointerup", "click"]) {
  window.addEventListener(name, (event) => { window.acted = event.timeStamp; }, true);
}
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({data}) => {
      if (typeof data == "string" && data.startsWith('{"msgid"')) messages.push(0);
      window.lastMessage = performance.now();
      messages[messages.length - 1] += typeof data == "string" ? data.length : data.byteLength;
    });
  }
};
"""


@dataclass(frozen=True)
class Server:
    """A server of the page: its address and its process."""

    url: str
    process: psutil.Process

    def address(self, **choices: object) -> str:
        """The page with these choices."""
        return f"{self.url}?{urlencode(choices)}"

    def cpu_ms(self) -> float:
        """CPU time that the server has used since it began [ms]."""
        used = self.process.cpu_times()
        return 1e3 * (used.user + used.system)


@contextmanager
def serve(folders: Sequence[Path | str] = ()) -> Iterator[Server]:
    """The page with these experiments and the shipped one, on a free port, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(MAIN), "--port", str(port), "--warm", "--args"]
    process = subprocess.Popen(
        [*command, *map(str, folders)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"OMP_NUM_THREADS": "1", **os.environ},
    )
    try:
        url = f"http://127.0.0.1:{port}/main"
        _wait_for(url, process)
        yield Server(url, psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise SystemExit(f"no page at {url}")


@contextmanager
def chromium_window(width: int = 1400, height: int = 900) -> Iterator[Page]:
    """A window of headless Chromium, its executable from the environment variable CHROMIUM or the path."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise SystemExit("no chromium: install it or name its executable in CHROMIUM")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(1000 * PATIENCE_S)
        page.add_init_script(WATCH)
        yield page
        browser.close()


@dataclass(frozen=True)
class Timing:
    """Median over repeats: milliseconds to the last drawing, and CPU time of the server."""

    wall_ms: float
    server_ms: float


class Stopwatch:
    """Times what is done in one window; ``largest`` is the largest message that came into it [bytes]."""

    def __init__(self, page: Page, server: Server, repeat: int) -> None:
        self.page, self.server, self.repeat = page, server, repeat
        self.largest = 0

    def open(self, **choices: object) -> Timing:
        """Go to the page with these choices."""
        return self.once(lambda: self.page.goto(self.server.address(**choices)))

    def reload(self) -> Timing:
        """Load the page again, with what the browser has kept."""
        return self.once(self.page.reload)

    def once(self, action: Callable[[], object]) -> Timing:
        """Time from the last event of the mouse in an action, or from the start of the page, to the last drawing."""
        before = self.server.cpu_ms()
        action()
        self.page.wait_for_function(
            "quiet => Math.min(lastDrawn, lastMessage) > acted && performance.now() - lastDrawn > quiet", arg=QUIET_MS
        )
        wall, largest = self.page.evaluate("() => [lastDrawn - acted, Math.max(0, ...messages)]")
        self.largest = max(self.largest, int(largest))
        return Timing(float(wall), self.server.cpu_ms() - before)

    def repeated(self, action: Callable[[int], object], prepare: Callable[[int], object] = lambda i: None) -> Timing:
        """Median over repeats of an action that gets their number; the first, for which nothing is warm, is left out.

        ``prepare`` comes before each and is not timed.
        """
        timings = []
        for i in range(self.repeat + 1):
            prepare(i)
            timings.append(self.once(lambda i=i: action(i)))
        return median(timings[1:])


def median(timings: Sequence[Timing]) -> Timing:
    """Medians of both."""
    return Timing(
        statistics.median(timing.wall_ms for timing in timings),
        statistics.median(timing.server_ms for timing in timings),
    )


def figure_box(page: Page) -> dict[str, float]:
    """Where the first figure of the visible tab is [pixels]."""
    box = page.locator(".bk-events").locator("visible=true").first.bounding_box()
    if box is None:
        raise SystemExit("no figure on the page")
    return dict(box)


def hold_slider(page: Page, label: str) -> tuple[float, float]:
    """Take the thumb of a slider with the mouse; where the mouse is [pixels]."""
    thumb = page.locator(".MuiFormControl-root").filter(has_text=label).locator(".MuiSlider-thumb").first
    thumb.scroll_into_view_if_needed()
    box = thumb.bounding_box()
    if box is None:
        raise SystemExit(f"no slider {label!r} on the page")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y
