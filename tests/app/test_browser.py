"""The page in a real Chromium: every tab, no error, a tap selects a column, bad addresses are told."""

from __future__ import annotations

import json
import re

import pytest
from diffmp_app.state.choices import TABS

pytestmark = pytest.mark.browser

TRIES = 20
"""Taps on a figure that a busy machine may not have drawn yet."""


def test_five_tabs_without_errors_and_without_the_internet(page, address):
    page.goto(address)
    for name in TABS:
        tab = page.get_by_role("tab", name=name)
        tab.click()
        page.get_by_role("tab", name=name, selected=True).wait_for()
        drawn = page.get_by_role("heading", name="Scores") if name == "Overview" else page.locator(".bk-events")
        drawn.locator("visible=true").first.wait_for()
        page.get_by_text("Drawing …").locator("visible=true").wait_for(state="detached")
    assert page.outside == []
    assert page.errors == []


MARKED = """() => {
  const all = (root, test, out = []) => {
    for (const el of root.querySelectorAll("*")) {
      if (test(el)) out.push(el)
      if (el.shadowRoot) all(el.shadowRoot, test, out)
    }
    return out
  }
  const [pane] = all(document, (el) => el.classList.contains("pane") && !el.classList.contains("away"))
  const faint = () => all(pane, (el) => getComputedStyle(el).opacity == "0.15").length
  const asked = pane.classList.contains("asked"), counts = [faint()]
  for (const turn of [true, false]) {
    pane.classList.toggle("asked", turn)
    counts.push(faint())
  }
  return [asked, counts]
}"""


def test_what_waits_for_an_answer_is_faint_and_strong_again_after_it(page, address):
    page.goto(f"{address}?tab=Maps")
    page.get_by_text("drawn in").locator("visible=true").first.wait_for()
    page.wait_for_function("() => Bokeh.documents[0].is_idle")
    assert page.evaluate(MARKED) == [False, [0, 1, 0]]
    page.get_by_role("switch", name="Logarithmic colours").or_(page.get_by_label("Logarithmic colours")).first.click()
    page.wait_for_timeout(1000)
    assert page.evaluate(MARKED) == [False, [0, 1, 0]]


def test_the_tabs_stay_where_they_appeared_while_a_first_visit_loads(page, address):
    page.add_init_script(WATCH_TABS)
    page.goto(f"{address}?tab=Studies")
    page.get_by_role("heading", name="Study of models").locator("visible=true").first.wait_for()
    page.locator(".MuiButton-contained", has_text="Tour").wait_for()
    page.wait_for_function("() => Bokeh.documents[0].is_idle")
    page.wait_for_timeout(500)
    assert len(page.evaluate("() => [...window.tops]")) == 1


def test_a_browser_that_does_not_say_when_it_is_idle_shows_the_tabs(page, address):
    page.add_init_script("delete window.requestIdleCallback")
    page.goto(f"{address}?tab=Distributions")
    page.locator(".bk-Figure").locator("visible=true").first.wait_for()
    page.get_by_role("tabpanel", name="Maps", include_hidden=True).locator("canvas").first.wait_for(state="attached")
    assert page.errors == []


def test_a_tap_on_the_map_selects_a_column_and_the_address_follows(page, address):
    page.goto(f"{address}?tab=Maps&projection=PlateCarree")
    page.get_by_text("Global mean").first.wait_for()
    page.wait_for_function("() => Bokeh.documents[0].is_idle")
    box = page.locator(".bk-events").locator("visible=true").first.bounding_box()
    for _ in range(TRIES):
        page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.45 * box["height"])
        page.wait_for_timeout(2000)
        if "cell=" in page.evaluate("() => window.location.search"):
            break
    cell = page.evaluate("() => new URLSearchParams(window.location.search).get('cell')")
    page.get_by_text(f"column {cell},").first.wait_for()
    assert page.errors == []


@pytest.mark.parametrize(("tab", "answer"), [("Profiles", "truth inside on"), ("Sensitivity", "members, seed 0")])
def test_the_first_answer_of_a_model_is_not_lost(page, address, tab, answer):
    page.goto(f"{address}?tab={tab}")
    page.get_by_text(answer).first.wait_for()
    assert page.errors == []


def test_logarithmic_colours_can_be_switched_off_and_on(page, address):
    page.goto(f"{address}?tab=Maps")
    page.get_by_text("Global mean").first.wait_for()
    assert page.evaluate(MAPPERS) == ["LogColorMapper"] * 2
    for query, mapper in (("logarithmic=0", "LinearColorMapper"), ("tab=Maps", "LogColorMapper")):
        page.get_by_label("Logarithmic colours").click()
        page.wait_for_function("query => window.location.search.endsWith(query)", arg=query)
        assert page.evaluate(MAPPERS) == [mapper] * 2
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("name", TABS)
def test_every_control_has_a_name_and_every_figure_a_description(page, address, name):
    page.goto(f"{address}?tab={name}")
    page.get_by_role("tab", name=name, selected=True).wait_for()
    page.get_by_text("Drawing …").locator("visible=true").wait_for(state="detached")
    page.locator(".bk-Figure, h2").locator("visible=true").first.wait_for()
    lines = page.locator("body").aria_snapshot().splitlines()
    assert any('combobox "Emulator"' in line for line in lines)
    assert [line for line in lines if NAMELESS.fullmatch(line)] == []
    for plot in page.locator(".bk-Figure").locator("visible=true").all():
        assert plot.get_attribute("aria-label")


