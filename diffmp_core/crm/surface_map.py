"""Idealised surface: coarse continents, deserts, sea-surface temperature and deep-soil temperature."""

import numpy as np

from diffmp_core.constants import FREEZING_POINT

SEASONAL_SHIFT, MEAN_SHIFT = 6.0, 3.0  # degrees of latitude: the warmest sea lies 3 S to 9 N, as observed
NORTHERN_SOLSTICE, SEA_LAG, LAND_LAG = 172.0, 60.0, 30.0  # day of the year, days behind the sun
# Coarse continents as (lon, lat) polygons, drawn by hand from general knowledge; about 5 degrees accurate.
# fmt: off
CONTINENTS: dict[str, list[tuple[float, float]]] = {
    "north america": [
        (-168, 66), (-156, 71), (-125, 70), (-95, 69), (-82, 68), (-64, 60), (-55, 52), (-66, 44), (-75, 36),
        (-81, 31),
        (-80, 25), (-84, 30), (-97, 27), (-97, 20), (-91, 18.5), (-87, 21), (-88, 16), (-83, 15), (-83, 10), (-78, 9),
        (-80, 7), (-86, 11), (-95, 15.5), (-105, 20), (-113, 29), (-117, 33), (-124, 40), (-124, 48), (-135, 58),
        (-150, 60), (-165, 54), (-162, 59)
    ],
    "arctic canada": [
        (-125, 76), (-95, 82), (-62, 83), (-78, 74), (-62, 66), (-75, 64), (-90, 70), (-120, 71)
    ],
    "greenland": [
        (-55, 61), (-43, 60), (-22, 70), (-18, 81), (-35, 83.5), (-62, 82), (-70, 77), (-55, 70)
    ],
    "south america": [
        (-80, 7), (-72, 12), (-62, 10.5), (-50, 1), (-35, -6), (-39, -14), (-41, -22), (-48, -27), (-58, -38),
        (-65, -42),
        (-68, -54), (-75, -51), (-73, -38), (-70, -18), (-76, -14), (-81, -5), (-80, 0), (-77, 4)
    ],
    "africa": [
        (-6, 36), (10, 37), (11, 33), (20, 31), (32, 31), (35, 27), (43, 12), (51, 12), (41, -2), (40, -12),
        (35, -20),
        (32, -28), (26, -34), (18, -34), (12, -18), (9, -1), (9, 4), (-8, 4.5), (-17, 14), (-16, 22), (-9, 32)
    ],
    "madagascar": [
        (43, -24), (47, -26), (50.5, -15), (44, -16)
    ],
    "eurasia": [
        (-9, 37), (-9, 43), (-1, 44), (-4, 48), (4, 52), (9, 55), (5, 59), (14, 68), (27, 71), (45, 67),
        (68, 69), (85, 74),
        (105, 77), (130, 72), (160, 70), (180, 69), (190, 66), (178, 62), (164, 60), (157, 51), (155, 58), (142, 59),
        (136, 54), (141, 49), (130, 42), (128, 35), (125, 40), (118, 39), (122, 31), (117, 24), (108, 21), (109, 12),
        (105, 9), (100, 13), (103, 2), (99, 8), (98, 16), (94, 18), (90, 22), (80, 15), (78, 8), (73, 18),
        (70, 22), (61, 25),
        (56, 27), (50, 30), (48, 30), (51, 25), (56, 26), (60, 22), (52, 16), (43, 13), (35, 28), (34, 31), (36, 36),
        (28, 36), (26, 40), (22, 37), (14, 45), (18, 40), (12, 44), (8, 44), (3, 42), (0, 38), (-5, 36)
    ],
    "britain": [
        (-5, 50), (1, 51), (-2, 58), (-6, 57)
    ],
    "japan": [
        (130, 31), (141, 35), (145, 44), (140, 43), (135, 36)
    ],
    "sumatra and java": [
        (95, 6), (106, -3), (115, -8), (106, -7), (100, -1)
    ],
    "borneo": [
        (109, 2), (117, 7), (119, 1), (116, -4), (110, -3)
    ],
    "new guinea": [
        (131, 0), (141, -2.5), (151, -10), (143, -9), (138, -8)
    ],
    "australia": [
        (114, -22), (122, -18), (130, -12), (136, -12), (140, -17), (142, -11), (146, -19), (153, -27), (150, -37),
        (140, -38), (131, -32), (115, -35)
    ],
    "new zealand": [
        (167, -46), (173, -35), (178, -38), (171, -46)
    ],
    "east antarctica": [
        (-20, -72), (0, -70), (50, -66), (110, -66), (150, -68), (170, -72), (180, -79), (180, -90), (-180, -90),
        (-180, -79), (-150, -77), (-100, -73), (-67, -66), (-58, -64), (-62, -75), (-40, -78)
    ],
}
# fmt: on
# Deserts as (west, east, south, north), degrees
DESERTS = [
    (-15, 33, 16, 31),
    (36, 58, 16, 32),
    (52, 66, 26, 36),
    (75, 110, 37, 46),
    (118, 142, -30, -20),
    (12, 22, -28, -18),
    (-118, -103, 24, 37),
    (-71, -68, -27, -18),
    (68, 74, 24, 29),
    (54, 72, 37, 46),
]


