"""How fast the dashboard is, in a real browser and for many sessions at once, beside what is aimed at.

    python benchmarks/dashboard.py [--only open maps ...] [--repeat 9]

It serves the shipped demo on a free port and drives headless Chromium (its executable from the environment variable
CHROMIUM or the path). A time in the browser is the median from the action until the last drawing on a canvas before
0.4 s of silence; beside it stands the CPU time of the server, which a busy machine changes less. ``cells`` compares two
globes of random scores that are made for it; ``sessions`` and ``queue`` are websockets without a browser. Compare runs
on the same machine only.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dashboard_globe import make_globe
from dashboard_sessions import READERS, level_changes, model_queue
from dashboard_window import Server, Stopwatch, Timing, chromium_window, figure_box, hold_slider, median, serve
from diffmp_app.data.axes import TITLES
from rich.console import Console
from rich.table import Table

from diffmp_core.scores.histograms import BINS, bin_edges, count_values
from diffmp_core.variables import PAPER, PAPER_LEVELS

DEMO, DEMO_CELLS = "demo", 10_242
CELLS = (10_242, 40_962)
SAMPLES = 10_000_000
MOVES, PAUSE_MS, STEP_PIXELS = 40, 30, 8
MEGABYTE = 1e6


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, at most what is aimed at, in which unit, and the CPU time of the server [ms]."""

    what: str
    value: float
    target: float
    unit: str = "ms"
    server_ms: float | None = None

    @classmethod
    def of(cls, what: str, timing: Timing, target: float) -> Figure:
        """A time in the browser."""
        return cls(what, timing.wall_ms, target, server_ms=timing.server_ms)


def opening(watch: Stopwatch) -> Iterator[Figure]:
    """First picture of a browser that has kept nothing, and reload."""
    yield Figure.of("first picture (Maps), nothing kept by the browser", watch.open(experiment=DEMO, tab="Maps"), 2500)
    yield Figure.of("reload", median([watch.reload() for _ in range(3)]), 1000)


def maps(watch: Stopwatch) -> Iterator[Figure]:
    """Level, variable, and a click that selects a column."""
    watch.open(experiment=DEMO, tab="Maps")
    yield Figure.of("map: another level", _change_level(watch), 100)
    yield Figure.of("map: another variable", _change_variable(watch), 100)
    box = figure_box(watch.page)
    yield Figure.of("map: a click marks the column", watch.repeated(lambda i: _tap(watch, box, i)), 200)


def visits(watch: Stopwatch) -> Iterator[Figure]:
    """First visits of the tabs that ask a model: right after the first picture, and when they were built ahead."""
    page = watch.page
    for name in ("Profiles", "Sensitivity"):
        watch.open(experiment=DEMO, tab="Maps")
        timing = watch.once(page.get_by_role("tab", name=name).click)
        yield Figure.of(f"first visit of {name}, right after the first picture", timing, 1000)
    watch.open(experiment=DEMO, tab="Maps")
    for name in ("Profiles", "Sensitivity", "Studies"):  # the last one is built last
        page.get_by_role("tabpanel", name=name, include_hidden=True).locator("canvas").first.wait_for(state="attached")
    page.wait_for_timeout(3000)
    for name in ("Profiles", "Sensitivity"):
        timing = watch.once(page.get_by_role("tab", name=name).click)
        yield Figure.of(f"first visit of {name}, built ahead", timing, 200)


def tabs(watch: Stopwatch) -> Iterator[Figure]:
    """Between tabs that have been seen; and a click on the map until its profiles stand."""
    page = watch.page
    watch.open(experiment=DEMO, tab="Maps")
    box, tab = (
        figure_box(page),
        {name: page.get_by_role("tab", name=name) for name in ("Maps", "Distributions", "Profiles")},
    )
    for name in ("Profiles", "Distributions", "Maps"):
        watch.once(tab[name].click)
    turns = (tab["Distributions"], tab["Maps"])
    yield Figure.of("tab: Distributions, Maps in turn", watch.repeated(lambda i: turns[i % 2].click()), 200)
    turns[0].click()  # a tab that is left is not drawn when it is asked for again
    watch.page.wait_for_timeout(2000)

    def choose(i: int) -> None:
        watch.once(tab["Maps"].click)
        watch.once(lambda: _tap(watch, box, i))

    timing = watch.repeated(lambda i: tab["Profiles"].click(), choose)
    yield Figure.of("from a click on the map to its profiles, 32 members", timing, 200)


def drag(watch: Stopwatch) -> Iterator[Figure]:
    """A slider of the Sensitivity tab, held by the mouse."""
    watch.open(experiment=DEMO, tab="Sensitivity")
    watch.page.get_by_text("members, seed").first.wait_for()
    watch.page.wait_for_timeout(1000)
    x, y = hold_slider(watch.page, "Warm or cool")

    def to(place: float) -> None:
        watch.page.mouse.move(x + STEP_PIXELS * place, y)

    timing = watch.repeated(lambda i: to(i + 1))
    yield Figure.of("slider held: a move to its response", timing, 150)

    def sweep() -> None:
        for i in range(MOVES):
            to(watch.repeat * (1 - 2 * i / MOVES))
            watch.page.wait_for_timeout(PAUSE_MS)
        to(-watch.repeat - 3)  # far enough to be another step of the slider

    timing = median([watch.once(sweep) for _ in range(3)])
    yield Figure.of(f"slider dragged, {MOVES} moves: the last one to its response", timing, 150)
    watch.page.mouse.up()


