"""The page without a browser: lazy tabs, what is redrawn when, notices, escaping."""

from __future__ import annotations

import json
import shutil

import panel as pn
import pytest
from bokeh.document import Document
from diffmp_app.data.catalog import Catalog
from diffmp_app.page import DashboardPage, failure_page
from diffmp_app.state.choices import BOX, NAMES, TABS, options
from diffmp_app.views import explanations
from diffmp_app.web.browser import Browser
from panel.io.state import set_curdoc

from tests.app.recorder import Recorder


def said(notice) -> str:
    return notice[0].object


@pytest.fixture
def page(catalog):
    made = DashboardPage(catalog)
    for tab in TABS[1:]:
        made.tabs.views[tab] = Recorder()
    made.panel()
    return made


def test_a_tab_is_built_when_first_seen(page):
    maps = page.tabs.views["Maps"]
    assert maps.built == 0
    page.state.tab = "Maps"
    page.state.tab = "Overview"
    page.state.tab = "Maps"
    assert maps.built == 1


def test_only_the_visible_tab_is_redrawn_and_the_others_catch_up(page):
    page.state.tab = "Maps"
    page.state.tab = "Profiles"
    maps, profiles = page.tabs.views["Maps"], page.tabs.views["Profiles"]
    page.state.level = 3
    page.state.variable = "qc"
    assert profiles.refreshed == [{"level"}, {"variable"}]
    assert maps.refreshed == []
    page.state.tab = "Maps"
    assert maps.refreshed == [{"level", "variable"}]


def test_a_tab_that_has_missed_something_is_known_to_the_browser_until_it_has_caught_up(page):
    page.state.tab = "Maps"
    page.state.tab = "Profiles"
    assert page.tabs.panes.behind == []
    page.state.level = 3
    assert page.tabs.panes.behind == [TABS.index("Maps")]
    page.state.tab = "Maps"
    assert page.tabs.panes.behind == []


@pytest.mark.parametrize("all_at_once", [False, True])
def test_another_experiment_is_one_change_to_a_tab(page, all_at_once):
    page.state.tab = "Maps"
    page.tabs.views["Maps"].depends = NAMES
    if all_at_once:
        page.state.show(page.state.choices.model_copy(update={"experiment": "small", "cell": 5}))
    else:
        page.state.experiment = "small"
    (changed,) = page.tabs.views["Maps"].refreshed
    assert changed >= {"experiment", "cell"}


def test_what_a_tab_does_not_depend_on_does_not_redraw_it(page):
    page.state.tab = "Maps"
    page.state.seed = 5
    assert page.tabs.views["Maps"].refreshed == []


def test_the_address_follows_the_state(page):
    page.state.level = 3
    assert page.browser.query == "?level=3"
    page.state.level = page.catalog.limits("globe").level
    assert page.browser.query == "?"


def test_a_tab_that_cannot_be_drawn_is_told_and_tried_again(page):
    page.tabs.views["Maps"] = Recorder(fails=True)
    page.state.tab = "Maps"
    assert "expected &lt;weights&gt;" in page.tabs.places["Maps"].said
    page.tabs.views["Maps"].fails = False
    page.state.level = 3
    assert page.tabs.views["Maps"].built == 1


def test_malformed_addresses_become_escaped_notices(catalog):
    page = DashboardPage(catalog, "?level=<img src=x onerror=alert(1)>&tab=Maps")
    assert page.state.tab == "Maps"
    assert len(page.notices) == 1
    assert "<img" not in said(page.notices[0])
    assert "level" in said(page.notices[0])


def test_unforeseen_errors_are_told(page, caplog):
    page.notices.report(RuntimeError("secret path"))
    assert "RuntimeError" in said(page.notices[0])
    assert "secret path" not in said(page.notices[0])
    assert "secret path" in caplog.text


def test_markup_in_files_is_escaped(catalog):
    page = DashboardPage(catalog, "?experiment=small")
    page.panel()
    for part in page.tabs.views["Overview"].parts.values():
        assert "<b>globe" not in part.object


