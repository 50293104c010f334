"""Columns in memory: order, even choice, the paper's > 3 rule, refusal of bad values."""

import numpy as np
import pytest

from diffmp_core.columns.normalize import fit
from diffmp_core.errors import DiffmpError
from diffmp_core.models.normalizer import Normalizer
from diffmp_core.schema import schema_of
from diffmp_core.stores import select_split, stack_inputs, stack_outputs
from diffmp_core.training.data import normalize_columns, read_columns
from tests.synthetic import make_columns


def fitted(store, method="calibrated"):
    arrays = read_columns(store, "train")
    return fit(arrays.inputs, arrays.outputs, schema=schema_of(store), method=method)


def test_columns_come_in_time_then_cell_order():
    store = make_columns(cells=20)
    arrays, train = read_columns(store, "train"), select_split(store, "train")
    np.testing.assert_array_equal(arrays.inputs, stack_inputs(train))
    np.testing.assert_array_equal(arrays.outputs, stack_outputs(train))


def test_limit_takes_columns_spread_from_the_first_to_the_last():
    store = make_columns(cells=20)
    every, some = read_columns(store, "train"), read_columns(store, "train", limit=7)
    np.testing.assert_array_equal(some.inputs, every.inputs[np.linspace(0, 79, 7).astype(int)])
    assert len(read_columns(store, "train", limit=1000)) == 80


def test_value_that_is_not_finite_is_refused_with_its_place():
    store = make_columns(cells=20)
    store["qv"][1, 3, 5] = np.inf
    with pytest.raises(DiffmpError, match="qv.*cell index 3"):
        read_columns(store, "train")


def test_papers_rule_replaces_inputs_and_outputs_of_a_column_together():
    store = make_columns(cells=20)
    normalization = fitted(store, "paper")
    store["tend_T_sgs"][0, 4, 7] = 3.5 * normalization.output_scale[0, 7]
    plain = normalize_columns(read_columns(store, "train"), Normalizer(normalization), drop_abnormal=False)
    ruled = normalize_columns(read_columns(store, "train"), Normalizer(normalization), drop_abnormal=True)
    abnormal = (np.abs(plain.outputs) > 3).any(axis=(1, 2))
    assert abnormal[4]
    assert np.abs(ruled.outputs).max() <= 3
    np.testing.assert_array_equal(ruled.inputs[~abnormal], plain.inputs[~abnormal])
    for column in np.flatnonzero(abnormal):
        source = (plain.outputs == ruled.outputs[column]).all(axis=(1, 2)) & (plain.inputs == ruled.inputs[column]).all(
            axis=(1, 2)
        )
        assert source.any()


def test_outputs_are_held_within_the_limit_and_inputs_are_not():
    store = make_columns(cells=20)
    normalization = fitted(store)
    assert normalization.winsorise_limit == 30.0
    store["qi"][0, 2, 9] = 100 * normalization.output_scale[3, 9]
    store["LHF"][0, 2] = 1e5
    arrays = normalize_columns(read_columns(store, "train"), Normalizer(normalization), drop_abnormal=False)
    assert arrays.outputs[2, 3, 9] == 30.0
    assert arrays.inputs[2, 4, 0] > 100
