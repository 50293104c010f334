"""Stores and tables of older versions, read as they are to be read."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from diffmp_core.kinds import REFERENCE
from diffmp_core.scores.score import SCORES, spread_scores
from diffmp_core.scores.stored import true_store, true_table
from diffmp_core.variables import PAPER

OLD = {"members": 32, "steps": 5, "guidance": [0.2, 0.2, 0.2, 0.2], "seed": 0}


def table(ratio: float | None) -> dict:
    """A table as it was written when all emulators had steps, and coverage."""
    scores = dict.fromkeys(SCORES, 0.5) | {"spread_skill_ratio": ratio, "coverage_ratio": 0.0}
    return OLD | {"scores": dict.fromkeys(PAPER.outputs.names, scores)}


def store(ratio: float) -> xr.Dataset:
    """A score store as it was written then, of one output."""
    return xr.Dataset(
        {
            "overall_spread_skill_ratio": ("variable", [ratio, np.nan]),
            "level_coverage_ratio": (("variable", "level"), np.zeros((2, 3))),
            "column_covered": (("variable", "level"), np.zeros((2, 3), np.int8)),
            "column_mse": (("variable", "level"), np.ones((2, 3))),
            "rank_histogram": (("variable", "rank"), np.ones((2, 33))),
            "histogram_members": (("variable", "bin"), np.array([[64, 32], [96, 0]])),
        },
        attrs={"members": 32},
    )


@pytest.mark.parametrize(
    ("kind", "steps", "guidance", "evaluations"),
    [
        ("diffusion", 5, [0.2] * 4, 10),
        ("one_step", None, None, 1),
        ("cgan", None, None, 1),
        (REFERENCE, None, None, 0),
        ("of someone's own", None, None, None),
    ],
)
def test_steps_and_guidance_are_those_that_took_effect(kind, steps, guidance, evaluations):
    found = true_table(table(0.9), kind)
    assert (found["steps"], found["guidance"], found["evaluations"]) == (steps, guidance, evaluations)
    assert found["members"] == 32
    assert found["scores"] == table(0.9)["scores"]


def test_what_is_written_today_stands_as_it_is():
    today = table(0.9) | {"steps": 3, "guidance": None, "evaluations": 3}
    assert true_table(today, "one_step") == today


@pytest.mark.parametrize("kind", ["regression", None])
def test_a_table_of_one_answer_has_no_coverage(kind):
    found = true_table(table(0.0), kind)
    assert found["members"] == 1
    for scores in found["scores"].values():
        assert {name for name, value in scores.items() if value is None} == set(spread_scores())


def test_a_store_of_one_answer_has_no_coverage_and_no_ranks():
    found = true_store(store(0.0))
    assert {str(name) for name in found} == {"column_mse", "histogram_members"}
    assert found.attrs["members"] == 1
    assert found["histogram_members"].values.tolist() == [[2, 1], [3, 0]]
    different = store(0.1)
    assert true_store(different) is different
    undefined = store(np.nan)
    assert true_store(undefined) is undefined
