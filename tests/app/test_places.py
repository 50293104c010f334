"""Places in words, and steps over a grid."""

from __future__ import annotations

import numpy as np
import pytest
from diffmp_app.data.places import BEARINGS, cell_tree, nearest, next_column, parse_place, place

from diffmp_core.errors import DiffmpError
from tests.synthetic import make_columns

LON, LAT = (a.ravel() for a in np.meshgrid(np.arange(-180.0, 180.0, 10.0), np.arange(-80.0, 81.0, 10.0)))
TREE = cell_tree(LAT, LON)


def test_places_read_as_on_a_map():
    assert place(-12.34, 46.5) == "12.3° S 46.5° E"
    assert place(0.0, -179.9) == "0.0° N 179.9° W"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.5, -30", (12.5, -30)),
        ("-3 155", (-3, 155)),
        ("−3.4 −155", (-3.4, -155)),
        ("12.5 N 30 W", (12.5, -30)),
        ("12.3° S 46.5° E", (-12.3, 46.5)),
        ("5s,200e", (-5, 200)),
        ("+1;2", (1, 2)),
    ],
)
def test_places_are_read(text, expected):
    assert parse_place(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", "north", "1", "1 2 3", "91, 0", "1, 361", "12 E 30 N", "1e1 2", "nan nan", "1" * 99]
)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(DiffmpError, match="expected latitude and longitude"):
        parse_place(text)


def test_words_of_a_place_lead_back_to_its_column():
    for cell in range(0, LAT.size, 37):
        assert nearest(TREE, *parse_place(place(LAT[cell], LON[cell]))) == cell


@pytest.mark.parametrize(
    ("bearing", "lat", "lon"), [("east", 40, 10), ("west", 40, -10), ("north", 50, 0), ("south", 30, 0)]
)
def test_the_next_column_on_a_regular_grid(bearing, lat, lon):
    found = next_column(TREE, LAT, LON, nearest(TREE, 40, 0), bearing)
    assert (LAT[found], LON[found]) == (lat, lon)


def test_east_of_the_date_line_is_the_other_side():
    found = next_column(TREE, LAT, LON, nearest(TREE, 0, 170), "east")
    assert LON[found] == -180


def test_steps_on_an_unstructured_grid_go_where_they_say_and_around_the_world():
    columns = make_columns(cells=642, times=3)
    lat, lon = columns["lat"].values, columns["lon"].values
    tree = cell_tree(lat, lon)
    for cell in np.flatnonzero(np.abs(lat) < 60)[::25]:
        for bearing, (east, north) in BEARINGS.items():
            found = next_column(tree, lat, lon, cell, bearing)
            assert found != cell
            moved = ((lon[found] - lon[cell] + 180) % 360 - 180) * east + (lat[found] - lat[cell]) * north
            assert moved > 0
    cell, seen = nearest(tree, 0, 0), set()
    while cell not in seen:
        seen.add(cell)
        cell = next_column(tree, lat, lon, cell, "east")
    assert len(seen) > 15


def test_a_single_column_has_no_neighbour():
    assert next_column(cell_tree(LAT[:1], LON[:1]), LAT[:1], LON[:1], 0, "east") == 0
