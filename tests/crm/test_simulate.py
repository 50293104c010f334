import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import numpy as np
import pytest
import xarray as xr
import zarr

from diffmp_core.crm import output_store
from diffmp_core.crm.simulate import simulate
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.lock import hold
from tests.full_disk import full_disk

RUN = {"grid": "G1", "hours": 2, "seed": 3}
SCRIPT = """
import sys
from pathlib import Path
from diffmp_core.crm.simulate import simulate
if __name__ == "__main__":
    simulate(Path(sys.argv[1]), grid="G1", hours=2, seed=3, workers=int(sys.argv[2]))
"""


def digest(folder):
    """Hash of every path and byte below a folder."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("crm") / "run.zarr", **RUN, workers=1)


def test_store_has_the_layout_that_readers_expect(store):
    raw = xr.open_zarr(store)
    assert raw.attrs["diffmp_kind"] == "crm"
    assert raw.sizes["time"] == 2
    assert raw.sizes["cell"] == 42
    assert raw.sizes["level"] == 30
    assert str(raw.time.values[0]).startswith("2005-04-01T01:00")
    np.testing.assert_allclose(raw.area.sum(), 4 * np.pi)
    for name in (*output_store.PROFILES, *output_store.SURFACE, *output_store.ROOT_SURFACE):
        assert raw[name].dtype == np.float32
        assert {"units", "long_name"} <= set(raw[name].attrs)
        assert np.isfinite(raw[name]).all()
    assert (raw.simulated == 1).all()
    for group in ("60km", "30km", "15km"):
        part = xr.open_zarr(store, group=group)
        assert set(part.data_vars) == {*output_store.PROFILES, *output_store.SURFACE}
        assert np.isfinite(part["T"]).all()


@pytest.mark.filterwarnings("error")
def test_nothing_in_the_store_is_foreign_to_zarr(store):
    assert len(xr.open_zarr(store, consolidated=False, chunks=None).data_vars) == len(xr.open_zarr(store).data_vars)


def test_layer_mass_and_surface_pressure_agree(store):
    raw = xr.open_zarr(store)
    column = 9.80665 * raw.layer_mass.sum("level")  # Pa below 20 km
    assert (np.abs(raw.Ps - column - 5500.0) < 3000.0).all()  # 20 km lies near 55 hPa


def test_same_bytes_for_two_workers(store, tmp_path):
    assert digest(simulate(tmp_path / "two.zarr", **RUN, workers=2)) == digest(store)


def test_another_seed_gives_other_numbers(store, tmp_path):
    other = simulate(tmp_path / "other.zarr", **(RUN | {"seed": 4}), workers=1)
    assert (xr.open_zarr(other)["T"].values != xr.open_zarr(store)["T"].values).any()


def test_a_killed_run_resumes_to_the_same_bytes(store, tmp_path):
    out = tmp_path / "killed.zarr"
    first_chunk = out / output_store.SIMULATED / "c" / "0"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(out), "1"], start_new_session=True)
    deadline = time.monotonic() + 120
    while not first_chunk.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not output_store.is_complete(out)
    assert list(tmp_path.glob(".*.lock"))  # which does not block
    reports = []
    simulate(out, **RUN, workers=1, progress=lambda done, total, elapsed: reports.append((done, total)))
    assert reports[0][0] >= 32  # what was done is not done again
    assert digest(out) == digest(store)
    assert [entry.name for entry in tmp_path.iterdir()] == ["killed.zarr"]


def test_hours_written_in_blocks_are_the_same_numbers(store, tmp_path, monkeypatch):
    monkeypatch.setattr(output_store, "HOURS_PER_CHUNK", 1)
    blocks = simulate(tmp_path / "blocks.zarr", **RUN, workers=1)
    for group in (None, "60km", "15km"):
        xr.testing.assert_identical(xr.open_zarr(blocks, group=group).load(), xr.open_zarr(store, group=group).load())


def test_a_second_run_into_a_store_is_kept_out(tmp_path):
    out = tmp_path / "x.zarr"
    with hold(out):
        with pytest.raises(DiffmpError, match=f"no other run.*process {os.getpid()} on"):
            simulate(out, **RUN, workers=1)
        assert not out.exists()
    with hold(out):
        pass
    assert not list(tmp_path.iterdir())


def test_tasks_are_some_hundreds_at_most():
    sizes = {level: output_store.cells_per_chunk(10 * 4**level + 2) for level in range(7)}
    assert sizes == dict.fromkeys(range(6), 32) | {6: 128}


def test_a_chunk_left_half_written_is_written_again(store, tmp_path):
    out = simulate(tmp_path / "half.zarr", **RUN, workers=1)
    (out / output_store.SIMULATED / "c" / "1").unlink()
    assert output_store.missing_chunks(out) == [(32, 42)]
    (out / "T" / "c" / "0" / "1" / "0").write_bytes(b"torn")
    (out / "T" / "c" / "0" / "1" / "0.1234.partial").write_bytes(b"half")  # as zarr leaves it when killed
    assert digest(simulate(out, **RUN, workers=1)) == digest(store)


def test_a_complete_store_is_left_alone(store, caplog):
    before = digest(store)
    simulate(store, **RUN)
    assert "already complete" in caplog.text
    assert digest(store) == before


def test_another_configuration_raises_and_harms_nothing(store):
    before = digest(store)
    with pytest.raises(DiffmpError, match="hours 2"):
        simulate(store, **(RUN | {"hours": 3}))
    assert digest(store) == before


def test_a_run_over_other_land_is_another_run(store, tmp_path, monkeypatch):
    """Half a real geography and half an aqua-planet would be neither."""
    out = tmp_path / "half.zarr"
    shutil.copytree(store, out)
    (out / output_store.SIMULATED / "c" / "1").unlink()
    before = digest(out)
    with monkeypatch.context() as aqua:
        aqua.setattr("diffmp_core.crm.simulate.is_land", lambda lat, lon: np.zeros(len(lat), dtype=bool))
        with pytest.raises(DiffmpError, match="expected a store of this run, found one with other land"):
            simulate(out, **RUN, workers=1)
    assert digest(out) == before
    assert digest(simulate(out, **RUN, workers=1)) == digest(store)


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ({"grid": "G9"}, "grid"),
        ({"hours": 0}, "hours"),
        ({"start": "soon"}, "start"),
        ({"seed": -1}, "seed"),
        ({"workers": 2, "scheduler": "tcp://localhost:8786"}, "either"),
    ],
)
def test_wrong_options_raise_one_sentence(tmp_path, option, word):
    with pytest.raises(DiffmpError, match=word):
        simulate(tmp_path / "x.zarr", **(RUN | option))
    assert not (tmp_path / "x.zarr").exists()


def test_a_file_in_the_way_raises(tmp_path):
    (tmp_path / "x.zarr").write_text("mine")
    with pytest.raises(DiffmpError, match="choose another name"):
        simulate(tmp_path / "x.zarr", **RUN)
    assert (tmp_path / "x.zarr").read_text() == "mine"


def test_a_place_that_cannot_be_written_raises(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiffmpError, match="expected a folder at .*file to write x.zarr in, found a file"):
        simulate(tmp_path / "file" / "x.zarr", **RUN)


def test_a_full_disk_raises_and_the_run_goes_on_later(store, tmp_path, monkeypatch):
    out = tmp_path / "full.zarr"

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(output_store.os, "replace", full)  # the last thing that making the store does
        with pytest.raises(DiffmpError, match="No space left"):
            simulate(out, **RUN, workers=1)
    with monkeypatch.context() as disk:
        disk.setattr(zarr.Array, "__setitem__", full)
        with pytest.raises(DiffmpError, match="No space left"):
            simulate(out, **RUN, workers=1)
    assert digest(simulate(out, **RUN, workers=1)) == digest(store)


def test_a_disk_that_fills_up_halfway_keeps_what_is_finished(store, tmp_path):
    out, disk = tmp_path / "full.zarr", ExitStack()

    def fill(done, _total, _elapsed):
        if done == 32:
            disk.enter_context(full_disk())

    with disk, pytest.raises(DiffmpError, match="room to write .*full.zarr, found File too large"):
        simulate(out, **RUN, workers=1, progress=fill)
    assert output_store.missing_chunks(out) == [(32, 42)]
    before = digest(out / "simulated")
    reports = []
    simulate(out, **RUN, workers=1, progress=lambda done, *_: reports.append(done))
    assert before != digest(out / "simulated")
    assert reports == [32, 42]
    assert digest(out) == digest(store)


def test_a_run_killed_while_it_made_its_store_starts_again(store, tmp_path):
    skeleton = tmp_path / ".killed.zarr.skeleton"
    skeleton.mkdir()
    (skeleton / "zarr.json").write_text("{")
    out = simulate(tmp_path / "killed.zarr", **RUN, workers=1)
    assert digest(out) == digest(store)
    assert not skeleton.exists()


def test_a_column_that_blows_up_is_named(tmp_path, monkeypatch):
    import diffmp_core.crm.dynamics as dynamics

    monkeypatch.setattr(dynamics, "run", lambda *args: (False, 0.0))
    with pytest.raises(DiffmpError, match="cell 0 at"):
        simulate(tmp_path / "x.zarr", **RUN, workers=1)


def test_what_a_worker_killed_in_the_run_left_half_written_is_removed(store, tmp_path):
    def leave(done, total, _elapsed):
        (tmp_path / "run.zarr" / "T" / "c.0123.partial").write_bytes(b"half")

    out = simulate(tmp_path / "run.zarr", **RUN, workers=1, progress=leave)
    assert digest(out) == digest(store)
