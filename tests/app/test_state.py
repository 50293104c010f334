"""The state and its form in the address."""

from __future__ import annotations

from urllib.parse import urlencode

import param
import pytest
from diffmp_app.state.address import LONGEST_QUERY, Limits
from diffmp_app.state.choices import NAMES, REGIONS, TABS, Choices
from diffmp_app.state.state import State
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.columns.user_column import to_text
from diffmp_core.errors import DiffmpError
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs
from tests.synthetic import make_columns

HEATING, CLOUD, RAIN = {"tend_T_sgs": "Subgrid heating"}, {"qc": "Cloud liquid"}, {"PRECC": "Precipitation"}
LIMITS = {
    "globe": Limits(
        emulators=("calibrated", "paper"),
        outputs=HEATING | CLOUD,
        times=5,
        cells=100,
        levels=30,
        cell=3,
        level=12,
        studies=("models",),
    ),
    "small": Limits(emulators=("paper",), outputs=RAIN | CLOUD, times=2, cells=10, levels=9, cell=1, level=8),
}


EMPTY = (("pinned_emulator", ""), ("study_file", ""))


def make_state() -> State:
    return State(list(LIMITS), LIMITS.__getitem__)


def values(state: State) -> dict[str, object]:
    return {name: getattr(state, name) for name in NAMES}


def test_defaults_need_no_query():
    state = make_state()
    assert state.query() == ""
    assert (state.experiment, state.emulator, state.cell, state.level) == ("globe", "calibrated", 3, 12)


def test_only_what_differs_is_written():
    state = make_state()
    state.param.update(level=4, scale_SHF=0.3, average=False, logarithmic=False)
    assert state.query() == "?level=4&average=0&logarithmic=0&scale_SHF=0.3"


def test_experiment_changes_bounds_and_keeps_what_still_holds():
    state = make_state()
    state.param.update(emulator="paper", time=4, cell=99)
    state.experiment = "small"
    assert (state.emulator, state.time, state.cell, state.level) == ("paper", 1, 1, 8)
    assert state.param["cell"].bounds == (0, 9)
    with pytest.raises(ValueError, match="cell"):
        state.cell = 10


def test_one_change_of_experiment_is_one_event():
    state = make_state()
    seen = []
    state.param.watch(lambda *events: seen.append({event.name for event in events}), list(NAMES))
    state.experiment = "small"
    assert set.union(*seen) >= {"experiment", "emulator", "cell", "level"}


def test_another_experiment_has_its_own_outputs_and_levels():
    state = make_state()
    assert (state.variable, state.top_level) == ("tend_T_sgs", 11)
    state.param.update(level=29, top_level=25)
    state.experiment = "small"
    assert (state.variable, state.level, state.top_level) == ("PRECC", 8, 8)
    assert state.param["variable"].objects == ["PRECC", "qc"]
    assert state.param["variable"].names == {"Precipitation": "PRECC", "Cloud liquid": "qc"}
    state.variable = "qc"
    state.experiment = "globe"
    assert (state.variable, state.top_level) == ("qc", 8)
    state.reset_perturbations()
    assert state.top_level == 11


def test_outputs_and_levels_that_an_experiment_has_not_are_refused():
    state = make_state()
    notices = state.apply_query("?variable=PRECC&level=30&top_level=30")
    assert len(notices) == 3
    assert "'PRECC', expected one of tend_T_sgs, qc; showing tend_T_sgs" in notices[0]
    assert "'30', expected an integer from 0 to 29; showing 12" in notices[1]
    assert "'30', expected an integer from 1 to 29; showing 11" in notices[2]
    assert state.apply_query("?experiment=small&variable=qc&level=8&top_level=1") == []
    assert len(state.apply_query("?experiment=small&variable=tend_T_sgs&level=9&top_level=9")) == 3


def test_query_of_another_experiment_keeps_its_cell():
    state = make_state()
    assert state.apply_query("?experiment=small&cell=7&emulator=paper") == []
    assert (state.experiment, state.cell) == ("small", 7)
    assert state.query() == "?experiment=small&cell=7"


