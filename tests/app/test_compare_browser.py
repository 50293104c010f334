"""The comparison as a person walks it: pin a column, go to another, ask for the difference, undo, reload."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from diffmp_app.figures.axes import plain_number

from diffmp_core.stores import open_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LEVEL = 7
SECONDS = 86_400.0
"""Of a day: heating is shown in K/day."""

SHOWN = """() => {
  const found = {};
  for (const root of Bokeh.documents) for (const model of root._all_models.values())
    if (model.type == "ColumnDataSource") {
      if (model.data.index?.length > 100) found.index = Array.from(model.data.index);
      if (model.data.value?.length > 100) found.value = Array.from(model.data.value, (x) => Number.isNaN(x) ? null : x);
    }
  return found;
}"""
"""Columns of the map that is drawn, and their values; null where it is blank."""


def asked(page) -> dict[str, str]:
    """What the address says."""
    return page.evaluate("() => Object.fromEntries(new URLSearchParams(window.location.search))")


def wait_for_address(page, words: str, *, there: bool = True) -> None:
    page.wait_for_function(
        "([words, there]) => window.location.search.includes(words) == there", arg=[words, there], timeout=120_000
    )


def test_pin_go_on_compare_undo_and_reload(page, address: str, live_folder: Path):
    first, second = (
        open_store(live_folder / name).sel(variable="tend_T_sgs") for name in ("scores.nc", "diff-mp-paper.nc")
    )
    factor = (float(first["truth_std"]) * SECONDS) ** 2
    difference = (first["column_mse"] - second["column_mse"]).isel(level=LEVEL).mean("time").values * factor
    mean = float(np.average(difference, weights=first["area"]))

    page.goto(f"{address}?tab=Maps&level={LEVEL}&cell=40")
    page.get_by_text("Global mean").first.wait_for()
    page.get_by_role("button", name=re.compile("^Pin:")).click()
    wait_for_address(page, "pinned_cell=40")
    page.get_by_role("button", name="Next column to the east").click()
    wait_for_address(page, "&cell=40", there=False)
    cell = int(asked(page)["cell"])
    page.get_by_role("button", name="Difference", exact=True).click()
    wait_for_address(page, "compare=difference")

    page.get_by_text(f"Global mean difference {plain_number(mean)} (K/day)²").wait_for()
    page.get_by_text("false discovery rate").first.wait_for()
    assert asked(page)["pinned_emulator"] == "DIFF-MP paper"
    for words, place in ((f"◯ column {cell}", cell), ("□ pinned column 40", 40)):
        value = re.escape(plain_number(difference[place]))
        page.get_by_text(re.compile(rf"{words}, [^:]*: {value} \(K/day\)²")).first.wait_for()
    page.wait_for_function(f"() => (({SHOWN})().value ?? []).includes(null)")
    drawn = page.evaluate(SHOWN)
    values = np.array(drawn["value"], dtype=float)
    there = np.isfinite(values)
    np.testing.assert_allclose(values[there], difference[drawn["index"]][there], rtol=1e-4, atol=1e-4)

    page.get_by_role("button", name=re.compile("^Undo")).click()
    wait_for_address(page, "compare=", there=False)
    assert asked(page)["pinned_cell"] == "40"
    page.get_by_role("button", name=re.compile("^Redo")).click()
    wait_for_address(page, "compare=difference")
    before = asked(page)
    page.reload()
    page.get_by_text("false discovery rate").first.wait_for()
    assert asked(page) == before
    page.get_by_text(f"Global mean difference {plain_number(mean)} (K/day)²").wait_for()
    page.get_by_role("button", name=re.compile("^Unpin")).wait_for()
    assert page.errors == []