def cells(watch: Stopwatch) -> Iterator[Figure]:
    """The same map changes on globes of four times as many cells."""
    found: dict[str, list[float]] = {}
    for count in CELLS:
        watch.open(experiment=f"globe-{count}", tab="Maps")
        for what, change in (("level", _change_level), ("variable", _change_variable)):
            timing = change(watch)
            found.setdefault(what, []).append(timing.wall_ms)
            yield Figure.of(f"map of {count:,} random cells: another {what}", timing, 100)
    for what, (few, many) in found.items():
        yield Figure(f"another {what}: {CELLS[1]:,} over {CELLS[0]:,} cells", many / few, 1.5, "×")


def sessions(server: Server) -> Iterator[Figure]:
    """Many readers who look at what is kept."""
    together, apart = level_changes(server, cells=DEMO_CELLS)
    yield Figure(f"{READERS} sessions change the level at the same moment: 95 %", together, 500)
    yield Figure(f"{READERS} sessions change the level once a second: 95 %", apart, 500)


def queue(server: Server) -> Iterator[Figure]:
    """Many readers who ask the one model."""
    middle, longest = model_queue(server)
    yield Figure(f"{READERS} sessions ask the model without end: median wait", middle, READERS * 150)
    yield Figure("the same: longest wait over the median", longest / middle, 2, "×")


def densities() -> Iterator[Figure]:
    """The compiled counting of the score stores."""
    rng, shape = np.random.default_rng(0), (len(PAPER.outputs.names), PAPER_LEVELS)
    values = rng.standard_normal((SAMPLES // (shape[0] * shape[1]), *shape), dtype=np.float32)
    counts = np.zeros((*shape, BINS), dtype=np.int64)
    count_values(values[:1], np.ones(shape[0]), counts, bin_edges(PAPER.outputs))
    start = time.perf_counter()
    count_values(values, np.ones(shape[0]), counts, bin_edges(PAPER.outputs))
    yield Figure(f"densities of {values.size:,} samples", 1e3 * (time.perf_counter() - start), 1000)


def _change_level(watch: Stopwatch) -> Timing:
    step = [watch.page.get_by_role("button", name=f"{word} level") for word in ("Next", "Previous")]
    return watch.repeated(lambda i: step[i % 2].click())


def _change_variable(watch: Stopwatch) -> Timing:
    page = watch.page

    def choose(i: int) -> None:
        page.get_by_role("menuitem", name=TITLES[PAPER.outputs.names[1 - i % 2]], exact=True).click()

    return watch.repeated(choose, lambda i: page.get_by_role("combobox", name="Variable").click())


def _tap(watch: Stopwatch, box: dict[str, float], i: int) -> None:
    watch.page.mouse.click(box["x"] + (0.3 + 0.03 * i) * box["width"], box["y"] + 0.45 * box["height"])


IN_WINDOW: dict[str, Callable[[Stopwatch], Iterator[Figure]]] = {
    "open": opening, "visits": visits, "maps": maps, "tabs": tabs, "drag": drag, "cells": cells,
}  # fmt: skip
OF_SERVER: dict[str, Callable[[Server], Iterator[Figure]]] = {"sessions": sessions, "queue": queue}
PARTS = (*IN_WINDOW, *OF_SERVER, "densities")


def measure(parts: list[str], repeat: int) -> Iterator[Figure]:
    """Every row of these parts, in the order of ``PARTS``."""
    with tempfile.TemporaryDirectory() as folder:
        globes = [make_globe(Path(folder), count) for count in CELLS] if "cells" in parts else []
        if {*IN_WINDOW, *OF_SERVER} & {*parts}:
            with serve(globes) as server:
                largest = 0
                for part in [part for part in IN_WINDOW if part in parts]:
                    with chromium_window() as page:
                        watch = Stopwatch(page, server, repeat)
                        yield from IN_WINDOW[part](watch)
                        largest = max(largest, watch.largest)
                if largest:
                    yield Figure("largest message in all of these", largest / MEGABYTE, 1, "MB")
                for part in [part for part in OF_SERVER if part in parts]:
                    yield from OF_SERVER[part](server)
    if "densities" in parts:
        yield from densities()


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts, all if none is named")
    parser.add_argument("--repeat", type=int, default=9)
    chosen = parser.parse_args()
    table = Table(title="The dashboard on the shipped demo", title_justify="left")
    for head in ("what", "measured", "aimed at", "", "server CPU"):
        table.add_column(head, justify="left" if head == "what" else "right")
    try:
        for row in measure(chosen.only, chosen.repeat):
            met = "met" if row.value <= row.target else "missed"
            spent = "" if row.server_ms is None else f"{row.server_ms:.0f} ms"
            table.add_row(row.what, _words(row.value, row.unit), f"≤ {_words(row.target, row.unit)}", met, spent)
    finally:
        Console(width=120).print(table)


def _words(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if unit == "ms" else f"{value:.2f} {unit}"


if __name__ == "__main__":
    main()
