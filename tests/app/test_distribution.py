"""Histograms by hand: shares, ratios, distances, and what the heatmaps are given."""

import numpy as np
import pytest

from app.figures.axes import ValueAxis, level_axis
from app.figures.distribution import (
    ROWS,
    DistributionPanels,
    Histograms,
    log_ratio,
    occupied,
    share_colours,
    shares,
    stretch,
    wasserstein,
    wasserstein_floor,
)

HEIGHT = np.array([500.0, 1500.0, 3500.0])
PRESSURE = np.array([95_000.0, 85_000.0, 65_000.0])
EDGES = np.linspace(-2.0, 2.0, 5)
TRUTH = np.array([[0, 100, 100, 0], [0, 200, 0, 0], [50, 50, 50, 50]], dtype=float)
SHIFTED = np.array([[0, 0, 1000, 1000], [0, 2000, 0, 0], [500, 500, 500, 500]], dtype=float)


def histograms() -> Histograms:
    return Histograms(EDGES, TRUTH, {"moved": SHIFTED}, {"moved": 10})


def test_shares_of_a_level_sum_to_one_and_an_empty_level_stays_empty():
    counts = np.array([[1, 3], [0, 0]])
    np.testing.assert_allclose(shares(counts), [[0.25, 0.75], [0, 0]])


def test_wasserstein_of_a_shift_by_one_bin_is_the_bin_width():
    np.testing.assert_allclose(wasserstein(TRUTH, SHIFTED, EDGES), [1.0, 0.0, 0.0], atol=1e-12)


def test_wasserstein_does_not_depend_on_the_number_of_members():
    np.testing.assert_allclose(wasserstein(TRUTH, 7 * TRUTH, EDGES), 0.0, atol=1e-12)


def test_floor_is_the_mean_distance_of_perfect_ensembles():
    rng = np.random.default_rng(1)
    edges = np.linspace(-4, 4, 33)
    columns, members, draws = 400, 4, 200

    def count(n):
        return np.histogram(rng.normal(size=n), edges)[0][None].astype(float)

    truth = count(400_000)
    found = np.mean([wasserstein(count(columns), count(columns * members), edges) for _ in range(draws)])
    floor = wasserstein_floor(truth * columns / truth.sum(), edges, ensemble_size=members)
    assert floor[0] == pytest.approx(found, rel=0.05)


def test_ratio_of_a_perfect_ensemble_is_blank_but_for_stray_specks():
    rng = np.random.default_rng(2)
    edges = np.linspace(-5, 5, 101)
    truth = np.stack([np.histogram(rng.normal(size=4000), edges)[0] for _ in range(30)])
    members = np.stack([np.histogram(rng.normal(size=64_000), edges)[0] for _ in range(30)])
    assert np.isfinite(log_ratio(truth, members)).mean() < 0.01


def test_ratio_says_how_many_times_too_rare_or_too_frequent():
    truth, members = np.array([[4000.0, 4000.0]]), np.array([[2000.0, 6000.0]])
    np.testing.assert_allclose(log_ratio(truth, members), [[-1.0, np.log2(1.5)]], atol=1e-3)


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
    assert occupied(Histograms(edges, counts, {}, {})) == (-2.0, 3.0)


def test_panels_are_given_shares_in_the_units_shown():
    panels = DistributionPanels(["moved"])
    axis = level_axis("height", height=HEIGHT, pressure=PRESSURE)
    panels.show(histograms(), levels=axis, values=ValueAxis(10.0, "K/day"), level=0)
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
    axis = level_axis("height", height=HEIGHT, pressure=PRESSURE)
    panels.show(histograms(), levels=axis, values=ValueAxis(1.0, "K/day"), level=0)
    panels.show_level(histograms(), levels=axis, values=ValueAxis(1.0, "K/day"), level=2)
    assert panels.level_line.location == 3.5
    assert panels.figures["density"].title.text == "At level 2, 3.5 km"
    np.testing.assert_allclose(panels.steps["truth"].data["y"], 0.25)


def test_panels_can_be_painted_dark():
    panels = DistributionPanels(["moved"])
    panels.paint(True)
    assert panels.steps.keys() == {"moved", "truth"}
    assert panels.step_lines["truth"].glyph.line_color == "#ffffff"
    assert panels.share_mapper.palette == share_colours(True) != share_colours(False)
