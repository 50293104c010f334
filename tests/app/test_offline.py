"""Nothing leaves the machine: with every other host cut off, tabs, exports and a presentation work and ask no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from diffmp_app.state.choices import TABS

from tests.app.served import chromium, open_tab, watched_window

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CUT_OFF = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""No name is resolved, so that not even what a page's script cannot see gets out."""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A Chromium without a network."""
    with chromium(CUT_OFF) as found:
        yield found


def test_every_tab_export_and_a_presentation_ask_no_other_host(browser, address):
    with watched_window(browser, address) as page:
        page.goto(address)
        for name in TABS:
            open_tab(page, name)
        for tab, menu, kind, file in (
            ("Overview", "Export scores", "CSV", "csv"),
            ("Maps", "Export map", "SVG", "svg"),
            ("Maps", "Export section", "netCDF", "nc"),
            ("Profiles", "Export ranks", "Python", "py"),
        ):
            open_tab(page, tab)
            page.get_by_role("button", name=menu, exact=True).click()
            with page.expect_download() as download:
                page.get_by_role("menuitem", name=kind).first.click()
            assert download.value.suggested_filename.endswith(file)
        page.get_by_role("button", name="Scenes and files").click()
        page.get_by_role("button", name="Add what is shown as a scene").click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Present: full screen").click()
        page.get_by_text("1 / 1").locator("visible=true").wait_for()
        page.wait_for_function("() => document.documentElement.style.fontSize == '130%'")  # keys are obeyed from now on
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="Maps").wait_for()
        page.get_by_label("Toggle theme").click()
        page.wait_for_function("() => window.location.search.includes('dark=1')")
        assert page.outside == []
        assert page.errors == []
