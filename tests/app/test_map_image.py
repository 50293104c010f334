"""The map: an update changes data, not the figure, and stays small."""

from __future__ import annotations

import numpy as np
import pytest
from diffmp_app.data.places import cell_tree
from diffmp_app.figures.colouring import NOTHING, Colouring, logarithmic_labels, nice_range
from diffmp_app.figures.globe import globe, make_raster
from diffmp_app.figures.map_image import CROSS, gather, make_map, pack, thinned
from diffmp_app.figures.zonal import make_bands, make_section, make_zonal_line, zonal_mean
from scipy.spatial import cKDTree

from diffmp_core.scores.score import perfect_coverage
from tests.synthetic import make_columns

COLUMNS = make_columns(cells=642, times=2)
MANY = make_columns(cells=40_962, times=2)[["lat", "lon"]]
LAT, LON, AREA = (COLUMNS[name].values for name in ("lat", "lon", "area"))
VIEW = globe("Robinson", 0)
RASTER = make_raster(VIEW, LAT, LON, cell_tree(LAT, LON))


@pytest.fixture
def drawn():
    made = make_map(dark=False)
    made.project(VIEW, RASTER, np.arange(642.0), LAT, LON)
    return made


def unpacked(drawn) -> np.ndarray:
    """Image ``(row, column)`` as the browser gathers it (``GATHER``)."""
    runs, value = {name: column[0] for name, column in drawn.runs.data.items()}, drawn.values.data["value"]
    cell = np.repeat(runs["cell"], runs["count"]).reshape(runs["shape"])
    return np.where(cell < len(value), value[np.minimum(cell, len(value) - 1)], np.nan)


def test_each_pixel_holds_the_value_of_its_cell(drawn):
    np.testing.assert_array_equal(unpacked(drawn), gather(RASTER.cells.astype(np.float32), RASTER))


def test_runs_of_pixels_are_packed_in_order():
    cell, count = pack(np.array([[-1, 3, 3], [3, 0, -1]]))
    assert cell.tolist() == [65535, 3, 0, 65535]
    assert count.tolist() == [1, 3, 1, 1]


def test_an_update_sends_one_number_a_cell(drawn):
    before = drawn.pixels.data, drawn.runs.data
    drawn.show(LAT, RASTER, LAT > 80)
    assert drawn.values.data["value"].nbytes == 4 * 642
    assert (drawn.pixels.data, drawn.runs.data) == before
    inside = RASTER.pixel >= 0
    np.testing.assert_allclose(unpacked(drawn)[inside], LAT[RASTER.cells[RASTER.pixel[inside]]], rtol=1e-6)
    assert len(drawn.missed.data["x"]) == (LAT > 80).sum()


def test_of_crosses_that_would_cover_one_another_one_is_drawn():
    raster = make_raster(VIEW, *(MANY[name].values for name in ("lat", "lon")), cell_tree(MANY["lat"], MANY["lon"]))
    marked = np.ones(raster.x.size, bool)
    x, y = thinned(raster, marked)
    assert 0.05 * marked.sum() < x.size < 0.5 * marked.sum()
    drawn = cKDTree(np.stack([x, y], axis=1))
    pixel = np.ptp(raster.x[np.isfinite(raster.x)]) / raster.pixel.shape[1]
    seen = np.isfinite(raster.x)
    nearest, _ = drawn.query(np.stack([raster.x[seen], raster.y[seen]], axis=1))
    assert nearest.max() < 1.5 * CROSS * pixel  # every cell that is marked lies under a cross
    few = np.arange(raster.x.size) % 4000 == 0
    assert thinned(raster, few)[0].size == (few & seen).sum()
    assert thinned(raster, ~marked)[0].size == 0


def test_a_projection_is_a_message_of_less_than_half_a_megabyte(drawn):
    raster = make_raster(VIEW, *(MANY[name].values for name in ("lat", "lon")), cell_tree(MANY["lat"], MANY["lon"]))
    assert sum(part.nbytes for part in pack(raster.pixel)) < 2**19


def test_missing_values_stay_missing(drawn):
    values = np.where(np.arange(642) == 5, np.nan, 1.0)
    drawn.show(values, RASTER, np.zeros(642, bool))
    assert np.isnan(unpacked(drawn)[RASTER.pixel == np.flatnonzero(RASTER.cells == 5)[0]]).all()


def test_a_hidden_column_is_not_marked(drawn):
    view = globe("Orthographic", 0)
    raster = make_raster(view, LAT, LON, cell_tree(LAT, LON))
    seen, hidden = np.flatnonzero(np.isfinite(raster.x))[0], np.flatnonzero(np.isnan(raster.x))[0]
    drawn.select(raster, seen)
    assert drawn.selected.data["x"] == [raster.x[seen]]
    drawn.select(raster, hidden)
    assert drawn.selected.data == {"x": [], "y": []}


