"""Energy and inhibition of parcels: by hand in dry air, against an integrated pseudo-adiabat and another library."""

import numpy as np
import pytest

from diffmp_core.physics.buoyancy import energy_and_inhibition, level_pressure, rising_parcel
from diffmp_core.physics.moisture import EPSILON, saturation_mixing_ratio

GRAVITY, DRY_GAS, HEAT_CAPACITY, VAPOUR_GAS, LATENT_HEAT = 9.80665, 287.04, 1004.64, 461.5, 2.501e6
KAPPA = 0.2854


def weisman_klemp(vapour: float, step: float = 100.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Temperature, vapour and pressure up to 19 km of Weisman and Klemp (1982), with surface vapour [kg kg-1]."""
    height = np.arange(0.0, 19_001.0, step)
    below = height <= 12_000
    potential = 300 + 43 * (height / 12_000) ** 1.25
    potential[~below] = 343 * np.exp(GRAVITY * (height[~below] - 12_000) / (HEAT_CAPACITY * 213))
    humidity = np.where(below, 1 - 0.75 * (height / 12_000) ** 1.25, 0.25)
    content = np.zeros_like(height)
    for _ in range(20):  # pressure depends on vapour, vapour on pressure
        inverse = 1 / (potential * (1 + 0.61 * content))
        exner = np.ones_like(height)
        exner[1:] -= np.cumsum(GRAVITY / HEAT_CAPACITY * step * 0.5 * (inverse[1:] + inverse[:-1]))
        pressure, temperature = 1e5 * exner ** (HEAT_CAPACITY / DRY_GAS), potential * exner
        content = np.minimum(vapour, humidity * saturation_mixing_ratio(temperature, pressure))
    return temperature, content, pressure


def test_a_saturated_parcel_follows_the_integrated_pseudo_adiabat():
    temperature, pressure, step = 293.15, 1e5, -5.0
    start = temperature
    expected = {}
    while pressure > 20_000:  # dT/dp of saturated air whose condensate falls out, by the midpoint
        middle = temperature
        for _ in range(2):
            vapour = float(saturation_mixing_ratio(np.array(middle), np.array(pressure + step / 2)))
            air = DRY_GAS * middle * (1 + vapour / EPSILON) / (1 + vapour) / (pressure + step / 2)
            slope = air / HEAT_CAPACITY * (1 + LATENT_HEAT * vapour / (DRY_GAS * middle))
            slope /= 1 + LATENT_HEAT**2 * vapour / (HEAT_CAPACITY * VAPOUR_GAS * middle**2)
            middle = temperature + 0.5 * slope * step
        temperature, pressure = temperature + slope * step, pressure + step
        expected[round(pressure)] = temperature
    levels = np.array([1e5, 85_000, 70_000, 50_000, 30_000, 20_000])
    found, content, saturated = rising_parcel(
        np.array(start), saturation_mixing_ratio(np.array(start), np.array(1e5)), levels
    )
    assert saturated[1:].all()
    np.testing.assert_allclose(found[1:], [expected[round(p)] for p in levels[1:]], atol=0.5)
    np.testing.assert_allclose(content[1:], saturation_mixing_ratio(found[1:], levels[1:]))


def test_dry_air_by_hand():
    pressure = np.geomspace(1e5, 50_000, 400)
    neutral = (pressure / 1e5) ** KAPPA
    warm = np.r_[301.0, 300.0 * neutral[1:]]  # a degree warmer than neutral air above
    energy, inhibition = energy_and_inhibition(warm, np.zeros(400), pressure)
    assert energy == pytest.approx(DRY_GAS * (1 - neutral[-1]) / KAPPA, rel=5e-3)
    assert inhibition == pytest.approx(0, abs=1e-6)
    isothermal = np.full(400, 280.0)
    energy, inhibition = energy_and_inhibition(isothermal, np.zeros(400), pressure)
    assert energy == pytest.approx(0, abs=1e-6)
    assert inhibition == pytest.approx(DRY_GAS * 280 * (np.log(2) - (1 - neutral[-1]) / KAPPA), rel=1e-3)


@pytest.mark.parametrize(
    ("vapour", "energy", "inhibition"), [(0.011, 521.7, 129.9), (0.014, 1878.2, 47.6), (0.016, 3050.1, 22.1)]
)
def test_soundings_of_weisman_and_klemp_as_metpy_has_them(vapour, energy, inhibition):
    # metpy.calc.surface_based_cape_cin of MetPy 1.7.1, on the same levels
    found = energy_and_inhibition(*weisman_klemp(vapour))
    assert found[0] == pytest.approx(energy, rel=0.01, abs=25)
    assert found[1] == pytest.approx(inhibition, rel=0.05)


def test_thirty_levels_are_enough():
    temperature, vapour, pressure = weisman_klemp(0.014)
    heights = np.arange(0.0, 19_001.0, 100.0)
    coarse = 19_000 * (np.arange(30) / 29) ** 1.7
    fine = energy_and_inhibition(temperature, vapour, pressure)
    few = energy_and_inhibition(*(np.interp(coarse, heights, values) for values in (temperature, vapour, pressure)))
    np.testing.assert_allclose(few, fine, rtol=0.07)
    assert few[0] == pytest.approx(fine[0], rel=0.01)


def test_columns_are_taken_together_and_air_may_be_dry_or_supersaturated():
    soundings = [weisman_klemp(vapour) for vapour in (0.011, 0.014)]
    together = energy_and_inhibition(*(np.stack(values)[None] for values in zip(*soundings, strict=True)))
    for number, sounding in enumerate(soundings):
        np.testing.assert_allclose([values[0, number] for values in together], energy_and_inhibition(*sounding))
    temperature, vapour, pressure = soundings[1]
    assert np.isfinite(energy_and_inhibition(temperature, 0 * vapour, pressure)).all()
    wet = 1.05 * saturation_mixing_ratio(temperature, pressure)
    assert np.isfinite(energy_and_inhibition(temperature, wet, pressure)).all()


def test_pressure_of_levels_follows_the_mass_below_and_ends_at_the_top():
    mass = np.array([[2.0, 4.0, 4.0]])
    np.testing.assert_allclose(level_pressure(np.array([1e5]), mass, 2e4), [[9e4, 6e4, 2e4]])
    assert (np.diff(level_pressure(np.array([6e4]), mass, 2e4)) < 0).all()
