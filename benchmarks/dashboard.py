"""How fast the dashboard is in a real browser: first picture, reload, level, column, tab.

    python benchmarks/dashboard.py [EXPERIMENT ...] [--repeat 9]

It serves the experiments (the shipped demo if none is named) on a free port, drives headless Chromium (its executable
from the environment variable CHROMIUM or the path) and prints medians in milliseconds: from the click until the last
drawing on a canvas before half a second of silence. Compare runs on the same machine only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

MAIN = Path(__file__).resolve().parents[1] / "app" / "main.py"
QUIET_MS = 500
PATIENCE_S = 180
WATCH_CANVAS = """
window.lastDrawn = 0;
for (const name of ["fillRect", "clearRect", "drawImage", "putImageData", "stroke", "fill", "fillText"]) {
  const method = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...rest) {
    window.lastDrawn = performance.now();
    return method.apply(this, rest);
  };
}
"""


def serve(folders: list[str]) -> tuple[subprocess.Popen, str]:
    """Start the server; its process and address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(MAIN), "--port", str(port), "--warm"]
    command += ["--args", *folders] if folders else []
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/main"
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S):
                return server, address
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    server.kill()
    raise SystemExit(f"no page at {address}")


def settle(page: Page, start: float) -> float:
    """Milliseconds from ``start`` (the page's clock) to the last drawing before half a second without any."""
    page.wait_for_function(
        "([start, quiet]) => lastDrawn > start && performance.now() - lastDrawn > quiet",
        arg=[start, QUIET_MS],
        timeout=1000 * PATIENCE_S,
    )
    return float(page.evaluate("() => lastDrawn")) - start


def median(page: Page, action: Callable[[int], None], repeat: int) -> float:
    """Median time of an action."""
    times = []
    for i in range(repeat):
        start = float(page.evaluate("() => performance.now()"))
        action(i)
        times.append(settle(page, start))
        page.wait_for_timeout(QUIET_MS)
    return statistics.median(times)


def main() -> None:
    """Serve, drive, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*")
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium: install it or name its executable in CHROMIUM")
    server, address = serve(options.experiments)
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.set_default_timeout(1000 * PATIENCE_S)
            page.add_init_script(WATCH_CANVAS)
            page.goto(f"{address}?tab=Maps")
            print(f"first picture (Maps)   {settle(page, 0.0):8.0f} ms")
            page.reload()
            print(f"reload                 {settle(page, 0.0):8.0f} ms")
            step = [page.get_by_role("button", name=f"{word} level") for word in ("Next", "Previous")]
            print(f"level change           {median(page, lambda i: step[i % 2].click(), options.repeat):8.0f} ms")
            box = page.locator(".bk-events").locator("visible=true").first.bounding_box()
            if box is None:
                raise SystemExit("no map on the page")

            def tap(i: int) -> None:
                page.mouse.click(box["x"] + (0.3 + 0.04 * i) * box["width"], box["y"] + 0.45 * box["height"])

            print(f"click on the map       {median(page, tap, options.repeat):8.0f} ms")
            tabs = [page.get_by_role("tab", name=name) for name in ("Distributions", "Maps")]
            for tab in tabs:
                median(page, lambda _, tab=tab: tab.click(), 1)
            print(f"tab change             {median(page, lambda i: tabs[i % 2].click(), options.repeat):8.0f} ms")
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    main()
