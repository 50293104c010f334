"""What is done ahead: tabs built while nobody waits, and the first answer of the first model."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.target import take_target
from diffmp_app.page import DashboardPage
from diffmp_app.state.choices import TABS
from diffmp_app.state.state import State
from diffmp_app.web import ahead

from tests.app.experiment import add_networks, make_experiment
from tests.app.recorder import Recorder
from tests.app.served import watched_window

PATIENCE_S = 60


@pytest.fixture
def page(catalog):
    made = DashboardPage(catalog, "?tab=Maps")
    for tab in TABS:
        made.tabs.views[tab] = Recorder()
    made.panel()
    return made


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setattr(ahead, "QUIET_S", 0.0)


def built(page) -> set[str]:
    return {tab for tab in TABS if page.tabs.views[tab].built}


def test_tabs_are_built_one_by_one_in_the_order_of_readers(page, quiet):
    for already in ({"Maps"}, {"Maps", "Profiles"}, {"Maps", "Profiles", "Sensitivity"}):
        assert built(page) == already
        page.tabs.panes._handle_msg({"untouched": True})
    assert not page.tabs.panes.complete
    for _ in range(2):
        page.tabs.build_ahead()
    assert built(page) == set(TABS)
    assert page.tabs.panes.complete


def test_what_was_built_ahead_catches_up_when_it_is_seen_and_is_not_built_again(page, quiet):
    page.tabs.build_ahead()
    page.state.level = 3
    profiles = page.tabs.views["Profiles"]
    assert profiles.refreshed == []
    page.state.tab = "Profiles"
    assert profiles.built == 1
    assert profiles.refreshed == [frozenset({"level"})]


def test_nothing_is_built_ahead_soon_after_a_change_in_any_session_nor_in_a_presentation(page, catalog, monkeypatch):
    DashboardPage(catalog).state.level = 5
    page.tabs.build_ahead()
    monkeypatch.setattr(ahead, "QUIET_S", 0.0)
    page.presentation.on = True
    page.tabs.build_ahead()
    assert built(page) == {"Maps"}


def test_a_tab_that_fails_ahead_is_told_when_it_is_visited_only(page, quiet):
    page.tabs.views["Profiles"].fails = True
    page.tabs.build_ahead()
    page.tabs.build_ahead()
    assert built(page) == {"Maps", "Sensitivity"}
    assert page.notices.objects == []
    page.state.tab = "Profiles"
    assert "expected" in page.tabs.places["Profiles"].said


async def within_a_server(catalog: Catalog) -> None:
    """As a session of a server that runs calls it."""
    ahead.load_ahead(catalog)


@pytest.mark.parametrize("serving", [False, True])
def test_the_first_model_has_answered_before_a_reader_asks(tmp_path: Path, quiet, serving: bool):
    folder = make_experiment(tmp_path / "globe", cells=162, times=2)
    add_networks(folder)
    catalog = Catalog([folder])
    for _ in range(2):  # the second finds it done or being done
        if serving:
            asyncio.run(within_a_server(catalog))
        else:
            ahead.load_ahead(catalog)
    threads = [thread for thread in threading.enumerate() if thread.name == ahead.THREAD]
    assert len(threads) <= int(serving)
    for thread in threads:
        thread.join(PATIENCE_S)
    choices = State(catalog.names, catalog.limits).choices
    target, _ = take_target(choices, catalog)
    live = catalog.live(choices.experiment, choices.emulator)
    future = live.submit("reader", target.inputs, members=choices.members, seed=choices.seed)
    assert future.done()
    assert np.isfinite(future.result()).all()


@pytest.mark.browser
def test_tabs_come_ahead_in_a_browser_and_stay(page_window, address):
    window = page_window
    window.goto(f"{address}?tab=Maps")
    window.get_by_text("Global mean").first.wait_for()
    away = window.get_by_role("tabpanel", name="Profiles", include_hidden=True)
    away.locator("canvas").first.wait_for(state="attached")
    assert window.get_by_role("tabpanel", name="Profiles").count() == 0  # not for screen readers
    canvas = away.locator("canvas").first.element_handle()
    for name in ("Profiles", "Maps", "Profiles"):
        window.get_by_role("tab", name=name).click()
        window.get_by_role("tabpanel", name=name).wait_for()
    assert canvas.is_visible()
    assert canvas.bounding_box()["width"] > 100
    assert window.get_by_role("tabpanel").count() == 1
    assert window.errors == []


@pytest.mark.browser
def test_a_tab_that_is_built_is_laid_out_as_a_whole(page_window, address):
    window = page_window
    window.goto(f"{address}?tab=Overview")
    window.get_by_role("heading", name="Scores").wait_for()
    window.evaluate(COUNT_LAYOUTS)
    window.get_by_role("tabpanel", name="Profiles", include_hidden=True).locator("canvas").first.wait_for(
        state="attached"
    )
    window.wait_for_function("() => window.layouts.size >= 10 && Bokeh.documents[0].is_idle")
    counts = window.evaluate("() => [...window.layouts.values()]")
    assert np.mean(counts) < 10  # each of the parts of a tab asks for a layout of all: 30 and more, if each had one
    assert window.errors == []


@pytest.mark.browser
def test_a_toolbar_that_rested_offers_all_its_tools_when_the_pointer_comes(page_window, address):
    window = page_window
    window.goto(f"{address}?tab=Profiles")
    window.get_by_text("members from seed").first.wait_for()
    figure = window.locator(".bk-Figure").locator("visible=true").first
    assert figure.locator(".bk-tool-icon").locator("visible=true").count() == 0
    figure.hover()
    figure.locator(".bk-tool-icon-pan").wait_for()
    figure.locator(".bk-tool-overflow").click()
    for tool in ("box-zoom", "wheel-zoom", "reset", "save", "hover"):
        window.locator(f".bk-tool-icon-{tool}").locator("visible=true").first.wait_for()
    assert window.errors == []


@pytest.mark.browser
def test_a_colour_bar_that_was_never_laid_out_takes_its_colours(page_window, address):
    """As one in a pane that is away may be when panel-material-ui colours it."""
    window = page_window
    window.goto(f"{address}?tab=Maps")
    window.get_by_text("Global mean").first.wait_for()
    window.get_by_role("tab", name="Distributions").click()
    window.get_by_role("tabpanel", name="Distributions").locator("canvas").first.wait_for()
    window.wait_for_function("() => Bokeh.documents[0].is_idle")
    changed = window.evaluate("""() => {
      const bars = [...Bokeh.documents[0].all_models].filter((model) => model.type == "ColorBar")
      return bars.map((bar) => {
        const view = Bokeh.index.find_one(bar), layout = view.layout
        view.layout = undefined
        try { bar.major_label_text_color = "#123456" } finally { view.layout = layout }
        return view._axis.major_label_text_color
      })
    }""")
    assert changed
    assert set(changed) == {"#123456"}
    assert window.errors == []


@pytest.fixture
def page_window(browser, address):
    with watched_window(browser, address) as window:
        yield window


COUNT_LAYOUTS = """() => {
  window.layouts = new Map()
  const plots = Bokeh.Models.Plot.prototype.default_view.prototype, layOut = plots._after_layout
  plots._after_layout = function () {
    window.layouts.set(this.model.id, 1 + (window.layouts.get(this.model.id) ?? 0))
    layOut.call(this)
  }
}"""
"""Counts from now on how often each figure is laid out."""
