"""The reader's own column: a good file is taken, any other is one sentence on the page, and the session goes on."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.target import take_target
from diffmp_app.exhibits import Ensemble
from diffmp_app.state.state import State
from diffmp_app.views.own_column import ABOUT, OwnColumn

from diffmp_core.columns.user_column import UserColumn, from_text
from diffmp_core.columns.user_file import LARGEST
from diffmp_core.schema import schema_of
from tests.app.own_columns import BAD, GOOD, ROWS, bad_netcdf, fill, netcdf, table
from tests.app.served import column_field

PATIENCE_S = 2.0
"""Any table has to be refused within this time: it was 5.6 s for 2,006 bytes, growing with the third power."""

ON_THE_PAGE = ("empty", "rubbish", "markup", "a slow heading", "the beginning of an HDF5 file")
"""What a browser uploads too."""

TRIES, WAIT_MS = 4, 20_000


@pytest.fixture
def view(catalog: Catalog, state: State) -> OwnColumn:
    made = OwnColumn(state, catalog)
    made.panel()
    return made


def refused(view: OwnColumn, content: bytes, words: str) -> None:
    before = view.state.choices
    view.load(content)
    said = view.said.object
    assert re.search(words, html.unescape(said)), said
    assert view.notice.visible
    assert "\n" not in said
    assert "<" not in said
    assert len(said) < 400
    assert view.about.object == ABOUT
    assert view.state.choices == before
    view.load(table())
    assert not view.notice.visible


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_one_sentence(view: OwnColumn, name: str):
    start = time.perf_counter()
    refused(view, *BAD[name])
    assert name.startswith("the beginning") or time.perf_counter() - start < PATIENCE_S


def test_a_bad_netcdf_file_is_one_sentence(view: OwnColumn, tmp_path: Path):
    for name, (content, words) in bad_netcdf(tmp_path).items():
        assert len(content) < 200_000, name
        refused(view, content, words)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_table_is_taken(view: OwnColumn, name: str):
    view.load(GOOD[name])
    assert not view.notice.visible
    assert view.state.target == "own"
    schema = schema_of(view.catalog.columns(view.state.experiment))
    assert from_text(view.state.own, schema)[0, 0] == pytest.approx(300, abs=0.5)


def test_a_good_netcdf_file_is_the_same_column(view: OwnColumn, tmp_path: Path):
    view.load(table())
    own = view.state.own
    view.state.own = ""
    view.load(netcdf(tmp_path, fill))
    assert view.state.own == own


def test_a_sounding_that_ends_early_is_taken_and_every_caption_and_export_says_so(view: OwnColumn):
    view.load(table(rows=ROWS[:18]))  # to 17 km
    assert not view.notice.visible
    _, rule = take_target(view.state.choices, view.catalog)
    assert re.fullmatch(r"Your own column; its file has nothing above 1[67]\.\d km: T and qv keep .*", rule)
    assert Ensemble.of(view.state).columns(view.catalog).rule == rule  # subtitle and attribute of exports
    view.load(table())
    assert take_target(view.state.choices, view.catalog)[1] == "Your own column"


def test_an_empty_file_is_told_and_the_same_file_is_read_again(view: OwnColumn):
    view.upload.param.update(value=None)  # what Panel makes of an empty file
    assert "found 0 lines" in view.said.object
    view.upload.param.update(value=table())
    own, view.state.own = view.state.own, ""
    view.upload.param.update(value=table())
    assert view.state.own == own != ""


def test_what_the_browser_would_refuse_the_server_does_not_keep(view: OwnColumn):
    def send(content: bytes, *, piece: int = 1, of: int = 1) -> None:
        about = {"name": f"{piece}.csv", "chunk": piece, "total_chunks": of, "mime_type": "text/csv"}
        view.upload._handle_msg({"status": "upload_event", "data": content, **about})

    send(b"1" * (LARGEST + 1))
    for piece in range(1, 9):
        send(b"1" * LARGEST, piece=piece, of=1000)
    assert view.upload._buffer == []
    assert view.upload._file_buffer == {}
    send(table())
    view.upload._handle_msg({"status": "finished"})
    assert view.state.target == "own"


def test_a_text_of_other_columns_is_told_and_nothing_is_drawn_of_it(view: OwnColumn):
    view.state.param.update(own="300 299 1000", target="own")
    target, said = take_target(view.state.choices, view.catalog)
    assert target is None
    assert said.startswith(
        "expected 64 numbers of a column with a blank between, found other text; load the file again"
    )


def test_a_file_read_too_late_is_not_put_into_another_experiment(view: OwnColumn):
    schema = schema_of(view.catalog.columns(view.state.experiment))
    text = " ".join(["300"] * 30 + ["5"] * 30 + ["1000", "10", "100", "300"])
    view._take(UserColumn(from_text(text, schema), (0, 30)), "another")
    assert view.state.own == ""


def load(page, file: Path, answer: Callable[[], object]) -> None:
    """Give the page a file until it answers: the button may just be drawn anew, and then does not hear of it."""
    timeout = pytest.importorskip("playwright.sync_api").TimeoutError
    for _ in range(TRIES):
        column_field(page, "Profiles").set_input_files(file)
        with suppress(timeout):
            return answer()
    pytest.fail(f"no answer to {file.name}")


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_says_what_is_wrong_with_a_file_and_goes_on(page, address: str, tmp_path: Path):
    page.goto(f"{address}?tab=Profiles&target=own")
    page.get_by_text("No column of your own is loaded yet").first.wait_for()
    for number, name in enumerate(ON_THE_PAGE):
        content, words = BAD[name]
        (tmp_path / f"{number}.csv").write_bytes(content)
        load(page, tmp_path / f"{number}.csv", lambda words=words: page.get_by_text(words).wait_for(timeout=WAIT_MS))
    (tmp_path / "good.csv").write_bytes(table())
    taken = "() => window.location.search.includes('own=')"
    load(page, tmp_path / "good.csv", lambda: page.wait_for_function(taken, timeout=WAIT_MS))
    page.get_by_text("members from seed").first.wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert page.errors == []
