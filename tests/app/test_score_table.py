"""The table of scores: best values, dashes, escaping, the perfect ensemble."""

from __future__ import annotations

import re

from app.figures.score_table import best_emulators, score_table, score_tiles
from app.metrics import SCORES, perfect_coverage
from diffmp_core.scores.table import METRICS
from diffmp_core.variables import OUTPUT_NAMES

COVERAGES = dict.fromkeys(("a", "b", "c", "too wide", "right"), 31 / 33)
BY_NAME = {score.name: score for score in SCORES}


def table(**values: float | None) -> dict:
    return {"scores": {variable: values for variable in OUTPUT_NAMES}, "members": 32}


def test_every_score_is_shown_once():
    assert {*BY_NAME, "coverage_ratio_perfect"} == set(METRICS)


def test_best_depends_on_the_score():
    values = {"a": 0.5, "b": 0.94, "c": 1.2}
    assert best_emulators(BY_NAME["mse"], values, COVERAGES) == {"a"}
    assert best_emulators(BY_NAME["pcc"], values, COVERAGES) == {"c"}
    assert best_emulators(BY_NAME["coverage_ratio"], values, COVERAGES) == {"b"}
    assert best_emulators(BY_NAME["spread_skill_ratio"], values, COVERAGES) == {"b"}
    assert best_emulators(BY_NAME["bias"], {"a": -0.1, "b": 0.02}, COVERAGES) == {"b"}


def test_full_coverage_is_not_the_best_coverage():
    assert best_emulators(BY_NAME["coverage_ratio"], {"too wide": 1.0, "right": 0.93}, COVERAGES) == {"right"}


def test_values_that_print_alike_are_both_best():
    assert best_emulators(BY_NAME["mse"], {"a": 0.12341, "b": 0.12342, "c": 0.2}, COVERAGES) == {"a", "b"}


def test_one_row_has_no_best_and_missing_values_are_dashes():
    html = score_table({"a": table(mse=0.5, pcc=None)}, "a")
    assert "best" not in html
    assert "0.500" in html
    assert html.count("–<") == (len(SCORES) - 1) * len(OUTPUT_NAMES)


def test_the_perfect_ensemble_covers_less_than_all():
    assert f"{perfect_coverage(32):.3f}" == "0.939"
    assert score_table({"a": table(mse=0.1)}, "a").count(">0.939<") == len(OUTPUT_NAMES)
    assert "0.939" in score_tiles(table(crps_fair=0.2))


def test_a_perfect_ensemble_of_clouds_covers_what_the_scores_say():
    html = score_table({"a": table(coverage_ratio=0.98, coverage_ratio_perfect=0.981)}, "a")
    assert html.count(">0.981<") == len(OUTPUT_NAMES)
    values = {"a": 0.98, "b": 0.94}
    assert best_emulators(BY_NAME["coverage_ratio"], values, {"a": 0.981, "b": 0.981}) == {"a"}


def test_names_are_escaped():
    html = score_table({"<script>x</script>": table(mse=0.1)}, "")
    assert "<script" not in html
    assert re.search(r"&lt;script", html)
