"""Ensemble, input and rank panels from hand-made profiles."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import Range1d
from diffmp_app.data.axes import level_axis, value_axis
from diffmp_app.figures.axes import padded_range, separated, steady_range
from diffmp_app.figures.profile import EnsemblePanel, InputPanel, RankPanel, fan, inside, surface_line
from diffmp_app.figures.theme import colours

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import KNOWN_INPUTS, KNOWN_OUTPUTS, PAPER

LEVELS = level_axis("height", height=[500.0, 1500.0, 3500.0], pressure=[95e3, 85e3, 65e3])
MEMBERS = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, -1.0], [2.0, 2.0, 1.0]])
HEATING, CLOUD, RAIN = (KNOWN_OUTPUTS[name] for name in ("tend_T_sgs", "qc", "PRECC"))


def drawn_of(name: str, members, truth, *, spread: bool = True) -> xr.Dataset:
    """What an exhibit gathers of an output, in the unit shown."""
    along = ("level",) if np.ndim(truth) else ()
    parts = {
        name: (("member", *along), np.asarray(members), {"axis_label": "K/day"}),
        f"{name}_truth": (along, np.asarray(truth)),
        "has_spread": ((), spread),
    }
    return xr.Dataset(parts)


def test_inside_counts_the_borders_in():
    np.testing.assert_array_equal(inside(MEMBERS, [1.0, 2.0, 3.1]), [True, True, False])


def test_fan_holds_mean_and_quantiles():
    bands = fan(np.linspace(0, 1, 101)[:, None])
    assert [bands[k][0] for k in ("q05", "q25", "mean", "q75", "q95")] == pytest.approx([0.05, 0.25, 0.5, 0.75, 0.95])


def test_separated_breaks_the_line_between_members():
    x, y = separated(MEMBERS, LEVELS.values)
    assert x.shape == y.shape == (12,)
    assert np.isnan(x[3::4]).all()
    np.testing.assert_allclose(x[4:7], MEMBERS[1])
    np.testing.assert_allclose(y[4:7], [0.5, 1.5, 3.5])


def test_padded_range_ignores_nan_and_holds_all_values():
    low, high = padded_range([0.0, np.nan], [10.0], pad=0.1)
    assert (low, high) == (-1.0, 11.0)
    low, high = padded_range([0.0, 0.0])
    assert low < 0 < high


def test_steady_range_grows_at_once_and_shrinks_late():
    assert steady_range((0.0, 1.0), (-1.0, 0.5)) == (-1.0, 1.0)
    assert steady_range((0.0, 1.0), (0.2, 0.8)) == (0.0, 1.0)
    assert steady_range((0.0, 10.0), (0.0, 1.0)) == (0.0, 1.0)


def test_values_are_shown_in_physical_or_normalised_units():
    assert value_axis(PAPER.outputs.named("tend_qv_sgs"), "physical").factor == pytest.approx(86_400e3)
    assert value_axis(PAPER.outputs.named("tend_T_sgs"), "normalised", truth_std=2e-5).factor == pytest.approx(5e4)
    with pytest.raises(DiffmpError, match="expected units"):
        value_axis(CLOUD, "furlongs")
    with pytest.raises(DiffmpError, match="expected a vertical axis"):
        level_axis("sideways", height=[1.0, 2.0], pressure=[2.0, 1.0])


def test_ensemble_panel_draws_members_truth_and_misses():
    panel = EnsemblePanel(HEATING, Range1d(start=0, end=4))
    assert panel.show(drawn_of("tend_T_sgs", MEMBERS, [1.5, 2.0, 5.0]), levels=LEVELS) == 2
    np.testing.assert_array_equal(panel.levels.data["truth"], [1.5, 2.0, 5.0])
    np.testing.assert_allclose(panel.levels.data["mean"], [2.0, 2.0, 1.0])
    np.testing.assert_allclose(panel.levels.data["missed"], [np.nan, np.nan, 5.0])
    assert len(panel.lines.data["x"]) == 12
    assert panel.x_range.start < -1
    assert panel.x_range.end > 5
    assert panel.figure.xaxis.axis_label == "K/day"
    panel.clear()
    assert len(panel.lines.data["x"]) == len(panel.levels.data["truth"]) == 0


def test_fan_replaces_the_lines():
    panel = EnsemblePanel(HEATING, Range1d(start=0, end=4))
    panel.show(drawn_of("tend_T_sgs", MEMBERS, np.zeros(3)), levels=LEVELS, drawing="fan")
    assert len(panel.lines.data["x"]) == 0
    assert all(band.visible for band in panel.bands)


def test_a_single_member_is_one_strong_line_on_the_axes_of_all():
    panel = EnsemblePanel(HEATING, Range1d(start=0, end=4))
    data = drawn_of("tend_T_sgs", MEMBERS, np.zeros(3))
    panel.show(data, levels=LEVELS)
    extent, thin = panel.extent, panel.thin.glyph.line_width
    assert panel.show(data, levels=LEVELS, drawing="single", member=1) == 1
    np.testing.assert_allclose(panel.lines.data["x"], [3.0, 2.0, -1.0, np.nan])
    assert panel.extent == extent
    assert panel.thin.glyph.line_width > thin
    panel.show(data, levels=LEVELS, drawing="single", member=60)
    np.testing.assert_allclose(panel.lines.data["x"][:3], MEMBERS[-1])


def test_truth_stands_alone_without_an_emulator():
    panel = EnsemblePanel(CLOUD, Range1d(start=0, end=4))
    assert panel.show(drawn_of("qc", np.empty((0, 3)), np.zeros(3)), levels=LEVELS) is None
    assert np.isnan(panel.levels.data["mean"]).all()
    np.testing.assert_array_equal(panel.levels.data["truth"], np.zeros(3))


def test_one_answer_has_the_truth_neither_inside_nor_outside():
    panel = EnsemblePanel(HEATING, Range1d(start=0, end=4))
    assert panel.show(drawn_of("tend_T_sgs", MEMBERS, [9.0, 9.0, 9.0], spread=False), levels=LEVELS) is None
    assert np.isnan(panel.levels.data["missed"]).all()


@pytest.mark.parametrize(("truth", "covered"), [(2.5, 1), (7.0, 0)])
def test_a_single_value_is_a_line_upward_in_a_low_figure_of_its_own(truth: float, covered: int):
    y_range = Range1d(start=0, end=4)
    panel = EnsemblePanel(RAIN, y_range)
    assert panel.show(drawn_of("PRECC", [1.0, 2.0, 3.0], truth), levels=LEVELS) == covered
    assert panel.figure.y_range is not y_range
    assert panel.figure.height < EnsemblePanel(CLOUD, y_range).figure.height
    assert not panel.figure.yaxis[0].visible
    np.testing.assert_array_equal(panel.levels.data["truth"], 3 * [truth])
    np.testing.assert_array_equal(panel.levels.data["mean"], 3 * [2.0])
    np.testing.assert_array_equal(panel.lines.data["x"].reshape(3, 4)[:, :3], [3 * [1.0], 3 * [2.0], 3 * [3.0]])
    assert np.isfinite(panel.levels.data["missed"]).sum() == 1 - covered


@pytest.mark.parametrize("dark", [False, True])
def test_truth_is_visible_on_its_page(dark):
    panel = EnsemblePanel(CLOUD, Range1d(start=0, end=4))
    panel.paint(dark)
    assert panel.truth.glyph.line_color == colours(dark).truth != colours(not dark).truth


def test_input_panel_fits_the_levels_seen():
    panel = InputPanel(Range1d(start=0, end=2), title="Temperature", compares=True)
    panel.show(
        [300.0, 290.0, 200.0], [301.0, 290.0, 200.0], title="Temperature", levels=LEVELS, label="K", visible=(0.0, 2.0)
    )
    assert panel.x_range.start > 280
    assert panel.x_range.end > 301


def test_rank_panel_shows_flat_as_one():
    panel = RankPanel(CLOUD)
    panel.show([1.0, 1.0, 2.0, 0.0], error=[0.5, 0.25, 0.5, 0.25])
    np.testing.assert_allclose(panel.source.data["share"], [0.25, 0.25, 0.5, 0.0])
    np.testing.assert_allclose(panel.source.data["low"], [0.5, 0.75, 1.5, 0.0])
    np.testing.assert_allclose(panel.source.data["high"], [1.5, 1.25, 2.5, 0.25])
    assert panel.y_range.end > 2.5
    panel.show([1.0, 1.0, 2.0, 0.0])
    np.testing.assert_allclose(panel.source.data["high"], panel.source.data["low"])


def test_surface_line_names_each_input_with_its_unit():
    shown = {"Ps": 1008.0, "SHF": 12.3, "land_fraction": 0.25, "SOLIN": 0.0}
    assert surface_line((KNOWN_INPUTS[name], value) for name, value in shown.items()) == (
        "surface pressure 1,008 hPa · sensible heat flux 12 W/m² · fraction of land 0.25 · incoming sunlight 0 W/m²"
    )