def test_coverage_has_classes_and_others_are_continuous(drawn):
    coloured = drawn.coloured
    for yes_no, shades in ((True, 2), (False, 400)):
        colouring = Colouring(palette="coverage", low=0, high=1, title="Coverage", yes_no=yes_no, perfect=0.9)
        coloured.colour(colouring, dark=False)
        assert len(coloured.mapper.palette) == shades
        assert set(coloured.bar.major_label_overrides) == set(coloured.bar.ticker.ticks)
    coloured.colour(Colouring(palette="diverging", low=-2, high=2, title="Bias"), dark=True)
    assert (coloured.mapper.low, coloured.mapper.high, len(coloured.mapper.palette)) == (-2, 2, 256)
    assert coloured.bar.major_label_overrides == {}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("members", [2, 8, 16, 32, 64])
def test_a_perfect_coverage_has_another_colour_than_too_little_and_too_much(members, dark):
    perfect = perfect_coverage(members)
    colouring = Colouring(palette="coverage", low=0, high=1, title="Coverage", perfect=perfect)
    shades, low, high, labels = colouring.scale(dark=dark)
    assert (low, high) == (0, 1)
    assert 1.0 in labels

    def shade(value: float) -> str:
        return shades[min(int(value * len(shades)), len(shades) - 1)]

    room = min(perfect, 1 - perfect)
    assert len({shade(1.0), shade(perfect), shade(perfect - 0.75 * room), shade(0.0)}) == (3 if members == 2 else 4)
    assert shade(perfect + 0.3 * room) == shade(perfect) == shade(perfect - 0.3 * room)
    if members == 32:
        assert len({shade(value) for value in (0.0, 0.3, 0.6, 0.8, perfect, 1.0)}) == 6
        assert shade(0.90) not in (shade(1.0), shade(perfect))


def test_logarithmic_colours_say_that_their_ends_hold_what_lies_beyond(drawn):
    colouring = Colouring(palette="sequential", low=0.0013, high=180.0, title="MSE", logarithmic=True)
    drawn.coloured.colour(colouring, dark=False)
    mapper, bar = drawn.coloured.mapper, drawn.coloured.bar
    assert (mapper.low, mapper.high) == pytest.approx((0.001, 200.0))
    assert list(bar.major_label_overrides.values()) == ["≤ 0.001", "0.01", "0.1", "1", "10", "≥ 200"]
    assert bar.ticker.ticks == list(bar.major_label_overrides)
    assert mapper.low_color is None  # zero and less have the lowest colour
    assert mapper.nan_color == NOTHING


@pytest.mark.parametrize(
    ("low", "high", "nice"),
    [(0.0013, 180.0, (0.001, 200.0)), (0.2, 5.0, (0.2, 5.0)), (6e-8, 1.01e-6, (5e-8, 2e-6)), (1.0, 1000.0, (1, 1000))],
)
def test_logarithmic_ranges_end_at_round_numbers(low, high, nice):
    assert nice_range(low, high) == pytest.approx(nice)


@pytest.mark.parametrize(("low", "high"), [(0.1, 1.0), (0.002, 20.0), (1e-7, 5e-3), (1e-12, 1e4), (0.5, 500.0)])
def test_logarithmic_ticks_are_few_and_apart(low, high):
    ticks = np.log10(list(logarithmic_labels(low, high))) - np.log10(low)
    assert 4 <= len(ticks) <= 8
    assert (np.diff(ticks) > 0.09 * ticks[-1]).all()


def test_zonal_means_are_weighted_by_area():
    lat = np.array([-80.0, 10.0, 12.0, 14.0])
    bands = make_bands(lat, np.array([1.0, 1.0, 3.0, 4.0]))
    means = zonal_mean(bands, np.array([5.0, 8.0, 4.0, 1.0]))
    assert means.shape == (9,)
    np.testing.assert_allclose(means[[0, 5]], [5.0, (8 + 12 + 4) / 8])
    assert np.isnan(means[[1, 2, 3, 4, 6, 7, 8]]).all()


def test_zonal_mean_of_levels_is_that_of_each_level():
    bands = make_bands(LAT, AREA)
    levels = np.random.default_rng(0).normal(size=(30, LAT.size))
    np.testing.assert_allclose(zonal_mean(bands, levels)[7], zonal_mean(bands, levels[7]))
    np.testing.assert_allclose(zonal_mean(bands, np.full(LAT.size, 3.0)), 3.0)


def test_section_and_line_update_their_data_only():
    line, section = make_zonal_line(dark=False), make_section(dark=False)
    line.show(np.array([-45.0, 0.0, 45.0]), [np.array([1.0, np.nan, 2.0])], "mean [K]", reference=0.9)
    assert line.curves[0].data["latitude"].tolist() == [-45.0, 45.0]
    assert line.reference.location == 0.9
    section.show(np.arange(60.0).reshape(30, 2))
    assert section.source.data["image"][0].shape == (30, 2)
    section.mark(4)
    assert section.level.data["bottom"] == [3.5]
