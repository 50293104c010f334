"""Every command with over a thousand bad inputs: none ends in a traceback, none harms a file, none leaves a half."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from diffmp_app.data.catalog import Catalog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import diffmp_core.cli.dashboard as dashboard
from diffmp_core.cli import run
from diffmp_core.columns.fetch import GRID_INFO
from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import load_experiment
from diffmp_core.models.folder import load_emulator
from diffmp_core.stores import open_store, write_store
from tests.app.experiment import add_networks, make_experiment
from tests.app.studies import make_study
from tests.bad_input import NASTY_TEXT, NUMBERS, damage, snapshot
from tests.columns.climsim_files import make_stack
from tests.columns.foreign_files import icosahedral_triangles, make_run, write_icon_mesh, write_yaml
from tests.synthetic import make_columns

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CASES = {
    "simulate": 110, "prepare": 240, "train": 60, "sample": 130, "score": 130, "study": 70, "fetch": 60, "export": 40,
    "card": 120, "report": 100, "serve": 140,
}  # fmt: skip
MADE = {"out", "out.zarr", "out.nc", "out.json", ".out.zarr.lock", "experiment/calibrated/card.md"}
"""What a command may write beside what it reads."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good one of everything that a command reads."""
    folder = tmp_path_factory.mktemp("world")
    columns = make_columns(cells=6, times=6)
    write_store(columns, folder / "columns.nc")
    write_store(columns, folder / "columns.zarr")
    make_experiment(folder / "experiment", cells=12, times=1)
    add_networks(folder / "experiment")
    (folder / "experiment" / "studies").mkdir()
    make_study("steps").to_netcdf(folder / "experiment" / "studies" / "steps.nc")
    make_stack([(80101, 62400)]).to_netcdf(folder / "stack.nc")
    write_icon_mesh(folder / "mesh.nc")
    corners, triangles = icosahedral_triangles(0)
    make_run(np.where(corners[triangles].mean(axis=1)[:, 2] > 0, 0.01, -0.01)).to_netcdf(folder / "run.nc")
    write_yaml(folder / "fields.yaml", points=9, mesh="mesh.nc")
    (folder / "people.json").write_text('{"Ann": "secret"}')
    (folder / "sea.csv").write_text("latitude,1,2,3,4,5,6,7,8,9,10,11,12\n-60" + ",275" * 12 + "\n60" + ",280" * 12)
    small = {"kind": "regression", "filters": 16, "layers": 2}
    options = {"extends": "regression", "model": small, "epochs": 1, "batch": 8, "micro_batch": 8, "warmup_steps": 0}
    (folder / "config.yaml").write_text(yaml.safe_dump({**options, "precision": "fp32", "learning_rate": 1e-3}))
    return folder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes long or leaves this machine, and nothing that reads an input."""

    def stop(*_: object, **__: object) -> None:
        raise DiffmpError("expected no more of this command in this test")

    def run_here(command: list[str], **_: object) -> SimpleNamespace:
        from diffmp_app.report.write import main

        monkeypatch.setattr(sys, "argv", ["report", *command[3:]])
        try:
            run(lambda: typer.run(main))
        except SystemExit as end:
            return SimpleNamespace(returncode=end.code)
        return SimpleNamespace(returncode=0)

    def serve_here(command: list[str], *_: object, **__: object) -> int:
        try:
            look_at(Catalog([Path(name) for name in command[command.index("--args") + 1 :]]))
        except (DiffmpError, ValueError):  # what the page says; no --args
            assert "--args" not in command or sys.exc_info()[0] is DiffmpError
        return 0

    def report_here(catalog: Catalog, name: str, emulator: str) -> str:
        look_at(catalog)
        return "<html>"

    monkeypatch.setattr("diffmp_core.crm.simulate.run_here", lambda tasks, workers, report: None)
    monkeypatch.setattr("diffmp_core.studies.run.CaseRunner", stop)
    monkeypatch.setattr("diffmp_core.columns.fetch._import_hub", stop)
    monkeypatch.setattr("diffmp_app.report.write.report", report_here)
    monkeypatch.setattr(dashboard, "run_server", serve_here)
    monkeypatch.setattr(dashboard, "subprocess", SimpleNamespace(run=run_here))


def look_at(catalog: Catalog) -> None:
    """Read all that the page reads of the experiments that can be opened."""
    for name in catalog.names:
        for entry in catalog.experiment(name).emulators:
            catalog.table(name, entry.name), catalog.config(name, entry.name), catalog.scores(name, entry.name)
        try:
            catalog.limits(name)
        except DiffmpError:
            continue
        catalog.trainings(name)


class Case:
    """One call of a command in a folder of its own."""

    def __init__(self, draw: Callable, world: Path, folder: Path) -> None:
        self.draw, self.world, self.folder = draw, world, folder
        self.damaged: list[str] = []

    def given(self, *names: str) -> str:
        """An input: one of these, mostly damaged, or a name that means nothing."""
        name = self.draw(st.sampled_from(names))
        for each in (name.split("/")[0], *(["mesh.nc"] if name == "fields.yaml" else [])):
            target, found = self.folder / each, self.world / each
            if not os.path.lexists(target):
                shutil.copytree(found, target) if found.is_dir() else shutil.copy(found, target)
        if name == "fields.yaml" and self.draw(st.booleans()):
            self.damaged.append(damage(self.draw, self.folder / "mesh.nc"))
        if self.draw(st.integers(0, 19)) == 0:
            return self.draw(NASTY_TEXT)
        if self.draw(st.integers(0, 2)):
            self.damaged.append(damage(self.draw, self.folder / name))
        return name

    def out(self, *names: str) -> str:
        """An output: a new name, a taken one, one below a file, or nonsense."""
        odd = [self.draw(NASTY_TEXT), "taken", "taken/below", "new/below/out.zarr", "pipe", "loop", "full.nc"]
        return self.draw(st.sampled_from([*names] * 20 + odd))

    def option(self, name: str, values: Any) -> list[str]:
        """An option, sometimes."""
        return [name, self.draw(values)] if self.draw(st.integers(0, 9)) == 0 else []


def emulator(case: Case) -> str:
    case.given("experiment") if not (case.folder / "experiment").exists() else None
    whole = case.folder / "experiment" / "calibrated"
    if whole.is_dir() and case.draw(st.integers(0, 2)) == 0:
        case.damaged.append(damage(case.draw, whole))
    return "experiment/calibrated"


def drawing(case: Case) -> list[str]:
    few = st.sampled_from(["2", "3"])
    guidance = st.sampled_from(["0.5", "1,2,3,4", "1,2", "nan", "a", "-1", "1e9", "101", ""])
    return [
        *("--members", case.draw(few)), *("--steps", case.draw(st.sampled_from(["1", "2"]))),
        *case.option("--members", NUMBERS.filter(lambda text: len(text) < 9)), *case.option("--guidance", guidance),
        *case.option("--seed", NUMBERS), *case.option("--split", st.sampled_from(["all", "train", "gap", "", "x"])),
    ]  # fmt: skip


STORES = ("columns.nc", "columns.zarr")
ARGUMENTS: dict[str, Callable[[Case], list[str]]] = {
    "simulate": lambda case: [
        case.out("out.zarr"), "--grid", case.draw(st.sampled_from(["G0", "G0", "G0", "G1", "G7", "g0", "G", "", "Gx"])),
        *case.option("--hours", NUMBERS),
        *case.option("--start", st.sampled_from(["2005-13-01", "x", "", "9999-12-31"])),
        *case.option("--seed", NUMBERS), *case.option("--workers", NUMBERS),
        *(["--sea-table", case.given("sea.csv")] if case.draw(st.integers(0, 3)) else []),
    ],
    "prepare": lambda case: [
        case.given(*case.draw(st.sampled_from([["run.nc"], ["stack.nc"], [*STORES, "run.nc", "stack.nc"]]))),
        case.out("out.nc", "out.zarr"),
        *(["--fields", case.given("fields.yaml")] if (case.folder / "run.nc").exists() else []),
        *case.option("--split", st.sampled_from(["0,0,1", "1,1", "a", "nan,1,1", "-1,2,1", "0,0,0", "inf,1,1", ""])),
        *case.option("--spacing-km", NUMBERS), *case.option("--spin-up-hours", NUMBERS),
        *case.option("--source", st.sampled_from(["crm", "climsim", "highres", "x"])),
    ],
    "train": lambda case: [
        case.given(*STORES), case.out("out"), "--config", case.given("config.yaml"),
        *case.option("--device", NASTY_TEXT),
    ],
    "sample": lambda case: [emulator(case), case.given(*STORES), case.out("out.zarr"), *drawing(case)],
    "score": lambda case: [
        emulator(case), case.given(*STORES), *([case.out("out", "experiment")] if case.draw(st.integers(0, 3)) else []),
        *drawing(case), *case.option("--limit", NUMBERS), *case.option("--json", st.just("out.json") | NASTY_TEXT),
    ],
    "study": lambda case: [
        case.draw(st.sampled_from(["steps", "guidance", "models", "samplers", "x"])), case.given(*STORES),
        case.out("out.nc"), "--preset", "smoke", *(["--emulator", emulator(case)] if case.draw(st.booleans()) else []),
        *(["--test", case.given(*STORES)] if case.draw(st.booleans()) else []), *case.option("--seeds", NUMBERS),
    ],
    "fetch": lambda case: [
        case.draw(st.sampled_from(["climsim", "climsim", "x"])), case.out("out"), *case.option("--start", NASTY_TEXT),
        *case.option("--times", NUMBERS.filter(lambda text: len(text) < 9)), *case.option("--every-hours", NUMBERS),
        *(["--times-of", case.given(*STORES)] if case.draw(st.booleans()) else []),
        *case.option("--file", st.just(GRID_INFO) | NASTY_TEXT),
    ],
    "export": lambda case: [
        emulator(case), case.out("out"), *case.option("--format", st.sampled_from(["onnx", "x"])),
        *case.option("--steps", st.sampled_from(["1", "2", "0", "x"])),
        *case.option("--guidance", st.sampled_from(["0.5", "1,2", "nan", ""])),
    ],
    "card": lambda case: [
        emulator(case),
        *(["--scores", case.given("experiment/scores.json")] if case.draw(st.integers(0, 2)) else []),
    ],
    "report": lambda case: [
        case.given("experiment"), case.out("out"), *case.option("--emulator", st.just("DIFF-MP paper") | NASTY_TEXT),
    ],
    "serve": lambda case: [
        *[case.given("experiment") for _ in range(case.draw(st.integers(0, 2)))], "--port",
        case.draw(st.sampled_from(["47811", "0", "70000", "x", "1"])),
        *case.option("--address", st.sampled_from(["::1", "::", "0.0.0.0", "nowhere.invalid", "", "8.8.8.8", "a..b"])),
        *case.option("--allow-websocket-origin", st.just("*.lab.org:80") | NASTY_TEXT),
        *case.option("--prefix", st.sampled_from(["/a/", "a b", "(", "..", "/ä", "a//b"]) | NASTY_TEXT),
        *(["--basic-auth", case.given("people.json")] if case.draw(st.booleans()) else []),
    ],
}  # fmt: skip


def call(command: str, arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit status and all that was said."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", write_through=True)
    with monkeypatch.context() as here:
        here.chdir(folder)
        here.setattr(sys, "argv", ["diffmp", command, *arguments])
        here.setattr(sys, "stdout", said)
        here.setattr(sys, "stderr", said)
        try:
            run()
            status: Any = 0
        except SystemExit as end:
            status = end.code
    said.seek(0)
    return status or 0, said.read()


def unreadable(folder: Path) -> str:
    """What a command has left that nobody can open."""
    try:
        for name in ("out.nc", "out.zarr"):
            if (folder / name).exists():
                open_store(folder / name)
        if (folder / "out" / "config.yaml").exists():
            load_emulator(folder / "out")
        if (folder / "out" / "experiment.yaml").exists():
            load_experiment(folder / "out")
    except DiffmpError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("command", list(CASES))
def test_no_bad_input_ends_in_a_traceback_or_in_a_harmed_file(
    command: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    done: list[int] = []
    wrong: list[str] = []  # all of a run, as none is made smaller
    numbers = count()

    @settings(
        max_examples=CASES[command], deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )  # fmt: skip
    @given(st.data())
    def hold(data: Any) -> None:
        folder = tmp_path / f"case-{next(numbers)}"
        folder.mkdir()
        (folder / "taken").write_text("something of mine")
        (folder / "loop").symlink_to("loop")
        os.mkfifo(folder / "pipe")
        shutil.copy(world / "stack.nc", folder / "full.nc")
        case = Case(data.draw, world, folder)
        arguments = ARGUMENTS[command](case)
        before = snapshot(folder)
        status, said = call(command, arguments, folder, monkeypatch)
        done.append(status)
        about = f"diffmp {command} {arguments!r:.600}\n{case.damaged}\n{said[-1500:]}"
        after = snapshot(folder)
        own = MADE | ({name for name in before if name.startswith("experiment")} if command == "score" else set())
        own |= {"taken", "loop", "full.nc"} if command in ("report", "export") else set()  # OUT, which is replaced
        harmed = {name for name in before if after.get(name) != before[name]} - own
        halves = [name for name in after if name.endswith((".part", ".old"))]
        broken = unreadable(folder)
        if status not in (0, 2) or "Traceback" in said or harmed or halves or broken:
            print(about)
            wrong.append(f"{about}\nharmed {harmed}, halves {halves}, broken {broken}")
        shutil.rmtree(folder)

    hold()
    assert not wrong, f"{len(wrong)} of {len(done)}:\n\n" + "\n\n".join(wrong[:12])
    assert len(done) >= CASES[command]
    assert {0, 2} - ({0} if command in ("study", "fetch") else set()) <= set(done)
    print(f"{command}: {len(done)} cases, {done.count(0)} went through")


def test_there_are_a_thousand_cases_and_every_command_has_some():
    from diffmp_core.cli import app

    named = {found.name or found.callback.__name__ for found in app.registered_commands}
    assert named == CASES.keys() == ARGUMENTS.keys()
    assert sum(CASES.values()) >= 1000
