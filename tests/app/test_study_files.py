"""Studies in the folder of an experiment: found by what they say they are, read again when they change."""

import os
from pathlib import Path

import pytest
import xarray as xr
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.study_files import missing_words, read_studies, study_stamps
from diffmp_app.state.choices import options
from numpy.testing import assert_array_equal

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.score import SCORES
from diffmp_core.stores import write_store
from diffmp_core.studies.study import STUDIES
from diffmp_core.studies.table import shown_scores
from tests.app.experiment import make_experiment
from tests.app.studies import add_studies, add_training, make_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_studies(make_experiment(tmp_path_factory.mktemp("studies") / "globe", cells=42, times=2))


def test_the_page_knows_every_study_and_every_score_of_them():
    assert options("study") == (*STUDIES, "training")
    assert options("criterion") == shown_scores()
    assert set(shown_scores()) < set(SCORES)


def test_every_kind_is_found_by_what_it_says_not_by_its_name(folder: Path):
    os.rename(folder / "studies" / "steps.nc", folder / "studies" / "mine.nc")
    studies, problems = read_studies(folder)
    assert set(studies) == set(STUDIES)
    assert problems == ()
    assert_array_equal(studies["steps"]["mine"]["crps_fair"], make_study("steps")["crps_fair"])


def test_files_stand_by_name_without_ending(tmp_path: Path):
    for name in ("models-of-mine", "models"):
        write_store(make_study("models"), tmp_path / "studies" / f"{name}.nc")
    assert list(read_studies(tmp_path)[0]["models"]) == ["models", "models-of-mine"]


def test_a_study_that_is_written_again_is_read_again(tmp_path: Path):
    path = write_store(make_study("steps"), tmp_path / "studies" / "steps.nc")
    before = study_stamps(tmp_path)
    assert read_studies(tmp_path)[0]["steps"]["steps"].attrs["members"] == 9
    write_store(make_study("steps").assign_attrs(members=5), path)
    os.utime(path, ns=(1, 1))
    assert study_stamps(tmp_path) != before
    assert read_studies(tmp_path)[0]["steps"]["steps"].attrs["members"] == 5


def test_files_that_are_no_studies_are_said_and_hide_no_other(tmp_path: Path):
    studies = tmp_path / "studies"
    write_store(make_study("steps"), studies / "steps.nc")
    write_store(xr.Dataset(attrs={"diffmp_kind": "scores"}), studies / "a.nc")
    write_store(make_study("steps").assign_attrs(study="colours"), studies / "b.nc")
    write_store(make_study("steps").assign_attrs(study="models"), studies / "c.nc")
    (studies / "d.nc").write_bytes(b"junk")
    found, problems = read_studies(tmp_path)
    assert list(found) == ["steps"]
    assert [next(word for word in ("kind 'scores'", "'colours'", "spacing_km", "found neither") if word in problem)
            for problem in problems] == ["kind 'scores'", "'colours'", "spacing_km", "found neither"]  # fmt: skip


def test_several_files_of_a_study_are_told_apart_by_name_and_the_first_is_shown(tmp_path: Path):
    folder = make_experiment(tmp_path / "globe", cells=42, times=2)
    write_store(make_study("models"), folder / "studies" / "models.nc")
    catalog = Catalog([folder])
    assert catalog.limits("globe").studies == ("models",)
    write_store(make_study("models").assign_attrs(members=5), folder / "studies" / "ranking.nc")
    assert catalog.limits("globe").studies == ("models", "ranking")
    assert [catalog.study("globe", "models", file).attrs["members"] for file in ("", "models", "ranking")] == [9, 9, 5]
    with pytest.raises(DiffmpError, match="among models, ranking, found '../ranking'"):
        catalog.study("globe", "models", "../ranking")


def test_resolutions_stand_from_the_coarsest_to_the_finest(tmp_path: Path):
    mixed = make_study("models").isel(spacing_km=[1, 0])
    write_store(mixed.assign_coords(spacing_km=[15, 120]), tmp_path / "studies" / "models.nc")
    study = read_studies(tmp_path)[0]["models"]["models"]
    assert study["spacing_km"].values.tolist() == [120, 15]
    assert_array_equal(study["crps_fair"].sel(spacing_km=15), mixed["crps_fair"].isel(spacing_km=0))


def test_an_experiment_without_a_study_names_the_command(folder: Path, tmp_path: Path):
    bare = make_experiment(tmp_path / "bare", cells=42, times=2)
    catalog = Catalog([folder, bare])
    assert catalog.study("globe", "models").attrs["title"] == "Study of models"
    with pytest.raises(DiffmpError, match="study guidance COLUMNS bare/studies/guidance.nc --emulator FOLDER'"):
        catalog.study("bare", "guidance")
    assert "--emulator" not in missing_words(bare, "models")


def test_trainings_are_those_of_emulators_of_the_folder_and_of_folders_named(folder: Path, tmp_path: Path):
    inside = add_training(folder / "new", rows=1, unfinished=True)
    outside = add_training(tmp_path / "runs" / "new", rows=0, unfinished=True)
    catalog = Catalog([folder, tmp_path / "runs"])
    assert catalog.trainings("globe") == {
        "DIFF-MP calibrated": folder / "calibrated", "new": inside, "new-2": outside,
    }  # fmt: skip
    assert catalog.problems == []


def test_a_folder_with_neither_experiment_nor_training_is_still_told(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert "found none" in Catalog([folder, tmp_path / "empty"]).problems[0]
