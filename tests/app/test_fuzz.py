"""Whatever an address, a scenario file or the browser sends: nothing raises, no traceback shows, no session dies."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import yaml
from diffmp_app.data.catalog import Catalog
from diffmp_app.page import DashboardPage
from diffmp_app.state.address import StateParser
from diffmp_app.state.choices import NAMES, TABS
from diffmp_app.state.scenario import FORMAT, VERSION, Scenario, Scene, plain_text, read_scenario
from diffmp_app.web.browser import Browser
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.errors import DiffmpError
from tests.app.experiment import make_experiment
from tests.app.served import open_tab, serve, watched_window
from tests.app.test_state import LIMITS

PARSER = StateParser(list(LIMITS), LIMITS.__getitem__)
HALF = "\ud800"
"""Half a character: JSON can say it, UTF-8 cannot."""
MARKUP = "<img src=x onerror=alert(1)>"
NASTY = (
    "",
    "'7'",
    "-1",
    "1e999",
    "nan",
    "../../../etc/passwd",
    "%00",
    MARKUP,
    "{{7*7}}",
    "\N{SNOWMAN}" * 40,
    "[" * 500,
)
TEXT = st.text(st.characters(), max_size=30)  # with halves of characters
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "name", "note"]), inner),
    max_leaves=10,
)
GOOD = Scenario(
    title="A talk", state=PARSER.first(), scenes=(Scene(name="One", note="Say this.", state=PARSER.start("small")),)
)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60) | st.lists(st.tuples(st.sampled_from([*NAMES, "x"]), TEXT | st.sampled_from(NASTY))))
def test_no_address_raises_and_every_state_read_is_one_of_the_page(given_):
    query = quote(given_) if isinstance(given_, bytes) else urlencode(given_, errors="replace")
    choices, notices = PARSER.read_query("?" + query)
    assert choices.experiment in PARSER.experiments
    assert choices.emulator in PARSER.limits(choices.experiment).emulators
    assert PARSER.read_query(PARSER.query(choices)) == (choices, [])
    for notice in notices:
        notice.encode()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80) | st.dictionaries(st.sampled_from(["title", "state", "scenes"]), JSON), st.data())
def test_what_is_read_of_a_scenario_can_be_shown_and_saved(content, data):
    if isinstance(content, dict):
        content = json.dumps({"format": FORMAT, "version": VERSION, **content}).encode()
    elif data.draw(st.booleans()):
        good = GOOD.to_json().encode()
        at = data.draw(st.integers(0, len(good)))
        content = good[:at] + content + good[at + data.draw(st.integers(0, 9)) :]
    try:
        scenario, notices = read_scenario(content, PARSER)
    except DiffmpError:
        return
    assert read_scenario(scenario.to_json().encode(), PARSER) == (scenario, [])
    for notice in notices:
        notice.encode()


@pytest.mark.parametrize("name", ["..", "../globe", "/", "/etc", "globe/../small", ".", "globe\x00", "~", "C:\\"])
def test_no_path_leaves_the_experiments(catalog: Catalog, name: str):
    page = DashboardPage(catalog, "?" + urlencode({"experiment": name}))
    assert page.state.experiment == "globe"
    page.drawer.load(json.dumps({"format": FORMAT, "version": VERSION, "state": {"experiment": name}}).encode())
    assert page.state.experiment == "globe"
    assert len(page.notices) == 1


def test_half_characters_become_question_marks():
    assert plain_text(f" a{HALF} ") == "a?"
    content = json.dumps(
        {"format": FORMAT, "version": VERSION, "title": HALF, "scenes": [{"name": HALF, "note": HALF}]}
    )
    scenario, _ = read_scenario(content.encode(), PARSER)
    assert (scenario.title, scenario.scenes[0].name, scenario.scenes[0].note) == ("?", "?", "?")


@settings(max_examples=40, deadline=None)
@given(JSON | st.fixed_dictionaries({"command": JSON}) | st.fixed_dictionaries({"restore": JSON}))
def test_messages_that_are_no_command_do_nothing(message):
    done = []
    Browser(done.append, lambda *kept: done.append(kept))._handle_msg(message)
    assert done == []


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment with markup wherever its file has text."""
    folder = make_experiment(tmp_path_factory.mktemp("served") / "hostile", cells=162, times=2, title=MARKUP)
    content = yaml.safe_load((folder / "experiment.yaml").read_text())
    content["description"] = MARKUP
    content["emulators"][0]["name"] = MARKUP
    (folder / "experiment.yaml").write_text(yaml.safe_dump(content))
    return folder


@pytest.mark.slow
@pytest.mark.browser
def test_a_live_page_survives_what_is_thrown_at_it(browser, hostile_folder: Path, tmp_path: Path):
    with serve([hostile_folder]) as server, watched_window(browser, server.url) as page:
        dialogs = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        for query in ADDRESSES:
            page.goto(f"{server.url}?{query}")
            page.get_by_role("tab", name="Maps").wait_for()
        page.goto(f"{server.url}?tab=Overview")
        page.get_by_role("button", name="Scenes and files").click()
        for number, content in enumerate(UPLOADS):
            file = tmp_path / f"{number}.json"
            file.write_bytes(content)
            page.locator("input[type=file][accept*=json]").set_input_files(file)
            page.wait_for_function("() => Bokeh.documents[0].is_idle")
        page.get_by_text("Close", exact=True).click()
        for name in TABS:
            open_tab(page, name)
            assert page.get_by_text("Traceback").count() == 0
            assert page.locator("img[src=x]").count() == 0
        page.get_by_role("tab", name="Maps").click()
        page.get_by_role("button", name="Next level").click()  # the session lives
        page.wait_for_function("() => window.location.search.includes('level=')")
        assert dialogs == []
        assert page.errors == []


ONE_EACH = ("tab", "level", "cell", "seed", "time", "experiment", "region", "emulator", "variable", "regime", "units")
ADDRESSES = (
    *(urlencode({name: value}) for name, value in zip(ONE_EACH, NASTY, strict=True)),
    "&".join(f"{name}={quote(MARKUP)}" for name in NAMES),
    "%ff%fe%00=%c3%28&&&=&==",
    "tab=Maps&projection=Orthographic&centre=181&level=-0",
    "region=box&south=90&north=-90&tab=Maps",
    "tab=Sensitivity&warming=inf&scale_SHF=1e-320&top_level=0",
    "x=" + "a" * 3000,
)  # fmt: skip
UPLOADS = (
    b"",
    b"\x00\xff" * 500,
    b"[" * 5000,
    b"{}",
    b'{"format": "diffmp-scenario", "version": 1e999}',
    *(
        json.dumps({"format": FORMAT, "version": VERSION, "title": value, "state": {"experiment": value, "cell": value},
                    "scenes": [{"name": value, "note": value, "state": {"tab": value}}, value]}).encode()
        for value in (MARKUP, HALF, "../..", None, 7, [], {}, "x" * 9000, 10**400)
    ),
)  # fmt: skip
