"""Vapour by any of its names, and saturation against tables."""

import numpy as np
import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.moisture import (
    EPSILON,
    mixing_ratio,
    moistening_name,
    per_dry_air,
    per_moist_air,
    relative_humidity,
    saturation_mixing_ratio,
    vapour_name,
    vapour_pressure,
)
from diffmp_core.variables import CLIMSIM_V1, KNOWN_INPUTS, PAPER, Channels, choose_variables


def test_saturation_at_twenty_degrees():
    assert vapour_pressure(np.array(293.15)) == pytest.approx(2337, rel=2e-3)  # any table of steam
    assert saturation_mixing_ratio(np.array(293.15), np.array(1e5)) == pytest.approx(14.9e-3, rel=5e-3)
    assert saturation_mixing_ratio(np.array(400.0), np.array(1e5)) == EPSILON


def test_relative_humidity_from_a_dew_point_of_ten_degrees_at_twenty():
    vapour = EPSILON * 1228.0 / (1e5 - 1228.0)  # a dew point of 10 degrees C is 12.28 hPa in any table of steam
    assert relative_humidity(np.array(293.15), np.array(vapour), np.array(1e5)) == pytest.approx(0.525, abs=2e-3)


def test_relative_humidity_is_one_at_saturation():
    temperature, pressure = np.array([300.0, 250.0, 220.0]), np.array([1e5, 4e4, 2e4])
    saturated = saturation_mixing_ratio(temperature, pressure)
    np.testing.assert_allclose(relative_humidity(temperature, saturated, pressure), 1.0)


def test_names_of_vapour_and_of_its_tendency():
    assert (vapour_name(PAPER.inputs), vapour_name(CLIMSIM_V1.inputs)) == ("qv", "q")
    assert (moistening_name(PAPER.outputs), moistening_name(CLIMSIM_V1.outputs)) == ("tend_qv_sgs", "tend_q_sgs")
    dry = choose_variables(("T",), ("tend_T_sgs",))
    assert vapour_name(dry.inputs) is moistening_name(dry.outputs) is None
    assert vapour_name(Channels([KNOWN_INPUTS["q"], KNOWN_INPUTS["qv"]])) == "qv"


def test_ten_grams_in_a_kilogram_of_moist_air_are_10_1_in_dry_air():
    channels = Channels([KNOWN_INPUTS["T"], KNOWN_INPUTS["q"]])
    inputs = np.array([[[300.0, 290.0], [0.010, 0.0]]])
    np.testing.assert_allclose(mixing_ratio(inputs, channels), [[0.010 / 0.990, 0.0]])
    same = Channels([KNOWN_INPUTS["qv"], KNOWN_INPUTS["T"]])
    np.testing.assert_array_equal(mixing_ratio(inputs[:, ::-1], same), [[0.010, 0.0]])
    assert per_moist_air(per_dry_air(2e-5, 0.015), 0.015 / 0.985) == pytest.approx(2e-5)


def test_columns_without_vapour_are_told_so():
    with pytest.raises(DiffmpError, match="expected vapour among the inputs, qv or q, found T; use columns that have"):
        mixing_ratio(np.zeros((1, 1, 2)), Channels([KNOWN_INPUTS["T"]]))
