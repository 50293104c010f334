"""Synthetic columns that several tests perturb."""

import pytest

from diffmp_core.stores import stack_inputs
from tests.synthetic import make_columns


@pytest.fixture(scope="module")
def columns():
    return make_columns(cells=24).isel(time=[0])


@pytest.fixture(scope="module")
def inputs(columns):
    return stack_inputs(columns)


@pytest.fixture(scope="module")
def air(columns):
    return {"pressure": columns["pressure"].values, "layer_mass": columns["layer_mass"].values}
