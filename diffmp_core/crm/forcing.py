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
from diffmp_core.crm.waves import (
    MIDLATITUDE_LAG,
    Waves,
    midlatitude_envelope,
    storm_longitude,
    storm_strength,
    tropical_envelope,
    wave_sum,
)
from diffmp_core.physics.solar import cosine_zenith

COOLING = 1.4 / SECONDS_PER_DAY  # K/s
TRANSMISSIVITY = 0.75  # of the cloud-free atmosphere
WTG_WIDTH = 22.0  # degrees
WTG_TIME = 14 * 3600.0  # s; at 4 h equatorial rain grew for six days, to 16 mm/day
NUDGING_TEMPERATURE_TIME, NUDGING_VAPOUR_TIME = 18 * 3600.0, 36 * 3600.0  # s
TROPICAL_VAPOUR_TIME = 72 * 3600.0  # s, of exchange with the air around; else wet columns get ever wetter
TROPICAL_MEAN_SEA = 300.8  # K, sea temperature that the tropical free troposphere feels together with the local one
LOCAL_SHARE = 0.25  # of the local sea temperature in the tropical reference
TROPICAL_WAVE_TEMPERATURE = 0.6  # K, root mean square
MIDLATITUDE_WAVE_ASCENT, MIDLATITUDE_WAVE_TEMPERATURE = 0.028, 3.0  # m/s, K
SUBSIDENCE = 0.0045  # m/s
NEAR_SURFACE_OFFSET = -2.0  # K, of the reference near the surface against the surface itself
DRY_DEPTH = 1000.0  # m, where the reference's moist adiabat starts; the deeper, the more CAPE
DILUTION = 1.10  # of the lapse rate above 3 km against a pure adiabat, as entrainment does
STEEPEST_LAPSE = 0.0083  # K/m of the reference above 3 km, as observed below the tropical tropopause
COLDEST = 170.0  # K
EQUATORIAL_WIND, TRADE_WIND, WESTERLY_WIND = 6.0, 2.0, 5.0  # m/s, near the surface; the others are added to the first
TRADE_CENTRE, TRADE_WIDTH = 20.0, 10.0  # degrees
LAND_AVAILABILITY, DESERT_AVAILABILITY, FROZEN_SHARE = 0.3, 0.08, 0.7  # of moisture; what frost withholds
LAND_ALBEDO, DESERT_ALBEDO, SNOW_ALBEDO = 0.18, 0.32, 0.7
SNOW_RANGE = (263.0, 275.0)  # K of deep soil between full snow cover and none
LEAST_VAPOUR = 2.5e-6  # kg/kg


class Site(NamedTuple):
    """Fixed properties of a cell: what its place and its season give.

    lat, lon: degrees.  land: 0 or 1.  evaporation: moisture availability.  albedo: of land.
    sea_temperature, deep_soil: K.  wtg_share: weight of the weak temperature gradient, 0..1.  surface_pressure: Pa.
    background_wind: m/s.  storm: amplitude of the midlatitude waves.  temperature, vapour: reference, K, kg/kg (NZ,).
    """

    lat: float
    lon: float
    land: float
    evaporation: float
    albedo: float
    sea_temperature: float
    deep_soil: float
    wtg_share: float
    surface_pressure: float
    background_wind: float
    storm: float
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


def background_wind(lat: float) -> float:
    """Wind near the surface that the bulk fluxes feel besides the resolved one, m/s: trades and westerlies."""
    trades = float(np.exp(-(((abs(lat) - TRADE_CENTRE) / TRADE_WIDTH) ** 2)))
    return EQUATORIAL_WIND + TRADE_WIND * trades + WESTERLY_WIND * midlatitude_envelope(lat)


def moisture_availability(*, land: bool, desert: bool, snow: float) -> float:
    """Share of the potential evaporation that a surface gives; snow: cover, 0..1."""
    if not land:
        return 1.0
    return (1.0 - snow * FROZEN_SHARE) * (DESERT_AVAILABILITY if desert else LAND_AVAILABILITY)


