"""Response panels from hand-made ensembles."""

import numpy as np
import pytest
from bokeh.models import Range1d
from diffmp_app.data.axes import level_axis
from diffmp_app.figures.response import Band, HourlyPanel, ResponsePanel, SingleResponsePanel, response_table

from diffmp_core.physics.column_integrals import Change
from diffmp_core.variables import KNOWN_OUTPUTS

LEVELS = level_axis("pressure", height=[500.0, 1500.0], pressure=[95e3, 85e3])
HEATING, CLOUD, RAIN = (KNOWN_OUTPUTS[name] for name in ("tend_T_sgs", "qc", "PRECC"))


def band(low: float, mean: float, high: float) -> Band:
    """A band that is the same at both levels."""
    return Band(*(np.full(2, float(value)) for value in (mean, low, high)))


def show(panel: ResponsePanel, before: Band, after: Band, **options) -> None:
    panel.show(before, after, change=after.mean - before.mean, levels=LEVELS, label="K/day", **options)


def test_panel_shows_both_answers_and_their_difference():
    panel = ResponsePanel(HEATING, Range1d(start=0, end=1))
    show(panel, band(1, 2, 3), band(2, 3, 4))
    data = panel.pair.source.data
    np.testing.assert_allclose(data["first_mean"], 2.0)
    np.testing.assert_allclose(data["change"], 1.0)
    np.testing.assert_allclose([data["second_low"][0], data["second_high"][0]], [2.0, 4.0])
    np.testing.assert_allclose(data["y"], [950.0, 850.0])
    panel.clear()
    assert all(len(values) == 0 for values in panel.pair.source.data.values())


def test_axis_stays_while_the_target_is_the_same_and_moves_with_a_new_one():
    panel = ResponsePanel(HEATING, Range1d(start=0, end=1))
    wide, narrow = band(-10, 0, 10), band(-6, 0, 6)
    show(panel, wide, wide, target="column 1")
    before = (panel.x_range.start, panel.x_range.end)
    show(panel, narrow, narrow, target="column 1")
    assert (panel.x_range.start, panel.x_range.end) == before
    show(panel, narrow, narrow, target="column 2")
    assert panel.x_range.end < before[1]


@pytest.mark.parametrize("dark", [False, True])
def test_baseline_and_perturbed_differ_in_colour_and_in_line_style(dark):
    panel = ResponsePanel(CLOUD, Range1d(start=0, end=1))
    panel.paint(dark)
    first, second = (panel.pair.means[which].glyph for which in ("first", "second"))
    assert first.line_color != second.line_color
    assert first.line_dash != second.line_dash


def test_table_shows_signs_and_the_larger_error_with_what_it_is_over():
    one = Change("heating", "W/m²", 348.04, 254.6, -93.44, 4.21, float("nan"))
    text = response_table([one])
    assert "<th>heating [W/m²]</th><td>348.0</td><td>254.6</td><td>−93.4</td><td>4.2</td><td>draw</td>" in text
    assert "columns" not in text
    many = Change("moistening", "mm/day", -2.0, -1.5, 0.5, float("nan"), 0.03)
    text = response_table([one, many])
    assert "<td>−2.000</td><td>−1.500</td><td>+0.500</td><td>0.030</td><td>columns</td>" in text
    wide = Change("heating", "W/m²", 5026.0, 1536.0, -3490.0, 65.0, 410.0)
    assert "<td>−3490</td><td>410</td><td>columns</td>" in response_table([wide])


def test_hours_stand_below_their_numbers_within_the_range():
    panel = HourlyPanel("Precipitation", "mm/day")
    panel.paint(False)
    control, perturbed = (Band(*(np.full(3, size) for size in sizes)) for sizes in ((5.0, 1.0, 9.0), (7.0, 3.0, 11.0)))
    panel.show(np.array([1, 2, 3]), control, perturbed)
    data = panel.pair.source.data
    np.testing.assert_array_equal(data["hour"], [1, 2, 3])
    np.testing.assert_array_equal([data["first_low"], data["second_mean"]], [[1.0] * 3, [7.0] * 3])
    assert panel.x_range.start < 1
    assert panel.x_range.end > 3
    assert panel.y_range.start < 0 < 11 < panel.y_range.end
    panel.clear()
    assert len(panel.pair.source.data["hour"]) == 0


def test_a_single_value_has_a_point_and_a_bar_before_and_after():
    panel = SingleResponsePanel(RAIN)
    panel.paint(False)
    assert panel.figure.title.text == "Precipitation"
    before, after = Band(2.0, 1.0, 4.0), Band(6.0, 5.0, 8.0)
    panel.show(before, after, label="mm/day")
    found = [{name: values[0] for name, values in panel.sources[which].data.items()} for which in ("first", "second")]
    assert found == [{"x": 0, "mean": 2.0, "low": 1.0, "high": 4.0}, {"x": 1, "mean": 6.0, "low": 5.0, "high": 8.0}]
    assert panel.y_range.start < 1 < 8 < panel.y_range.end
    assert panel.figure.yaxis.axis_label == "mm/day"
    panel.show(before, before, label="mm/day", differ=False)
    assert len(panel.sources["second"].data["mean"]) == 0
    assert panel.sources["first"].data["mean"][0] == 2.0
    panel.clear()
    assert len(panel.sources["first"].data["mean"]) == 0


def test_where_nothing_is_changed_the_baseline_stands_alone():
    panel = ResponsePanel(CLOUD, Range1d(start=0, end=1))
    show(panel, band(1, 2, 3), band(1, 2, 3), differ=False)
    assert not panel.pair.means["second"].visible
    assert not panel.pair.areas["second"].visible
    show(panel, band(1, 2, 3), band(2, 3, 4))
    assert panel.pair.means["second"].visible
    text = response_table([Change("heating", "W/m²", 348.04, 348.04, 0.0, 0.0, float("nan"))], differ=False)
    assert "<td>348.0</td><td>–</td><td>–</td><td>–</td>" in text