def inside_polygon(lat: np.ndarray, lon: np.ndarray, polygon: list[tuple[float, float]]) -> np.ndarray:
    """Which points (degrees) lie in a (lon, lat) polygon, by ray crossing on the plane."""
    inside = np.zeros(lat.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        crosses = (y0 > lat) != (y1 > lat)
        at = x0 + (x1 - x0) * (lat - y0) / (y1 - y0 if y1 != y0 else 1.0)
        inside ^= crosses & (lon < at)
    return inside


def is_land(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Land mask of points in degrees, lon -180..180."""
    land = np.zeros(np.shape(lat), dtype=bool)
    for polygon in CONTINENTS.values():
        land |= inside_polygon(lat, lon, polygon) | inside_polygon(lat, lon + 360.0, polygon)
    return land | (lat < -83.0)


def is_desert(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Desert mask of points in degrees (to be combined with is_land)."""
    desert = np.zeros(np.shape(lat), dtype=bool)
    for west, east, south, north in DESERTS:
        desert |= (lon > west) & (lon < east) & (lat > south) & (lat < north)
    return desert


def season(day_of_year: float, lag_days: float) -> float:
    """Phase of the year, -1 (southern summer) to 1 (northern), of what lags the sun by this time."""
    return float(np.cos(2 * np.pi * (day_of_year - NORTHERN_SOLSTICE - lag_days) / 365.25))


def sea_surface_temperature(lat: np.ndarray, lon: np.ndarray, day_of_year: float) -> np.ndarray:
    """Sea-surface temperature, K: Qobs shifted with the season, with a warm pool and a cold tongue.

    Neale and Hoskins (2000), doi:10.1006/asle.2000.0022; warm pool +1.5 K at 140 E and cold tongue -2 K are ours.
    """
    shifted = np.radians(np.clip(lat - MEAN_SHIFT - SEASONAL_SHIFT * season(day_of_year, SEA_LAG), -60.0, 60.0))
    sine2 = np.sin(1.5 * shifted) ** 2
    qobs = 27.0 * (1.0 - 0.5 * (sine2 + sine2**2))
    around = (lon - 140.0 + 180.0) % 360.0 - 180.0
    tongue = (lon + 100.0 + 180.0) % 360.0 - 180.0
    warm_pool = 1.5 * np.exp(-((around / 50.0) ** 2) - (lat / 18.0) ** 2)
    cold_tongue = -2.0 * np.exp(-((tongue / 35.0) ** 2) - ((lat + 2.0) / 8.0) ** 2)
    return FREEZING_POINT + qobs + warm_pool + cold_tongue


def deep_soil_temperature(lat: np.ndarray, day_of_year: float) -> np.ndarray:
    """Temperature below the land slab, K: an idealised annual mean and seasonal cycle."""
    phi = np.radians(lat)
    annual = 27.0 - 42.0 * np.sin(phi) ** 2 - 18.0 * (lat < -65.0)
    return FREEZING_POINT + annual + 16.0 * np.sin(phi) * season(day_of_year, LAND_LAG) * np.abs(np.sin(phi)) ** 0.3
