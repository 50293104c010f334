"""Where the columns of an experiment are, and how places, levels and times are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from .axes import LevelAxis, level_axis
from .places import place


@dataclass(frozen=True)
class Grid:
    """Where the columns are: lat, lon [degrees], area [sr], height [m], pressure [Pa], labels of times."""

    lat: np.ndarray
    lon: np.ndarray
    area: np.ndarray
    height: np.ndarray
    pressure: np.ndarray
    times: tuple[str, ...]

    def place(self, cell: int) -> str:
        """Where a cell is, in words."""
        return place(float(self.lat[cell]), float(self.lon[cell]))

    @cached_property
    def level_labels(self) -> tuple[str, ...]:
        """One label a level: index, height, pressure."""
        return tuple(
            f"{i} · {z / 1000:.1f} km · {p / 100:.0f} hPa"
            for i, (z, p) in enumerate(zip(self.height, self.pressure, strict=True))
        )

    def levels(self, vertical: str) -> LevelAxis:
        """Vertical axis of profiles in height, pressure or index."""
        return level_axis(vertical, height=self.height, pressure=self.pressure)

    def level_axis(self, vertical: str) -> tuple[list[str], str]:
        """One label a level and the title of a vertical axis of rows in height, pressure or index."""
        match vertical:
            case "height":
                return [f"{z / 1000:.1f}" for z in self.height], "height [km]"
            case "pressure":
                return [f"{p / 100:.0f}" for p in self.pressure], "pressure [hPa]"
        return [str(i) for i in range(self.height.size)], "level"


def make_grid(columns: xr.Dataset) -> Grid:
    """The grid of a column store; cells without an area share the globe evenly."""
    lat, lon = np.asarray(columns["lat"], dtype=float), np.asarray(columns["lon"], dtype=float)
    area = (
        np.asarray(columns["area"], dtype=float)
        if "area" in columns.coords
        else np.full(lat.size, 4 * np.pi / lat.size)
    )
    times = tuple(str(time)[:16].replace("T", " ") for time in columns["time"].values)
    return Grid(
        lat, lon, area, np.asarray(columns["height"], dtype=float), np.asarray(columns["pressure"], dtype=float), times
    )
