"""What may be said of the variables and levels of columns, and the sentences where it may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from diffmp_core.columns.choice import ALL, PAPER_COLUMNS, choose, parse_levels
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import CLIMSIM_V1, PAPER

FILE = """
levels: 40
inputs:
  - T
  - qc
  - name: pbuf_ozone
    symbol: O_3
    long_name: ozone mole fraction
    unit: mol mol-1
    display_unit: ppm
    display_factor: 1000000
    non_negative: true
outputs: [PRECC, tend_T_sgs]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(FILE)
    return tmp_path / "mine.yaml"


def test_the_papers_columns_are_those_of_who_says_nothing():
    assert choose() == PAPER_COLUMNS == choose("paper")
    assert (PAPER_COLUMNS.variables, PAPER_COLUMNS.levels) == (PAPER, None)


def test_a_choice_may_carry_its_levels():
    assert choose("climsim-v1").variables == CLIMSIM_V1
    assert choose("climsim-v1").levels == ALL
    assert choose("climsim-v1", levels=20).levels == 20


def test_names_replace_one_list_and_leave_the_other():
    found = choose(inputs=("Ps", "qc"), outputs=None).variables
    assert (found.inputs.names, found.outputs) == (("Ps", "qc"), PAPER.outputs)
    assert choose(outputs=("PRECC", "qc")).variables.outputs.names == ("PRECC", "qc")


def test_a_file_defines_what_is_not_known(path):
    found = choose(path)
    assert found.levels == 40
    assert found.variables.inputs.names == ("T", "qc", "pbuf_ozone")
    ozone = found.variables.inputs.named("pbuf_ozone")
    assert (ozone.profile, ozone.non_negative, ozone.standard_name, ozone.display_factor) == (True, True, None, 1e6)
    assert found.variables.outputs.named("PRECC").unit == "m s-1"
    assert choose(str(path), inputs=("pbuf_ozone", "u")).variables.inputs.names == ("pbuf_ozone", "u")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("levels: 40", "levels: 1", "expected 2 levels or more, or 'all', of mine.yaml, found 1"),
        ("levels: 40", "levels: true", "expected 2 levels or more, or 'all', of mine.yaml, found True"),
        (
            "levels: 40",
            "level: 40",
            r"expected the keys inputs, outputs and maybe levels in mine.yaml, found \['inputs'",
        ),
        ("levels: 40\n", "- ", "expected the keys inputs, outputs and maybe levels in mine.yaml, found|expected YAML"),
        ("- T\n", "- temperature\n", "expected inputs among T, qv, .* or definitions .* found 'temperature'; choose"),
        ("- T\n", "- T\n  - T\n", "expected inputs that differ from each other, found 'T' twice"),
        ("[PRECC, tend_T_sgs]", "PRECC", "expected a list of outputs in mine.yaml, found str"),
        (
            "[PRECC, tend_T_sgs]",
            "[]",
            "in mine.yaml, found 'List should have at least 1 item .*' of outputs; correct it",
        ),
        ("[PRECC, tend_T_sgs]", "[RH]", "expected outputs among tend_T_sgs, .* found 'RH'"),
        ("    unit: mol mol-1\n", "", "found 'Field required' of inputs number 3, unit; correct it"),
        ("    symbol: O_3", "    symbol: 3", "found 'Input should be a valid string' of inputs number 3, symbol"),
        ("    symbol: O_3", "    colour: red", "of inputs number 3, (symbol|colour)"),
        (
            "display_factor: 1000000",
            "display_factor: 0",
            "should be greater than 0' of inputs number 3, display_factor",
        ),
        (
            "unit: mol mol-1",
            "unit: spoons",
            "expected a unit of pbuf_ozone that UDUNITS knows in mine.yaml, found 'spoons'",
        ),
        (
            "name: pbuf_ozone\n    symbol: O_3\n    long_name: ozone mole fraction\n    unit: mol mol-1",
            "name: qv\n    symbol: q_v\n    long_name: vapour\n    unit: kg kg-1",
            None,
        ),
        (
            "name: pbuf_ozone",
            "name: FLWDS",
            "expected FLWDS in W m-2, a single value, in mine.yaml, found mol mol-1, on",
        ),
        ("name: pbuf_ozone", "name: ../x", "String should match pattern"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(path, old, new, message):
    assert old in FILE
    path.write_text(FILE.replace(old, new))
    if message is None:
        assert choose(path).variables.inputs.names == ("T", "qc", "qv")  # a known one, said at length
        return
    with pytest.raises(DiffmpError, match=message) as refused:
        choose(path)
    assert "\n" not in str(refused.value)


def test_the_example_of_the_docs_is_a_file_of_variables(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "columns.md").read_text()
    (tmp_path / "mine.yaml").write_text(re.search(r"```yaml\n(levels.*?)```", text, re.DOTALL).group(1))
    found = choose(tmp_path / "mine.yaml")
    assert found.levels == 40
    assert found.variables.inputs.names == ("T", "Ps", "pbuf_ozone")
    assert found.variables.outputs.names == ("tend_T_sgs", "PRECC")


def test_outputs_may_not_bear_the_name_of_a_coordinate(path):
    path.write_text(FILE.replace("pbuf_ozone", "height"))
    assert choose(path).variables.stored_input("height") == "input_height"
    both = FILE.replace(
        "outputs: [PRECC, tend_T_sgs]", "outputs:\n" + FILE[FILE.index("  - name") : FILE.index("outp")]
    )
    path.write_text(both.replace("pbuf_ozone", "height"))
    with pytest.raises(DiffmpError, match="expected outputs that are no coordinates, found 'height'"):
        choose(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variables": "climsim"}, "expected variables among paper, climsim-v1 or a YAML file, found 'climsim'"),
        ({"variables": "none.yaml"}, "expected YAML at none.yaml"),
        ({"inputs": ("T", "tend_T_sgs")}, "expected inputs among T, qv, .*, found 'tend_T_sgs'; choose among these"),
        ({"inputs": ()}, "expected inputs that differ from each other, found none"),
        ({"outputs": ("PRECC", "PRECC")}, "found 'PRECC' twice"),
        ({"levels": 1}, "expected 2 levels or more, or 'all', of --levels, found 1"),
    ],
)
def test_choices_that_are_none_are_refused(options, message):
    with pytest.raises(DiffmpError, match=message):
        choose(**options)


@pytest.mark.parametrize(("text", "levels"), [("all", ALL), ("30", 30), ("2", 2)])
def test_levels_on_a_command_line(text, levels):
    assert parse_levels(text) == levels


@pytest.mark.parametrize("text", ["", "every", "1", "0", "-3", "3.5", "1e3", "²"])
def test_levels_that_are_none_are_refused(text):
    with pytest.raises(DiffmpError, match="expected 2 levels or more, or 'all', of --levels"):
        parse_levels(text)