def test_a_tab_that_asks_a_model_is_built_once_the_browser_listens(catalog, monkeypatch):
    waiting = []
    monkeypatch.setattr(pn.state, "onload", waiting.append)
    for tab, at_once in (("Profiles", 0), ("Sensitivity", 0), ("Maps", 1)):
        page = DashboardPage(catalog, f"?tab={tab}")
        page.tabs.views[tab] = Recorder()
        with set_curdoc(Document()):
            page.panel()
        assert page.tabs.views[tab].built == at_once
        if not at_once:
            waiting.pop()()
            assert page.tabs.views[tab].built == 1
    assert waiting == []


def test_figures_keep_their_own_style(catalog):
    document = Document()
    with set_curdoc(document):
        root = DashboardPage(catalog).panel().get_root(document)
    assert set(root.data._custom_theme) >= {"Title", "Legend", "Axis", "ColorBar"}


def test_failure_page_says_what_to_do():
    assert "name one" in said(failure_page("expected an experiment; name one").main[0][0])


def test_equal_titles_are_told_apart(experiment_folder, tmp_path):
    copy = tmp_path / "globe"
    shutil.copytree(experiment_folder, copy)
    page = DashboardPage(Catalog([experiment_folder, copy]))
    assert sorted(page._titles()) == ["Synthetic globe (globe)", "Synthetic globe (globe-2)"]


def test_several_bad_values_are_one_notice(catalog):
    page = DashboardPage(catalog, "?level=x&tab=y&" + "&".join(f"z{i}=1" for i in range(20)))
    assert len(page.notices) == 1
    lines = said(page.notices[0]).split("<br>")
    assert len(lines) == 9
    assert lines[-1] == "… and 14 more."


def test_undo_and_redo_by_key_and_button(page):
    start = page.state.choices
    page.state.level = 3
    page.state.variable = "qc"
    page.browser._handle_msg({"command": "undo"})
    assert (page.state.level, page.state.variable) == (3, "tend_T_sgs")
    assert page.browser.query == "?level=3"
    assert not page.toolbar.redo.disabled
    page.toolbar.undo.clicks += 1
    assert page.state.choices == start
    assert page.toolbar.undo.disabled
    page.browser._handle_msg({"command": "redo"})
    page.browser._handle_msg({"command": "redo"})
    assert (page.state.level, page.state.variable) == (3, "qc")
    page.commands["reset"]()
    page.browser._handle_msg({"command": "undo"})
    assert (page.state.level, page.state.variable) == (3, "qc")


def test_what_is_no_command_is_dropped():
    obeyed: list[str] = []
    browser = Browser(obeyed.append)
    for message in (None, 7, {}, {"command": "format"}, {"command": ["undo"]}, "undo", {"command": "undo"}):
        browser._handle_msg(message)
    assert obeyed == ["undo"]


def test_arrow_keys_step_over_columns_and_levels(page):
    grid = page.catalog.grid("globe")
    page.toolbar.search.value = f"{grid.lat[40]:.2f}, {grid.lon[40]:.2f}"
    assert page.state.cell == 40
    assert page.toolbar.search.value == grid.place(40)
    page.browser._handle_msg({"command": "north"})
    assert grid.lat[page.state.cell] > grid.lat[40]
    page.toolbar.search.value = "somewhere"
    assert page.toolbar.search.error_state
    level = page.state.level
    page.browser._handle_msg({"command": "up"})
    assert page.state.level == level + 1


def test_a_presentation_shows_its_scenes(page):
    page.state.level = 3
    page.drawer._add()
    page.state.param.update(level=7, dark=True)
    page.drawer._add()
    page.presentation.go_to(0)
    page.commands["present"]()
    assert page.browser.presenting
    assert (page.state.level, page.state.dark) == (3, False)
    page.browser._handle_msg({"command": "next"})
    page.browser._handle_msg({"command": "next"})
    assert (page.state.level, page.state.dark) == (7, True)
    assert "2 / 2" in page.presenter.name.object
    assert not page.presenter.note.visible
    page.browser._handle_msg({"command": "notes"})
    assert page.presenter.note.visible
    page.browser._handle_msg({"command": "leave"})
    assert not page.browser.presenting
    assert not page.presenter.strip.visible


