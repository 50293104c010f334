"""Nothing drawn outlives the state that it was drawn from: what is seen is what a page opened at that state shows."""

from __future__ import annotations

import random
import shutil
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
import xarray as xr
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import Ensemble, ScoreMap
from diffmp_app.page import DashboardPage
from diffmp_app.state.choices import NAMES, TABS, Choices, field_bounds, options
from diffmp_app.views import answers
from diffmp_app.views.tabs import VIEWS

from diffmp_core.experiments import leave_columns_out
from tests.app.drawn import differences, seen
from tests.app.experiment import add_networks, make_experiment
from tests.app.studies import add_studies
from tests.app.test_answers import Document

COLUMNS_FROM = "diffmp fetch climsim"
BASE = {"members": 3}
TRIED: dict[str, list[Any]] = {
    "experiment": ["small", "bare"],
    "emulator": ["DIFF-MP paper"],
    "pinned_emulator": ["DIFF-MP paper"],
    "target": ["composite", "own"],
    "cell": [17],
    "pinned_cell": [9],
    "time": [1],
    "pinned_time": [1],
    "member": [2],
    "members": [2],
    "seed": [3],
    "step": [2],
    "study_file": [],
    "own": [],
    "tab": [],
}
"""Values to change to where bounds and options do not say all."""
STEPS = 20
"""Steps of a walk on each tab."""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Experiments of other columns each; of the last the columns are not there."""
    folder = tmp_path_factory.mktemp("three")
    globe = make_experiment(folder / "globe", cells=162, times=2)
    add_networks(globe)
    add_studies(globe)
    add_networks(make_experiment(folder / "small", cells=42, times=3))
    bare = folder / "bare"
    shutil.copytree(globe, bare)
    leave_columns_out(bare, columns_from=COLUMNS_FROM)
    (bare / "columns.nc").unlink()
    return Catalog([globe, folder / "small", bare])


def open_page(catalog: Catalog, choices: Choices) -> DashboardPage:
    page = DashboardPage(catalog)
    page.state.show(choices)
    page.panel()
    return page


def shown(page: DashboardPage) -> dict[str, Any]:
    return dict(seen(page.tabs.places[page.state.tab]))


def figures(page: DashboardPage) -> dict[str, Any]:
    return {place: value for place, value in shown(page).items() if "figure" in place}


def start_of(catalog: Catalog, tab: str) -> Choices:
    return DashboardPage(catalog).state.choices.model_copy(update={"tab": tab, **BASE})


def others(name: str, choices: Choices) -> list[Any]:
    """Other values of a choice."""
    now = getattr(choices, name)
    if name in TRIED:
        return [value for value in TRIED[name] if value != now]
    if options(name):
        return [value for value in options(name) if value != now]
    if isinstance(now, bool):
        return [not now]
    low, high = field_bounds(name) or (now, now)
    return [low if now != low else high]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("tab", TABS)
def test_every_choice_shows_what_a_page_opened_there_shows_and_can_be_taken_back(three: Catalog, tab: str):
    start = start_of(three, tab)
    page = open_page(three, start)
    first = shown(page)
    for name in NAMES:
        for value in others(name, start):
            setattr(page.state, name, value)
            if name in {*VIEWS[tab].depends, "experiment"}:
                assert differences(shown(page), shown(open_page(three, page.state.choices))) == [], (name, value)
            else:
                assert differences(shown(page), first) == [], (name, value)
            page.state.show(start)
            assert differences(shown(page), first) == [], f"{name} back from {value}"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("tab", ["Maps", "Profiles", "Sensitivity"])
def test_a_long_walk_ends_where_a_page_opened_there_begins(three: Catalog, tab: str):
    draw = random.Random(tab)
    page = open_page(three, start_of(three, tab))
    names = [name for name in VIEWS[tab].depends if name not in ("dark", "members")] + 6 * ["experiment"]
    for _ in range(STEPS):
        name = draw.choice(names)
        values = others(name, page.state.choices)
        limits = three.limits(page.state.experiment)
        if name in limits.names:
            values = [value for value in values if value in limits.names[name]]
        if name in limits.bounds:
            values = [min(value, limits.bounds[name][1]) for value in values]
        if values:
            setattr(page.state, name, draw.choice(values))
            found = differences(shown(page), shown(open_page(three, page.state.choices)))
            assert found == [], (name, page.state.query())
            assert_exports_are_of_the_state(page, three)


def assert_exports_are_of_the_state(page: DashboardPage, catalog: Catalog) -> None:
    """The numbers that leave by the menus are those that are drawn."""
    state, views = page.state, page.tabs.views
    if page.tabs.places[state.tab].said:
        return
    if state.tab == "Maps" and state.compare == "none":
        exported = ScoreMap.of(state).gather(catalog)[state.metric].values
        drawn = views["Maps"].map.values.data["value"]
        np.testing.assert_allclose(exported[views["Maps"]._raster().cells], drawn, rtol=1e-5)
    if state.tab == "Profiles" and views["Profiles"].answered is not None:
        xr.testing.assert_identical(Ensemble.of(state).gather(catalog), views["Profiles"].answered)
    if state.tab == "Sensitivity" and views["Sensitivity"].response is not None:
        exported = views["Sensitivity"]._exhibit().gather(catalog)
        change = views["Sensitivity"].response.changes[0].change
        np.testing.assert_allclose(exported["heating_change"], change, rtol=1e-5)


@pytest.mark.parametrize("tab", ["Profiles", "Sensitivity"])
def test_columns_of_another_experiment_do_not_stay_where_its_own_are_not_there(three: Catalog, tab: str):
    page = open_page(three, start_of(three, tab))
    page.state.experiment = "bare"
    page.state.param.update(scale_SHF=0.3, scale_LHF=0.3)
    assert COLUMNS_FROM in page.tabs.places[tab].said
    assert figures(page) == {}
    page.state.experiment = "globe"
    assert page.tabs.places[tab].said == ""
    assert figures(page)


def test_a_fault_of_the_page_leaves_nothing_drawn(three: Catalog, monkeypatch: pytest.MonkeyPatch):
    page = open_page(three, start_of(three, "Maps"))

    def fail(changed: frozenset[str]) -> None:
        raise ZeroDivisionError("<b>secret</b>")

    with monkeypatch.context() as patch:
        patch.setattr(page.tabs.views["Maps"], "refresh", fail)
        with pytest.raises(ZeroDivisionError):
            page.state.metric = "bias"
    assert "log" in page.tabs.places["Maps"].said
    assert "secret" not in page.tabs.places["Maps"].said
    assert figures(page) == {}
    page.state.level = 3
    assert differences(figures(page), figures(open_page(three, page.state.choices))) == []


@pytest.mark.parametrize(
    ("tab", "change"),
    [
        *(("Profiles", change) for change in ({"cell": 17}, {"emulator": "DIFF-MP paper"}, {"seed": 4}, {"time": 1})),
        *(("Sensitivity", change) for change in ({"cell": 17}, {"emulator": "DIFF-MP paper"}, {"warming": 2.0})),
    ],
)
def test_an_answer_is_drawn_with_its_own_words_or_not_at_all(
    three: Catalog, monkeypatch: pytest.MonkeyPatch, tab: str, change: dict[str, Any]
):
    page = open_page(three, start_of(three, tab))
    before = shown(page)
    answer = _answer(page, tab)
    document, futures = Document(), list[Future]()

    def submit(*_: Any, **__: Any) -> Future:
        futures.append(Future())
        return futures[-1]

    monkeypatch.setattr(answers, "session", lambda: document)
    for emulator in ("DIFF-MP calibrated", "DIFF-MP paper"):
        monkeypatch.setattr(three.live("globe", emulator), "submit", submit)
        monkeypatch.setattr(three.live("globe", emulator), "submit_work", submit)
    page.state.param.update(**change)
    standing = {place: value for place, value in shown(page).items() if "figure" in place or "Typography" in place}
    assert differences(standing, {place: before[place] for place in standing}) == [], "words ran ahead of the answer"

    document.later[-1][0]()  # the answer is late
    late = shown(page)
    assert "Drawing" in str(late)
    page.state.tab = "Maps"  # elsewhere another question is asked, so that the answer is to none
    page.state.param.update(seed=9)
    futures[0].set_result(answer)
    page.state.show(page.state.choices.model_copy(update={"tab": tab}))
    assert _answer(page, tab) is None
    drawn = [value for place, value in shown(page).items() if place.endswith(("first_mean", ".x"))]
    assert not any(np.isfinite(np.asarray(value, float)).any() for value in drawn)


def _answer(page: DashboardPage, tab: str) -> Any:
    """What the view holds of its last answer, in the form that the emulator gave it."""
    view = page.tabs.views[tab]
    if tab == "Sensitivity":
        return view.response
    return view.answer
