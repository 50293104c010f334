"""Regions, and regimes within them."""

from __future__ import annotations

import numpy as np
import pytest
from diffmp_app.data.composites import REGIONS, selected, selection_words, selects_all
from diffmp_app.state.choices import REGIONS as NAMES
from diffmp_app.state.choices import Choices, options

from diffmp_core.physics.regimes import INPUT_FACTS, REGIMES, Facts

LAT = np.array([0.0, 10.0, 45.0, -45.0, 80.0])
LON = np.array([0.0, 175.0, -175.0, 90.0, 0.0])


def facts(**changes) -> Facts:
    zero = np.zeros((2, LAT.size))
    made = dict.fromkeys(INPUT_FACTS, zero)
    return Facts(**({"lat": zero + LAT, "land": zero + np.array([0, 1, 0, 1, 0]), **made} | changes))


def cells(**choices) -> list[int]:
    return list(np.flatnonzero(selected(Choices(**choices), facts(), LON)[0]))


def test_every_name_is_known():
    assert (*REGIONS, "box") == NAMES
    assert ("any", *REGIMES) == options("regime")


def test_addresses_and_scenarios_of_before_still_name_a_regime():
    for name in ("deep convection", "trade cumulus", "mid-latitude storm", "stable", "unstable"):
        assert Choices(regime=name).regime in REGIMES


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
    moist = np.zeros((2, LAT.size))
    moist[1] = [0.5, 0.9, 0.99, 0, 0]
    made = facts(middle_humidity=moist, energy=moist + 1000)
    mask = selected(Choices(regime="deep convection"), made, LON)
    np.testing.assert_array_equal(mask, [[False] * 5, [False, True, False, False, False]])
    assert not selected(Choices(regime="deep convection", region="ocean"), made, LON).any()


@pytest.mark.parametrize(("choices", "whole"), [({}, True), ({"region": "land"}, False), ({"regime": "stable"}, False)])
def test_whether_all_are_selected(choices, whole):
    assert selects_all(Choices(**choices)) == whole


def test_words():
    assert selection_words(Choices(regime="stable", region="land")) == "stable (by inputs) in land"
    assert selection_words(Choices(region="box")) == "the box -20° to 20° north, -180° to 180° east"
