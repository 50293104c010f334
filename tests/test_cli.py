"""The command line: help is instant, and what a user can do wrong gives one sentence and a non-zero exit."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from diffmp_core.cli import parse_guidance, run
from diffmp_core.cli.terminal import console, progress_bar, time_left
from diffmp_core.errors import DiffmpError

COMMANDS = ("simulate", "prepare", "train", "sample", "score", "study", "fetch", "export", "card", "report", "serve")


def diffmp(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "diffmp_core", *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    result = diffmp(command, "--help")
    assert result.returncode == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("prepare", "nowhere", "out.zarr"),
        ("prepare", "nowhere", "out.zarr", "--variables", "mine.yaml"),
        ("prepare", "nowhere", "out.zarr", "--inputs", "T,warmth"),
        ("prepare", "nowhere", "out.zarr", "--levels", "every"),
        ("train", "nowhere", "out"),
        ("sample", "nowhere", "nowhere", "out.zarr"),
        ("score", "nowhere", "nowhere"),
        ("study", "models", "nowhere", "study.nc"),
        ("report", "nowhere", "out"),
        ("export", "nowhere", "out"),
        ("card", "nowhere"),
        ("fetch", "climsim", "out", "--times-of", "nowhere"),
        ("serve", "nowhere"),
    ],
)
def test_a_path_that_is_not_there_gives_one_sentence(arguments, tmp_path):
    result = diffmp(*(tmp_path / a if a in ("nowhere", "out", "out.zarr") else a for a in arguments))
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "expected" in result.stderr
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.zarr").exists()


EMULATOR = Path("assets/emulators/simulator-120km-one-step")


def test_guidance_is_a_number_for_each_output_of_the_emulator_or_one_for_all():
    assert parse_guidance(None, EMULATOR) is None
    assert parse_guidance("0.5,0.5,0,0", EMULATOR) == (0.5, 0.5, 0.0, 0.0)
    assert parse_guidance("0.3", EMULATOR) == (0.3,) * 4


@pytest.mark.parametrize("text", ["", "a", "1,2", "1,2,3,4,5", "nan,0,0,0", "-1,0,0,0"])
def test_malformed_guidance_is_refused(text):
    with pytest.raises(DiffmpError, match=r"--guidance, or 4 \(tend_T_sgs, tend_qv_sgs, qc, qi\)"):
        parse_guidance(text, EMULATOR)


def test_guidance_of_no_emulator_is_one_sentence(tmp_path):
    with pytest.raises(DiffmpError, match="expected an emulator folder"):
        parse_guidance("0.5", tmp_path)


def test_time_left_is_at_the_pace_of_this_start():
    assert time_left(100, 400, 50.0) == "0:03:20"
    assert time_left(0, 400, 50.0) == "?"


def test_cells_of_an_earlier_run_do_not_count_in_the_pace(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 100.0])
    monkeypatch.setattr("diffmp_core.cli.terminal.time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(console, "_force_terminal", False)
    with progress_bar("simulate", "cells") as report:
        report(500, 1000)
        report(600, 1000)  # 100 cells in 100 s, 400 to go
    assert "simulate 600/1000 cells, 0:06:40 left" in capsys.readouterr().err


def test_help_imports_nothing_slow():
    code = "import sys, diffmp_core.cli; print([m for m in ('torch', 'numba', 'panel', 'xarray') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def ends(failure: BaseException | None, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status and words of the console's entry where a command ends with an exception."""

    def command() -> None:
        if failure is not None:
            raise failure

    with pytest.raises(SystemExit) as end:
        run(lambda: typer.main.get_command(typed(command))([]))
    return end.value.code, capsys.readouterr().err


def typed(command) -> typer.Typer:
    made = typer.Typer(pretty_exceptions_enable=False)
    made.command()(command)
    return made


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (DiffmpError("expected a, found b\n in [c]; do d"), 2, "error: expected a, found b in [c]; do d"),
        (NotADirectoryError(20, "Not a directory", "a/b"), 2, "found a/b: Not a directory; check the path"),
        (MemoryError(), 2, "expected more memory"),
        (KeyError("x"), 70, "a fault of DIFF-MP, not yours: KeyError: 'x' (test_cli.py, line"),
        (KeyboardInterrupt(), 130, "stopped; run the same command again to go on"),
    ],
)
def test_every_end_is_one_sentence(failure, status, words, capsys):
    found, said = ends(failure, capsys)
    assert (found, said.count("\n")) == (status, 1)
    assert words in said
    assert "Traceback" not in said


def test_a_fault_is_shown_whole_where_that_is_asked_for(monkeypatch, capsys):
    monkeypatch.setenv("DIFFMP_TRACEBACK", "1")
    with pytest.raises(KeyError):
        run(lambda: {}["x"])


def test_a_terminal_of_other_letters_shows_question_marks():
    code = (
        "import sys, typer\nfrom diffmp_core.cli import run\nfrom diffmp_core.errors import DiffmpError\n"
        "def say(): typer.echo('a – ★'); raise DiffmpError('expected ★')\nrun(lambda: typer.run(say))"
    )
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=environment)
    assert (found.returncode, found.stdout, found.stderr) == (2, b"a ? ?\n", b"error: expected ?\n")


def test_a_reader_that_leaves_is_no_fault():
    code = (
        "import typer\nfrom diffmp_core.cli import run\n"
        "def say():\n    for _ in range(100000): typer.echo('abc')\nrun(lambda: typer.run(say))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as talker:
        talker.stdout.readline()
        talker.stdout.close()
        assert talker.stderr.read() == b""
        assert talker.wait(60) == 1
