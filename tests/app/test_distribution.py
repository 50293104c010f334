"""Histograms: where heatmaps put levels and values, and what the panels are given."""

import numpy as np
import pytest
import xarray as xr
from diffmp_app.data.axes import ValueAxis, level_axis
from diffmp_app.exhibits.distribution import arrange_histograms
from diffmp_app.figures.axes import plain_number
from diffmp_app.figures.distribution import DistributionPanels
from diffmp_app.figures.heatmap import ROWS, Histograms, occupied, share_colours, stretch
from diffmp_app.figures.histogram import HistogramPanels

HEIGHT = np.array([500.0, 1500.0, 3500.0])
PRESSURE = np.array([95_000.0, 85_000.0, 65_000.0])
EDGES = np.linspace(-2.0, 2.0, 5)
TRUTH = np.array([[0, 100, 100, 0], [0, 200, 0, 0], [50, 50, 50, 50]], dtype=float)
SHIFTED = np.array([[0, 0, 1000, 1000], [0, 2000, 0, 0], [500, 500, 500, 500]], dtype=float)


def arranged(factor: float = 1.0, **found: Histograms) -> xr.Dataset:
    read = found.get("found", Histograms(EDGES, TRUTH, {"moved": SHIFTED}, {"moved": 10}))
    axis = ValueAxis(factor, "K/day")
    data = arrange_histograms(read, axis, title="Heating", profile=True, minus=False)
    return data.assign_coords(
        height=("level", HEIGHT[: len(read.truth)]), pressure=("level", PRESSURE[: len(read.truth)])
    )


@pytest.mark.parametrize("name", ["height", "pressure", "level"])
def test_stretch_puts_each_level_between_its_edges(name):
    axis = level_axis(name, height=HEIGHT, pressure=PRESSURE)
    rows = stretch(np.arange(3.0)[:, None], axis)[:, 0]
    low, high = sorted((axis.start, axis.end))
    centres = low + (np.arange(ROWS) + 0.5) * (high - low) / ROWS
    for level in range(3):
        inner, outer = sorted(axis.edges[level : level + 2])
        assert (rows[(centres > inner) & (centres < outer)] == level).all()


def test_pressure_runs_downward():
    axis = level_axis("pressure", height=HEIGHT, pressure=PRESSURE)
    assert axis.start > axis.end
    assert axis.describe(1) == "level 1, 850 hPa"


def test_occupied_range_leaves_out_empty_bins():
    edges = np.linspace(-10, 10, 21)
    counts = np.zeros((1, 20))
    counts[0, 9:12] = 100
    assert occupied(arranged(found=Histograms(edges, counts, {"same": counts}, {"same": 1}))) == (-2.0, 3.0)


def test_panels_are_given_shares_in_the_units_shown():
    panels = DistributionPanels(["moved"])
    panels.show(arranged(10.0), vertical="height", level=0)
    data = panels.image.data
    assert (data["x"][0], data["dw"][0]) == (-20.0, 40.0)
    bottom = data["truth"][0][0]
    np.testing.assert_allclose(bottom[1:3], 0.5)
    assert np.isnan(bottom[[0, 3]]).all()
    np.testing.assert_allclose(panels.curves["moved"].data["x"], [10.0, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(panels.curves["moved"].data["y"], HEIGHT / 1000)
    assert panels.figures["truth"].xaxis.axis_label == "K/day"
    assert panels.figures["share moved"].x_range is panels.figures["truth"].x_range


def test_truth_and_emulators_share_one_colour_scale():
    panels = DistributionPanels(["a", "b"])
    for name in ("truth", "share a", "share b"):
        assert panels.figures[name].renderers[0].glyph.color_mapper is panels.share_mapper


def test_level_line_and_title_follow_the_level():
    panels = DistributionPanels(["moved"])
    panels.show(arranged(), vertical="height", level=0)
    panels.show_level(arranged(), vertical="height", level=2)
    assert panels.level_line.location == 3.5
    assert panels.figures["density"].title.text == "At level 2, 3.5 km"
    np.testing.assert_allclose(panels.steps["truth"].data["y"], 0.25)


def test_a_single_value_has_one_histogram_and_its_distances():
    found = Histograms(EDGES, TRUTH[:1], {"moved": SHIFTED[:1]}, {"moved": 10})
    data = arrange_histograms(found, ValueAxis(10.0, "mm/day"), title="Rain", profile=False, minus=False)
    assert "level" not in data.dims
    np.testing.assert_allclose(data["distance"], [10.0])
    panels = HistogramPanels(["moved"])
    panels.show(data)
    panels.paint(True)
    np.testing.assert_allclose(panels.steps["truth"].data["y"], [np.nan, 0.5, 0.5, np.nan])
    np.testing.assert_allclose(panels.steps["moved"].data["y"], [np.nan, np.nan, 0.5, 0.5])
    np.testing.assert_allclose(panels.steps["moved"].data["x"], [-20, -10, 0, 10])
    assert panels.ratios["moved"].data["y"][1] < -3
    assert panels.figures["density"].title.text.startswith("Distance from the truth [mm/day], perfect: ")
    assert [item.label.value for item in panels.figures["density"].legend.items] == ["truth", "moved: 10.0"]


def test_panels_can_be_painted_dark():
    panels = DistributionPanels(["moved"])
    panels.paint(True)
    assert panels.steps.keys() == {"moved", "truth"}
    assert panels.step_lines["truth"].glyph.line_color == "#ffffff"
    assert panels.share_mapper.palette == share_colours(True) != share_colours(False)


@pytest.mark.parametrize(
    ("value", "figures", "text"),
    [
        (2290.4, 3, "2,290"),
        (0.05123, 3, "0.0512"),
        (-3.14159e-7, 3, "−3.14×10⁻⁷"),
        (1e-5, 1, "10⁻⁵"),
        (0.001, 1, "0.001"),
        (2000.0, 1, "2,000"),
        (9.999, 3, "10.0"),
        (0.0, 3, "0"),
        (np.nan, 3, "–"),
    ],
)
def test_numbers_are_written_to_be_read(value, figures, text):
    assert plain_number(value, figures=figures) == text
