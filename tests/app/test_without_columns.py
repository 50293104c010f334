"""An experiment of weights and score files alone: maps and scores open, the rest says how to get columns."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import Distribution, ScoreMap
from diffmp_app.page import DashboardPage
from diffmp_app.report.write import report

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import leave_columns_out, load_experiment
from diffmp_core.models.references import ClimatologicalEnsemble
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.stores import open_columns, open_store, select_split, write_store
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

HOW = "diffmp fetch climsim runs/raw --times-of data/climsim/scores.nc\ndiffmp prepare runs/raw data/climsim/columns.nc"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(make_columns(cells=162, times=7), tmp_path_factory.mktemp("prepared") / "columns.nc")


@pytest.fixture(scope="module")
def shipped(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of a reference on the test time; its columns stay behind."""
    folder = tmp_path_factory.mktemp("shipped") / "climsim"
    reference = ClimatologicalEnsemble.from_columns(select_split(open_columns(prepared), "train"))
    evaluate(reference, prepared, folder, members=4, split="test", name="Climatology")
    leave_columns_out(folder, columns_from=HOW)
    return folder


def test_the_file_names_no_columns_of_another_place(shipped: Path) -> None:
    text = (shipped / "experiment.yaml").read_text()
    assert "columns: columns.nc" in text
    assert ".." not in text
    assert not load_experiment(shipped).has_columns


def test_maps_and_scores_open(shipped: Path) -> None:
    catalog = Catalog([shipped])
    limits = catalog.limits("climsim")
    assert (limits.times, limits.cells) == (1, 162)
    assert np.isfinite(catalog.levels("climsim", "Climatology", "mse", "tend_T_sgs", None)).any()
    assert catalog.grid("climsim").times == ("2005-04-02 18:00",)
    assert "crps_fair" in catalog.table("climsim", "Climatology")["scores"]["qc"]
    shown = ScoreMap(experiment="climsim", emulator="Climatology", variable="qc", metric="mse", level=3)
    assert shown.data(catalog).attrs["source"] == "synthetic"
    assert Distribution(experiment="climsim", emulators=("Climatology",), variable="qc", level=3).data(catalog).sizes


def test_what_needs_columns_says_how_to_get_them(shipped: Path) -> None:
    catalog = Catalog([shipped])
    with pytest.raises(DiffmpError, match="expected the columns of .*, found none.*diffmp fetch climsim") as raised:
        catalog.columns("climsim")
    assert "\n" not in str(raised.value)


def test_the_page_opens_and_tells_what_is_missing(shipped: Path) -> None:
    page = DashboardPage(Catalog([shipped]))
    page.panel()
    page.state.tab = "Maps"
    assert page.tabs.places["Maps"].said == ""
    page.state.tab = "Profiles"
    assert "diffmp fetch climsim" in page.tabs.places["Profiles"].said


def test_a_report_has_what_needs_no_columns(shipped: Path) -> None:
    text = report(Catalog([shipped]), "climsim", "Climatology")
    sections = re.findall(r"<h2>(.*?)</h2>", text)
    assert "Zonal means" in sections
    assert "Sensitivity" not in sections


def test_fetched_columns_open_the_rest_and_others_are_refused(shipped: Path, prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "climsim"
    shutil.copytree(shipped, folder)
    test = select_split(open_columns(prepared), "test")
    write_store(test.drop_encoding(), folder / "columns.nc")
    assert Catalog([folder]).columns("climsim")["T"].sizes["cell"] == 162
    write_store(test.isel(cell=slice(10)).drop_encoding(), folder / "columns.nc")
    with pytest.raises(DiffmpError, match="that were scored .*, found others"):
        Catalog([folder]).columns("climsim")


def test_another_emulator_is_scored_beside_only_on_the_same_columns(
    shipped: Path, prepared: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "climsim"
    shutil.copytree(shipped, folder)
    other = ClimatologicalEnsemble.from_columns(select_split(open_columns(prepared), "validation"))
    evaluate(other, prepared, folder, members=4, split="test", name="Another")
    assert [entry.name for entry in load_experiment(folder).emulators] == ["Climatology", "Another"]
    with pytest.raises(DiffmpError, match="expected the columns of the experiment"):
        evaluate(other, prepared, folder, members=4, split="train", name="A third")


@pytest.mark.parametrize("name", ["scores", "diff-mp-calibrated", "deterministic-regression"])
def test_no_field_of_the_columns_is_shipped_with_their_scores(name: str):
    store = open_store(Path(__file__).parents[2] / "data" / "climsim" / f"{name}.nc")
    assert {*PAPER.stored, "land_fraction", "layer_mass"}.isdisjoint(store.variables)
    assert [field for field in store.variables if "truth" in field and "cell" in store[field].dims] == []


def test_scores_keep_where_the_columns_are_and_no_field_of_theirs(shipped: Path, prepared: Path):
    assert "land_fraction" in open_columns(prepared).variables
    stores = [open_store(path).variables for path in shipped.glob("*.nc") if path.name != "columns.nc"]
    assert stores
    for variables in stores:
        assert {"lat", "lon", "area"} <= set(variables)
        assert "land_fraction" not in variables
