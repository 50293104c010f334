"""What comes from outside the package, one of each: seen in command line, report and page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diffmp_core.plugins import VARIABLE
from diffmp_core.variables import PAPER
from tests.app.served import open_tab, serve, watched_window
from tests.synthetic import make_columns

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PLUGINS = os.pathsep.join(map(str, sorted(EXAMPLES.glob("*.py"))))


def diffmp(*arguments: object) -> str:
    """What a command says with the plugins, which must end well."""
    environment = os.environ | {VARIABLE: PLUGINS, "COLUMNS": "200"}
    command = [sys.executable, "-m", "diffmp_core", *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert found.returncode == 0, found.stderr
    return found.stdout + found.stderr


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command said, and the folder where they worked."""
    folder = tmp_path_factory.mktemp("plugins")
    columns = make_columns(cells=42, times=12)
    names = [*PAPER.inputs.names, *PAPER.outputs.names, "time", "lat", "lon", "area", "land_fraction"]
    np.savez(folder / "globe.npz", **{name: columns[name].values for name in (*names, "height", "layer_mass")})
    store, experiment = folder / "columns.zarr", folder / "experiment"
    return {
        "folder": str(folder),
        "prepare": diffmp("prepare", folder / "globe.npz", store, "--split", "2,1,1"),
        "train": diffmp("train", store, folder / "line", "--config", EXAMPLES / "linear.yaml"),
        "score": diffmp("score", folder / "line", store, experiment, "--members", 8),
        "study": diffmp(
            "study", "members", store, experiment / "studies" / "members.nc", "--emulator", folder / "line",
            "--preset", "smoke",
        ),
        "report": diffmp("report", experiment, folder / "report.html"),
    }  # fmt: skip


def test_the_command_line_prepares_trains_scores_and_studies(said: dict[str, str]) -> None:
    assert "times by split" in said["prepare"]
    assert "│ MAE " in said["score"]
    assert "8 members, 1 evaluation each" in said["score"]
    assert "| emulator | members | MSE |" in said["study"]
    assert "| MAE |" in said["study"]


def test_the_report_has_the_score_its_map_and_the_study(said: dict[str, str]) -> None:
    text = (Path(said["folder"]) / "report.html").read_text(encoding="utf-8")
    assert ">MAE</abbr>" in text
    assert "Mean absolute error · Cloud ice · line" in text
    assert "How many members are enough" in text


@pytest.mark.browser
def test_the_page_offers_all_of_them(said: dict[str, str], browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PLUGINS)
    with serve([Path(said["folder"]) / "experiment"]) as server, watched_window(browser, server.url) as page:
        page.goto(f"{server.url}?tab=Sensitivity&tilt_T=1.5&sweep=tilt_T")
        page.get_by_text("Tilt T [K]").locator("visible=true").first.wait_for()
        page.get_by_text("Warming of the layer's top").locator("visible=true").first.wait_for()
        open_tab(page, "Maps")
        page.get_by_role("combobox", name="Score").locator("visible=true").first.click()
        page.get_by_text("Mean absolute error").first.click()
        page.wait_for_function("() => window.location.search.includes('metric=mae')")
        page.goto(f"{server.url}?tab=Studies&study=members&charts=outputs&criterion=mae")
        page.get_by_role("heading", name="How many members are enough").locator("visible=true").first.wait_for()
        page.locator(".bk-Figure").locator("visible=true").first.wait_for()
        page.goto(f"{server.url}?warming=9&tilt_T=9")
        page.get_by_text("expected a number from -3 to 3").first.wait_for()
        assert page.errors == []
        assert page.outside == []
