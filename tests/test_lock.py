"""One run at a time into a place, whatever the command; a killed run blocks nobody."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from diffmp_core.cli import app
from diffmp_core.errors import DiffmpError
from diffmp_core.storage import lock
from diffmp_core.storage.lock import hold, holding, lock_file

COMMANDS = {
    "simulate": ("{out}", "--grid", "G0", "--hours", "1"),
    "fetch": ("climsim", "{out}", "--endpoint", "http://127.0.0.1:9"),
    "prepare": ("nothing", "{out}"),
    "train": ("nothing", "{out}"),
    "sample": ("nothing", "nothing", "{out}"),
    "score": ("nothing", "nothing", "{out}"),
    "study": ("models", "nothing", "{out}"),
    "export": ("nothing", "{out}"),
    "card": ("{out}",),
}
HOLDER = """
import sys, time
from diffmp_core.storage.lock import hold
with hold(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_writes_is_kept_off_a_place_that_another_run_writes(tmp_path, command):
    out = tmp_path / "out"
    with FileLock(tmp_path / ".out.lock"):
        (tmp_path / ".out.lock").write_text("elsewhere 4321 token")
        result = CliRunner().invoke(app, [command, *(word.format(out=out) for word in COMMANDS[command])])
    assert isinstance(result.exception, DiffmpError)
    assert str(result.exception) == (
        f"expected no other run to write {out}, found process 4321 on elsewhere at it; "
        "wait for it or choose another name"
    )
    assert not out.exists()


def test_a_report_is_kept_off_too(tmp_path):
    from diffmp_app.report.write import write_report

    with hold(tmp_path / "out.html"), pytest.raises(DiffmpError, match=f"found process {os.getpid()} on"):
        write_report(tmp_path / "nothing", tmp_path / "out.html")


def test_a_killed_run_blocks_nobody(tmp_path):
    out = tmp_path / "new" / "out"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(out)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(DiffmpError, match=f"found process {process.pid} on"), hold(out):
            pass
        process.send_signal(signal.SIGKILL)
    assert lock_file(out).exists()
    with hold(out) as token:
        assert lock_file(out).read_text() == token
    assert not lock_file(out).exists()


def test_nothing_is_left_behind_but_what_was_written(tmp_path):
    with pytest.raises(RuntimeError), hold(tmp_path / "some" / "where" / "out"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with hold(tmp_path / "some" / "out"):
        (tmp_path / "some" / "out").mkdir()
    assert [path.name for path in tmp_path.rglob("*")] == ["some", "out"]


def test_a_link_to_a_place_is_that_place(tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to("place")
    with hold(tmp_path / "link"), pytest.raises(DiffmpError, match="no other run"), hold(tmp_path / "place"):
        pass


def test_a_folder_that_alone_can_be_written_holds_its_own_lock(tmp_path, monkeypatch):
    """A volume mounted into a read-only file system."""
    out = tmp_path / "volume"
    out.mkdir()
    monkeypatch.setattr(lock.os, "access", lambda path, mode: Path(path) != tmp_path)
    assert lock_file(out).parent == out
    with hold(out), pytest.raises(DiffmpError, match="no other run"), hold(out):
        pass
    assert not list(out.iterdir())


@pytest.mark.parametrize(("number", "refused"), [(errno.ENOLCK, False), (errno.ENOTSUP, False), (errno.EROFS, True)])
def test_a_file_system_without_locks_is_written_and_one_that_is_read_only_is_said(
    tmp_path, monkeypatch, number, refused
):
    def fail(self, **_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(FileLock, "acquire", fail)
    if refused:
        with pytest.raises(DiffmpError, match="expected a place to write .*, found Read-only"), hold(tmp_path):
            pass
        return
    with hold(tmp_path / "out"):
        (tmp_path / "out").write_text("written")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_another_users_lock_is_named(tmp_path, monkeypatch):
    (tmp_path / ".out.lock").write_text("elsewhere 4321 token")

    def fail(self, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(FileLock, "acquire", fail)
    monkeypatch.setattr(lock.os, "access", lambda path, mode: Path(path).name != ".out.lock")
    said = pytest.raises(DiffmpError, match="process 4321 on elsewhere, another user's .*remove the lock if")
    with said, hold(tmp_path / "out"):
        pass
    assert (tmp_path / ".out.lock").exists()


def test_a_function_that_writes_nowhere_holds_nothing(tmp_path):
    @holding("out")
    def compute(value: int, out: Path | None = None) -> int:
        return value + len(list(tmp_path.iterdir()))

    assert compute(1) == 1
    assert compute(1, tmp_path / "out") == 2
    assert compute(1, out=tmp_path / "out") == 2
