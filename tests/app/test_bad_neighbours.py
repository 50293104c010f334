"""One folder that cannot be read, beside good ones: a line at the top of the page, and everything else is shown."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from diffmp_app.data.catalog import Catalog
from diffmp_app.page import DashboardPage

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import find_experiments, load_experiment
from diffmp_core.stores import write_store
from tests.app.studies import make_study

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def text(content: str | bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        folder.mkdir()
        (folder / "experiment.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def circle(folder: Path) -> None:
    folder.mkdir()
    (folder / "experiment.yaml").symlink_to("experiment.yaml")


def pipe(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "experiment.yaml")


def plug(folder: Path) -> None:
    folder.mkdir()
    before = Path.cwd()
    os.chdir(folder)  # the name of a socket is short
    try:
        socket.socket(socket.AF_UNIX).bind("experiment.yaml")
    finally:
        os.chdir(before)


def inner_folder(folder: Path) -> None:
    (folder / "experiment.yaml").mkdir(parents=True)


def dangling(folder: Path) -> None:
    folder.mkdir()
    (folder / "experiment.yaml").symlink_to("nowhere")


def huge(folder: Path) -> None:
    folder.mkdir()
    with (folder / "experiment.yaml").open("wb") as file:
        file.truncate(10**10)


BAD = {
    "deep": text("[" * 20_000),
    "bomb": text(BOMB),
    "endless": text("a: &a [*a]"),
    "no text": text(b"\xff\xfe\x00t"),
    "zero byte": text('title: "a\\0b"\ncolumns: "c\\0.nc"'),
    "tag": text("title: !!timestamp never"),
    "no date": text("title: 2005-99-99"),
    "numbers": text("1.5: 2.5"),
    "circle": circle,
    "pipe": pipe,
    "plug": plug,
    "inner folder": inner_folder,
    "dangling": dangling,
    "huge": huge,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", list(BAD))
def test_a_file_that_cannot_be_read_is_one_line_and_the_others_are_served(
    name: str, experiment_folder: Path, tmp_path: Path
):
    BAD[name](tmp_path / "bad")
    (tmp_path / "good").symlink_to(experiment_folder)
    catalog = Catalog([tmp_path])
    assert catalog.names == (experiment_folder.name,)
    (problem,) = catalog.problems
    assert "\n" not in problem
    assert "bad/experiment.yaml" in problem
    assert len(problem) < 500


def test_links_in_a_circle_and_names_without_letters_do_no_harm(experiment_folder: Path, tmp_path: Path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "good").symlink_to(experiment_folder)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "up").symlink_to(tmp_path)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")).mkdir()
    catalog = Catalog([tmp_path])
    assert (catalog.names, catalog.problems) == ((experiment_folder.name,), [])
    named = Catalog([tmp_path / "loop", experiment_folder])
    assert named.names == (experiment_folder.name,)
    assert len(named.problems) == 1


def test_a_folder_that_lets_nobody_in_is_one_line(
    experiment_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "private").mkdir()
    (tmp_path / "good").symlink_to(experiment_folder)
    real_lstat, real_open = os.lstat, os.open

    def refuse(path, *arguments, **options):
        if "private" in str(path) and "experiment.yaml" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return (real_open if arguments else real_lstat)(path, *arguments, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    monkeypatch.setattr(os, "open", refuse)
    catalog = Catalog([tmp_path])
    assert catalog.names == (experiment_folder.name,)
    (problem,) = catalog.problems
    assert "expected permission to read" in problem


@pytest.fixture
def copy(small_folder: Path, tmp_path: Path) -> Path:
    """A small experiment of one's own, to be damaged."""
    return Path(shutil.copytree(small_folder, tmp_path / "small"))


