"""Geometry of the maps: projections, coastline and graticule as lines, and which cell each pixel shows.

A map of an unstructured grid is one gather: each pixel of a raster in the projection holds the index of the
cell whose centre is nearest on the sphere. The raster is made once for each grid and projection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

import cartopy.crs as ccrs
import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely.geometry import LineString, MultiLineString, Point, Polygon

from diffmp_core.columns.mesh import direction_of
from diffmp_core.shipped import ASSETS

COASTLINE = ASSETS / "land-110m.json"
POLAR_EDGE = 20.0
"""Latitude of the rim of the polar maps [degrees]."""
PIXELS = 360 * 720
"""Pixels of the raster of a map: as float32 they are one message of 1 MB."""
GEODETIC = ccrs.PlateCarree()
DENSE = np.linspace(-90.0, 90.0, 91)


@dataclass(frozen=True)
class Globe:
    """One projection of the globe: where it maps to, and lines drawn in it as NaN-separated paths ``(2, point)``."""

    projection: ccrs.Projection
    domain: Polygon
    coastline: np.ndarray
    graticule: np.ndarray
    outline: np.ndarray

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Smallest x, y and largest x, y of the map."""
        return self.domain.bounds


@dataclass(frozen=True)
class Raster:
    """Which cell each pixel shows. ``pixel`` indexes ``cells``, -1 outside the globe; row 0 is at the bottom.

    Attributes:
        pixel: ``(row, column)`` int32, index into ``cells``.
        cells: indices of the cells that are seen at all.
        x, y: projected centres ``(cell,)`` of all cells, NaN where they are hidden or outside the map.
    """

    pixel: np.ndarray
    cells: np.ndarray
    x: np.ndarray
    y: np.ndarray


@lru_cache(maxsize=64)
def globe(name: str, centre: int) -> Globe:
    """The globe in a projection of that name, centred on a longitude [degrees]."""
    projection, domain = _projection(name, centre)
    parallels = [LineString([(lon, lat) for lon in np.linspace(-180, 180, 361)]) for lat in range(-60, 61, 30)]
    meridians = [LineString([(lon, lat) for lat in DENSE]) for lon in range(-180, 180, 30)]
    return Globe(
        projection=projection,
        domain=domain,
        coastline=_path(_project(coastline(), projection, domain)),
        graticule=_path(_project(MultiLineString(parallels + meridians), projection, domain)),
        outline=_path(domain.boundary),
    )


@lru_cache(maxsize=1)
def coastline() -> MultiLineString:
    """Coastlines in degrees (Natural Earth 110 m), without the artificial edges at the date line and the pole."""
    topology = json.loads(COASTLINE.read_text())
    scale, shift = np.asarray(topology["transform"]["scale"]), np.asarray(topology["transform"]["translate"])
    lines = []
    for arc in topology["arcs"]:
        points = np.cumsum(np.asarray(arc), axis=0) * scale + shift
        edge = (np.abs(points[:, 0]) > 179.99) | (points[:, 1] < -89.99)
        kept = ~(edge[1:] & edge[:-1]) & (np.abs(np.diff(points[:, 0])) < 180.0)
        for run in np.split(np.arange(len(kept)), np.flatnonzero(np.diff(kept.astype(int))) + 1):
            if run.size and kept[run[0]]:
                lines.append(LineString(points[run[0] : run[-1] + 2]))
    return MultiLineString(lines)


def make_raster(view: Globe, lat: np.ndarray, lon: np.ndarray, tree: cKDTree, *, pixels: int = PIXELS) -> Raster:
    """The nearest cell of each of about so many pixels of a map, and where the cell centres lie in it."""
    x0, y0, x1, y1 = view.bounds
    size = np.sqrt((x1 - x0) * (y1 - y0) / pixels)
    columns, rows = round((x1 - x0) / size), round((y1 - y0) / size)
    x, y = np.meshgrid(
        x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns, y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
    )
    inside = shapely.contains_xy(view.domain, x, y)
    where = GEODETIC.transform_points(view.projection, x[inside], y[inside])
    finite = np.isfinite(where[:, :2]).all(axis=1)
    nearest = np.full(finite.size, -1, dtype=np.int64)
    nearest[finite] = tree.query(direction_of(where[finite, 1], where[finite, 0]))[1]
    cells, labels = np.unique(nearest[finite], return_inverse=True)
    labelled = np.full(finite.size, -1, dtype=np.int32)
    labelled[finite] = labels
    pixel = np.full((rows, columns), -1, dtype=np.int32)
    pixel[inside] = labelled
    centres = view.projection.transform_points(GEODETIC, np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    seen = shapely.contains_xy(view.domain, centres[:, 0], centres[:, 1])
    return Raster(pixel, cells, np.where(seen, centres[:, 0], np.nan), np.where(seen, centres[:, 1], np.nan))


def nearest_cell(view: Globe, tree: cKDTree, x: float, y: float) -> int | None:
    """The cell nearest to a point of the map; None outside the globe."""
    if not (np.isfinite([x, y]).all() and shapely.contains_xy(view.domain, x, y)):
        return None
    lon, lat = GEODETIC.transform_point(x, y, view.projection)
    return int(tree.query(direction_of(np.asarray(lat), np.asarray(lon)))[1]) if np.isfinite([lon, lat]).all() else None


def _projection(name: str, centre: int) -> tuple[ccrs.Projection, Polygon]:
    match name:
        case "PlateCarree":
            projection: ccrs.Projection = ccrs.PlateCarree(central_longitude=centre)
        case "Robinson":
            projection = ccrs.Robinson(central_longitude=centre)
        case "Orthographic":
            projection = ccrs.Orthographic(central_longitude=centre, central_latitude=15.0)
        case "North pole" | "South pole":
            sign = 1.0 if name == "North pole" else -1.0
            projection = ccrs.LambertAzimuthalEqualArea(central_longitude=centre, central_latitude=90.0 * sign)
            rim = projection.transform_point(centre, POLAR_EDGE * sign, GEODETIC)
            return projection, Point(0.0, 0.0).buffer(float(np.hypot(*rim)), quad_segs=64)
        case _:
            raise ValueError(f"no projection is called {name!r}")
    return projection, Polygon(projection.boundary)


def _project(lines: MultiLineString, projection: ccrs.Projection, domain: Polygon) -> shapely.Geometry:
    return projection.project_geometry(lines, GEODETIC).intersection(domain)


def _path(lines: shapely.Geometry) -> np.ndarray:
    """All parts of a line geometry as one path ``(2, point)`` with NaN between the parts."""
    parts = [part for part in shapely.get_parts(lines) if part.geom_type in ("LineString", "LinearRing")]
    gap = np.full((1, 2), np.nan)
    pieces = [piece for part in parts for piece in (shapely.get_coordinates(part), gap)]
    return np.concatenate(pieces).T if pieces else np.empty((2, 0))
