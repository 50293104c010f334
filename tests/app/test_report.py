"""The report: one file, nothing fetched, the exhibits of the page in it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from app.catalog import Catalog
from app.report import sections, write_report
from diffmp_core.errors import DiffmpError
from tests.app.experiment import add_networks, make_experiment

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
MOST_BYTES = 15_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_experiment(tmp_path_factory.mktemp("report") / "globe", cells=162, times=2, title="A <b>globe</b>")
    add_networks(made)
    return made


@pytest.fixture(scope="module")
def written(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(folder, tmp_path_factory.mktemp("out") / "report.html")


def test_every_exhibit_is_in_it_with_its_python(written: Path, folder: Path):
    text, catalog = written.read_text(encoding="utf-8"), Catalog([folder])
    made = list(sections(catalog, catalog.names[0], "DIFF-MP calibrated"))
    titles = [section.title for section in made]
    assert titles == ["Scores", "Maps", "Zonal means", "Distributions", "Ranks", "Profiles", "Sensitivity"]
    count = sum(len(section.exhibits) for section in made)
    assert text.count("<figure ") == text.count("<details><summary>The Python") == count
    assert text.count("T neutralised below level 11") >= 1
    assert "A <b>globe" not in text


def test_it_is_small_and_asks_no_other_host(written: Path):
    text = written.read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    markup = re.sub(r"<script[^>]*>.*?</script>", "", text, flags=re.S)
    assert not re.search(r"https?://", markup)
    assert not re.search(r"<script[^>]*\ssrc=|<link\b", text)


def test_nothing_is_left_beside_it(written: Path):
    assert [path.name for path in written.parent.iterdir()] == ["report.html"]


def test_wrong_places_and_names_are_one_sentence(folder: Path, tmp_path: Path):
    with pytest.raises(DiffmpError, match=r"expected an experiment folder with experiment\.yaml, found none"):
        write_report(tmp_path, tmp_path / "out.html")
    with pytest.raises(DiffmpError, match="expected an emulator among DIFF-MP calibrated"):
        write_report(folder, tmp_path / "out.html", emulator="nobody")
    assert list(tmp_path.iterdir()) == []


def test_an_emulator_without_weights_or_scores_has_a_shorter_report(tmp_path: Path):
    folder = make_experiment(tmp_path / "globe", cells=42, times=2)
    content = yaml.safe_load((folder / "experiment.yaml").read_text())
    del content["emulators"][0]["scores"], content["emulators"][1]["folder"]
    (folder / "experiment.yaml").write_text(yaml.safe_dump(content))
    catalog = Catalog([folder])
    assert [s.title for s in sections(catalog, catalog.names[0], "DIFF-MP paper")] == [
        "Scores", "Maps", "Zonal means", "Distributions", "Ranks",
    ]  # fmt: skip
    assert [s.title for s in sections(catalog, catalog.names[0], "DIFF-MP calibrated")] == [
        "Scores", "Profiles", "Sensitivity",
    ]  # fmt: skip


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; set CHROMIUM to its path")
def test_a_browser_draws_it_and_asks_nobody(written: Path):
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(written.as_uri())
        page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle", timeout=120_000)
        drawn = page.evaluate("Bokeh.documents[0].roots().length")
        browser.close()
    assert drawn > 50
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
