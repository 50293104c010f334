"""Fetching ClimSim from a server of our own: resumed, checked, and one sentence for what can go wrong."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cftime
import numpy as np
import pytest

from diffmp_core.columns.fetch import REPOSITORY, fetch_climsim, regular_times, step_files, stored_times
from diffmp_core.columns.prepare import prepare
from diffmp_core.columns.sources.climsim import GRID_INFO
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id
from diffmp_core.stores import open_columns, select_split, write_store
from tests.columns.climsim_files import make_stack, write_pairs
from tests.synthetic import make_columns

pytest.importorskip("huggingface_hub", reason="the extra fetch is not installed")

DATES = [(20101, 0), (20103, 39600)]
FILES = step_files([cftime.DatetimeNoLeap(2, 1, 1), cftime.DatetimeNoLeap(2, 1, 3, 11)])


class Hub(ThreadingHTTPServer):
    """The few answers of Hugging Face that a download needs, for the files of a folder.

    Attributes:
        sent: requests by method and file, and ``resumed`` for those of a part.
        cut: break off the first download of this file halfway.
        spoilt: send this file with another byte than its checksum says.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.folder = folder
        self.sent: Counter[tuple[str, str]] = Counter()
        self.cut = self.spoilt = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        name = self.path.removeprefix(f"/datasets/{REPOSITORY}/resolve/main/")
        path = self.server.folder / Path(name).name
        self.server.sent[self.command, name] += 1
        if name == self.path or not path.is_file():
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = path.read_bytes()
        first = 0
        if body and (asked := self.headers.get("Range")):
            first = int(asked.removeprefix("bytes=").split("-")[0])
            self.server.sent["resumed", name] += first > 0
        self.send_response(206 if first else 200)
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if not body:
            return
        if self.server.spoilt == name:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if self.server.cut == name:
            self.server.cut = ""
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        self.wfile.write(data[first:])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: requests are counted."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    write_pairs(make_stack(DATES), folder)
    return folder


@pytest.fixture
def hub(published: Path) -> Iterator[Hub]:
    server = Hub(published)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_files_of_times_are_named_as_published():
    assert FILES == [
        GRID_INFO,
        "train/0002-01/E3SM-MMF.mli.0002-01-01-00000.nc",
        "train/0002-01/E3SM-MMF.mlo.0002-01-01-00000.nc",
        "train/0002-01/E3SM-MMF.mli.0002-01-03-39600.nc",
        "train/0002-01/E3SM-MMF.mlo.0002-01-03-39600.nc",
    ]


def test_times_know_no_leap_day():
    times = regular_times("0004-02-28", count=3, every_hours=12)
    assert [str(time) for time in times] == ["0004-02-28 00:00:00", "0004-02-28 12:00:00", "0004-03-01 00:00:00"]


@pytest.mark.parametrize(
    ("start", "hours", "message"),
    [("April", 1, "expected a date YYYY-MM-DD, found 'April'"), ("0001-02-01", 0.5, "a multiple of 1/3, found 0.5")],
)
def test_times_that_are_none_are_refused(start, hours, message):
    with pytest.raises(DiffmpError, match=message):
        regular_times(start, count=2, every_hours=hours)


def test_what_is_fetched_can_be_prepared_and_its_times_fetched_again(hub, published, tmp_path):
    told = []
    paths = fetch_climsim(tmp_path / "raw", FILES, endpoint=hub.address, progress=lambda *done: told.append(done))
    assert told == [(number + 1, 5) for number in range(5)]
    assert [path.read_bytes() for path in paths] == [(published / path.name).read_bytes() for path in paths]
    store = prepare(tmp_path / "raw", tmp_path / "columns.nc", proportions=(0, 0, 1))
    assert step_files(stored_times(store)) == FILES
    assert np.isfinite(open_columns(store)["tend_T_sgs"].values).all()


def test_fetched_test_times_are_the_columns_that_a_stack_was_scored_on(tmp_path):
    """What opens an experiment that was scored on an excerpt: same fingerprint from pairs of files."""
    stack = make_stack([(20101 + 2 * day, 1200 * day) for day in range(12)])
    stack.to_netcdf(tmp_path / "stack.nc")
    scored = select_split(open_columns(prepare(tmp_path / "stack.nc", tmp_path / "all.nc")), "test")
    wanted = [Path(name).name for name in step_files(list(scored["time"].values))]
    write_pairs(stack, tmp_path / "published")
    (tmp_path / "raw").mkdir()
    for name in wanted:
        (tmp_path / "published" / name).rename(tmp_path / "raw" / name)
    fetched = open_columns(prepare(tmp_path / "raw", tmp_path / "columns.nc", proportions=(0, 0, 1)))
    assert 0 < fetched.sizes["time"] < 12
    assert columns_id(fetched) == columns_id(scored)


def test_what_is_there_is_not_fetched_again(hub, tmp_path):
    fetch_climsim(tmp_path, FILES[:2], endpoint=hub.address)
    fetch_climsim(tmp_path, FILES[:3], endpoint=hub.address)
    assert [hub.sent["GET", name] for name in FILES[:3]] == [1, 1, 1]


def test_a_download_broken_off_goes_on_where_it_stopped(hub, published, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024)  # what is kept; 10 MB as a rule
    hub.cut = FILES[1]
    with suppress(DiffmpError):  # where the library does not try again by itself
        fetch_climsim(tmp_path, FILES[:2], endpoint=hub.address)
    fetch_climsim(tmp_path, FILES[:2], endpoint=hub.address)
    assert hub.sent["resumed", FILES[1]] == 1
    assert (tmp_path / FILES[1]).read_bytes() == (published / Path(FILES[1]).name).read_bytes()


def test_a_file_of_another_checksum_is_removed(hub, tmp_path):
    hub.spoilt = FILES[1]
    with pytest.raises(DiffmpError, match=r"expected .*mli.* with SHA-256 .*, found .*; it is removed"):
        fetch_climsim(tmp_path, FILES[:2], endpoint=hub.address)
    assert not (tmp_path / FILES[1]).exists()
    hub.spoilt = ""
    assert len(fetch_climsim(tmp_path, FILES[:2], endpoint=hub.address)) == 2


def test_a_time_that_is_not_published_is_one_sentence(hub, tmp_path):
    with pytest.raises(DiffmpError, match=r"expected train/0042-.* in the data set LEAP/ClimSim_low-res, found none"):
        fetch_climsim(tmp_path, step_files([cftime.DatetimeNoLeap(42, 1, 1)]), endpoint=hub.address)


def test_no_network_is_one_sentence(tmp_path):
    with pytest.raises(DiffmpError, match=r"expected to reach http://127.0.0.1:9 for .*; check the network") as raised:
        fetch_climsim(tmp_path, FILES, endpoint="http://127.0.0.1:9")
    assert "\n" not in str(raised.value)


def test_a_full_disk_is_one_sentence(hub, tmp_path, monkeypatch):
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", full)
    with pytest.raises(DiffmpError, match="expected room to write .*, found No space left on device; free space"):
        fetch_climsim(tmp_path, FILES, endpoint=hub.address)


def test_times_of_another_calendar_are_refused(tmp_path):
    store = write_store(make_columns(cells=4, times=3), tmp_path / "columns.nc")
    with pytest.raises(DiffmpError, match="expected times of the no-leap calendar"):
        stored_times(store)
