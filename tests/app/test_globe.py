"""Which cell each pixel shows, in every projection: date line, poles, hidden side; coastlines without artefacts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from diffmp_app.data.places import cell_tree
from diffmp_app.figures.globe import GEODETIC, Raster, coastline, globe, make_raster, nearest_cell
from diffmp_app.state.choices import PROJECTIONS

from diffmp_core.columns.mesh import direction_of
from tests.synthetic import make_columns

COLUMNS = make_columns(cells=642, times=2)
LAT, LON = COLUMNS["lat"].values, COLUMNS["lon"].values
TREE = cell_tree(LAT, LON)


@cache
def raster_of(name: str, centre: int) -> Raster:
    return make_raster(globe(name, centre), LAT, LON, TREE)


def pixel_at(name: str, centre: int, lat: float, lon: float) -> int:
    """The cell that the raster of a map shows at a place; -1 where the place is not on the map."""
    view = globe(name, centre)
    raster = raster_of(name, centre)
    x, y = view.projection.transform_point(lon, lat, GEODETIC)
    x0, y0, x1, y1 = view.bounds
    rows, columns = raster.pixel.shape
    row, column = int((y - y0) / (y1 - y0) * rows), int((x - x0) / (x1 - x0) * columns)
    label = raster.pixel[min(row, rows - 1), min(column, columns - 1)]
    return -1 if label < 0 else int(raster.cells[label])


def nearest_by_brute_force(lat: float, lon: float) -> int:
    return int(np.argmax(direction_of(LAT, LON) @ direction_of(np.asarray(lat), np.asarray(lon))))


@pytest.mark.parametrize("name", PROJECTIONS)
@pytest.mark.parametrize("centre", [0, 150])
def test_each_cell_is_shown_where_its_centre_lies(name, centre):
    view = globe(name, centre)
    raster = raster_of(name, centre)
    x0, y0, x1, y1 = view.bounds
    rows, columns = raster.pixel.shape
    inside = np.isfinite(raster.x)
    row = np.clip(((raster.y[inside] - y0) / (y1 - y0) * rows).astype(int), 0, rows - 1)
    column = np.clip(((raster.x[inside] - x0) / (x1 - x0) * columns).astype(int), 0, columns - 1)
    label = raster.pixel[row, column]
    on_globe = label >= 0  # a centre within a pixel of the rim may fall on a pixel outside
    assert on_globe.mean() > 0.98
    np.testing.assert_array_equal(raster.cells[label[on_globe]], np.flatnonzero(inside)[on_globe])


@pytest.mark.parametrize(
    ("lat", "lon"), [(12.0, 179.9), (12.0, -179.9), (-40.0, 180.0), (89.5, 33.0), (-89.5, -120.0), (0.0, 0.0)]
)
@pytest.mark.parametrize("name", ["PlateCarree", "Robinson"])
@pytest.mark.parametrize("centre", [0, 150])
def test_date_line_and_poles(name, centre, lat, lon):
    shown = pixel_at(name, centre, lat, lon)
    if shown >= 0:  # at the very rim of Robinson a pixel may lie outside
        distance = np.degrees(
            np.arccos(direction_of(LAT[shown], LON[shown]) @ direction_of(np.asarray(lat), np.asarray(lon)))
        )
        nearest = nearest_by_brute_force(lat, lon)
        best = np.degrees(
            np.arccos(direction_of(LAT[nearest], LON[nearest]) @ direction_of(np.asarray(lat), np.asarray(lon)))
        )
        assert distance < best + 1.0
    else:
        assert name == "Robinson"


def test_whole_globe_projections_show_every_cell():
    for name in ("PlateCarree", "Robinson"):
        assert raster_of(name, 0).cells.size == LAT.size


def test_orthographic_hides_the_far_side():
    raster = raster_of("Orthographic", 0)
    toward = direction_of(LAT, LON) @ direction_of(np.asarray(15.0), np.asarray(0.0))
    assert np.isnan(raster.x[toward < -0.01]).all()
    assert np.isfinite(raster.x[toward > 0.2]).all()
    assert not set(raster.cells) & set(np.flatnonzero(toward < -0.2))
    assert (raster.pixel[[0, 0, -1, -1], [0, -1, 0, -1]] == -1).all()


def test_polar_maps_show_one_cap():
    for name, sign in (("North pole", 1), ("South pole", -1)):
        raster = raster_of(name, 0)
        assert (sign * LAT[raster.cells] > 10).all()
        assert np.isfinite(raster.x[sign * LAT > 22]).all()
        assert np.isnan(raster.x[sign * LAT < 18]).all()


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_tap_finds_the_nearest_cell(name):
    view, raster = globe(name, 150), raster_of(name, 150)
    for cell in np.flatnonzero(np.isfinite(raster.x))[::97]:
        assert nearest_cell(view, TREE, raster.x[cell], raster.y[cell]) == cell
    x0, y0, x1, y1 = view.bounds
    assert nearest_cell(view, TREE, x1 + 0.1 * (x1 - x0), y1) is None
    assert nearest_cell(view, TREE, float("nan"), 0.0) is None
    if name != "PlateCarree":
        assert nearest_cell(view, TREE, x0, y0) is None


def test_coastline_has_no_artificial_edges():
    longest = 0.0
    for line in coastline().geoms:
        points = np.asarray(line.coords)
        step = np.abs(np.diff(points, axis=0))
        longest = max(longest, step[:, 0].max())
        on_date_line = np.abs(points[:, 0]) > 179.99
        assert not (on_date_line[1:] & on_date_line[:-1]).any()
        assert points[:, 1].min() > -89.9
    assert longest < 15
    assert sum(len(line.coords) for line in coastline().geoms) > 4000


@pytest.mark.parametrize("centre", [0, 90, 180])
def test_lines_do_not_cross_the_map(centre):
    view = globe("Robinson", centre)
    x0, _, x1, _ = view.bounds
    for name in ("coastline", "graticule"):
        x, _ = getattr(view, name)
        steps = np.abs(np.diff(x))
        assert np.nanmax(steps) < 0.1 * (x1 - x0)


def test_a_large_grid_is_sent_by_what_is_seen():
    columns = make_columns(cells=40_000, times=2)
    lat, lon = columns["lat"].values, columns["lon"].values
    raster = make_raster(globe("Orthographic", 0), lat, lon, cell_tree(lat, lon))
    assert raster.cells.size < 0.55 * lat.size
    assert raster.pixel.max() == raster.cells.size - 1
