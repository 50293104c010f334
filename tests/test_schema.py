"""What a column is made of: chosen by name, written down, read back, held against other columns."""

from __future__ import annotations

import json

import numpy as np
import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import ATTRIBUTE, FORMAT, ColumnSchema, read_variables, schema_of, variables_attrs, variables_of
from diffmp_core.stores import stack_inputs, stack_outputs
from diffmp_core.variables import CLIMSIM_V1, PAPER, Channels, ColumnVariables, Variable, choose_variables
from tests.synthetic import make_columns


def test_the_papers_choice_is_its_table_1():
    assert PAPER.inputs.names == ("T", "qv", "Ps", "SHF", "LHF", "SOLIN")
    assert PAPER.outputs.names == ("tend_T_sgs", "tend_qv_sgs", "qc", "qi")
    assert [v.name for v in PAPER.inputs if v.profile] == ["T", "qv"]
    assert [v.name for v in PAPER.outputs if v.non_negative] == ["qc", "qi"]
    assert list(PAPER.stored) == [*PAPER.inputs.names, *PAPER.outputs.names]


def test_an_input_that_an_output_or_a_coordinate_is_called_after_is_stored_apart():
    variables = choose_variables(("T", "qc", "lat"), ("tend_T_sgs", "qc"))
    assert list(variables.stored) == ["T", "input_qc", "input_lat", "tend_T_sgs", "qc"]
    assert variables.stored["input_qc"].long_name.endswith("before the step")
    assert not variables.stored["qc"].long_name.endswith("before the step")


def test_channels_are_found_by_name_and_know_their_kinds():
    channels = CLIMSIM_V1.outputs
    assert channels.channel("PRECC") == 2
    assert channels.named("NETSW").unit == "W m-2"
    assert channels.singles.names == ("PRECC", "NETSW", "FLWDS")
    assert channels.is_single[:, 0].tolist() == [False, False, True, True, True]
    assert channels.is_non_negative[:, 0].tolist() == [False, False, True, True, True]
    assert "PRECC" in channels
    assert "T" not in channels
    with pytest.raises(DiffmpError, match=r"expected a variable among .*PRECC.*, found 'qc'"):
        channels.channel("qc")


@pytest.mark.parametrize(
    ("inputs", "outputs", "sentence"),
    [
        (("T", "snow"), ("qc",), r"expected inputs among T, qv, .*, found 'snow'"),
        (("T",), ("T",), r"expected outputs among tend_T_sgs, .*, found 'T'"),
        (("T", "T"), ("qc",), r"expected inputs that differ from each other, found 'T' twice"),
        (("T",), (), r"expected outputs .*, found none"),
    ],
)
def test_a_choice_that_is_none_is_refused(inputs, outputs, sentence):
    with pytest.raises(DiffmpError, match=sentence):
        choose_variables(inputs, outputs)


def test_variables_come_back_from_an_attribute_as_they_were():
    own = Variable("w", "w", "vertical velocity", "m s-1", "cm/s", 100.0, "upward_air_velocity")
    variables = ColumnVariables(Channels((*CLIMSIM_V1.inputs, own)), CLIMSIM_V1.outputs)
    text = variables_attrs(variables)[ATTRIBUTE]
    assert json.loads(text)["format"] == FORMAT
    assert read_variables(text, "store.zarr") == variables


def test_a_store_that_says_nothing_is_of_the_papers_choice():
    columns = make_columns(cells=3, times=2)
    columns.attrs.pop(ATTRIBUTE, None)
    assert variables_of(columns) == PAPER
    assert schema_of(columns).input_shape == (6, 30)
    assert schema_of(columns).output_shape == (4, 30)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "expected variables as JSON in here, found .*; make it again"),
        ('{"format": 9}', "expected variables of format 2 or older in here, found 9; install a newer diffmp"),
        (
            '{"format": 2, "inputs": [], "outputs": []}',
            "expected inputs and outputs with name, symbol and unit",
        ),
        ("[]", "expected inputs and outputs"),
        (3, "expected inputs and outputs"),
    ],
)
def test_variables_that_nobody_can_read_are_refused(text, sentence):
    with pytest.raises(DiffmpError, match=sentence):
        read_variables(text, "here")


def narrowed(schema: ColumnSchema, **changes: object) -> ColumnSchema:
    values = {"variables": schema.variables, "height": schema.height, "pressure": schema.pressure}
    return ColumnSchema(**(values | changes))


def test_columns_with_more_than_an_emulator_reads_suit_it():
    columns = make_columns(cells=3, times=2)
    schema = narrowed(schema_of(columns), variables=choose_variables(("Ps", "T"), ("qc",)))
    schema.check_columns(columns, outputs=True)
    assert stack_inputs(columns, schema.inputs).shape == (6, 2, 30)
    np.testing.assert_array_equal(stack_inputs(columns, schema.inputs)[:, 1], stack_inputs(columns)[:, 0])
    np.testing.assert_array_equal(stack_outputs(columns, schema.outputs)[:, 0], stack_outputs(columns)[:, 2])


def test_foreign_columns_are_refused_by_what_differs():
    columns = make_columns(cells=3, times=2)
    schema = schema_of(columns)
    wet = narrowed(schema, variables=choose_variables(("T", "qi"), ("qc",)))
    with pytest.raises(DiffmpError, match="expected input qi in the column store, found T, qv, Ps, SHF, LHF, SOLIN"):
        wet.check_columns(columns)
    rainy = narrowed(schema, variables=choose_variables(("T",), ("PRECC",)))
    rainy.check_columns(columns)
    with pytest.raises(DiffmpError, match="expected output PRECC in the column store, found tend_T_sgs"):
        rainy.check_columns(columns, outputs=True)
    celsius = Channels([Variable("T", "T", "air temperature", "degC", "°C", 1.0)])
    with pytest.raises(DiffmpError, match="expected input T in degC with dims .* found K with"):
        narrowed(schema, variables=ColumnVariables(celsius, PAPER.outputs)).check_columns(columns)
    with pytest.raises(DiffmpError, match="expected 30 levels in the column store, found 29"):
        schema.check_columns(columns.isel(level=slice(1, None)))
