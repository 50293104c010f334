"""Experiment folders: reading, writing, adding, and one sentence for each thing that can be wrong."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import (
    EmulatorEntry,
    Experiment,
    add_to_experiment,
    find_experiments,
    load_experiment,
    write_experiment,
)
from diffmp_core.stores import write_store
from tests.synthetic import make_columns


@dataclass
class Result:
    """What an evaluation hands to an experiment."""

    columns_path: Path
    title: str = "Globe"
    split: str = "test"
    emulator_folder: Path | None = None
    store: Path | None = None
    mse: float = 0.5

    def table(self) -> dict:
        return {"scores": {"qc": {"mse": self.mse}}}


@pytest.fixture
def folder(tmp_path) -> Path:
    """An experiment like the shipped ones: weights elsewhere, columns and tables inside."""
    folder = tmp_path / "data" / "globe"
    folder.mkdir(parents=True)
    (tmp_path / "assets" / "emulator").mkdir(parents=True)
    for name in ("columns.nc", "scores.nc", "scores.json"):
        (folder / name).touch()
    content = {
        "title": "Globe",
        "columns": "columns.nc",
        "split": "test",
        "emulators": [
            {"name": "A", "folder": "../../assets/emulator", "scores": "scores.nc", "table": "scores.json"},
            {"name": "B", "table": "scores.json"},
        ],
    }
    (folder / "experiment.yaml").write_text(yaml.safe_dump(content))
    return folder


def rewrite(folder: Path, **changes: object) -> None:
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))


def test_paths_are_resolved_from_the_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment = load_experiment("data/globe")
    assert experiment.columns == folder / "columns.nc"
    assert experiment.emulators[0].folder == tmp_path / "assets" / "emulator"
    assert experiment.emulators[1].folder is None
    assert experiment.emulator("B").table == folder / "scores.json"
    assert experiment.emulator("C") is None


def test_what_is_written_is_relative_and_reads_back(folder):
    experiment = load_experiment(folder).model_copy(update={"provenance": {"made by": "a test"}})
    write_experiment(folder, experiment)
    text = (folder / "experiment.yaml").read_text()
    assert str(folder.parent) not in text
    assert "../../assets/emulator" in text
    assert load_experiment(folder) == experiment


def test_a_moved_experiment_still_opens(folder, tmp_path):
    write_experiment(folder, load_experiment(folder))
    moved = tmp_path / "data" / "moved"
    folder.rename(moved)
    assert load_experiment(moved).columns == moved / "columns.nc"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"columns": "nowhere.nc"}, "expected columns at nowhere.nc, found nothing"),
        ({"columns": "/etc/hostname"}, "expected a path relative to its folder, found /etc/hostname as columns"),
        ({"emulators": [{"name": "A", "folder": "../lost"}]}, "expected folder of 'A' at ../lost"),
        ({"emulators": [{"name": "A"}, {"name": "A"}]}, "each emulator under its own name"),
        ({"emulators": [{"folder": "x"}]}, "expected a valid entry 'emulators.0.name'"),
        ({"title": ""}, "expected a valid entry 'title'"),
        ({"colums": "columns.nc"}, "expected a valid entry 'colums'"),
    ],
)
def test_a_wrong_entry_is_one_sentence(folder, changes, sentence):
    rewrite(folder, **changes)
    with pytest.raises(DiffmpError, match=sentence) as raised:
        load_experiment(folder)
    assert "\n" not in str(raised.value)
    assert "experiment.yaml" in str(raised.value)


@pytest.mark.parametrize(
    "content", ["title: [1, 2", "\x00", "- a\n- b", "", "!!python/object/apply:os.system ['true']"]
)
def test_what_is_no_experiment_file_is_one_sentence(folder, content):
    (folder / "experiment.yaml").write_text(content)
    with pytest.raises(DiffmpError, match=r"expected .*found") as raised:
        load_experiment(folder)
    assert "\n" not in str(raised.value)


def test_a_folder_without_experiment_is_said(tmp_path):
    with pytest.raises(DiffmpError, match="found none at"):
        load_experiment(tmp_path)


def test_finds_a_folder_and_those_below_it_once(folder):
    assert find_experiments([folder.parent, folder, folder / "nowhere"]) == [folder]


def test_emulators_are_added_and_replaced(tmp_path):
    columns = write_store(make_columns(), tmp_path / "columns.nc")
    folder = tmp_path / "experiment"
    add_to_experiment(folder, "One model", Result(columns))
    add_to_experiment(folder, "Another (paper)", Result(columns))
    experiment = add_to_experiment(folder, "One model", Result(columns, mse=0.25))
    assert [entry.name for entry in experiment.emulators] == ["One model", "Another (paper)"]
    assert [entry.table.name for entry in experiment.emulators] == ["scores.json", "another-paper.json"]
    assert json.loads(experiment.emulators[0].table.read_text())["scores"]["qc"]["mse"] == 0.25
    assert experiment.columns == columns
    assert experiment.title == "Globe"


def test_emulators_scored_on_other_columns_are_not_added(tmp_path):
    columns = write_store(make_columns(), tmp_path / "columns.nc")
    others = write_store(make_columns(cells=12), tmp_path / "others.nc")
    add_to_experiment(tmp_path / "experiment", "One", Result(columns))
    before = (tmp_path / "experiment" / "experiment.yaml").read_text()
    with pytest.raises(DiffmpError, match="1 times, 42 cells of .*found 1 times, 12 cells"):
        add_to_experiment(tmp_path / "experiment", "Two", Result(others))
    assert (tmp_path / "experiment" / "experiment.yaml").read_text() == before


def test_names_that_differ_only_in_punctuation_get_their_own_files(tmp_path):
    columns = write_store(make_columns(), tmp_path / "columns.nc")
    for name in ("A", "B!", "B?"):
        experiment = add_to_experiment(tmp_path / "experiment", name, Result(columns))
    assert len({entry.table for entry in experiment.emulators}) == 3


def test_entries_need_a_name():
    with pytest.raises(ValueError, match="name"):
        EmulatorEntry(name="")
    assert Experiment(title="x", columns=Path("c.nc")).emulators == []
