"""The map of the code in README holds: each equation's function exists, and its docstring names the equation."""

import importlib
import inspect
import re
from operator import attrgetter
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROW = r"^\| (Equations? \([\d, and()]+\)|Figure \d+)[^|]*\|[^|]*\| `([\w/]+)\.py:([\w.]+)` \|$"
ROWS = re.findall(ROW, README, re.MULTILINE)


def test_the_map_has_the_papers_equations():
    numbers = {int(n) for label, _, _ in ROWS if label.startswith("Equation") for n in re.findall(r"\d+", label)}
    assert numbers >= set(range(1, 9))


@pytest.mark.parametrize(("label", "module", "function"), ROWS)
def test_a_row_of_the_map_points_at_code_that_says_so(label, module, function):
    found = attrgetter(function)(importlib.import_module(module.replace("/", ".")))
    text = (inspect.getdoc(found) or "").lower()
    for number in re.findall(r"\d+", label):
        assert re.search(rf"(equations?|eqs?\.?|figures?)[^.]*\b{number}\b", text), f"{module}.{function}: {label}"


def test_links_of_the_readme_lead_somewhere():
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []
