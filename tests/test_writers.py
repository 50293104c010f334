"""Everything that commands write: whole or not at all on a full disk, and for others as the umask says."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import xarray as xr
from diffmp_app.exhibits.formats import netcdf

from diffmp_core.errors import DiffmpError
from diffmp_core.stores import write_store
from diffmp_core.training.config import load_config
from diffmp_core.training.loop import train
from tests.app.experiment import add_networks, make_experiment
from tests.columns.climsim_files import make_stack, write_pairs
from tests.columns.test_fetch import DATES, FILES, Hub
from tests.full_disk import Disk, ShortFiles, mounted, small_disk
from tests.synthetic import make_columns
from tests.training.conftest import TINY
from tests.writers import EVERY, ONCE, REPLACING, RESUMING, Material, contents

ANEW = [command for command in REPLACING | ONCE if command != "card"]
"""Commands that write where there may be nothing yet; a card has the folder of an emulator."""


@pytest.fixture(autouse=True)
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a report, without the half minute that its figures take."""
    monkeypatch.setattr("diffmp_app.report.write.report", lambda *arguments: "figures " * 20_000)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Material]:
    folder = tmp_path_factory.mktemp("material")
    columns = write_store(make_columns(cells=24), folder / "columns.zarr")
    make_stack(DATES).to_netcdf(folder / "stack.nc")
    (folder / "tiny.yaml").write_text(TINY)
    emulator = train(columns, folder / "emulator", config=load_config(str(folder / "tiny.yaml")), progress=False)
    experiment = make_experiment(folder / "globe", cells=42, times=2)
    add_networks(experiment)
    (folder / "published").mkdir()
    write_pairs(make_stack(DATES), folder / "published")
    server = Hub(folder / "published")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Material(columns, folder / "stack.nc", folder / "tiny.yaml", emulator, experiment, server.address, FILES)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module", params=["a small disk", "short files"])
def disk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    folder = tmp_path_factory.mktemp("disk")
    if request.param == "short files":
        yield ShortFiles(folder)
        return
    with small_disk(folder) as small:
        yield small


@pytest.fixture
def place(disk: Disk, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own on the disk."""
    folder = disk.folder / str(abs(hash(request.node.name)))
    folder.mkdir()
    return folder


def refusal(disk: Disk) -> str:
    return f"(?s)^expected room to write [^\n]*, found {disk.reason}; free space, then run the same command again$"


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("command", REPLACING)
def test_on_a_full_disk_what_was_there_stays_and_nothing_is_left(
    command: str, share: float, disk: Disk, place: Path, material: Material
) -> None:
    REPLACING[command](material, place, 0)
    before = contents(place)
    share = 0.0 if command == "card" else share  # a page of text beside an emulator
    with disk.leaving(share, place), pytest.raises(DiffmpError, match=refusal(disk)):
        REPLACING[command](material, place, 1)
    assert contents(place) == before
    REPLACING[command](material, place, 1)
    assert contents(place).keys() == before.keys()


@pytest.mark.parametrize("share", [0.0, 0.6])
@pytest.mark.parametrize("command", RESUMING | ONCE)
def test_what_a_full_disk_stopped_is_done_once_there_is_room(
    command: str, share: float, disk: Disk, place: Path, material: Material
) -> None:
    EVERY[command](material, place / "whole", 0)
    whole = contents(place / "whole")
    with disk.leaving(share, place / "whole"), pytest.raises(DiffmpError, match=refusal(disk)):
        EVERY[command](material, place / "stopped", 0)
    left = contents(place / "stopped") if (place / "stopped").exists() else {}
    hidden = [name for name in left if Path(name).name[0] == "." and "cache" not in name]
    assert hidden == []
    assert left == {} or command in RESUMING
    EVERY[command](material, place / "stopped", 0)
    done = contents(place / "stopped")
    assert done.keys() == whole.keys()
    for name in SAME & done.keys():
        assert done[name] == whole[name], name


SAME = {"emulator/weights.safetensors", "some/scores.json", "experiment/scores.json", f"climsim/{FILES[1]}"}
"""Files that hold no time, speed or place, and so come out alike."""


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o022, 0o027], ids=["022", "027"])
@pytest.mark.parametrize("command", EVERY)
def test_modes_follow_the_umask(command: str, mask: int, material: Material, tmp_path: Path) -> None:
    with umask(mask):
        EVERY[command](material, tmp_path / "out", 0)
    # Locks of huggingface_hub are empty, hidden, and open to the group on purpose.
    modes = {path.relative_to(tmp_path): stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*")}
    wrong = {
        str(path): oct(mode)
        for path, mode in modes.items()
        if mode != (0o777 if (tmp_path / path).is_dir() else 0o666) & ~mask and path.suffix != ".lock"
    }
    assert modes
    assert wrong == {}


@pytest.mark.parametrize("command", [*ANEW, "train", "study"])
def test_a_file_where_a_folder_is_expected_is_one_sentence(command: str, material: Material, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DiffmpError, match=r"expected (a folder at .*file|.*found a file)"):
        EVERY[command](material, tmp_path / "file", 0)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("command", [*ANEW, *RESUMING])
def test_a_read_only_disk_is_one_sentence(command: str, material: Material, tmp_path: Path) -> None:
    with mounted(tmp_path, "ro,size=1m"), pytest.raises(DiffmpError, match="expected a place to write .*Read-only"):
        EVERY[command](material, tmp_path / "out", 0)


@pytest.mark.parametrize(
    ("command", "name"),
    [("export onnx", "e.onnx"), ("export torchscript", "e.pt"), ("report", "report.html"), ("score", "scores.json")],
)
def test_a_folder_of_the_name_of_a_file_stays(command: str, name: str, material: Material, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "precious").write_text("mine")
    with pytest.raises(DiffmpError, match=f"expected the name of a file to write, found a folder at .*{name}"):
        EVERY[command](material, tmp_path, 0)
    assert contents(tmp_path).keys() == {f"{name}/precious"}


@pytest.mark.parametrize("command", ["score", "export"])
def test_the_command_line_says_one_sentence_of_a_full_disk(command: str, material: Material, tmp_path: Path) -> None:
    options = {
        "score": (material.columns, tmp_path / "experiment", "--members", "4"),
        "export": (tmp_path / "emulator.pt", "--format", "torchscript"),
    }[command]
    limited = [sys.executable, "-c", LIMITED, command, material.emulator, *options]
    result = subprocess.run([*map(str, limited)], capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert "error: expected room to write" in result.stderr
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, sys
from diffmp_core.cli import run
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
run()
"""


def test_an_export_of_the_page_needs_no_disk(disk: Disk, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = xr.Dataset({"a": ("x", torch.randn(20_000, generator=torch.Generator().manual_seed(0)).numpy())})
    (place / "as large").write_bytes(bytes(100_000))
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with disk.leaving(0.0, place):
        content = netcdf(data)
    (place / "read.nc").write_bytes(content)
    with xr.open_dataset(place / "read.nc") as read:
        assert (read["a"].values == data["a"].values).all()
