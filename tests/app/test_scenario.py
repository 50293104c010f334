"""Scenario files: there and back, and what is said of those that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from diffmp_app.state.address import StateParser
from diffmp_app.state.choices import NAMES, Choices
from diffmp_app.state.scenario import (
    FORMAT,
    LARGEST,
    LONGEST_NOTE,
    MOST_SCENES,
    VERSION,
    Scenario,
    Scene,
    read_scenario,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.errors import DiffmpError
from tests.app.test_state import LIMITS

PARSER = StateParser(list(LIMITS), LIMITS.__getitem__)
STATE = Choices(
    experiment="small",
    emulator="paper",
    variable="qc",
    top_level=3,
    cell=7,
    warming=-1.25,
    average=False,
    region="ocean",
)


def written(**content: Any) -> bytes:
    return json.dumps({"format": FORMAT, "version": VERSION, **content}).encode()


def test_there_and_back():
    scenes = (Scene(name="Zoë <b>", note="say α\nthen β", state=STATE), Scene(name="two", state=PARSER.first()))
    scenario = Scenario(title="A talk", state=STATE, scenes=scenes)
    assert read_scenario(scenario.to_json().encode(), PARSER) == (scenario, [])


def test_what_is_missing_is_as_the_experiment_starts():
    scenario, notices = read_scenario(written(state={"experiment": "small"}), PARSER)
    assert notices == []
    assert scenario.state == PARSER.start("small")


@pytest.mark.parametrize(
    ("state", "name", "expected"),
    [
        ({"level": 99}, "level", "an integer from 0 to 29"),
        ({"level": "4"}, "level", "an integer from 0 to 29"),
        ({"level": True}, "level", "an integer"),
        ({"warming": [1]}, "warming", "a number from -5 to 5"),
        ({"dark": 1}, "dark", "0 or 1"),
        ({"cell": 100}, "cell", "an integer from 0 to 99"),
        ({"emulator": "../../weights"}, "emulator", "one of calibrated, paper"),
        ({"experiment": "/etc"}, "experiment", "one of globe, small"),
        ({"experiment": {}}, "experiment", "one of globe, small"),
    ],
)
def test_bad_parts_are_named_and_the_rest_is_taken(state, name, expected):
    scenario, notices = read_scenario(written(state=state | {"seed": 5}), PARSER)
    assert len(notices) == 1
    assert f"The scenario asks for {name} = " in notices[0]
    assert expected in notices[0]
    assert scenario.state == PARSER.first().model_copy(update={"seed": 5})


def test_bad_scenes_are_named_and_the_others_are_taken():
    good = {"name": "good", "state": {"cell": 2}}
    scenario, notices = read_scenario(
        written(scenes=[7, good, {"name": 5, "note": "x" * (LONGEST_NOTE + 1), "state": {"cell": -1}}, {"state": []}]),
        PARSER,
    )
    assert [scene.name for scene in scenario.scenes] == ["good", "Scene 3", "Scene 4"]
    assert scenario.scenes[0].state.cell == 2
    assert len(scenario.scenes[1].note) == LONGEST_NOTE
    assert [n for n in notices if "cene 1" in n] == ["Scene 1 cannot be read; it is left out."]
    assert sum("cene 3" in notice for notice in notices) == 3
    assert sum("cene 4" in notice for notice in notices) == 1


def test_too_many_scenes_are_cut():
    scenario, notices = read_scenario(written(scenes=[{"name": "a"}] * (MOST_SCENES + 1)), PARSER)
    assert len(scenario.scenes) == MOST_SCENES
    assert len(notices) == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "something else"),
        (b"\xff\xfe", "something else"),
        (b"{", "line 1"),
        (b"[" * 100_000, "something else"),
        (b'{"format": "diffmp-scenario", "version": 1, "state": {"warming": NaN}}', "something else"),
        (b"[]", "another kind"),
        (b'{"format": "geojson"}', "another kind"),
        (b'{"format": "diffmp-scenario", "version": 2}', "found 2"),
        (b" " * (LARGEST + 1), "500,001"),
    ],
)
def test_what_is_no_scenario_is_refused(content, found):
    with pytest.raises(DiffmpError, match=found):
        read_scenario(content, PARSER)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "x"]), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["title", "state", "scenes", "other"]), JSON, max_size=4))
def test_nothing_in_a_scenario_raises(content):
    scenario, notices = read_scenario(written(**content), PARSER)
    assert all(isinstance(notice, str) and len(notice) < 600 for notice in notices)
    again, none = read_scenario(scenario.to_json().encode(), PARSER)
    assert (again, none) == (scenario, [])
