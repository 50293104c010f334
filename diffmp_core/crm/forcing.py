"""What drives a column through the hours: reference profiles, insolation, ascent, waves, nudging."""

from typing import NamedTuple

import numpy as np

from diffmp_core.constants import (
    GAS_CONSTANT_DRY_AIR,
    GRAVITY,
    LATENT_HEAT_VAPORISATION,
    SECONDS_PER_DAY,
    SOLAR_CONSTANT,
    SPECIFIC_HEAT_DRY_AIR,
)
from diffmp_core.crm import surface_map
from diffmp_core.crm.column import Forcing
from diffmp_core.crm.thermodynamics import EPSILON, saturation_mixing_ratio, saturation_profile
from diffmp_core.crm.vertical_grid import NZ, layer_heights
from diffmp_core.crm.waves import MIDLATITUDE_LAG, Waves, midlatitude_envelope, tropical_envelope, wave_sum

COOLING = 1.4 / SECONDS_PER_DAY  # K/s
TRANSMISSIVITY = 0.75  # of the cloud-free atmosphere
WTG_WIDTH = 22.0  # degrees
WTG_TIME = 10 * 3600.0  # s; at 4 h equatorial rain grew for six days, to 16 mm/day
NUDGING_TEMPERATURE_TIME, NUDGING_VAPOUR_TIME = 18 * 3600.0, 36 * 3600.0  # s
TROPICAL_MEAN_SEA = 300.2  # K, sea temperature that the tropical free troposphere feels together with the local one
LOCAL_SHARE = 0.4  # of the local sea temperature in the tropical reference
TROPICAL_WAVE_TEMPERATURE = 0.6  # K, root mean square
MIDLATITUDE_WAVE_ASCENT, MIDLATITUDE_WAVE_TEMPERATURE = 0.028, 3.0  # m/s, K
SUBSIDENCE = 0.0045  # m/s
NEAR_SURFACE_OFFSET = -2.0  # K, of the reference near the surface against the surface itself
DRY_DEPTH = 1000.0  # m, where the reference's moist adiabat starts; the deeper, the more CAPE
DILUTION = 1.10  # of the lapse rate above 3 km against a pure adiabat, as entrainment does
STEEPEST_LAPSE = 0.0083  # K/m of the reference above 3 km, as observed below the tropical tropopause
COLDEST = 170.0  # K
LEAST_VAPOUR = 2.5e-6  # kg/kg


class Site(NamedTuple):
    """Fixed properties of a cell: degrees, land 0 or 1, moisture availability, K, Pa, m/s."""

    lat: float
    lon: float
    land: float
    evaporation: float
    sea_temperature: float
    deep_soil: float
    wtg_share: float
    surface_pressure: float
    background_wind: float
    temperature: np.ndarray
    vapour: np.ndarray


