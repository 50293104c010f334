"""Where the sun stands: its declination by the date, and the cosine of its zenith angle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def cosine_zenith(lat: Any, lon: Any, declination: Any, hour: Any) -> Any:
    """Cosine of the solar zenith angle, 0 at night: ``sin(lat) sin(d) + cos(lat) cos(d) cos(hour angle)``.

    The hour angle is that of mean solar time, as in climate models; the sun's own is up to 16 minutes off it.

    Args:
        lat, lon: degrees; lon eastward.
        declination: d [radians].
        hour: of the day in UTC. All of shapes that fit together.
    """
    angle = np.radians(15.0 * (hour - 12.0) + lon)
    phi = np.radians(lat)
    return np.maximum(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle), 0.0)


def declination_of(times: NDArray[Any]) -> NDArray[np.float64]:
    """Declination of the sun [radians] at dates ``(time,)``, within 0.3 degrees; Spencer (1971), Search 2 (5), 172.

    Years of other lengths than 365 days, as those of a calendar of 360, are one turn all the same.
    """
    angle = 2.0 * np.pi * np.array([_share_of_year(time) for time in times], dtype=np.float64)
    return (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
        - 0.002697 * np.cos(3 * angle)
        + 0.001480 * np.sin(3 * angle)
    )


def hour_of(times: NDArray[Any]) -> NDArray[np.float64]:
    """Hours since midnight of dates ``(time,)``, datetime64 or cftime."""
    return np.array([_elapsed(time, _midnight(time)) / 3600.0 for time in times], dtype=np.float64)


def _share_of_year(time: Any) -> float:
    if isinstance(time, np.datetime64):
        year = time.astype("datetime64[Y]")
        first, last = year.astype("datetime64[s]"), (year + 1).astype("datetime64[s]")
        return _elapsed(time, first) / _elapsed(last, first)
    first = time.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    return _elapsed(time, first) / _elapsed(first.replace(year=time.year + 1), first)


def _midnight(time: Any) -> Any:
    if isinstance(time, np.datetime64):
        return time.astype("datetime64[D]")
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


def _elapsed(time: Any, since: Any) -> float:
    """Seconds between two dates of a kind."""
    elapsed = time - since
    if isinstance(elapsed, np.timedelta64):
        return float(elapsed / np.timedelta64(1, "s"))
    return float(elapsed.total_seconds())
