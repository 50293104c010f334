"""The Studies tab in a real Chromium: every study is drawn, and a training that goes on while one looks is followed."""

from __future__ import annotations

import pytest

from diffmp_core.studies.study import STUDIES
from diffmp_core.training.log import LOG_FILE, write_log
from tests.app.experiment import make_experiment
from tests.app.served import serve
from tests.app.studies import add_studies, add_training, make_study, row

pytestmark = pytest.mark.browser


def test_every_study_is_drawn_and_a_training_is_followed(page, address):
    page.goto(f"{address}?tab=Studies")
    for kind, name in [*((study.name, study.label) for study in STUDIES.values()), ("training", "Trainings")]:
        if kind != "models":
            page.get_by_role("combobox", name="Study").click()
            page.get_by_role("menuitem", name=name).or_(page.get_by_role("option", name=name)).first.click()
        heading = "DIFF-MP calibrated" if kind == "training" else make_study(kind).attrs["title"]
        page.get_by_role("heading", name=heading).locator("visible=true").first.wait_for()
        page.locator(".bk-Figure").locator("visible=true").first.wait_for()
    page.wait_for_function("() => window.location.search.includes('study=training')")
    assert page.errors == []
    assert page.outside == []


def test_the_page_follows_a_training_by_itself(page, browser, tmp_path):
    folder = add_studies(make_experiment(tmp_path / "globe", cells=42, times=2))
    run = add_training(tmp_path / "runs" / "new", rows=2, unfinished=True)
    with serve([folder, tmp_path / "runs"]) as server:
        page.unroute("**/*")
        page.goto(f"{server.url}?tab=Studies&study=training")
        page.get_by_text("step 200 of 1,000").wait_for()
        write_log(run / LOG_FILE, [row(number) for number in range(1, 6)])
        page.get_by_text("step 500 of 1,000").wait_for()
    assert page.errors == []
