"""Whatever cannot be read is refused for what is wrong with it, not for one reason that stands for all."""

from __future__ import annotations

import errno
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from diffmp_core.columns.prepare import prepare
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.unreadable_data import unreadable_data
from diffmp_core.stores import open_store
from tests.columns.climsim_files import make_stack, write_pairs
from tests.columns.foreign_files import write_yaml
from tests.columns.test_fills import run_of_nine
from tests.synthetic import make_columns


def store(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".nc"):
        make_columns(cells=4, times=2).to_netcdf(path)
    else:
        make_columns(cells=4, times=2).to_zarr(path, consolidated=False)
    return path


def _metadata(path: Path, change: Callable[[dict], object]) -> None:
    """Change the metadata of T in a zarr store."""
    file = path / "T" / "zarr.json"
    metadata = json.loads(file.read_text())
    change(metadata)
    file.write_text(json.dumps(metadata))


FILES = {
    "empty": (lambda path: path.write_bytes(b""), "found an empty file; fetch or copy it again"),
    "GRIB": (lambda path: path.write_bytes(b"GRIB" + bytes(100)), "found a GRIB file .*; convert it to netCDF"),
    "HDF4": (lambda path: path.write_bytes(b"\x0e\x03\x13\x01" + bytes(99)), "an HDF4 file"),
    "gzip": (lambda path: path.write_bytes(gzip.compress(path.read_bytes())), "packed by gzip .*; unpack it"),
    "zip": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "a zip archive"),
    "a web page": (lambda path: path.write_text("<!DOCTYPE html><html>404"), "a web page or XML"),
    "Git LFS": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "'git lfs pull'"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:2000]), "an HDF5 file that is cut off or damaged"),
    "text": (lambda path: path.write_text("hello"), "found neither .*; name another file"),
}  # fmt: skip

FOLDERS = {
    "empty": (lambda path: (shutil.rmtree(path), path.mkdir()), "found a folder without its metadata"),
    "no root": (lambda path: (path / "zarr.json").unlink(), "without its metadata .zarr.json.; name the store itself"),
    "torn": (lambda path: (path / "T" / "zarr.json").write_text("{"), "found a torn T/zarr.json"),
    "torn root": (lambda path: (path / "zarr.json").write_text('{"zarr_format": 3, "node'), "found a torn zarr.json"),
    "a codec": (
        lambda path: _metadata(path, lambda array: array["codecs"].append({"name": "foo", "configuration": {}})),
        "packed by a codec or filter that is not installed .*'foo'",
    ),
    "no dims": (
        lambda path: _metadata(path, lambda array: array.pop("dimension_names")),
        "expected named dimensions of every array",
    ),
}


@pytest.mark.parametrize(
    ("store_name", "damage", "message"),
    [*(("columns.nc", *case) for case in FILES.values()), *(("columns.zarr", *case) for case in FOLDERS.values())],
    ids=[*FILES, *(f"folder {name}" for name in FOLDERS)],
)
def test_a_store_is_refused_for_what_is_wrong_with_it(tmp_path, store_name, damage, message):
    path = store(tmp_path, store_name)
    damage(path)
    with pytest.raises(DiffmpError, match=message) as refusal:
        open_store(path)
    assert "\n" not in str(refusal.value)
    assert store_name in str(refusal.value)


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({"units": "months since 2016-01-01"}, "expected times that are dates at .*months since"),
        ({"units": "days since 2016-01-01", "calendar": "360day"}, "expected times that are dates at .*360day"),
    ],
)
def test_a_store_whose_times_are_no_dates_says_so(tmp_path, attrs, message):
    columns = make_columns(cells=4, times=2)
    columns.assign_coords(time=("time", [0, 1], attrs)).to_netcdf(tmp_path / "columns.nc")
    with pytest.raises(DiffmpError, match=message):
        open_store(tmp_path / "columns.nc")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "expected permission to read"),
        (OSError(errno.EMFILE, "Too many open files"), "found too many files open at once"),
        (RuntimeError("NetCDF: Filter error: undefined filter encountered"), "a codec or filter that is not installed"),
        (
            ValueError("conflicting sizes for dimension 'x'\nmore"),
            "netCDF that breaks the CF conventions .*conflicting",
        ),
        (RuntimeError(), "no reason given"),
    ],
)
def test_what_a_library_says_is_told(tmp_path, error, message):
    sentence = str(unreadable_data(store(tmp_path, "columns.nc"), error))
    assert "\n" not in sentence
    with pytest.raises(DiffmpError, match=message):
        raise unreadable_data(tmp_path / "columns.nc", error)


def test_a_torn_chunk_of_a_run_is_told_from_a_bad_file(tmp_path):
    run_of_nine().to_zarr(tmp_path / "run.zarr", consolidated=False)
    next(path for path in (tmp_path / "run.zarr" / "T" / "c").rglob("*") if path.is_file()).write_bytes(b"torn")
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    with pytest.raises(DiffmpError, match="in the zarr store .*run.zarr, found a torn chunk"):
        prepare(tmp_path / "run.zarr", tmp_path / "columns.zarr", kind="highres", fields=fields)


def test_files_that_do_not_fit_together_are_not_called_a_folder_without_metadata(tmp_path):
    write_pairs(make_stack([(80101, 0), (80201, 0)]), tmp_path / "pairs")
    odd = tmp_path / "pairs" / "E3SM-MMF.mli.0008-02-01-00000.nc"
    with xr.open_dataset(odd, decode_times=False) as step:
        step = step.isel(ncol=slice(0, 4)).load()
    step.to_netcdf(odd, format="NETCDF3_64BIT")
    with pytest.raises(DiffmpError, match="readable files of one run in .*pairs, found others"):
        prepare(tmp_path / "pairs", tmp_path / "columns.zarr")


def test_nested_metadata_and_letters_of_another_encoding_are_one_sentence(tmp_path):
    path = store(tmp_path, "columns.zarr")
    (path / "T" / "zarr.json").write_text("[" * 100_000)
    for error in (ValueError("?"), RecursionError("maximum recursion depth exceeded")):
        assert "found a torn T/zarr.json" in str(unreadable_data(path, error))
    encoding = UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid continuation byte")
    assert "breaks the CF conventions (UnicodeDecodeError" in str(
        unreadable_data(store(tmp_path, "columns.nc"), encoding)
    )


def test_a_run_without_times_is_one_sentence(tmp_path):
    run_of_nine().isel(time=slice(0, 0)).to_netcdf(tmp_path / "run.nc")
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    with pytest.raises(DiffmpError, match="expected at least one time in run.nc"):
        prepare(tmp_path / "run.nc", tmp_path / "columns.zarr", kind="highres", fields=fields)


def test_good_stores_open(tmp_path):
    xr.testing.assert_equal(
        open_store(store(tmp_path, "columns.nc")).load(), open_store(store(tmp_path, "columns.zarr")).load()
    )
