"""Analytic travelling waves that force the columns: the same function of longitude, latitude and time for all cells."""

from typing import NamedTuple

import numpy as np

N_TROPICAL, N_MIDLATITUDE = 24, 10
TROPICAL_WIDTH, MIDLATITUDE_CENTRE, MIDLATITUDE_WIDTH = 14.0, 47.0, 15.0  # degrees
MIDLATITUDE_LAG = 0.8  # radians by which temperature lags ascent
STORM_TILT, HEMISPHERE_SHIFT = 1.5, 77.0  # degrees of longitude per degree of latitude, degrees of longitude
STORM_SEASON_NORTH, STORM_SEASON_SOUTH = 0.35, 0.15  # relative; storms over southern seas know little of the season


class Waves(NamedTuple):
    """Zonal wavenumber (signed by direction), frequency (1/s), phase (radians) and amplitude of each wave."""

    wavenumber: np.ndarray
    frequency: np.ndarray
    phase: np.ndarray
    amplitude: np.ndarray


def draw_waves(seed: int) -> tuple[Waves, Waves]:
    """Tropical waves (periods 0.3-6 d, both directions) and midlatitude waves (k 5-9, 3-6 d, eastward)."""
    generator = np.random.default_rng([seed, 20050401])

    def make(count, lowest, highest, shortest, longest, both):
        wavenumber = generator.integers(lowest, highest + 1, count).astype(float)
        days = np.exp(generator.uniform(np.log(shortest), np.log(longest), count))
        sign = generator.choice([-1.0, 1.0], count) if both else np.ones(count)
        amplitude = generator.uniform(0.5, 1.0, count)
        return Waves(
            sign * wavenumber,
            2 * np.pi / (86400.0 * days),
            generator.uniform(0, 2 * np.pi, count),
            amplitude * np.sqrt(2.0 / (amplitude**2).sum()),
        )

    return make(N_TROPICAL, 1, 14, 0.3, 6.0, True), make(N_MIDLATITUDE, 5, 9, 3.0, 6.0, False)


def wave_sum(waves: Waves, lon: float, seconds: float, lag: float = 0.0) -> float:
    """Sum of the waves at a longitude (degrees) and time (s); unit variance over the globe."""
    angle = waves.wavenumber * np.radians(lon) - waves.frequency * seconds + waves.phase - lag
    return float((waves.amplitude * np.cos(angle)).sum())


def storm_longitude(lat: float, lon: float) -> float:
    """Longitude, degrees, at which a latitude sees the midlatitude waves.

    Their crests tilt with latitude, and the two hemispheres see different parts of them.
    """
    return lon - STORM_TILT * (abs(lat) - MIDLATITUDE_CENTRE) + (HEMISPHERE_SHIFT if lat < 0 else 0.0)


def storm_strength(lat: float, phase: float) -> float:
    """Amplitude of the midlatitude waves, 1 in the mean of the year and most in winter.

    phase: of the year, -1 (southern summer) to 1 (northern).
    """
    return 1.0 - phase * STORM_SEASON_NORTH if lat > 0 else 1.0 + phase * STORM_SEASON_SOUTH


def tropical_envelope(lat: float) -> float:
    """Weight of the tropical waves, 1 at the equator."""
    return float(np.exp(-((lat / TROPICAL_WIDTH) ** 2)))


def midlatitude_envelope(lat: float) -> float:
    """Weight of the midlatitude waves, 1 at 47 degrees."""
    return float(np.exp(-(((abs(lat) - MIDLATITUDE_CENTRE) / MIDLATITUDE_WIDTH) ** 2)))
