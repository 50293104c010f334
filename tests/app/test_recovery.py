"""What happens when a part of the server breaks: the page says so, and comes back as it was."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.state.state import State
from diffmp_app.views.profiles import ProfilesView

from diffmp_core.sampling.live import LatestWins
from tests.app.served import serve, watched_window


def test_a_worker_that_hangs_is_replaced_and_the_page_says_so(live_folder: Path, monkeypatch):
    catalog = Catalog([live_folder])
    state = State(catalog.names, catalog.limits)
    live = catalog.live(state.experiment, state.emulator)
    live._worker = LatestWins(patience=0.3)
    release = threading.Event()
    monkeypatch.setattr(live, "answer", lambda *_, **__: release.wait(60))
    view = ProfilesView(state, catalog)
    view.panel()
    assert view.notice.visible
    assert "its worker was started again" in view.notice.object
    monkeypatch.undo()
    release.set()
    state.resample()
    view.refresh(frozenset({"seed"}))
    assert not view.notice.visible
    assert view.answer is not None


@pytest.mark.slow
@pytest.mark.browser
def test_a_lost_connection_is_said_and_the_page_comes_back_with_its_state(browser, live_folder: Path):
    with serve([live_folder]) as first, watched_window(browser, first.url) as page:
        page.goto(f"{first.url}?tab=Maps&level=4")
        page.get_by_text("Global mean").first.wait_for()
        page.get_by_role("button", name="Scenes and files").click()
        page.get_by_role("button", name="Add what is shown as a scene").click()
        page.get_by_label("Scene 1", exact=True).fill("Level four")
        page.get_by_label("Scene 1", exact=True).press("Tab")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Next level").click()
        page.wait_for_function("() => window.location.search.includes('level=5')")
        first.process.kill()
        page.get_by_role("alert").get_by_text("The connection to the server is lost").wait_for()
        with serve([live_folder], port=first.port):
            page.locator("#diffmp-lost").wait_for(state="detached")
            page.get_by_text("Global mean").first.wait_for()
            assert "level=5" in page.url
            page.get_by_role("button", name="Scenes and files").click()
            assert page.get_by_label("Scene 1", exact=True).input_value() == "Level four"
            page.get_by_role("button", name="Show scene 1").click()
            page.wait_for_function("() => window.location.search.includes('level=4')")