def smooth_step(z: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, smooth between."""
    x = np.clip((z - low) / (high - low), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def moist_lapse_rate(temperature: float, pressure: float) -> float:
    """Pseudo-adiabatic lapse rate, K/m (AMS glossary form)."""
    r = saturation_mixing_ratio(temperature, pressure)
    a = LATENT_HEAT_VAPORISATION * r / (GAS_CONSTANT_DRY_AIR * temperature)
    b = LATENT_HEAT_VAPORISATION**2 * r * EPSILON / (GAS_CONSTANT_DRY_AIR * temperature**2)
    return GRAVITY * (1.0 + a) / (SPECIFIC_HEAT_DRY_AIR + b)


def reference_temperature(near_surface: float, surface_pressure: float, tropical: float) -> np.ndarray:
    """Reference temperature at layer heights, K: nearly dry to DRY_DEPTH, above it a moist adiabat.

    In the tropics the adiabat is steepened by DILUTION; elsewhere its lapse rate is at most 6.3 K/km.
    """
    z = layer_heights()
    stratosphere = 196.0 + 16.0 * (1.0 - tropical)
    out = np.empty(NZ)
    temperature, pressure, height = near_surface, surface_pressure, 0.0
    for k in range(NZ):
        steps = max(1, int((z[k] - height) / 100.0))
        dz = (z[k] - height) / steps
        for _ in range(steps):
            moist = moist_lapse_rate(temperature, pressure)
            if height < DRY_DEPTH:
                moist = 0.0085 * tropical + 0.0065 * (1.0 - tropical)
            if height > 3000.0:
                moist = min(moist * DILUTION, STEEPEST_LAPSE)
            lapse = tropical * moist + (1.0 - tropical) * min(moist, 0.0063)
            if temperature < stratosphere or (tropical < 0.5 and height > 13000.0):
                lapse = -0.0005
            temperature = max(temperature - lapse * dz, COLDEST)
            pressure *= np.exp(-GRAVITY * dz / (GAS_CONSTANT_DRY_AIR * temperature))
            height += dz
        out[k] = temperature
    return out


def reference_vapour(temperature: np.ndarray, pressure: np.ndarray, moist: float) -> np.ndarray:
    """Reference vapour, kg/kg: relative humidity from 0.80 at the surface to 0.45 (+ moist) aloft and dry on top."""
    z = layer_heights()
    humidity = 0.80 - (0.35 - moist) * smooth_step(z, 600.0, 6000.0) - (0.15 + moist) * smooth_step(z, 8000.0, 15000.0)
    humidity *= 1.0 - 0.95 * smooth_step(z, 14000.0, 19000.0)
    return np.maximum(humidity * saturation_profile(temperature, pressure), LEAST_VAPOUR)


def make_site(lat: float, lon: float, day_of_year: float) -> Site:
    """Surface, reference profiles and climate of one cell (degrees)."""
    one = (np.array([lat]), np.array([lon]))
    land = float(surface_map.is_land(*one)[0])
    desert = land * float(surface_map.is_desert(*one)[0])
    sea = float(surface_map.sea_surface_temperature(*one, day_of_year)[0])
    soil = float(surface_map.deep_soil_temperature(one[0], day_of_year)[0])
    share = float(np.exp(-((lat / WTG_WIDTH) ** 4)))
    tropical_surface = LOCAL_SHARE * sea + (1.0 - LOCAL_SHARE) * TROPICAL_MEAN_SEA
    local_surface = soil if land else sea
    near_surface = share * tropical_surface + (1.0 - share) * local_surface + NEAR_SURFACE_OFFSET
    pressure = 101325.0 + 600.0 * np.cos(np.radians(6 * (abs(lat) - 30.0))) * (abs(lat) < 75) - 700.0 * (abs(lat) > 55)
    tropical = float(np.exp(-((lat / 32.0) ** 4)))
    temperature = reference_temperature(near_surface, pressure, tropical)
    fall = GRAVITY * np.gradient(layer_heights()) / (GAS_CONSTANT_DRY_AIR * temperature)
    levels = pressure * np.exp(-(np.cumsum(fall) - 0.5 * fall))
    moist = (
        0.10 * share + 0.05 * midlatitude_envelope(lat) - 0.1 * np.exp(-(((abs(lat) - 25.0) / 8.0) ** 2)) - 0.2 * desert
    )
    vapour = reference_vapour(temperature, levels, moist)
    return Site(
        lat,
        lon,
        land,
        (0.15 if desert else 0.6) if land else 1.0,
        sea,
        soil,
        share,
        float(pressure),
        5.0 + 3.0 * midlatitude_envelope(lat),
        temperature,
        vapour,
    )


def cosine_zenith(lat: float, lon: float, day_of_year: float, hour: float) -> float:
    """Cosine of the solar zenith angle, 0 at night; day_of_year from 1, hour in UTC."""
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day_of_year + 9.0) / 365.25)
    angle = np.radians(15.0 * (hour - 12.0) + lon)
    phi = np.radians(lat)
    return float(max(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle), 0.0))


def mean_wind(lat: float) -> np.ndarray:
    """Reference wind in the plane of the column, m/s: weak shear in the tropics, a jet in midlatitudes."""
    z = layer_heights()
    jet = 6.0 + 20.0 * midlatitude_envelope(lat)
    return -2.0 * tropical_envelope(lat) + jet * np.sin(0.5 * np.pi * np.clip(z / 12000.0, 0, 1)) * smooth_step(
        z, 200, 3000
    )


def surface_pressure_wave(site: Site, midlatitude: Waves, seconds: float, hour: float) -> float:
    """Departure of surface pressure from the base state, Pa: midlatitude lows under ascent and the semidiurnal tide."""
    lows = -600.0 * midlatitude_envelope(site.lat) * wave_sum(midlatitude, site.lon, seconds, -0.5 * MIDLATITUDE_LAG)
    local = hour + site.lon / 15.0
    tide = 120.0 * np.cos(np.radians(site.lat)) ** 3 * np.cos(4 * np.pi * (local - 9.7) / 24.0)
    return float(lows + tide)


def hourly_forcing(site: Site, waves: tuple[Waves, Waves], day_of_year: float, hour: float, seconds: float) -> Forcing:
    """Forcing of the hour centred at seconds after the start; hour is UTC."""
    z = layer_heights()
    tropical, midlatitude = waves
    depth = 16000.0 - 6000.0 * min(abs(site.lat) / 70.0, 1.0)
    shape = np.where(z < depth, np.sin(np.pi * np.clip(z / depth, 0.0, 1.0)), 0.0)
    subtropics = np.exp(-(((abs(site.lat) - 25.0) / 10.0) ** 2))
    storm = midlatitude_envelope(site.lat)
    ascent = shape * (
        (1.0 - site.wtg_share)
        * (-SUBSIDENCE * subtropics + MIDLATITUDE_WAVE_ASCENT * storm * wave_sum(midlatitude, site.lon, seconds))
    )
    wave = -TROPICAL_WAVE_TEMPERATURE * tropical_envelope(site.lat) * wave_sum(tropical, site.lon, seconds)
    warm = (
        MIDLATITUDE_WAVE_TEMPERATURE
        * (1.0 - site.wtg_share)
        * storm
        * wave_sum(midlatitude, site.lon, seconds, MIDLATITUDE_LAG)
    )
    temperature = site.temperature + shape * (wave + warm)
    aloft = smooth_step(z, 1500.0, 3000.0)
    wtg = smooth_step(z, 300.0, 1500.0) * (1.0 - smooth_step(z, 13000.0, 15000.0)) / WTG_TIME
    stratosphere = smooth_step(z, 13000.0, 16000.0)
    clear = TRANSMISSIVITY * SOLAR_CONSTANT * cosine_zenith(site.lat, site.lon, day_of_year, hour)
    return Forcing(
        ascent,
        temperature,
        site.vapour,
        mean_wind(site.lat),
        aloft * np.maximum(1.0 - site.wtg_share, stratosphere) / NUDGING_TEMPERATURE_TIME,
        aloft * np.maximum(1.0 - site.wtg_share, stratosphere) / NUDGING_VAPOUR_TIME,
        wtg,
        site.wtg_share,
        COOLING,
        site.sea_temperature,
        site.land,
        site.evaporation,
        site.background_wind,
        clear,
        site.deep_soil,
    )