def test_a_scenario_is_saved_and_loaded(catalog, page):
    page.state.param.update(level=3, tab="Maps")
    page.drawer.title.value = "A talk"
    page.drawer._add()
    page.presentation.change(0, name="<b>one</b>", note="<script>say</script>")
    content = page.drawer._file().read()
    other = DashboardPage(catalog)
    other.drawer.load(content)
    assert other.drawer.scenario == page.drawer.scenario
    assert len(other.notices) == 0
    assert "<script>" not in other.presenter.note.object
    assert "<b>one" not in other.presenter.name.object


def test_a_bad_scenario_is_told_in_one_notice_and_changes_nothing(page):
    start = page.state.choices
    page.drawer.load(b"no scenario")
    assert "expected a scenario file" in said(page.notices[0])
    assert page.state.choices == start
    bad = {"format": "diffmp-scenario", "version": 1, "state": {"level": 99, "time": "x"}, "scenes": [1]}
    page.drawer.load(json.dumps(bad).encode())
    assert len(page.notices) == 1
    assert len(said(page.notices[0]).split("<br>")) == 3


def controls_shown(page) -> bool:
    return bool(page.tabs.places["Maps"].select(lambda part: getattr(part, "label", "") == "Projection"))


def test_figures_are_larger_while_presented(catalog):
    page = DashboardPage(catalog, "?tab=Maps")
    page.panel()
    title = page.tabs.views["Maps"].map.figure.title
    page.presentation.on = True
    assert title.text_font_size == "18px"
    page.state.dark = True
    assert title.text_font_size == "18px"
    assert not controls_shown(page)
    page.commands["controls"]()
    assert controls_shown(page)
    page.presentation.on = False
    assert title.text_font_size == "14px"
    assert controls_shown(page)


def test_every_experiment_is_listed_with_a_link(catalog):
    page = DashboardPage(catalog)
    page.panel()
    text = page.tabs.views["Overview"].parts["served"].object
    assert 'href="?experiment=small"' in text
    assert "Small &lt;b&gt;globe" in text


def test_a_view_is_made_when_its_tab_is_first_seen(catalog):
    page = DashboardPage(catalog)
    page.panel()
    assert set(page.tabs.views) == {"Overview"}
    page.state.tab = "Maps"
    assert set(page.tabs.views) == {"Overview", "Maps"}


def test_scenes_outlive_a_reload(catalog, page):
    page.state.param.update(level=3, tab="Maps")
    page.drawer._add()
    page.drawer._add()
    kept = {"talk": page.browser.talk, "place": page.browser.place, "presenting": True}
    other = DashboardPage(catalog, "?level=7")
    other.panel()
    other.browser._handle_msg({"restore": kept})
    assert other.presentation.scenes == page.presentation.scenes
    assert (other.presentation.place, other.presentation.on, other.state.level) == (1, True, 7)
    other.presentation.take(())
    assert other.browser.talk == ""
    other.browser._handle_msg({"restore": kept | {"talk": "no scenario"}})
    assert "expected a scenario file" in said(other.notices[0])


def test_every_control_and_score_explains_itself(page):
    controls = explanations.controls(NAMES)
    assert {name for name, *_ in controls} >= {"Score", "Neutralise T", "Seed", "Region"}
    assert len(controls) == len(NAMES) - len(BOX)
    assert all(words for _, words, _ in controls)
    assert all(formula for *_, formula in [*explanations.scores(), *explanations.map_scores()])
    page.state.tab = "Sensitivity"
    page.browser._handle_msg({"command": "explain"})
    assert page.explain.drawer.open
    assert "θ → (1 − a) θ + a θₘ" in page.explain.text.object
    assert "√⟨(x̄ − y)²⟩" in page.explain.text.object
    assert "even a perfect ensemble" in page.explain.text.object
    assert {name.lower() for name, *_ in explanations.regimes()} == set(options("regime")) - {"any"}


def test_the_tour_walks_the_tabs_and_is_offered_on_a_first_visit(page):
    page.tour._handle_msg({"first": True})
    assert page.toolbar.tour.variant == "contained"
    page.commands["tour"]()
    assert page.tour.runs == 1
    for step in page.tour.steps:
        page.tour._handle_msg({"tab": step["tab"]})
        assert page.state.tab == step["tab"]
    page.tour._handle_msg({"tab": "../etc"})
    assert page.state.tab == "Overview"
    page.tour._handle_msg({"first": False})
    assert page.toolbar.tour.variant == "outlined"
