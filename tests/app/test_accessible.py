"""axe-core finds nothing serious or critical: on every tab, light and dark, on a wide and a narrow window."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from diffmp_app.state.choices import TABS

from tests.app.served import open_tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(pytest.importorskip("axe_playwright_python", reason="install the extra dev").__file__).parent / "axe.min.js"
WIDTHS = (1400, 800)
GRAVE = ("serious", "critical")
LOOKS = 4
OPEN_LIST = "an open drop-down of panel-material-ui 0.16 is a listbox whose entries say that they are of a menu"
EXCUSED: tuple[tuple[str, str, str], ...] = (
    ("aria-required-children", r'<ul class="MuiList-root [^"]*MuiMenu-list [^>]*role="listbox"', OPEN_LIST),
    ("aria-required-parent", r'<li class="[^"]*MuiMenuItem-root [^>]*role="menuitem"', OPEN_LIST),
)
"""What cannot be mended here: rule, how the element begins, and why."""


def grave_findings(page) -> list[str]:
    """What axe-core finds that is serious or critical and lasts, one line an element.

    A button that has just become active fades in, and is looked at again.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = []
    for _ in range(LOOKS):
        if not (found := findings_now(page)):
            break
        page.wait_for_timeout(1000)
    return found


def findings_now(page) -> list[str]:
    """What axe-core finds at this moment."""
    page.evaluate("() => Promise.all(document.getAnimations().map((moving) => moving.finished.catch(() => null)))")
    found: dict[str, Any] = page.evaluate("() => axe.run({resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:300]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
        if not any(violation["id"] == rule and re.match(begins, node["html"]) for rule, begins, _ in EXCUSED)
    ]


@pytest.mark.parametrize("dark", [0, 1], ids=["light", "dark"])
def test_every_tab_on_two_widths(page, address, dark):
    page.goto(f"{address}?dark={dark}")
    for name in TABS:
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        open_tab(page, name)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert grave_findings(page) == [], (name, width)


def test_scenes_menus_notices_and_the_presentation(page, address):
    page.goto(f"{address}?tab=Maps&level=99&dark=1")
    page.get_by_text("The address asks for level").wait_for()
    page.get_by_text("Global mean").first.wait_for()
    page.get_by_role("button", name="Export map", exact=True).click()
    page.get_by_role("menuitem").first.wait_for()
    assert grave_findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Score").click()
    page.get_by_text("CRPS, fair").locator("visible=true").first.wait_for()
    assert grave_findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Scenes and files").click()
    page.get_by_role("button", name="Add what is shown as a scene").click()
    page.get_by_label("Scene 1", exact=True).wait_for()
    page.get_by_role("dialog", name="Scenario").wait_for()
    assert grave_findings(page) == []
    page.get_by_role("dialog", name="Scenario").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Explain: every control").click()
    page.get_by_role("heading", name="Controls: Maps").wait_for()
    assert grave_findings(page) == []
    page.get_by_role("button", name="Close the explanations").click()
    page.get_by_role("button", name="Tour").click()
    page.get_by_role("dialog", name="1 of 5").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("tab", name="Maps", selected=True).wait_for()
    assert grave_findings(page) == []
    page.keyboard.press("Escape")
    assert page.evaluate("() => window.localStorage.getItem('diffmp-tour-seen')") == "1"
    page.get_by_role("button", name="Present: full screen").click()
    page.get_by_text("1 / 1").locator("visible=true").wait_for()
    assert grave_findings(page) == []
