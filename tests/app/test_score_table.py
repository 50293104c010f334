"""The table of scores: best values, dashes, escaping, the perfect ensemble."""

from __future__ import annotations

import re

import xarray as xr
from diffmp_app.exhibits.score_summary import arrange_scores
from diffmp_app.figures.score_table import best_emulators, score_table, score_tiles

from diffmp_core.scores.score import SCORES, perfect_coverage
from diffmp_core.scores.stored import true_table
from diffmp_core.variables import PAPER

MEMBERS = dict.fromkeys(("a", "b", "c", "too wide", "right"), 32)


def scores(tables: dict) -> xr.Dataset:
    return arrange_scores(tables, PAPER.outputs)


def tiles(table: dict) -> str:
    return score_tiles(scores({"a": table}).isel(emulator=0))


def table(**values: float | None) -> dict:
    return {"scores": {variable: values for variable in PAPER.outputs.names}, "members": 32}


def test_every_score_is_shown_once():
    html = score_table(scores({"a": table(mse=0.5)}), "a")
    assert [html.count(f">{score.label}</abbr>") for score in SCORES.values()] == [1] * 11


def test_best_depends_on_the_score():
    values = {"a": 0.5, "b": 0.94, "c": 1.2}
    assert best_emulators(SCORES["mse"], values, MEMBERS) == {"a"}
    assert best_emulators(SCORES["pcc"], values, MEMBERS) == {"c"}
    assert best_emulators(SCORES["coverage_ratio_ties"], values, MEMBERS) == {"b"}
    assert best_emulators(SCORES["spread_skill_ratio"], values, MEMBERS) == {"b"}
    assert best_emulators(SCORES["bias"], {"a": -0.1, "b": 0.02}, MEMBERS) == {"b"}


def test_full_coverage_is_not_the_best_coverage():
    values = {"too wide": 1.0, "right": 0.93}
    assert best_emulators(SCORES["coverage_ratio_ties"], values, MEMBERS) == {"right"}


def test_coverage_that_counts_ties_as_covered_has_no_best():
    assert best_emulators(SCORES["coverage_ratio"], {"a": 0.98, "b": 0.94}, MEMBERS) == set()


def test_values_that_print_alike_are_both_best():
    assert best_emulators(SCORES["mse"], {"a": 0.12341, "b": 0.12342, "c": 0.2}, MEMBERS) == {"a", "b"}


def test_one_row_has_no_best_and_missing_values_are_dashes():
    html = score_table(scores({"a": table(mse=0.5, pcc=None)}), "a")
    assert "best" not in html
    assert "0.500" in html
    assert html.count("–<") == (len(SCORES) - 1) * len(PAPER.outputs)


def test_members_that_are_all_alike_have_no_scores_of_spread():
    alike = table(mse=0.5, coverage_ratio=0.0, coverage_ratio_ties=0.0, spread_skill_ratio=0.0)
    spread = table(mse=0.6, coverage_ratio=0.9, coverage_ratio_ties=0.9, spread_skill_ratio=0.8)
    alike, spread = (true_table(each, "regression") for each in (alike, spread))
    html = score_table(scores({"a": alike, "b": spread}), "b")
    row = html[html.index("<td>a</td>") : html.index("<td>b</td>")]
    assert "0.500" in row
    assert "0.000" not in row
    assert "0.000" not in tiles(alike)


def test_the_perfect_ensemble_covers_less_than_all():
    assert f"{perfect_coverage(32):.3f}" == "0.939"
    html = score_table(scores({"a": table(mse=0.1)}), "a")
    assert html.count(">0.939<") == len(PAPER.outputs)
    assert html.count(">≥ 0.939<") == len(PAPER.outputs)
    assert "0.939" in tiles(table(crps_fair=0.2))


def test_scores_of_an_older_version_show_what_they_have():
    old = table(crps_fair=0.2, coverage_ratio=0.98, coverage_ratio_perfect=0.981)
    new = table(crps_fair=0.3, coverage_ratio=0.97, coverage_ratio_ties=0.94)
    html = score_table(scores({"old": old, "new": new}), "old")
    assert html.count(">0.980<") == len(PAPER.outputs)
    assert "0.981" not in html
    assert tiles(old).count("Coverage, ties split</td><td>–</td>") == len(PAPER.outputs)


def test_names_are_escaped():
    html = score_table(scores({"<script>x</script>": table(mse=0.1)}), "")
    assert "<script" not in html
    assert re.search(r"&lt;script", html)
