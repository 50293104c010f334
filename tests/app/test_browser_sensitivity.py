"""Sweeps, a column of one's own and the denoising view in a real Chromium, walked as a person would."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.served import column_field

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_sweep_and_a_column_of_ones_own(page, address, tmp_path: Path):
    page.goto(f"{address}?tab=Sensitivity&members=2&warming=5&moistening=0.5&scale_SHF=2&scale_LHF=2")
    page.get_by_text("members, seed 0").first.wait_for()
    page.get_by_text("▲").locator("visible=true").first.wait_for()
    page.get_by_role("button", name="Sweep", exact=True).click()
    page.get_by_text("21 points, 2 members").wait_for()
    page.get_by_role("figure", name="Heating of the column as a slider moves").wait_for()
    page.get_by_role("button", name="Your own").locator("visible=true").first.click()
    page.get_by_text("No column of your own is loaded yet").locator("visible=true").first.wait_for()
    with page.expect_download() as download:
        template = page.get_by_role("button", name="Template").or_(page.get_by_role("link", name="Template"))
        template.locator("visible=true").first.click()
    file = tmp_path / "column.csv"
    download.value.save_as(file)
    broken = tmp_path / "broken.csv"
    broken.write_text(file.read_text().replace("T [K]", "T [furlong]"))
    chooser = column_field(page, "Sensitivity")
    chooser.set_input_files(broken)
    page.get_by_text("expected T in K").locator("visible=true").first.wait_for()
    chooser.set_input_files(file)
    page.wait_for_function("() => new URLSearchParams(window.location.search).get('own')")
    page.get_by_text("Your own column").locator("visible=true").first.wait_for()
    page.get_by_role("tab", name="Profiles").click()
    page.get_by_text("Your own column").locator("visible=true").first.wait_for()
    page.get_by_label("Show how the ensemble comes out of noise").click()
    page.get_by_role("button", name="Play the steps").click()
    page.get_by_text("Step: answer").locator("visible=true").first.wait_for()
    assert page.outside == []
    assert page.errors == []
