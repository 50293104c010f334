"""Response panels from hand-made ensembles."""

import numpy as np
import pytest
from bokeh.models import Range1d

from app.figures.axes import level_axis, value_axis
from app.figures.response import ResponsePanel, band

LEVELS = level_axis("pressure", height=[500.0, 1500.0], pressure=[95e3, 85e3])
HEATING = value_axis("tend_T_sgs", "physical")


def test_band_holds_the_central_members():
    found = band(np.linspace(0, 1, 101)[:, None], coverage=0.8)
    assert (found.mean[0], found.low[0], found.high[0]) == pytest.approx((0.5, 0.1, 0.9))


def test_panel_shows_both_answers_and_their_difference():
    panel = ResponsePanel("tend_T_sgs", Range1d(start=0, end=1))
    baseline = band(np.array([[1.0, 2.0], [3.0, 2.0]]) / 86_400, coverage=1.0)
    perturbed = band(np.array([[2.0, 2.0], [4.0, 2.0]]) / 86_400, coverage=1.0)
    panel.show(baseline, perturbed, levels=LEVELS, values=HEATING)
    data = panel.source.data
    np.testing.assert_allclose(data["first_mean"], [2.0, 2.0])
    np.testing.assert_allclose(data["change"], [1.0, 0.0], atol=1e-9)
    np.testing.assert_allclose([data["second_low"][0], data["second_high"][0]], [2.0, 4.0])
    np.testing.assert_allclose(data["y"], [950.0, 850.0])


def test_axis_stays_while_the_target_is_the_same_and_moves_with_a_new_one():
    panel = ResponsePanel("tend_T_sgs", Range1d(start=0, end=1))
    wide, narrow = (band(np.array([[-w, -w], [w, w]]) / 86_400, coverage=1.0) for w in (10.0, 6.0))
    panel.show(wide, wide, levels=LEVELS, values=HEATING, target="column 1")
    before = (panel.x_range.start, panel.x_range.end)
    panel.show(narrow, narrow, levels=LEVELS, values=HEATING, target="column 1")
    assert (panel.x_range.start, panel.x_range.end) == before
    panel.show(narrow, narrow, levels=LEVELS, values=HEATING, target="column 2")
    assert panel.x_range.end < before[1]


@pytest.mark.parametrize("dark", [False, True])
def test_baseline_and_perturbed_differ_in_colour_and_in_line_style(dark):
    panel = ResponsePanel("qc", Range1d(start=0, end=1))
    panel.paint(dark)
    first, second = (panel.means[which].glyph for which in ("first", "second"))
    assert first.line_color != second.line_color
    assert first.line_dash != second.line_dash
