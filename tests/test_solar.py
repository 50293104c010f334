"""The sun against almanacs and against days that everybody knows."""

import cftime
import numpy as np
import pytest

from diffmp_core.physics.solar import cosine_zenith, declination_of, hour_of


@pytest.mark.parametrize(
    ("date", "degrees"),
    [
        ("2005-03-20T12:34", 0.0),  # equinoxes and solstices of 2005 in UTC, US Naval Observatory
        ("2005-06-21T06:46", 23.44),
        ("2005-09-22T22:23", 0.0),
        ("2005-12-21T18:35", -23.44),
        ("2005-01-31T00:00", -17.5),  # Astronomical Almanac
        ("2005-05-01T00:00", 15.0),
    ],
)
def test_declinations_are_those_of_the_almanac(date, degrees):
    assert np.degrees(declination_of(np.array([date], dtype="datetime64[ns]")))[0] == pytest.approx(degrees, abs=0.3)


def test_years_of_other_calendars_are_one_turn():
    dates = [cftime.datetime(8, 6, 21, calendar=name) for name in ("noleap", "360_day")]
    np.testing.assert_allclose(np.degrees(declination_of(np.array(dates, dtype=object))), 23.44, atol=0.1)
    leap = np.array(["2004-12-31T23:59"], dtype="datetime64[ns]")
    plain = np.array([cftime.DatetimeNoLeap(2005, 12, 31, 23, 59)], dtype=object)
    assert declination_of(leap)[0] == pytest.approx(declination_of(plain)[0], abs=1e-5)


def test_hours_of_a_day():
    assert hour_of(np.array(["2005-04-02T13:30"], dtype="datetime64[ns]"))[0] == 13.5
    assert hour_of(np.array([cftime.DatetimeNoLeap(8, 2, 28, 6, 0, 36)], dtype=object))[0] == pytest.approx(6.01)


def test_noon_midnight_and_sunset():
    assert cosine_zenith(0.0, 0.0, 0.0, 12.0) == 1.0
    assert cosine_zenith(0.0, 90.0, 0.0, 6.0) == pytest.approx(1.0)  # noon at 90 degrees east
    assert cosine_zenith(0.0, 0.0, 0.0, 0.0) == 0.0
    assert cosine_zenith(0.0, 0.0, 0.0, 17.0) == pytest.approx(np.cos(np.radians(75.0)))
    assert cosine_zenith(50.0, 0.0, 0.0, 12.0) == pytest.approx(np.cos(np.radians(50.0)))
    tilt = np.radians(23.44)
    np.testing.assert_allclose(cosine_zenith(np.array([90.0, -90.0]), 0.0, tilt, 3.0), [np.sin(tilt), 0.0], atol=1e-12)
