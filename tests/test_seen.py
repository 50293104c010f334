"""Scores of what an emulator has seen say so, everywhere; an experiment is of the same columns throughout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import ScoreMap, ScoreSummary
from diffmp_app.state.state import State
from diffmp_app.views.overview import OverviewView
from rich.console import Console

from diffmp_core import identity
from diffmp_core.columns.normalize import fit
from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import leave_columns_out, load_experiment, scored_columns
from diffmp_core.identity import columns_id, kept_id, layout_id, with_digests
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.models.references import ClimatologicalEnsemble
from diffmp_core.models.seen_times import TIMES_FILE, TrainingTimes
from diffmp_core.schema import schema_of
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.table import rich_table
from diffmp_core.stores import open_columns, open_store, select_split, write_store
from diffmp_core.studies.inputs import gather
from diffmp_core.training.card import card_text, write_card
from diffmp_core.training.data import read_columns
from tests.synthetic import make_columns

SAMPLING = {"members": 2, "steps": 1}
ANEW = [2, 1, 0, 0, 0, 0]
"""A split whose time of test is one of training in :func:`tests.synthetic.make_columns`."""


def write_columns(path: Path, columns: xr.Dataset) -> Path:
    return write_store(with_digests(columns), path)


def overview(catalog: Catalog) -> str:
    """The text of the tab."""
    view = OverviewView(State(catalog.names, catalog.limits), catalog)
    view.refresh(frozenset())
    return " ".join(part.object for part in view.parts.values())


@pytest.fixture
def store(few_columns, tmp_path) -> Path:
    return write_columns(tmp_path / "columns.nc", few_columns)


@pytest.fixture
def anew(few_columns, tmp_path) -> Path:
    """The same columns split anew."""
    split = few_columns["split"].copy(data=ANEW)
    return write_columns(tmp_path / "anew.nc", few_columns.assign_coords(split=split))


@pytest.fixture
def emulator(few_columns, tmp_path) -> Path:
    """An untrained network, as if trained on the columns."""
    arrays = read_columns(few_columns, "train")
    normalization = fit(arrays.inputs, arrays.outputs, schema=schema_of(few_columns))
    torch.manual_seed(0)
    network = build_emulator({"kind": "regression", "filters": 8, "layers": 2}, normalization)
    folder = tmp_path / "emulator"
    folder.mkdir()
    TrainingTimes.of(few_columns).save(folder)
    return save_emulator(network, folder, {"columns": {"columns_id": layout_id(few_columns), "source": "synthetic"}})


def test_a_store_split_anew_is_refused_unless_its_split_is_named_and_then_the_scores_say_it(emulator, anew, tmp_path):
    with pytest.raises(DiffmpError, match="found 1 of 1 that it has seen: the columns were split anew"):
        evaluate(emulator, anew, **SAMPLING)
    out = tmp_path / "experiment"
    result = evaluate(emulator, anew, out, split="test", name="A", **SAMPLING)
    table = result.table()
    assert table["seen"] == {"times": 1, "training": 1, "validation": 0, "likely": 0}
    assert table["caution"] == "A was trained on 1 of the 1 times scored"
    console = Console(width=160, record=True)
    console.print(rich_table(result))
    assert table["caution"] in console.export_text()
    assert f"Caution: {table['caution']}." in card_text("A", {"model": {}}, table)

    catalog = Catalog([out])
    name = catalog.names[0]
    page = overview(catalog)
    assert table["caution"] in page
    assert "never seen" not in page
    for exhibit in (
        ScoreSummary(experiment=name, emulator="A"),
        ScoreMap(experiment=name, emulator="A", variable="qc", metric="mse", level=3),
    ):
        assert table["caution"] in exhibit.data(catalog).attrs["attribution"]


def test_scores_of_unseen_times_have_no_caution_and_the_page_says_never_seen(emulator, store, tmp_path):
    out = tmp_path / "experiment"
    table = evaluate(emulator, store, out, name="A", **SAMPLING).table()
    assert table["split"] == "test"
    assert table["seen"] == {"times": 1, "training": 0, "validation": 0, "likely": 0}
    assert table["caution"] == ""
    page = overview(Catalog([out]))
    assert "never seen in training" in page
    assert f"<dt>Fingerprint</dt><dd>{table['columns_id']}</dd>" in page


def test_some_cells_of_a_time_are_of_a_time_seen(emulator, store):
    table = evaluate(emulator, store, split="all", limit=9, name="A", **SAMPLING).table()
    assert table["columns"] <= 9
    assert table["seen"]["training"] > 0
    assert table["seen"]["times"] < 6


def test_a_reference_and_an_older_folder_do_not_know(few_columns, emulator, store):
    reference = ClimatologicalEnsemble.from_columns(select_split(few_columns, "train"))
    table = evaluate(reference, store, split="all", **SAMPLING).table()
    assert (table["seen"], table["caution"], table["emulator_id"]) == (None, "", None)
    (emulator / TIMES_FILE).unlink()
    config = yaml.safe_load((emulator / "config.yaml").read_text())
    del config["seal"]["sha256"][TIMES_FILE]
    config["columns"]["training_times"] = {"count": 3, "first": "2005-04-02T00:00:00", "last": "2005-04-02T09:00:00"}
    (emulator / "config.yaml").write_text(yaml.safe_dump(config))
    table = evaluate(emulator, store, split="all", name="A", **SAMPLING).table()
    assert table["seen"] is None
    assert "does not list its 3 training times: whether 4 of the 6 times scored" in table["caution"]


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: make_columns(cells=12, seed=1),
        lambda columns: columns.assign(qc=2 * columns["qc"]),
        lambda columns: columns.assign_coords(land_fraction=0 * columns["land_fraction"]),
        lambda columns: columns.assign_attrs(simulation_seed=3),
    ],
)
def test_other_columns_of_the_same_times_and_places_are_not_added(few_columns, store, tmp_path, change):
    out = tmp_path / "experiment"
    reference = ClimatologicalEnsemble.from_columns(select_split(few_columns, "train"))
    evaluate(reference, store, out, split="test", name="A", **SAMPLING)
    other = write_columns(tmp_path / "other.nc", change(few_columns))
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(DiffmpError, match="expected the columns of the experiment at .*columns_id .*choose another"):
        evaluate(reference, other, out, split="test", name="B", **SAMPLING)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    evaluate(reference, store, out, split="test", name="B", **SAMPLING)


def test_an_experiment_of_an_older_version_is_added_to_by_the_rule_of_then(few_columns, store, tmp_path):
    out = tmp_path / "experiment"
    reference = ClimatologicalEnsemble.from_columns(select_split(few_columns, "train"))
    evaluate(reference, store, out, split="test", name="A", **SAMPLING)
    table = json.loads((out / "scores.json").read_text())
    (out / "scores.json").write_text(json.dumps(table | {"columns_id": table["columns_id"].split("-")[0]}))
    evaluate(reference, store, out, split="test", name="B", **SAMPLING)
    assert len(load_experiment(out).emulators) == 2


def test_columns_put_in_the_place_of_those_scored_are_not_shown_with_their_scores(few_columns, store, tmp_path):
    out = tmp_path / "experiment"
    reference = ClimatologicalEnsemble.from_columns(select_split(few_columns, "train"))
    evaluate(reference, store, out, split="test", name="A", **SAMPLING)
    assert Catalog([out]).columns("experiment")["T"].sizes["cell"] == 12
    write_columns(store, make_columns(cells=12, seed=1))
    with pytest.raises(DiffmpError, match="that were scored .*, found others"):
        Catalog([out]).columns("experiment")
    with pytest.raises(DiffmpError, match="that were scored .*, found others"):
        evaluate(reference, store, out, split="test", name="B", **SAMPLING)


def test_fetched_columns_are_held_against_the_truth_of_the_scores(few_columns, store, tmp_path):
    """Other values are refused; those that another processor rounds otherwise are not."""
    out = tmp_path / "experiment"
    reference = ClimatologicalEnsemble.from_columns(select_split(few_columns, "train"))
    evaluate(reference, store, out, split="test", name="A", **SAMPLING)
    leave_columns_out(out, columns_from="diffmp fetch")
    test = select_split(few_columns, "test")
    rounded = test.assign({name: np.nextafter(test[name], np.float32(np.inf)) for name in ("T", "tend_T_sgs")})
    assert columns_id(rounded) != columns_id(test)
    write_columns(out / "columns.nc", rounded)
    assert scored_columns(load_experiment(out)).sizes["time"] == 1
    write_columns(out / "columns.nc", test.assign(tend_T_sgs=1.01 * test["tend_T_sgs"]))
    with pytest.raises(DiffmpError, match="that were scored .*, found others .* get them with: diffmp fetch"):
        scored_columns(load_experiment(out))


def test_values_changed_under_their_digests_are_not_taken_for_columns_without(emulator, store, tmp_path):
    out = tmp_path / "experiment"
    evaluate(emulator, store, out, name="A", **SAMPLING)
    changed = open_columns(store).load()
    write_store(changed.assign(T=changed["T"] + 1.0), store)
    with pytest.raises(DiffmpError, match="that were scored .*, found others"):
        scored_columns(load_experiment(out))


def test_the_copy_of_some_columns_has_an_identity_of_its_own(few_columns, store, tmp_path):
    out = tmp_path / "experiment"
    reference = ClimatologicalEnsemble.from_columns(select_split(few_columns, "train"))
    result = evaluate(reference, store, out, split="all", limit=9, name="A", **SAMPLING)
    kept = open_columns(out / "scored_columns.nc")
    assert kept_id(kept) == result.columns_id == open_store(result.store).attrs["columns_id"]
    assert "columns_id" not in kept.attrs
    evaluate(reference, store, out, split="all", limit=9, name="B", **SAMPLING)


def test_a_folder_changed_since_its_scores_is_said(emulator, store, tmp_path):
    out = tmp_path / "experiment"
    evaluate(emulator, store, out, name="A", **SAMPLING)
    assert "has changed since" not in overview(Catalog([out]))
    config = yaml.safe_load((emulator / "config.yaml").read_text())
    config["seal"]["sha256"]["weights.safetensors"] = "0" * 64
    (emulator / "config.yaml").write_text(yaml.safe_dump(config))
    catalog = Catalog([out])
    assert "The folder of A has changed since these scores were made; score it again" in overview(catalog)
    for exhibit in (
        ScoreSummary(experiment=catalog.names[0], emulator="A"),
        ScoreMap(experiment=catalog.names[0], emulator="A", variable="qc", metric="mse", level=3),
    ):
        said = "the folder of A has changed since these scores were made; score it again"
        assert said in exhibit.data(catalog).attrs["attribution"]


def test_a_card_shows_no_scores_of_another_emulator(emulator, store, tmp_path):
    table = tmp_path / "scores.json"
    evaluate(emulator, store, json_path=table, name="A", **SAMPLING)
    assert "Scores" in write_card(emulator, scores=table).read_text()
    config = yaml.safe_load((emulator / "config.yaml").read_text())
    config["seal"]["sha256"]["weights.safetensors"] = "0" * 64
    (emulator / "config.yaml").write_text(yaml.safe_dump(config))
    before = (emulator / "card.md").read_text()
    with pytest.raises(DiffmpError, match="expected scores of the emulator at .*, found those of 'A'"):
        write_card(emulator, scores=table)
    assert (emulator / "card.md").read_text() == before


def test_the_shipped_experiments_open_without_a_value_being_digested_and_without_a_caution(monkeypatch):
    def read(*values):
        raise AssertionError("a value is read")

    monkeypatch.setattr(identity, "_digest_times", read)
    catalog = Catalog([Path(__file__).parents[1] / "data"])
    assert catalog.columns("demo").sizes["cell"] == 10_242
    assert (catalog.columns_id("demo"), catalog.columns_id("climsim")) == ("f3ae14bd7112", "d2de0c61104e")
    page = overview(catalog)
    assert not any(words in page for words in ("has changed since", "was trained on 1", "not known", "never seen"))


def test_a_study_reports_on_nothing_that_was_learned_from(emulator, few_columns, store, anew, tmp_path):
    gather([store], emulators=[emulator])
    later = few_columns.assign_coords(time=few_columns["time"] + np.timedelta64(30, "D"))
    others = write_columns(tmp_path / "later.nc", later)
    split = few_columns["split"].copy(data=[1, 0, 0, 0, 0, 2])
    swapped = write_columns(tmp_path / "swapped.nc", few_columns.assign_coords(split=split))
    gather([store], emulators=[emulator], test=[others])
    with pytest.raises(DiffmpError, match="expected test columns that emulator has not seen .*found 1 of 1 times"):
        gather([others], emulators=[emulator], test=[anew])
    with pytest.raises(DiffmpError, match="expected validation columns that emulator has not seen .*found 1 of 1"):
        gather([swapped], emulators=[emulator])
    with pytest.raises(DiffmpError, match="expected columns to report on that no emulator learns from, found 1 of 1"):
        gather([store], test=[anew])