PARTS = {
    "table that is deep": ("scores.json", b"[" * 50_000, "table"),
    "table that is a list": ("scores.json", b"[1]", "table"),
    "table of text": ("scores.json", b'{"scores": {"qc": {"mse": "x"}}}', "table"),
    "table of others": ("scores.json", b'{"scores": 7, "members": -1}', "table"),
    "table with half a letter": ("scores.json", b'{"scores": {"qc": {}}, "notes": ["\\ud800"]}', "table"),
    "configuration that is deep": ("calibrated/config.yaml", b"{" * 5_000, "folder"),
    "configuration of another shape": ("calibrated/config.yaml", b"model: 7", "folder"),
    "configuration with words for numbers": ("calibrated/config.yaml", b"model: {}\nresult: {minutes: x}", "folder"),
}


@pytest.mark.parametrize("part", list(PARTS))
def test_a_part_that_cannot_be_read_is_left_out_and_said(part: str, copy: Path):
    file, content, lost = PARTS[part]
    (copy / file).write_bytes(content)
    catalog = Catalog([copy])
    (problem,) = catalog.problems
    assert f"is shown without its {lost}" in problem
    page = DashboardPage(catalog)
    page.panel()
    assert len(page.notices) == 1
    assert catalog.table("small", "DIFF-MP paper")["scores"]


@pytest.mark.parametrize("other", ["a study", "scores of other cells"])
def test_scores_of_something_else_are_a_reason_and_no_failure(other: str, copy: Path, experiment_folder: Path):
    shutil.copy(experiment_folder / "scores.nc", copy / "scores.nc")
    if other == "a study":
        write_store(make_study("steps"), copy / "scores.nc")
    catalog = Catalog([copy])
    assert catalog.scores("small", "DIFF-MP calibrated") is None
    assert "found a store of kind" in catalog.lacks("small", "DIFF-MP calibrated", "column_mse")
    assert "expected scores of the 162 cells" in catalog.lacks("small", "DIFF-MP calibrated", "column_mse")


def test_a_truncated_score_store_is_a_reason_and_no_failure(copy: Path):
    (copy / "scores.nc").write_bytes((copy / "scores.nc").read_bytes()[:5000])
    catalog = Catalog([copy])
    assert catalog.scores("small", "DIFF-MP calibrated") is None
    assert "score store that can be read" in catalog.lacks("small", "DIFF-MP calibrated", "column_mse")
    assert catalog.scores("small", "DIFF-MP paper") is not None
    page = DashboardPage(catalog, "?tab=Maps")
    page.panel()


@pytest.mark.parametrize("kept", [0, 3000, 40_000])
def test_truncated_columns_leave_the_other_experiments_shown(copy: Path, experiment_folder: Path, kept: int):
    (copy / "columns.nc").write_bytes((copy / "columns.nc").read_bytes()[:kept])
    catalog = Catalog([copy, experiment_folder])
    with pytest.raises(DiffmpError, match="expected"):
        catalog.limits("small")
    page = DashboardPage(catalog)
    page.panel()
    assert page.state.experiment == experiment_folder.name
    assert len(page.notices) == 1
    assert "small cannot be opened" in page.notices[0].objects[0].object


def test_files_that_vanish_while_they_are_served_are_no_failure(copy: Path):
    catalog = Catalog([copy])
    DashboardPage(catalog).panel()
    for path in copy.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    DashboardPage(catalog).panel()
    assert catalog.trainings("small") == {}


def test_what_is_no_experiment_file_says_which_and_why(tmp_path: Path):
    for name, write in BAD.items():
        write(tmp_path / name)
        assert find_experiments([tmp_path / name]) == [tmp_path / name]
        with pytest.raises(DiffmpError, match="experiment.yaml"):
            load_experiment(tmp_path / name)
    (tmp_path / "good name").mkdir()
    (tmp_path / "good name" / "experiment.yaml").write_text(yaml.safe_dump({"title": "x", "columns": "a\0b"}))
    with pytest.raises(DiffmpError, match="zero byte"):
        load_experiment(tmp_path / "good name")