def make_site(lat: float, lon: float, day_of_year: float) -> Site:
    """Surface, reference profiles and climate of one cell (degrees)."""
    one = (np.array([lat]), np.array([lon]))
    land = float(surface_map.is_land(*one)[0])
    desert = land * float(surface_map.is_desert(*one)[0])
    sea = float(surface_map.sea_surface_temperature(*one, day_of_year)[0])
    soil = float(surface_map.deep_soil_temperature(one[0], day_of_year)[0])
    snow = 1.0 - float(smooth_step(np.array(soil), *SNOW_RANGE))
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
        lat=lat,
        lon=lon,
        land=land,
        evaporation=moisture_availability(land=bool(land), desert=bool(desert), snow=snow),
        albedo=(DESERT_ALBEDO if desert else LAND_ALBEDO) * (1.0 - snow) + SNOW_ALBEDO * snow,
        sea_temperature=sea,
        deep_soil=soil,
        wtg_share=share,
        surface_pressure=float(pressure),
        background_wind=background_wind(lat),
        storm=midlatitude_envelope(lat) * storm_strength(lat, surface_map.season(day_of_year, surface_map.LAND_LAG)),
        temperature=temperature,
        vapour=vapour,
    )


def declination(day_of_year: float) -> float:
    """Declination of the sun [radians], of a circular orbit; day_of_year from 1."""
    return np.radians(-23.44) * np.cos(2 * np.pi * (day_of_year + 9.0) / 365.25)


def mean_wind(lat: float) -> np.ndarray:
    """Reference wind in the plane of the column, m/s: weak shear in the tropics, a jet in midlatitudes."""
    z = layer_heights()
    jet = 6.0 + 20.0 * midlatitude_envelope(lat)
    return -2.0 * tropical_envelope(lat) + jet * np.sin(0.5 * np.pi * np.clip(z / 12000.0, 0, 1)) * smooth_step(
        z, 200, 3000
    )


def surface_pressure_wave(site: Site, midlatitude: Waves, seconds: float, hour: float) -> float:
    """Departure of surface pressure from the base state, Pa: midlatitude lows under ascent and the semidiurnal tide."""
    here = storm_longitude(site.lat, site.lon)
    lows = -600.0 * site.storm * wave_sum(midlatitude, here, seconds, -0.5 * MIDLATITUDE_LAG)
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
    here = storm_longitude(site.lat, site.lon)
    ascent = shape * (
        (1.0 - site.wtg_share)
        * (-SUBSIDENCE * subtropics + MIDLATITUDE_WAVE_ASCENT * site.storm * wave_sum(midlatitude, here, seconds))
    )
    wave = -TROPICAL_WAVE_TEMPERATURE * tropical_envelope(site.lat) * wave_sum(tropical, site.lon, seconds)
    warm = (
        MIDLATITUDE_WAVE_TEMPERATURE
        * (1.0 - site.wtg_share)
        * site.storm
        * wave_sum(midlatitude, here, seconds, MIDLATITUDE_LAG)
    )
    temperature = site.temperature + shape * (wave + warm)
    aloft = smooth_step(z, 1500.0, 3000.0)
    wtg = smooth_step(z, 300.0, 1500.0) * (1.0 - smooth_step(z, 13000.0, 15000.0)) / WTG_TIME
    stratosphere = smooth_step(z, 13000.0, 16000.0)
    clear = TRANSMISSIVITY * SOLAR_CONSTANT * float(cosine_zenith(site.lat, site.lon, declination(day_of_year), hour))
    outside = 1.0 - site.wtg_share  # of the tropics
    return Forcing(
        vertical_velocity=ascent,
        temperature=temperature,
        vapour=site.vapour,
        wind=mean_wind(site.lat),
        nudging_temperature=aloft * np.maximum(outside, stratosphere) / NUDGING_TEMPERATURE_TIME,
        nudging_vapour=aloft
        * np.maximum(np.maximum(outside, stratosphere) / NUDGING_VAPOUR_TIME, site.wtg_share / TROPICAL_VAPOUR_TIME),
        wtg_rate=wtg,
        wtg_share=site.wtg_share,
        cooling=COOLING,
        sea_temperature=site.sea_temperature,
        land=site.land,
        evaporation=site.evaporation,
        background_wind=site.background_wind,
        shortwave=clear,
        deep_soil=site.deep_soil,
        albedo=site.albedo,
    )
