"""Regions and regimes."""

from __future__ import annotations

import numpy as np
import pytest

from app.choices import REGIONS as NAMES
from app.choices import Choices, options
from app.composites import REGIONS, SIZE, composite, selected, selection_words, selects_all
from diffmp_core.regimes import REGIMES, Facts

LAT = np.array([0.0, 10.0, 45.0, -45.0, 80.0])
LON = np.array([0.0, 175.0, -175.0, 90.0, 0.0])


def facts(**changes) -> Facts:
    zero = np.zeros((2, LAT.size))
    made = {name: zero for name in ("heating", "low_liquid", "ice", "stability")}
    return Facts(**({"lat": zero + LAT, "land": zero + np.array([0, 1, 0, 1, 0]), **made} | changes))


def cells(**choices) -> list[int]:
    return list(np.flatnonzero(selected(Choices(**choices), facts(), LON)[0]))


def test_every_name_is_known():
    assert (*REGIONS, "box") == NAMES
    assert ("any", *REGIMES) == options("regime")


def test_regions():
    assert cells(region="globe") == [0, 1, 2, 3, 4]
    assert cells(region="tropics") == [0, 1]
    assert cells(region="tropical land") == [1]
    assert cells(region="tropical ocean") == [0]
    assert cells(region="mid-latitudes") == [2, 3]
    assert cells(region="land") == [1, 3]
    assert cells(region="ocean") == [0, 2, 4]


def test_a_box_may_cross_the_date_line():
    assert cells(region="box", south=5, north=50, west=-180, east=180) == [1, 2]
    assert cells(region="box", south=-50, north=50, west=170, east=-170) == [1, 2]
    assert cells(region="box", south=-50, north=50, west=-10, east=100) == [0, 3]


def test_a_regime_is_cut_by_the_region():
    heating = np.zeros((2, LAT.size))
    heating[1] = [5, 9, 99, 0, 0]
    mask = selected(Choices(regime="deep convection"), facts(heating=heating), LON)
    np.testing.assert_array_equal(mask, [[False] * 5, [False, True, False, False, False]])
    assert not selected(Choices(regime="deep convection", region="ocean"), facts(heating=heating), LON).any()


def test_a_composite_is_the_most_typical_or_spread_evenly():
    count = 3 * SIZE
    many = np.zeros((1, count))
    made = facts(lat=many, land=many, ice=many, low_liquid=many, stability=many, heating=many + np.arange(count))
    everywhere = np.ones((1, count), bool)
    best = composite(Choices(regime="deep convection"), made, everywhere, 0)
    np.testing.assert_array_equal(best, np.arange(count)[::-1][:SIZE])
    spread = composite(Choices(region="tropics"), made, everywhere, 0)
    assert (len(set(spread)), spread[0], spread[-1]) == (SIZE, 0, count - 1)
    few = np.arange(count)[None] < 3
    np.testing.assert_array_equal(composite(Choices(), made, few, 0), [0, 1, 2])


@pytest.mark.parametrize(("choices", "whole"), [({}, True), ({"region": "land"}, False), ({"regime": "stable"}, False)])
def test_whether_all_are_selected(choices, whole):
    assert selects_all(Choices(**choices)) == whole


def test_words():
    assert selection_words(Choices(regime="stable", region="land")) == "stable in land"
    assert selection_words(Choices(region="box")) == "the box -20° to 20° north, -180° to 180° east"
