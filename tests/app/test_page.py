"""The page without a browser: lazy tabs, what is redrawn when, notices, escaping."""

from __future__ import annotations

import panel as pn
import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc

from app.page import DashboardPage, failure_page
from app.state import TABS
from app.views.maps import place
from diffmp_core.errors import DiffmpError


class Recorder:
    """A tab that records what the page asks of it."""

    depends = ("level", "variable")

    def __init__(self, fails: bool = False) -> None:
        self.built, self.fails, self.refreshed = 0, fails, []

    def panel(self):
        if self.fails:
            raise DiffmpError("expected <weights>, found none")
        self.built += 1
        return "content"

    def refresh(self, changed):
        self.refreshed.append(changed)


def said(notice) -> str:
    return notice[0].object


@pytest.fixture
def page(catalog):
    made = DashboardPage(catalog)
    for tab in TABS[1:]:
        made.views[tab] = Recorder()
    made.panel()
    return made


def test_a_tab_is_built_when_first_seen(page):
    maps = page.views["Maps"]
    assert maps.built == 0
    page.state.tab = "Maps"
    page.state.tab = "Overview"
    page.state.tab = "Maps"
    assert maps.built == 1


def test_only_the_visible_tab_is_redrawn_and_the_others_catch_up(page):
    page.state.tab = "Maps"
    page.state.tab = "Profiles"
    maps, profiles = page.views["Maps"], page.views["Profiles"]
    page.state.level = 3
    page.state.variable = "qc"
    assert profiles.refreshed == [{"level"}, {"variable"}]
    assert maps.refreshed == []
    page.state.tab = "Maps"
    assert maps.refreshed == [{"level", "variable"}]


def test_what_a_tab_does_not_depend_on_does_not_redraw_it(page):
    page.state.tab = "Maps"
    page.state.seed = 5
    assert page.views["Maps"].refreshed == []


def test_the_address_follows_the_state(page):
    page.state.level = 3
    assert page._address.query == "?level=3"
    page.state.level = page.catalog.limits("globe").level
    assert page._address.query == "?"


def test_a_tab_that_cannot_be_drawn_is_told_and_tried_again(page):
    page.views["Maps"] = Recorder(fails=True)
    page.state.tab = "Maps"
    assert "expected &lt;weights&gt;" in said(page._notices[0])
    page.views["Maps"].fails = False
    page.state.level = 3
    assert page.views["Maps"].built == 1


def test_malformed_addresses_become_escaped_notices(catalog):
    page = DashboardPage(catalog, "?level=<img src=x onerror=alert(1)>&tab=Maps")
    assert page.state.tab == "Maps"
    assert len(page._notices) == 1
    assert "<img" not in said(page._notices[0])
    assert "level" in said(page._notices[0])


def test_unforeseen_errors_are_told(page, caplog):
    page.report(RuntimeError("secret path"))
    assert "RuntimeError" in said(page._notices[0])
    assert "secret path" not in said(page._notices[0])
    assert "secret path" in caplog.text


def test_markup_in_files_is_escaped(catalog):
    page = DashboardPage(catalog, "?experiment=small")
    page.panel()
    for part in page.views["Overview"].parts.values():
        assert "<b>globe" not in part.object


def test_a_tab_that_asks_a_model_is_built_once_the_browser_listens(catalog, monkeypatch):
    waiting = []
    monkeypatch.setattr(pn.state, "onload", waiting.append)
    for tab, at_once in (("Profiles", 0), ("Sensitivity", 0), ("Maps", 1)):
        page = DashboardPage(catalog, f"?tab={tab}")
        page.views[tab] = Recorder()
        with set_curdoc(Document()):
            page.panel()
        assert page.views[tab].built == at_once
        if not at_once:
            waiting.pop()()
            assert page.views[tab].built == 1
    assert waiting == []


def test_figures_keep_their_own_style(catalog):
    document = Document()
    with set_curdoc(document):
        root = DashboardPage(catalog).panel().get_root(document)
    assert set(root.data._custom_theme) >= {"Title", "Legend", "Axis", "ColorBar"}


def test_failure_page_says_what_to_do():
    assert "name one" in said(failure_page("expected an experiment; name one").main[0][0])


def test_equal_titles_are_told_apart(catalog, experiment_folder):
    from app.catalog import Catalog

    page = DashboardPage(Catalog([experiment_folder, experiment_folder]))
    assert sorted(page._titles()) == ["Synthetic globe (globe)", "Synthetic globe (globe-2)"]


def test_places_read_as_on_a_map():
    assert place(-12.34, 46.5) == "12.3° S 46.5° E"
    assert place(0.0, -179.9) == "0.0° N 179.9° W"
