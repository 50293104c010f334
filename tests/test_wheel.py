"""The wheel as a user has it: built from the source distribution, installed far from the repository, and used.

Only the project is installed anew. Its dependencies are those of the environment that runs the tests: a ``.pth`` file
of the fresh environment names that one's site-packages. Python reads no further ``.pth`` files there, and the project's
editable install, which is one, stays out; the first test sees to it. What pip resolves for a user is not tested here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from diffmp_app.state.choices import TABS

from diffmp_core import __version__
from tests.app.served import chromium, free_port, open_tab, wait_until_served, watched_window
from tests.test_cli import COMMANDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[1]
NOT_SOURCES = (".*", "*.egg-info", "__pycache__", "build", "dist", "runs", "tests", "docs")
INSTALLED_AS = {
    "app": "diffmp_app",
    "diffmp_core": "diffmp_core",
    **{folder: f"diffmp_core/shipped/{folder}" for folder in ("assets", "data/demo", "data/climsim", "data/configs")},
}
"""Where the folders of the repository lie in the wheel."""
TINY = "extends: calibrated\nmodel: {filters: 16, layers: 2}\nepochs: 1\nbatch: 12\nmicro_batch: 12\n"
"""Configuration of a training of seconds."""
WAY = (
    "prepare run.zarr columns.zarr",
    "train columns.zarr emulator --config tiny.yaml",
    "sample emulator columns.zarr ensemble.zarr --members 4",
    "score emulator columns.zarr experiment --members 4 --json scores.json",
    "card emulator --scores scores.json",
    "export emulator emulator.onnx --format onnx",
    "report experiment report.html",
)
"""From raw data to a report."""


class Installed:
    """An environment with the wheel in it, and a folder elsewhere to work in."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.environment, self.folder = environment, folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DIFFMP", "NUMBA"))}
        self.variables = kept | {"OMP_NUM_THREADS": "1", "PYTHONNOUSERSITE": "1"}

    def start(self, program: str, *arguments: str, **options) -> subprocess.Popen[str]:
        """Start a program of the environment."""
        return subprocess.Popen(
            [self.environment / "bin" / program, *arguments],
            cwd=self.folder,
            env=self.variables,
            text=True,
            **options,
        )

    def run(self, program: str, *arguments: str) -> str:
        """What a program of the environment prints; a test fails where it ends otherwise than well."""
        started = self.start(program, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        printed, said = started.communicate()
        assert started.returncode == 0, f"{program} {' '.join(arguments)}: {said}"
        return printed


def call(*arguments: str | Path, cwd: Path | None = None) -> None:
    """Run the tests' own Python."""
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a source distribution, which is built from a copy: a build leaves things where it runs."""
    made = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT, made / "source", ignore=shutil.ignore_patterns(*NOT_SOURCES))
    call("-c", f"from setuptools import build_meta; build_meta.build_sdist({str(made)!r})", cwd=made / "source")
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    call("-m", "pip", "wheel", *options, "--wheel-dir", made, made / f"diffmp-{__version__}.tar.gz")
    return made / f"diffmp-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a fresh environment."""
    environment = tmp_path_factory.mktemp("environment")
    call("-m", "venv", "--without-pip", environment)
    call("-m", "pip", "--python", environment, "install", "--quiet", "--no-deps", "--no-index", wheel)
    [packages] = environment.glob("lib/python*/site-packages")
    dependencies = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (packages / "dependencies.pth").write_text("\n".join(dependencies))
    return Installed(environment, tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module", autouse=True)
def simulation(installed: Installed) -> Iterator[subprocess.Popen[str]]:
    """Raw data, made while other tests run: compiling the simulator takes most of a minute."""
    command = "simulate run.zarr --grid G0 --hours 48 --workers 1"
    started = installed.start("diffmp", *command.split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield started
    started.terminate()
    started.wait(60)


def test_code_and_metadata_are_those_installed(installed: Installed):
    code = (
        "import diffmp_core, diffmp_app, importlib.metadata, sys\n"
        "print(diffmp_core.__file__, diffmp_app.__file__, importlib.metadata.distribution('diffmp').locate_file(''))\n"
        "print([name for name in sys.modules if name.startswith('__editable__')])"
    )
    places, editable = installed.run("python", "-c", code).splitlines()
    assert all(Path(place).is_relative_to(installed.environment) for place in places.split())
    assert len(places.split()) == 3
    assert editable == "[]"


def test_the_wheel_has_all_files_of_code_and_data_and_two_import_names(wheel: Path):
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    expected = {
        f"{there}/{file.relative_to(ROOT / here).as_posix()}"
        for here, there in INSTALLED_AS.items()
        for file in (ROOT / here).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert expected - set(names) == set()
    assert {name.split("/")[0] for name in names} == {"diffmp_app", "diffmp_core", f"diffmp-{__version__}.dist-info"}


def test_version_and_help_of_every_command(installed: Installed):
    assert installed.run("diffmp", "--version") == f"diffmp {__version__}\n"
    listed = installed.run("diffmp", "--help")
    for command in COMMANDS:
        assert f" {command} " in listed
        assert f"Usage: diffmp {command}" in installed.run("diffmp", command, "--help")


@pytest.fixture(scope="module")
def address(installed: Installed) -> Iterator[str]:
    """The page that ``diffmp serve`` opens; its log is without a fault in the end."""
    port, log = free_port(), installed.folder / "server.log"
    with log.open("w") as target:
        server = installed.start("diffmp", "serve", "--port", str(port), stderr=target)
        try:
            wait_until_served(url := f"http://127.0.0.1:{port}/main", server)
            yield url
        finally:
            server.terminate()
            server.wait(60)
    assert not re.search("Traceback|ERROR", log.read_text())


@pytest.mark.browser
def test_the_demo_opens_in_a_browser_and_its_python_runs(installed: Installed, address: str):
    with chromium() as browser, watched_window(browser, address) as page:
        page.goto(address)
        for name in TABS:
            open_tab(page, name)
            page.get_by_role("tabpanel", name=name).locator("canvas, table").locator("visible=true").first.wait_for()
        open_tab(page, "Sensitivity")
        page.get_by_role("button", name="Export response", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name="Python").first.click()
        download.value.save_as(installed.folder / "figure.py")
        assert page.outside == []
        assert page.errors == []
    assert "Catalog([DATA / 'demo'])" in (installed.folder / "figure.py").read_text(encoding="utf-8")
    installed.run("python", "figure.py", "figure.svg")
    assert "<svg" in (installed.folder / "figure.svg").read_text(encoding="utf-8")


def test_the_whole_way_from_raw_data_to_a_report(installed: Installed, simulation: subprocess.Popen[str]):
    folder = installed.folder
    assert simulation.wait() == 0
    (folder / "tiny.yaml").write_text(TINY)
    for command in WAY:
        installed.run("diffmp", *command.split())
    assert "<figure" in (folder / "report.html").read_text(encoding="utf-8")
    card = (folder / "emulator" / "card.md").read_text(encoding="utf-8")
    assert f"- diffmp: {__version__}" in card
    assert "- git:" not in card
