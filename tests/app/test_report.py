"""The report: one file, nothing fetched, the exhibits of the page in it."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from bokeh.models import CustomJS
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import EnsemblePair, ScoreMap
from diffmp_app.report.sections import TYPICAL, sections, typical_columns
from diffmp_app.report.write import share_data, write_report

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.regimes import REGIMES
from diffmp_core.variables import PAPER
from tests.app.experiment import add_networks, experiment_columns, make_experiment, score_columns

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
MOST_BYTES = 6_000_000
AGAINST = "DIFF-MP paper against DIFF-MP calibrated"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_experiment(tmp_path_factory.mktemp("report") / "globe", cells=162, times=2, title="A <b>globe</b>")
    add_networks(made)
    return made


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Catalog:
    return Catalog([folder])


@pytest.fixture(scope="module")
def written(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(folder, tmp_path_factory.mktemp("out") / "report.html")


def test_its_columns_are_the_most_typical_of_their_regimes(catalog: Catalog):
    name = catalog.names[0]
    facts, found = catalog.facts(name), typical_columns(catalog, name)
    assert set(found) <= set(TYPICAL)
    assert "deep convection" in found
    for regime, place in found.items():
        assert REGIMES[regime].distance(facts)[place] == REGIMES[regime].distance(facts).min()


def test_every_exhibit_is_in_it_with_its_python(written: Path, catalog: Catalog):
    text = written.read_text(encoding="utf-8")
    made = list(sections(catalog, catalog.names[0], "DIFF-MP calibrated"))
    titles = [section.title for section in made]
    assert titles == [
        "Scores", "Maps", "Zonal means", AGAINST, "Distributions", "Ranks", "Profiles", "Sensitivity",
    ]  # fmt: skip
    count = sum(len(section.exhibits) for section in made)
    assert text.count("<figure ") == text.count("<details><summary>The Python") == count
    assert text.count("T neutralised below level 11") >= 1
    assert "A <b>globe" not in text


def test_the_other_emulator_is_held_against_the_one_reported_on(written: Path, catalog: Catalog):
    exhibits = next(s.exhibits for s in sections(catalog, "globe", "DIFF-MP calibrated") if s.title == AGAINST)
    differences = [e for e in exhibits if isinstance(e, ScoreMap) and e.is_difference]
    assert [(e.metric, e.variable) for e in differences] == [("mse", name) for name in PAPER.outputs.names]
    assert [e.emulator for e in exhibits if isinstance(e, ScoreMap) and e.metric == "coverage"] == ["DIFF-MP paper"] * 4
    assert isinstance(exhibits[-1], EnsemblePair)
    shown = differences[0]
    data = shown.data(catalog)
    first, second = (catalog.scores("globe", f"DIFF-MP {key}")["column_mse"] for key in ("paper", "calibrated"))
    paired = (first - second).sel(variable=shown.variable).isel(level=shown.level).mean("time")
    np.testing.assert_allclose(data["mse"] / shown.factor(catalog), paired, rtol=1e-4, atol=1e-6)
    text = written.read_text(encoding="utf-8")
    assert data.attrs["subtitle"] in text
    assert "cannot be told from equally good (false discovery rate 10%" in data.attrs["subtitle"]


def test_maps_share_what_is_the_same_and_nothing_else(catalog: Catalog):
    exhibit = ScoreMap(experiment="globe", emulator="DIFF-MP calibrated", variable="qc", metric="mse", level=5)
    plots = [each.screen(each.data(catalog))[0][0] for each in (exhibit, replace(exhibit, level=9))]
    share_data(plots)
    by_name = [{r.name: r.data_source for r in plot.renderers if r.name} for plot in plots]
    assert by_name[0]["coastline"] is by_name[1]["coastline"]
    runs, values, pixels = (
        [next(iter(plot.select({"type": CustomJS}))).args[name] for plot in plots]
        for name in ("runs", "values", "pixels")
    )
    assert runs[0] is runs[1]
    assert values[0] is not values[1]
    assert pixels[0] is not pixels[1]


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


def test_it_says_which_map_the_score_store_lacks(tmp_path: Path):
    folder = make_experiment(tmp_path / "globe", cells=42, times=2)
    name = yaml.safe_load((folder / "experiment.yaml").read_text())["emulators"][0]["scores"]
    scores = xr.load_dataset(folder / name)
    scores.drop_vars("column_crps_fair").to_netcdf(folder / name)
    catalog = Catalog([folder])
    maps = {
        emulator: next(s.words for s in sections(catalog, "globe", emulator) if s.title == "Maps")
        for emulator in catalog.limits("globe").emulators[:2]
    }
    lacking, whole = maps.values()
    assert lacking.endswith(". The score store of DIFF-MP calibrated has no “CRPS, fair”.")
    assert "has no" not in whole


def test_responses_are_of_all_columns_where_none_is_tropical(tmp_path: Path):
    columns = experiment_columns(cells=12, times=1)
    folder = score_columns(tmp_path / "globe", columns.assign_coords(lat=50 + columns["lat"] / 10))
    add_networks(folder)
    catalog = Catalog([folder])
    [found] = [s for s in sections(catalog, "globe", "DIFF-MP calibrated") if s.title == "Sensitivity"]
    assert [exhibit.columns(catalog).cells for exhibit in found.exhibits] == [tuple(range(12))] * 4


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
