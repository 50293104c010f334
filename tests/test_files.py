"""Files written whole or not at all, and what is said of those that may not be read."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from diffmp_core.cli import run
from diffmp_core.columns.domain import TrainingDomain, fit_domain
from diffmp_core.columns.normalize import fit
from diffmp_core.columns.sources import recognise
from diffmp_core.crm.sea_table import read_sea_table
from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import load_experiment
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import load_emulator, save_emulator
from diffmp_core.schema import schema_of
from diffmp_core.storage.files import remove, whole, write_bytes, write_text, write_texts
from diffmp_core.stores import open_store, stack_inputs, stack_outputs, write_store
from diffmp_core.training.checkpoint import load_checkpoint, save_checkpoint
from diffmp_core.training.config import load_config
from diffmp_core.training.log import read_log
from diffmp_core.training.position import Position
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

NOBODY = 65534


def write_half(*paths: Path, error: Exception) -> None:
    """Begin to write files, and fail."""
    with whole(*paths) as parts:
        parts[0].write_text("half")
        raise error


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_a_quota_and_a_limit_are_no_room(code: int, tmp_path: Path) -> None:
    with pytest.raises(DiffmpError, match=f"expected room to write .*x.nc, found {os.strerror(code)}; free space"):
        write_half(tmp_path / "x.nc", error=OSError(code, os.strerror(code)))
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_that_a_library_has_wrapped_is_found(tmp_path: Path) -> None:
    error = ValueError("a library's own words")
    error.__cause__ = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    with pytest.raises(DiffmpError, match="found Disk quota exceeded"):
        write_half(tmp_path / "x", error=error)


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error", "/elsewhere/source.nc"), RuntimeError("no"), KeyError("name")]
)
def test_errors_about_something_else_pass_as_they_are(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as raised:
        write_half(tmp_path / "x", error=error)
    assert raised.value is error
    assert list(tmp_path.iterdir()) == []


def test_files_get_their_names_together_or_not_at_all(tmp_path: Path) -> None:
    names = [tmp_path / "a", tmp_path / "b"]
    write_texts(dict.fromkeys(names, "old"))
    with pytest.raises(DiffmpError, match="No space"):
        write_half(*names, error=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert {path: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(names, "old")


def test_a_refusal_that_comes_with_the_last_byte_of_the_last_file_keeps_all_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, settled = [tmp_path / "a", tmp_path / "b"], []
    write_texts(dict.fromkeys(names, "old"))

    def settle(file: int) -> None:
        settled.append(file)
        if len(settled) == 2:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", settle)
    with pytest.raises(DiffmpError, match="expected room to write .*b, found Disk quota exceeded"):
        write_texts(dict.fromkeys(names, "new"))
    assert {path: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(names, "old")


def test_an_old_folder_is_put_back_where_the_new_one_cannot_have_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "old").write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write_anew() -> None:
        with whole(tmp_path / "store", folders=True) as (part,):
            part.mkdir()
            monkeypatch.setattr(os, "replace", full)

    with pytest.raises(DiffmpError, match="No space"):
        write_anew()
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("store"), Path("store/old")]


def test_a_folder_is_never_replaced_by_a_file_nor_a_file_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "precious").write_text("mine")
    with pytest.raises(DiffmpError, match="expected the name of a file to write, found a folder at .*folder"):
        write_text(tmp_path / "folder", "text")
    with pytest.raises(DiffmpError, match="expected the name of a file to write, found a folder at .*folder"):
        write_store(make_columns(cells=4), (tmp_path / "folder").rename(tmp_path / "folder.nc"))
    with pytest.raises(DiffmpError, match="expected the name of a folder to write, found a file at .*precious"):
        write_store(make_columns(cells=4), tmp_path / "folder.nc" / "precious")
    assert (tmp_path / "folder.nc" / "precious").read_text() == "mine"


def test_folders_made_for_what_failed_go_again(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_half(tmp_path / "a" / "b" / "c", error=KeyError("x"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "big disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "big disk" / "file")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "big disk" / "file").read_text() == "text"
    assert os.readlink(tmp_path / "link") == str(tmp_path / "big disk" / "file")


def test_links_in_a_circle_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(DiffmpError, match="expected a place to write .*circle"):
        write_text(tmp_path / "circle" / "file", "text")


@pytest.mark.parametrize("name", ["x" * 250, "漢" * 84])
def test_as_long_a_name_as_the_system_takes_can_be_written(name: str, tmp_path: Path) -> None:
    assert write_bytes(tmp_path / name, b"x").read_bytes() == b"x"
    with pytest.raises(DiffmpError, match="expected a place to write .*File name too long"):
        write_bytes(tmp_path / (2 * name), b"x")


def test_removing_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    remove(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_file_that_may_not_be_read_is_a_sentence_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    def read() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/closed/c.0.0")

    with pytest.raises(SystemExit) as left:
        run(read)
    assert left.value.code == 2
    assert "expected permission to read /closed/c.0.0, found none" in capsys.readouterr().err


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """A folder that everyone may enter, with one of each kind of file."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    columns = make_columns(cells=12)
    inputs, outputs = stack_inputs(columns), stack_outputs(columns)
    normalization = fit(inputs, outputs, schema=schema_of(columns))
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "regression", "filters": 8, "layers": 2}, normalization)
    fit_domain(inputs, channels=PAPER.inputs, generator=np.random.default_rng(0)).save(
        folder / "emulator" / "domain.safetensors"
    )
    save_emulator(emulator, folder / "emulator")
    save_checkpoint(folder / "checkpoint", Position(run="x"), {"w": torch.zeros(1)})
    write_store(columns, folder / "columns.nc")
    write_store(columns, folder / "columns.zarr")
    for name in ("training.csv", "tiny.yaml", "sea.csv", "experiment.yaml"):
        write_text(folder / name, "title: x\n")
    yield folder
    shutil.rmtree(folder)


