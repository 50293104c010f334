"""The Maps tab: what a change of the state changes in the figures."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.events import Tap
from bokeh.models import LinearColorMapper, LogColorMapper
from diffmp_app.data.catalog import Catalog
from diffmp_app.figures.axes import plain_number
from diffmp_app.state.state import State
from diffmp_app.views.maps import MapsView


@pytest.fixture
def view(catalog: Catalog, state: State) -> MapsView:
    made = MapsView(state, catalog)
    made.panel()
    return made


def change(view: MapsView, **values: object) -> None:
    view.state.param.update(**values)
    view.refresh(frozenset(values))


def test_values_are_those_of_the_store_in_the_units_shown(view, catalog):
    change(view, variable="qc", metric="mse", level=3, average=False, time=1, units="normalised")
    stored = catalog.scores("globe", view.state.emulator)["column_mse"].sel(variable="qc").isel(time=1, level=3).values
    np.testing.assert_allclose(view.map.values.data["value"], stored, rtol=1e-6)
    change(view, units="physical")
    std = 1e6 * catalog.truth_std("globe", view.state.emulator, "qc")
    np.testing.assert_allclose(view.map.values.data["value"], stored * std**2, rtol=1e-5)
    assert "(mg/kg)²" in view.map.coloured.bar.title


@pytest.mark.parametrize("name", ["level", "variable", "metric", "average", "emulator", "units"])
def test_each_control_changes_the_data(view, catalog, name):
    before = view.map.values.data["value"].copy()
    other = {
        "level": 3,
        "variable": "qi",
        "metric": "bias",
        "average": False,
        "emulator": "DIFF-MP paper",
        "units": "normalised",
    }
    change(view, **{name: other[name]})
    assert not np.array_equal(before, view.map.values.data["value"])


def test_colours_stay_when_emulator_or_time_changes(view):
    change(view, average=False)
    colours = (view.map.coloured.mapper.low, view.map.coloured.mapper.high)
    change(view, time=2)
    change(view, emulator="DIFF-MP paper")
    assert (view.map.coloured.mapper.low, view.map.coloured.mapper.high) == pytest.approx(colours)


def test_logarithmic_colours_are_for_what_is_never_negative(view):
    coloured, section = view.map.coloured, view.section.coloured
    assert isinstance(coloured.mapper, LogColorMapper)
    assert isinstance(section.mapper, LogColorMapper)
    assert 0 < coloured.mapper.low < coloured.mapper.high
    change(view, logarithmic=False)
    assert isinstance(coloured.mapper, LinearColorMapper)
    assert isinstance(section.mapper, LinearColorMapper)
    assert coloured.mapper.low == 0.0
    change(view, logarithmic=True)
    for metric, kind in (("bias", LinearColorMapper), ("coverage", LinearColorMapper), ("crps_fair", LogColorMapper)):
        change(view, metric=metric)
        assert isinstance(coloured.mapper, kind)
        assert [image.visible for image in coloured.images] == [kind is LinearColorMapper, kind is LogColorMapper]


def test_bias_is_symmetric_and_has_its_zero_line(view):
    change(view, metric="bias")
    assert view.map.coloured.mapper.low == -view.map.coloured.mapper.high
    assert view.line.reference.location == 0.0


def test_missed_cells_are_marked(view, catalog):
    change(view, metric="coverage", average=False, time=0, level=6)
    covered = catalog.levels("globe", view.state.emulator, "coverage", view.state.variable, 0)[6]
    assert len(view.map.missed.data["x"]) == (covered == 0).sum() > 0
    assert view.line.reference.location == pytest.approx(15 / 17)


def test_a_tap_selects_a_column_and_a_tap_on_the_section_a_level(view):
    change(view, projection="PlateCarree")
    grid = view.catalog.grid("globe")
    view._tap(Tap(view.map.figure, x=float(grid.lon[77]), y=float(grid.lat[77])))
    assert view.state.cell == 77
    view._tap(Tap(view.map.figure, x=500.0, y=0.0))
    assert view.state.cell == 77
    view._tap_section(Tap(view.section.figure, x=0.0, y=21.3))
    assert view.state.level == 21
    view._tap_section(Tap(view.section.figure, x=0.0, y=99.0))
    assert view.state.level == 29


def test_another_experiment_brings_another_grid(view):
    view.state.experiment = "small"
    view.refresh(frozenset({"experiment", "emulator", "cell", "level", "time"}))
    assert view.map.values.data["value"].size == 162
    assert view.map.runs.data["cell"][0].min() < 162


def test_projection_moves_everything(view):
    change(view, projection="North pole")
    assert view.map.pixels.data["dw"][0] == pytest.approx(view.map.pixels.data["dh"][0])
    assert view.map.values.data["value"].size < 642


def test_summary_says_mean_column_and_unit(view, catalog):
    change(view, cell=5, metric="spread")
    values = view.field.values(view.catalog)
    mean = np.average(values, weights=catalog.grid("globe").area)
    assert f"{plain_number(mean)} K/day" in view.summary.object
    assert f"{plain_number(values[5])} K/day" in view.summary.object
