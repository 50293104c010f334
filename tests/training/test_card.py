"""The model card says what config.yaml says, and scores where there are some."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from diffmp_core.errors import DiffmpError
from diffmp_core.training.card import card_text, write_card
from diffmp_core.training.provenance import git_revision

CONFIG = {
    "model": {"kind": "diffusion", "filters": 64},
    "columns": {"columns_id": "abc", "times_by_split": {"train": 13, "test": 2}, "spacing_km": None},
    "result": {"presentations": 1024},
    "versions": {"git": "0" * 40},
    "run": "1234",
}
TABLE = {
    "scores": {"tend_T_sgs": {"mse": 0.5, "pcc": None}, "qc": {"mse": 0.25, "pcc": 0.9}},
    "members": 32, "steps": 5, "guidance": [0, 0, 0, 0], "columns": 10, "split": "test", "title": "Globe",
    "columns_id": "abc", "seed": 0,
}  # fmt: skip


def test_a_card_has_what_the_config_says() -> None:
    text = card_text("mine", CONFIG)
    assert text.startswith("# mine\n")
    for line in ("- columns_id: abc", "- times_by_split.train: 13", "- presentations: 1024", f"- git: {'0' * 40}"):
        assert line in text
    assert "spacing_km" not in text
    assert "None here: `diffmp score` makes them" in text


def test_a_card_has_the_scores_given_and_says_on_what() -> None:
    text = card_text("mine", CONFIG, TABLE)
    assert "| | tend_T_sgs | qc |" in text
    assert "| pcc | – | 0.900 |" in text
    assert "On 10 columns (test) of Globe, columns_id abc; 32 members, 5 steps" in text


def test_a_card_is_written_into_the_folder_and_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "scores.json").write_text(json.dumps(TABLE))
    write_card(tmp_path)
    write_card(tmp_path, scores=tmp_path / "scores.json")
    assert "| mse | 0.500 | 0.250 |" in (tmp_path / "card.md").read_text()
    assert "None here" not in (tmp_path / "card.md").read_text()


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(DiffmpError, match="expected a table of 'diffmp score'"):
        write_card(tmp_path, scores=tmp_path / "scores.json")
    assert not (tmp_path / "card.md").exists()


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_git_tells_of_a_clean_a_changed_and_a_foreign_package(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        names = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        command = ["git", "-C", str(tmp_path), *names, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    git("init", "--quiet")
    assert git_revision(package) is None
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    revision = git("rev-parse", "HEAD")
    assert git_revision(package) == revision
    (package / "__init__.py").write_text("changed = True")
    assert git_revision(package) == f"{revision}-dirty"
    assert git_revision(tmp_path / "nowhere") is None


def test_scores_that_do_not_name_their_files_are_not_passed_off_as_of_a_sealed_emulator() -> None:
    sealed = CONFIG | {"seal": {"format": 1, "sha256": {"weights.safetensors": "0" * 64}}}
    said = "the table names 'another', but not its files: whether it is of this emulator is not known"
    table = TABLE | {"emulator": "another"}
    assert f"Caution: {said}." in card_text("mine", sealed, table)
    assert f"Caution: seen; {said}." in card_text("mine", sealed, table | {"caution": "seen"})
    assert "Caution" not in card_text("mine", sealed, table | {"emulator_id": "1"})