READERS: dict[str, Callable[[Path], object]] = {
    "emulator/weights.safetensors": lambda folder: load_emulator(folder / "emulator"),
    "emulator/normalization.json": lambda folder: load_emulator(folder / "emulator"),
    "emulator/config.yaml": lambda folder: load_emulator(folder / "emulator"),
    "emulator/domain.safetensors": lambda folder: load_emulator(folder / "emulator"),  # its seal
    "emulator": lambda folder: TrainingDomain.load(folder / "emulator" / "domain.safetensors", PAPER.inputs),
    "checkpoint/state.safetensors": lambda folder: load_checkpoint(folder / "checkpoint", torch.device("cpu")),
    "columns.nc": lambda folder: open_store(folder / "columns.nc"),
    "columns.zarr": lambda folder: open_store(folder / "columns.zarr"),
    "columns.zarr/zarr.json": lambda folder: recognise(folder / "columns.zarr"),
    "training.csv": lambda folder: read_log(folder / "training.csv"),
    "tiny.yaml": lambda folder: load_config(str(folder / "tiny.yaml")),
    "sea.csv": lambda folder: read_sea_table(folder / "sea.csv"),
    "experiment.yaml": lambda folder: load_experiment(folder),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_its_mode_keeps_from_us_is_said_to_be_so(name: str, shared: Path) -> None:
    path = shared / name
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        said = as_nobody(lambda: READERS[name](shared))
    finally:
        path.chmod(mode)
    assert said.startswith(f"DiffmpError: expected permission to read {path}"), said
    assert "copy" not in said
    assert "chmod" in said


def test_a_file_made_anew_is_read_by_everyone(shared: Path) -> None:
    assert as_nobody(lambda: load_emulator(shared / "emulator")) == ""
    assert as_nobody(lambda: TrainingDomain.load(shared / "emulator" / "domain.safetensors", PAPER.inputs)) == ""


def as_nobody(action: Callable[[], object]) -> str:
    """What an action raises in a process of a user without rights, as text; nothing if it does not."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            if os.getuid() == 0:
                os.setuid(NOBODY)
            action()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said
