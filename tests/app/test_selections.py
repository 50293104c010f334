"""Rules that pick columns, on facts made by hand."""

import numpy as np
import pytest

from app.selections import COMPOSITE_SIZE, COMPOSITES, PRESETS, Facts, column_facts
from app.state import COMPOSITES as NAMES
from tests.synthetic import make_columns


def facts(**given) -> Facts:
    values = {name: np.zeros(4) for name in Facts.__dataclass_fields__}
    return Facts(**(values | {name: np.asarray(value, dtype=float) for name, value in given.items()}))


def test_names_of_composites_are_those_of_the_state():
    assert ("column", *COMPOSITES) == NAMES


def test_deep_convection_ranks_tropical_columns_by_heating():
    found = PRESETS["deep convection"].ranked(facts(lat=[0, 45, -10, 19], heating=[10, 900, 30, 20]))
    np.testing.assert_array_equal(found, [2, 3, 0])


def test_trade_cumulus_leaves_out_land_equator_and_ice():
    found = PRESETS["trade cumulus"].ranked(
        facts(lat=[15, 15, 0, -25], land=[0, 1, 0, 0], ice=[0, 0, 1, 1e-9], low_liquid=[1, 5, 9, 2])
    )
    np.testing.assert_array_equal(found, [0])


def test_convecting_composite_takes_the_columns_that_heat_most():
    count = 3 * COMPOSITE_SIZE
    made = Facts(*(np.zeros(count) for _ in Facts.__dataclass_fields__))
    made = Facts(**(vars(made) | {"heating": np.arange(count, dtype=float)}))
    cells = COMPOSITES["convecting tropics"].composite(made)
    np.testing.assert_array_equal(cells, np.arange(count)[::-1][:COMPOSITE_SIZE])
    spread = COMPOSITES["tropical ocean"].composite(made)
    assert len(set(spread)) == COMPOSITE_SIZE
    assert (spread[0], spread[-1]) == (0, count - 1)


def test_facts_are_column_integrals():
    columns = make_columns(cells=5, times=2)
    columns["tend_T_sgs"][:] = 1 / 86_400
    columns["qc"][:] = 1e-3
    found = column_facts(columns, 1)
    mass = columns["layer_mass"].values
    np.testing.assert_allclose(found.heating, 1004.64 * mass.sum(axis=1) / 86_400, rtol=1e-6)
    low = mass[:, columns["height"].values < 3000].sum(axis=1)
    np.testing.assert_allclose(found.low_liquid, 1e-3 * low, rtol=1e-6)
    assert found.stability == pytest.approx(
        (columns["T"].values[1, :, 4] - columns["T"].values[1, :, 0])
        + 0.0098 * (columns["height"].values[4] - columns["height"].values[0]),
        abs=20,
    )
