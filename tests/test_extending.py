"""What is registered, in the package or from outside: names, refusals, and how many files an addition takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.registry import Registry

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"


@dataclass(frozen=True)
class Fruit:
    name: str


def test_entries_keep_their_order_and_are_found_by_name() -> None:
    fruits = Registry("fruit", (Fruit("pear"), Fruit("apple")))
    fig = fruits.register(Fruit("fig"))
    assert list(fruits) == ["pear", "apple", "fig"]
    assert fruits["fig"] is fruits.find("fig") is fig
    with pytest.raises(DiffmpError, match="expected a fruit among pear, apple, fig, found 'plum'"):
        fruits.find("plum")


@pytest.mark.parametrize(
    ("name", "words"),
    [("pear", "a new name for a fruit, found 'pear', which is taken"), ("a b", "letters, digits")],
)
def test_a_name_that_is_taken_or_is_none_is_refused(name: str, words: str) -> None:
    fruits = Registry("fruit", (Fruit("pear"),))
    with pytest.raises(DiffmpError, match=words):
        fruits.register(Fruit(name))
    assert list(fruits) == ["pear"]


def test_a_registry_that_a_page_was_made_from_takes_no_more() -> None:
    fruits = Registry("fruit", (Fruit("pear"),))
    fruits.close("the basket")
    with pytest.raises(DiffmpError, match="'fig' to be registered before the basket is imported"):
        fruits.register(Fruit("fig"))


def diffmp(*arguments: object, plugins: list[Path] | None = None, path: Path | None = None) -> tuple[int, str, str]:
    """Status, output and words of a command with plugin files, and a folder of installed packages."""
    environment = os.environ | {"DIFFMP_PLUGINS": os.pathsep.join(map(str, plugins or ())), "COLUMNS": "200"}
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "diffmp_core", *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    return found.returncode, found.stdout, found.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nonesuch\n", "found ModuleNotFoundError: No module named 'nonesuch'"),
        ("x = (\n", "found SyntaxError"),
        ("y = 1\nx = 1 / 0\n", "plugin.py, line 2)"),
        (
            "from diffmp_core.studies.study import STUDIES\nSTUDIES.register(STUDIES['steps'])\n",
            "error: expected a new name for a study, found 'steps', which is taken; rename it (",
        ),
        (None, "expected a plugin, a Python file, at"),
    ],
)
def test_a_plugin_that_fails_is_one_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "plugin.py"
    if text is not None:
        file.write_text(text)
    status, _, said = diffmp("study", "--help", plugins=[file])
    assert status == 2
    assert words in said
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_a_plugin_is_loaded_from_the_environment_or_by_option_and_once() -> None:
    study = EXAMPLES / "study.py"
    assert "members" in diffmp("study", "--help", plugins=[study])[1]
    assert "members" not in diffmp("study", "--help")[1]
    status, _, said = diffmp("--plugin", study, "study", "nonesuch", "a", "b.nc", plugins=[study])
    assert status == 2
    assert "expected a study among models, steps, guidance, samplers, members, found 'nonesuch'" in said


def test_an_installed_plugin_is_found_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text((EXAMPLES / "study.py").read_text())
    about = tmp_path / "mine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[diffmp.plugins]\nmine = mine\n")
    assert "members" in diffmp("study", "--help", path=tmp_path)[1]
    (tmp_path / "mine.py").write_text("import nonesuch\n")
    status, _, said = diffmp("study", "--help", path=tmp_path)
    assert (status, said.count("\n")) == (2, 1)
    assert "No module named 'nonesuch' (mine, entry point 'mine')" in said


SLIDER = """
import numpy as np
from diffmp_core.physics.sliders import SLIDERS, Slider
SLIDERS.register(Slider(
    name="dim", label="Dim", definition="Share of the sunlight taken away", formula="", low=0.0, high=0.5, step=0.1,
    changes=("SOLIN",), change=lambda columns, share: {"SOLIN": columns["SOLIN"] * (1 - share)}, quantity="dimming",
    gerund="Dimming", words=lambda share: f"sunlight dimmed by {share:.0%}",
))
from diffmp_core.physics.perturbation import Perturbation, perturb
from diffmp_core.variables import PAPER
change = Perturbation(dim=0.25, tilt_T=1.5, top_level=4)
air = {"pressure": np.full(30, 9e4), "layer_mass": np.ones(30)}
changed = perturb(np.full((1, 6, 30), 280.0), change, channels=PAPER.inputs, **air)
print(change.words, *change.not_in_model, changed[0, 5, 0], *changed[0, 0, :5], sep="; ")
"""


def test_a_slider_changes_what_it_says_and_tells_what_the_model_cannot_do() -> None:
    code = f"from diffmp_core.plugins import load_plugins; load_plugins()\n{SLIDER}"
    environment = os.environ | {"DIFFMP_PLUGINS": str(EXAMPLES / "slider.py")}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    expected = "T tilted by +1.5 K below level 4, sunlight dimmed by 25%; dim; 210.0; 278.5; 279.5; 280.5; 281.5; 280.0"
    assert found.stdout.strip() == expected


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("column_crps_fair|cell_bias", {"scores/maps.py"}),
        ("samplers", {"studies/study.py", "studies/samplers.py"}),
        ("cvae", {"kinds.py", "models/cvae.py", "configs/cvae.yaml"}),
        ("neutralise_qv", {"physics/sliders.py"}),
        ("highres", {"columns/sources/__init__.py", "columns/sources/highres.py"}),
        ("spread_skill_correlation", {"scores/score.py"}),
    ],
)
def test_a_name_stands_in_as_few_files_as_the_docs_say(name: str, files: set[str]) -> None:
    """In code; comments and docstrings tell of it elsewhere, and so do the paper's figures and presets."""
    quoted = re.compile(rf"(?<![\w.])[\"']({name})[\"']|kind: ({name})$|import .*\b({name})\b", re.MULTILINE)
    of_the_paper = {"studies/table.py", "studies/guidance.py", "training/criterion.py", "state/presets.py"}
    found = set()
    for package in ("diffmp_core", "app"):
        for file in sorted((ROOT / package).rglob("*.py")) + sorted((ROOT / package).rglob("*.yaml")):
            if quoted.search(file.read_text(encoding="utf-8")):
                found.add(file.relative_to(ROOT / package).as_posix())
    assert found - of_the_paper == files


def test_the_code_in_the_docs_is_that_of_the_examples() -> None:
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    examples = "\n".join(file.read_text(encoding="utf-8") for file in sorted(EXAMPLES.glob("*.py")))
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 6
    assert [block for block in blocks if block not in examples] == []