def test_the_next_level_changes_the_pixels(page, address):
    page.goto(f"{address}?tab=Maps&level=5")
    page.get_by_text("Global mean").first.wait_for()
    before = page.evaluate(IMAGE_SUM)
    page.get_by_role("button", name="Next level").click()
    page.wait_for_function("() => window.location.search.includes('level=6')")
    assert page.evaluate(IMAGE_SUM) != before


def test_a_malformed_address_shows_a_notice_and_the_page(page, address):
    page.goto(f"{address}?level='7'&nonsense=<img src=x onerror=alert(1)>&tab=Maps")
    page.get_by_text("The address asks for level").wait_for()
    page.get_by_text("Global mean").first.wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert page.errors == []


def test_keys_step_over_columns_and_undo_takes_them_back(page, address):
    page.goto(f"{address}?tab=Maps&cell=40")
    page.get_by_text("Global mean").first.wait_for()
    page.get_by_role("figure", name="Map of the score").focus()
    page.wait_for_function("() => Bokeh.documents[0].is_idle")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => {CELL} != '40'")
    page.keyboard.press("Control+z")
    page.wait_for_function(f"() => {CELL} == '40'")
    page.keyboard.press("Control+Shift+Z")
    page.wait_for_function(f"() => {CELL} != '40'")
    assert page.errors == []


def test_keys_in_a_field_stay_in_the_field(page, address):
    page.goto(f"{address}?tab=Maps&cell=40")
    page.get_by_text("Global mean").first.wait_for()
    field = page.get_by_label("Column at latitude, longitude")
    page.wait_for_function("() => Bokeh.documents[0].is_idle")
    field.fill("10, 20")
    field.press("ArrowLeft")
    field.press("Control+z")
    page.wait_for_timeout(1500)
    assert page.evaluate(f"() => {CELL}") == "40"
    field.fill("10, 20")
    field.press("Enter")
    page.wait_for_function(f"() => {CELL} != '40'")
    assert page.errors == []


def test_scenes_are_saved_loaded_and_presented_by_key(page, address, tmp_path):
    page.goto(f"{address}?level=4")
    page.get_by_role("button", name="Scenes and files").click()
    page.get_by_role("button", name="Add what is shown as a scene").click()
    page.get_by_label("Scene 1", exact=True).fill("First <b>")
    page.get_by_label("Scene 1", exact=True).press("Tab")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as file").click()
    file = tmp_path / "scenario.json"
    download.value.save_as(file)
    content = json.loads(file.read_text())
    assert content["scenes"][0]["state"]["level"] == 4
    assert content["scenes"][0]["name"] == "First <b>"
    content["scenes"].append({"name": "Second", "note": "Say this.", "state": {"level": 9, "dark": "yes"}})
    file.write_text(json.dumps(content))
    page.locator("input[type=file][accept*=json]").set_input_files(file)
    page.get_by_text("Scene 2 asks for dark").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Present: full screen").click()
    page.get_by_text("First <b>").wait_for()
    page.keyboard.press("PageDown")
    page.wait_for_function("() => window.location.search.includes('level=9')")
    page.keyboard.press("n")
    page.get_by_text("Say this.").locator("visible=true").first.wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Maps").wait_for()
    assert page.errors == []


def test_titles_are_not_markup(page, address):
    page.goto(f"{address}?experiment=small")
    page.get_by_role("heading", name="Small <b>globe</b>").wait_for()
    assert page.errors == []


NAMELESS = re.compile(r"\s*- (button|checkbox|combobox|slider|switch|textbox|radio|link)( \[[^\]]*\])*(:.*)?")
"""A control of an accessibility snapshot without a quoted name."""

CELL = "new URLSearchParams(window.location.search).get('cell')"
"""The column that the address names."""

MAPPERS = """() => {
  const images = [];
  for (const root of Bokeh.documents) for (const model of root._all_models.values())
    if (model.type == "GlyphRenderer" && model.visible && model.glyph.type == "Image")
      images.push(model.glyph.color_mapper.type);
  return images;
}"""

IMAGE_SUM = """() => {
  for (const root of Bokeh.documents) for (const model of root._all_models.values())
    if (model.type == "ColumnDataSource" && "cell" in model.data && "image" in model.data)
      return model.data.image[0].reduce((sum, value) => Number.isNaN(value) ? sum : sum + value, 0);
}"""

WATCH_TABS = """
const within = root => root.querySelector('[role=tablist]')
  ?? [...root.querySelectorAll('*')].filter(e => e.shadowRoot).map(e => within(e.shadowRoot)).find(e => e);
window.tops = new Set();
const look = () => {
  const tabs = within(document);
  if (tabs) window.tops.add(Math.round(tabs.getBoundingClientRect().y));
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""Notes at every frame how far from the top the tabs stand [px]."""
