"""Rules that pick columns, on facts made by hand."""

import numpy as np

from app.selections import PRESETS, column_facts
from diffmp_core import regimes
from diffmp_core.regimes import REGIMES, Facts
from tests.synthetic import make_columns
from tests.test_regimes import facts


def test_presets_are_the_regimes_ranked():
    assert list(PRESETS) == list(REGIMES)
    assert PRESETS["deep convection"].words == "most column-integrated heating within 20° of the equator"
    found = PRESETS["deep convection"].ranked(facts(lat=[0, 45, -10, 19], heating=[10, 900, 30, 20]))
    np.testing.assert_array_equal(found, [2, 3, 0])


def test_the_first_preset_is_a_column_of_its_regime():
    made = column_facts(make_columns(cells=642, times=3), 1)
    for name, regime in REGIMES.items():
        cells = PRESETS[name].ranked(made)
        inside = np.flatnonzero(regime.mask(made))
        assert 0 < len(inside) <= len(cells)
        assert set(cells[: len(inside)]) == set(inside)


def test_facts_are_those_of_one_time():
    columns = make_columns(cells=5, times=2)
    found, everything = column_facts(columns, 1), regimes.column_facts(columns)
    for name in ("lat", "land", "heating", "low_liquid", "ice", "stability"):
        np.testing.assert_array_equal(getattr(found, name), getattr(everything, name)[1])
    assert isinstance(found, Facts)
