"""The times that an emulator has seen: told from its folder, by values and by simulator run, whatever the split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from diffmp_core.errors import DiffmpError
from diffmp_core.identity import layout_id, with_digests
from diffmp_core.models.seen_times import TIMES_FILE, Seen, TrainingTimes, training_times, unrecorded, values_checksum
from diffmp_core.sampling.generate import default_split
from diffmp_core.stores import select_split
from diffmp_core.training.data import read_columns
from tests.synthetic import make_columns

RUN = {"simulation_grid": "G3", "simulation_start": "2005-04-01", "simulation_seed": 0}


@pytest.fixture
def folder(few_columns, tmp_path) -> Path:
    """What a training on the columns leaves of interest here."""
    folder = tmp_path / "emulator"
    folder.mkdir()
    said = {"columns_id": layout_id(few_columns), "source": "synthetic"}
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": {"kind": "diffusion"}, "columns": said}))
    TrainingTimes.of(few_columns).save(folder)
    return folder


def old_folder(folder: Path, columns: xr.Dataset) -> Path:
    """The same folder as an older version wrote it: first, last and count of its times, a checksum of their values."""
    (folder / TIMES_FILE).unlink()
    config = yaml.safe_load((folder / "config.yaml").read_text())
    train = select_split(columns, "train")
    times = [str(time) for time in train["time"].values]
    config["columns"] |= {
        "training_times": {"count": len(times), "first": times[0], "last": times[-1]},
        "training_values_sha256": read_columns(columns, "train").checksum(),
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def split_anew(columns: xr.Dataset, split: list[int]) -> xr.Dataset:
    return columns.assign_coords(split=columns["split"].copy(data=split))


def test_what_is_written_reads_back(folder, few_columns):
    known = TrainingTimes.load(folder)
    assert known == TrainingTimes.of(few_columns)
    assert [split for split, *_ in known.times.values()] == ["train"] * 4 + ["validation"]
    assert next(iter(known.times)) == "2005-04-02T00:00:00"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"source": "x", "times": {"t": "train"}}', '{"source": 1, "times": []}']
)
def test_a_file_that_is_none_is_one_sentence(folder, text):
    (folder / TIMES_FILE).write_text(text)
    with pytest.raises(DiffmpError, match="expected the times of a training in .*training_times.json") as raised:
        TrainingTimes.load(folder)
    assert "\n" not in str(raised.value)


def test_times_are_counted_by_what_they_were_for(few_columns):
    known = TrainingTimes.of(few_columns)
    assert known.seen(few_columns) == Seen(6, training=4, validation=1)
    assert known.seen(select_split(few_columns, "test")) == Seen(1)
    assert known.seen(few_columns.isel(time=[0, 5])) == Seen(2, training=1)
    assert known.seen(with_digests(few_columns).isel(time=[3, 4])) == Seen(2, training=1, validation=1)


def test_the_same_dates_of_another_run_are_unseen_and_of_the_same_run_seen_at_any_spacing(few_columns):
    known = TrainingTimes.of(few_columns.assign_attrs(RUN))
    other = make_columns(cells=12, seed=1)
    assert known.seen(other.assign_attrs(RUN | {"simulation_seed": 1})) == Seen(6)
    assert known.seen(other.assign_attrs(RUN | {"simulation_sea_table": "{}"})) == Seen(6)
    narrower = make_columns(cells=12, seed=2).assign_attrs(RUN | {"spacing_km": 60})
    assert known.seen(narrower) == Seen(6, training=4, validation=1)


def test_the_same_dates_and_source_with_other_values_may_have_been_seen(few_columns):
    known = TrainingTimes.of(few_columns)
    assert known.seen(make_columns(cells=12, seed=1)) == Seen(6, likely=5)
    assert known.seen(make_columns(cells=12, seed=1).assign_attrs(source="another")) == Seen(6)


def test_sentences_say_what_was_seen():
    assert Seen(3).sentence("A") == ""
    assert Seen(3, training=1).sentence("A") == "A was trained on 1 of the 3 times scored"
    assert Seen(3, 2, 1, 0).sentence("A") == (
        "A was trained on 2 of the 3 times scored and has its weights chosen by 1 of the 3 times scored"
    )
    assert Seen(3, likely=2).sentence("A") == (
        "A has seen the dates of 2 of the 3 times scored in other columns of their source"
    )


def test_unseen_are_the_test_times_of_columns_that_it_knows_and_all_of_others(folder, few_columns):
    assert default_split(folder, few_columns) == "test"
    assert default_split(folder, make_columns(cells=42, seed=1)) == "all"
    other = make_columns(cells=12, seed=1)
    later = other.assign_coords(time=other["time"] + np.timedelta64(30, "D"))
    assert default_split(folder, later) == "all"


def test_values_that_were_seen_are_seen_under_other_dates(folder, few_columns):
    """As of a store whose dates were once read wrongly."""
    later = few_columns.assign_coords(time=few_columns["time"] + np.timedelta64(30, "D"))
    assert TrainingTimes.of(few_columns).seen(later) == Seen(6, training=4, validation=1)
    assert TrainingTimes.of(few_columns).seen(later.isel(time=[5])) == Seen(1)
    assert default_split(folder, later) == "test"
    with pytest.raises(DiffmpError, match="found 1 of 1 that it has seen: the columns were split anew"):
        default_split(folder, split_anew(later, [2, 1, 0, 0, 0, 0]))


def test_a_store_split_anew_is_not_scored_as_if_unseen(folder, few_columns):
    anew = split_anew(few_columns, [2, 1, 0, 0, 0, 0])
    with pytest.raises(DiffmpError, match="test times that emulator has not seen .*, found 1 of 1 that it has seen"):
        default_split(folder, anew)
    with pytest.raises(DiffmpError, match="found none, but times that it has seen; .* such as --split all:"):
        default_split(folder, few_columns.drop_vars("split"))
    with pytest.raises(DiffmpError, match="that emulator has not seen in training, found none"):
        default_split(folder, few_columns.isel(time=slice(4)))


def test_an_older_folder_knows_the_store_of_its_training_by_its_values(folder, few_columns):
    old_folder(folder, few_columns)
    assert default_split(folder, few_columns) == "test"
    assert training_times(folder, few_columns) == TrainingTimes.of(few_columns)
    assert default_split(folder, make_columns(cells=13)) == "all"
    for other in (split_anew(few_columns, [2, 1, 0, 0, 0, 0]), make_columns(cells=12, seed=1)):
        assert training_times(folder, other) is None
        with pytest.raises(DiffmpError, match="found the same times and places with another split or other values"):
            default_split(folder, other)


def test_an_oldest_folder_without_a_checksum_goes_by_its_times(folder, few_columns):
    config = yaml.safe_load((old_folder(folder, few_columns) / "config.yaml").read_text())
    del config["columns"]["training_values_sha256"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert training_times(folder, few_columns) == TrainingTimes.of(few_columns)
    anew = split_anew(few_columns, [2, 1, 0, 0, 0, 0])
    assert training_times(folder, anew) is None
    with pytest.raises(DiffmpError, match="found the same times and places with another split"):
        default_split(folder, anew)


def test_a_folder_that_says_nothing_but_an_id_goes_by_the_rule_of_then(folder, few_columns):
    (folder / TIMES_FILE).unlink()
    assert default_split(folder, few_columns) == "test"
    assert training_times(folder, few_columns) is None


def test_what_an_older_folder_does_not_say_is_said_only_where_it_matters(folder, few_columns):
    said = yaml.safe_load((old_folder(folder, few_columns) / "config.yaml").read_text())["columns"]
    sentence = unrecorded(said, few_columns, "A")
    assert sentence.startswith("the folder of A does not list its 4 training times: whether 4 of the 6 times scored")
    assert unrecorded(said, few_columns.isel(time=[5]), "A") == ""
    assert unrecorded(said, few_columns.assign_attrs(source="another"), "A") == ""
    assert unrecorded({}, few_columns, "A") == ""
    climsim = {
        "source": "c",
        "training_times": {"count": 2, "first": "0008-01-01 17:20:00", "last": "0008-12-19 02:20:00"},
    }
    calendar = xr.date_range("0008-02-10", periods=2, freq="D", calendar="noleap", use_cftime=True)
    assert "whether 2 of the 2" in unrecorded(
        climsim, xr.Dataset(coords={"time": calendar}, attrs={"source": "c"}), "A"
    )


def test_the_checksum_of_values_is_that_of_the_training(few_columns):
    assert values_checksum(select_split(few_columns, "train")) == read_columns(few_columns, "train").checksum()


def test_every_shipped_emulator_is_asked_without_a_false_answer():
    """They list no times: on the demo that is said, where its dates lie among theirs, and all its times are scored."""
    root = Path(__file__).parents[2]
    from diffmp_core.stores import open_columns

    demo = open_columns(root / "data" / "demo" / "columns.nc")
    folders = sorted((root / "assets" / "emulators").iterdir())
    assert len(folders) >= 10
    for folder in folders:
        assert training_times(folder, demo) is None
        assert default_split(folder, demo) == "all"
        said = yaml.safe_load((folder / "config.yaml").read_text())["columns"]
        assert ("does not list" in unrecorded(said, demo, folder.name)) == folder.name.startswith("simulator")
    tables = [json.loads(path.read_text()) for path in (root / "data").glob("*/*.json")]
    assert tables
    assert not any(table.get("caution") for table in tables)