def test_reset_puts_perturbations_back():
    state = make_state()
    state.param.update(neutralise_T=0.5, scale_LHF=0.0, top_level=3, cell=50)
    state.reset_perturbations()
    assert state.query() == "?cell=50"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_round_trip(data):
    state, other = make_state(), make_state()
    state.experiment = data.draw(st.sampled_from(list(LIMITS)))
    for name in NAMES:
        parameter = state.param[name]
        if name == "experiment":
            continue
        if name in ("south", "north", "own"):
            continue
        if name == "study_file":
            value = data.draw(st.sampled_from(LIMITS[state.experiment].names[name]))
        elif isinstance(parameter, param.Selector):
            value = data.draw(st.sampled_from(list(parameter.objects)))
        elif isinstance(parameter, param.Boolean):
            value = data.draw(st.booleans())
        elif isinstance(parameter, param.Integer):
            value = data.draw(st.integers(*parameter.bounds))
        else:
            value = round(data.draw(st.floats(*parameter.bounds, allow_nan=False)), 2)
        setattr(state, name, value)
    query = state.query()
    assert len(query) < LONGEST_QUERY
    assert other.apply_query(query) == []
    assert values(other) == pytest.approx(values(state))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "'7'",
        '"7"',
        "99999999999999999999",
        "-999",
        "1e3",
        "nan",
        "inf",
        "[1]",
        "{}",
        "None",
        "../../etc",
        "<b>7</b>",
        "7 ",
        "٧٫٥",
    ],
)
def test_malformed_values_fall_back_with_a_notice(value):
    for name in set(NAMES) - {"experiment", "seed", "own"}:
        state = make_state()
        expected = values(state)
        notices = state.apply_query("?" + urlencode({name: value}))
        if (value in ("7 ", "1e3") or (name, value) in EMPTY) and not notices:
            continue
        assert len(notices) == 1, (name, value)
        assert name in notices[0]
        assert values(state) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.dictionaries(st.sampled_from([*NAMES, "name", "_limits", "param", "__class__"]), st.text(max_size=30)).map(
            urlencode
        ),
    )
)
def test_nothing_in_an_address_raises(query):
    state = make_state()
    for notice in state.apply_query("?" + query):
        assert isinstance(notice, str)
    assert state.apply_query(state.query()) == []


def test_overlong_addresses_are_refused():
    state = make_state()
    assert len(state.apply_query("?level=4" + "&x=1" * LONGEST_QUERY)) == 1
    assert state.query() == ""


def test_every_tab_and_region_can_be_linked():
    for name, options in (("tab", TABS), ("region", REGIONS)):
        for option in options:
            state = make_state()
            assert state.apply_query("?" + urlencode({name: option})) == []
            assert getattr(state, name) == option


def test_parameters_are_the_fields_of_the_choices():
    state = make_state()
    for name, field in Choices.model_fields.items():
        parameter = state.param[name]
        assert parameter.doc == field.description
        if name not in ("experiment", "emulator", "variable", "cell", "level", "time"):
            assert getattr(state, name) == field.default
    assert state.param["warming"].bounds == (-5, 5)
    assert state.choices == Choices(experiment="globe", emulator="calibrated", variable="tend_T_sgs", cell=3, level=12)


def test_a_whole_state_is_shown_as_one_event():
    state = make_state()
    wanted = Choices(
        experiment="small",
        emulator="paper",
        variable="qc",
        top_level=4,
        cell=9,
        time=1,
        scale_SHF=0.5,
        scale_LHF=1.0,
        dark=True,
    )
    seen = []
    state.param.watch(lambda *events: seen.append((state.restoring, {event.name for event in events})), list(NAMES))
    state.show(wanted)
    assert state.choices == wanted
    assert seen[0][0]
    assert {"experiment", "cell", "scale_SHF", "dark"} <= set.union(*(names for _, names in seen))
    assert not state.restoring


def test_reset_keeps_the_tab_and_the_colour_of_the_page():
    state = make_state()
    shown = {"variable": "qc", "top_level": 4, "tab": "Maps", "dark": True, "cell": 5, "region": "land", "seed": 7}
    state.show(Choices(experiment="small", emulator="paper", **shown))
    state.reset()
    assert state.query() == "?experiment=small&tab=Maps&dark=1"


def test_a_box_without_room_is_refused():
    state = make_state()
    (notice,) = state.apply_query("?region=box&south=30&north=10")
    assert "south = 30" in notice
    assert (state.region, state.south, state.north) == ("box", -20, 20)
    assert state.apply_query("?region=box&south=10&north=30&west=170&east=-170") == []


def broken(name: str) -> Limits:
    if name == "broken":
        raise DiffmpError("expected columns, found none")
    return LIMITS[name]


def test_an_experiment_that_cannot_be_opened_is_told_and_left():
    state = State(["broken", "globe", "small"], broken)
    assert state.experiment == "globe"
    said = []
    state.tell = said.append
    state.experiment = "broken"
    assert state.experiment == "globe"
    assert said == ["The experiment broken cannot be opened: expected columns, found none"]
    (notice,) = state.apply_query("?experiment=broken&cell=7")
    assert "cannot be opened" in notice
    assert (state.experiment, state.cell) == ("globe", 7)
    with pytest.raises(DiffmpError, match="found none"):
        State(["broken"], broken)


def test_a_column_of_the_readers_own_is_in_the_address_and_stays_with_its_experiment():
    stored = make_columns(cells=3).isel(time=[0], cell=[1])
    column = to_text(stack_inputs(stored)[0], schema_of(stored))
    state, other = make_state(), make_state()
    state.param.update(own=column, target="own", tab="Profiles", members=64, scale_LHF=0.35)
    assert len(state.query()) < LONGEST_QUERY
    assert other.apply_query(state.query()) == []
    assert (other.own, other.target) == (column, "own")
    other.experiment = "small"
    assert (other.own, other.target) == ("", "column")
    (notice,) = other.apply_query(f"?{urlencode({'own': column[:-3] + 'x'})}")
    assert "own" in notice
    assert "the numbers of a column" in notice
    assert other.own == ""
