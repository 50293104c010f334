"""The pinned comparison: what is compared with what, on one scale, tested as it says, in exhibits and on the tabs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import Distribution, Ensemble, EnsemblePair, Exhibit, ScoreMap, ZonalSection
from diffmp_app.exhibits.formats import csv, export
from diffmp_app.exhibits.score_field import UNTESTED
from diffmp_app.state.choices import Choices
from diffmp_app.state.history import History
from diffmp_app.state.pinned import differs, pinned
from diffmp_app.state.state import State
from diffmp_app.views.distributions import DistributionsView
from diffmp_app.views.maps import MapsView
from diffmp_app.views.profiles import ProfilesView
from diffmp_app.views.toolbar import Toolbar
from scipy.stats import norm

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.distributions import log_ratio, wasserstein
from diffmp_core.scores.significance import design_effect, discoveries, nearest_cells, p_values
from tests.app.experiment import add_networks, make_experiment

EMULATOR, OTHER, REFERENCE = "DIFF-MP calibrated", "DIFF-MP paper", "Analogue ensemble"
PAIR = {"experiment": "globe", "emulator": EMULATOR, "pinned_emulator": OTHER}
MAP = {**PAIR, "variable": "tend_T_sgs", "metric": "mse", "level": 7}
EXHIBITS: tuple[Exhibit, ...] = (
    ScoreMap(**MAP, compare="side by side", cell=5, pinned_cell=9),
    ScoreMap(**MAP, compare="difference", cell=5),
    ZonalSection(**MAP, compare="side by side"),
    ZonalSection(**MAP, compare="difference"),
    EnsemblePair(**PAIR, time=0, cell=9, members=4),
    EnsemblePair(**PAIR, time=0, cell=9, members=4, pinned_cell=3, compare="difference"),
    Distribution(experiment="globe", emulators=(EMULATOR, OTHER), variable="qi", level=12, compare="difference"),
)
EACH = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda e: f"{type(e).__name__} {e.compare}")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Two experiments with small networks: 162 cells and 2 times, 42 cells and 1 time."""
    folder = tmp_path_factory.mktemp("compare")
    for name, cells, times in (("globe", 162, 2), ("once", 42, 1)):
        add_networks(make_experiment(folder / name, cells=cells, times=times))
    return Catalog([folder / "globe", folder / "once"])


@pytest.fixture
def state(live: Catalog) -> State:
    made = State(live.names, live.limits)
    made.members = 4
    return made


def change(view, **values) -> None:
    view.state.param.update(**values)
    view.refresh(frozenset(values))


def test_what_is_not_pinned_is_as_selected():
    choices = Choices(experiment="globe", emulator="a", cell=4, time=1, target="composite")
    assert not differs(choices)
    other = pinned(choices.model_copy(update={"pinned_emulator": "b"}))
    assert (other.emulator, other.cell, other.time, other.target) == ("b", 4, 1, "composite")
    other = pinned(choices.model_copy(update={"pinned_cell": 7}))
    assert (other.emulator, other.cell, other.time, other.target) == ("a", 7, 1, "column")
    assert not differs(choices.model_copy(update={"pinned_emulator": "a"}))


def test_pins_are_in_the_address_and_leave_with_the_experiment(state: State):
    asked = {"compare": "difference", "pinned_emulator": OTHER, "pinned_cell": 3, "pinned_time": 1, "significant": 0}
    query = "?" + "&".join(f"{name}={value}".replace(" ", "+") for name, value in asked.items())
    assert state.apply_query(query) == []
    assert state.query() == query
    (notice,) = state.apply_query("?pinned_emulator=nobody")
    assert "expected one of nothing, DIFF-MP calibrated" in notice
    (notice,) = state.apply_query("?pinned_cell=162")
    assert "an integer from -1 to 161" in notice
    state.param.update(pinned_emulator=OTHER, pinned_cell=3)
    state.experiment = "once"
    assert (state.pinned_emulator, state.pinned_cell, state.pinned_time) == (OTHER, -1, -1)


def test_the_bar_pins_and_lets_go(live: Catalog, state: State):
    nothing = dict.fromkeys(("undo", "redo", "reset", "explain", "tour", "scenes", "present"), lambda: None)
    toolbar = Toolbar(state, live, History(state.choices), nothing)
    state.cell = 11
    toolbar.pin.clicks += 1
    state.cell = 12
    assert (state.pinned_cell, state.pinned_time) == (11, 0)
    assert toolbar.pin.label == "Unpin"
    assert live.grid("globe").place(11) in toolbar.pin.description
    toolbar.pin.clicks += 1
    assert (state.pinned_cell, toolbar.pin.label) == (-1, "Pin")
    state.compare = "difference"
    assert state.pinned_emulator == OTHER
    state.param.update(compare="none", pinned_emulator="", pinned_cell=11)
    state.param.update(tab="Profiles", compare="difference")
    assert state.pinned_emulator == ""
    state.param.update(tab="Maps", compare="none")
    state.compare = "difference"
    assert state.pinned_emulator == OTHER
    state.param.update(compare="none", pinned_cell=-1)
    state.show(state.choices.model_copy(update={"pinned_emulator": "", "compare": "side by side"}))
    assert state.pinned_emulator == ""


def test_maps_beside_each_other_have_the_values_of_both_and_one_scale(live: Catalog):
    data = EXHIBITS[0].data(live)
    assert data["mse"].dims == ("emulator", "cell")
    alone = replace(EXHIBITS[0], compare="none")
    for name in (EMULATOR, OTHER):
        one = replace(alone, emulator=name).data(live)
        np.testing.assert_array_equal(data["mse"].sel(emulator=name), one["mse"])
        assert list(one["mse"].attrs["colour_range"]) == list(data["mse"].attrs["colour_range"])
    first, second = EXHIBITS[0].screen(data)[0][:2]
    assert first.x_range is not None
    assert [plot.title.text for plot in (first, second)] == [EMULATOR, OTHER]


def test_a_difference_is_tested_at_the_cells_around(live: Catalog):
    data = EXHIBITS[1].data(live)
    first, second = (live.scores("globe", name) for name in (EMULATOR, OTHER))
    paired = (first["column_mse"] - second["column_mse"]).sel(variable="tend_T_sgs")
    stored = paired.transpose("time", "level", "cell").values[:, 7].astype(float)
    factor = EXHIBITS[1].factor(live)
    np.testing.assert_allclose(data["mse"], stored.mean(axis=0) * factor, rtol=1e-4, atol=1e-6)
    grid = live.grid("globe")
    phi, lam = np.radians(grid.lat), np.radians(grid.lon)
    points = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
    near = nearest_cells(points, 37)
    p = p_values(stored, near, design=design_effect(stored, near))
    np.testing.assert_allclose(data["p_value"], p, rtol=1e-4)
    same = np.sign(stored.sum(axis=0)) == np.sign(near @ stored.sum(axis=0))
    np.testing.assert_array_equal(data["significant"] == 1, discoveries(p) & same)
    low, high = data["mse"].attrs["colour_range"]
    assert low == -high < 0
    assert data["mse"].attrs["colour_palette"] == "diverging"
    assert "a cell with its 36 nearest" in data.attrs["subtitle"]
    assert "95 %" in data.attrs["subtitle"]


def test_the_other_way_round_is_the_same_with_the_other_sign(live: Catalog):
    data = EXHIBITS[1].data(live)
    turned = replace(EXHIBITS[1], emulator=OTHER, pinned_emulator=EMULATOR).data(live)
    np.testing.assert_allclose(turned["mse"], -data["mse"])
    np.testing.assert_allclose(turned["p_value"], data["p_value"], rtol=1e-6)


def test_a_difference_in_a_region_is_that_of_its_columns(live: Catalog):
    data = replace(EXHIBITS[1], region="tropics").data(live)
    tropics = np.abs(data["lat"].values) < 20
    np.testing.assert_array_equal(np.isfinite(data["mse"].values), tropics)
    whole = EXHIBITS[1].data(live)["mse"].values
    np.testing.assert_allclose(data["mse"].values[tropics], whole[tropics], rtol=1e-4, atol=1e-4)
    assert not data["significant"].values[~tropics].any()


def test_one_time_cannot_be_tested_and_says_so(live: Catalog):
    exhibit = replace(EXHIBITS[1], experiment="once")
    data = exhibit.data(live)
    assert np.isnan(data["p_value"]).all()
    assert UNTESTED in data.attrs["subtitle"]
    np.testing.assert_array_equal(exhibit.drawn(data), data["mse"].values)


def test_a_section_is_tested_in_bands_of_latitude(live: Catalog):
    data, field = EXHIBITS[3].data(live), EXHIBITS[3]
    paired = field.differences(live, slice(None)).astype(float)
    band = live.grid("globe").lat
    edges = data["latitude_bounds"].values[4]
    inside = (band >= edges[0]) & (band < edges[1])
    near = live.near("globe", 37)
    design = design_effect(paired[:, 7], near)
    z = paired[:, 7, inside].sum() / np.sqrt(design * (paired[:, 7, inside] ** 2).sum())
    assert float(data["p_value"][7, 4]) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-5)
    drawn = field.drawn(data)
    np.testing.assert_array_equal(np.isfinite(drawn), (data["significant"].values == 1) & np.isfinite(data["mse"]))


def test_a_pair_is_the_two_ensembles_and_the_difference_of_their_means(live: Catalog):
    data = EXHIBITS[5].data(live)
    alone = Ensemble(experiment="globe", emulator=EMULATOR, time=0, cell=9, members=4)
    for side, one in (("selected", alone), ("pinned", replace(alone, emulator=OTHER, cell=3))):
        for name in ("qc", "qc_truth", "T"):
            np.testing.assert_array_equal(data[name].sel(side=side), one.data(live)[name])
    means = data["qc"].mean("member")
    np.testing.assert_allclose(data["qc_difference"], means[0] - means[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(data["qc_difference_truth"], data["qc_truth"][0] - data["qc_truth"][1])
    assert (data["qc_difference_low"] <= data["qc_difference"]).all()
    assert "Column 3" in data.attrs["title"]
    with pytest.raises(DiffmpError, match="Nothing else is pinned"):
        EnsemblePair(experiment="globe", emulator=EMULATOR, time=0, cell=9).data(live)


def test_distributions_of_two_emulators_are_held_against_each_other(live: Catalog):
    data = EXHIBITS[6].data(live)
    first, second = data["count"].values
    np.testing.assert_array_equal(data["log2_ratio_between"], log_ratio(second / 16, first / 16))
    edges = np.append(data["value_bounds"].values[:, 0], data["value_bounds"].values[-1, 1])
    np.testing.assert_allclose(data["distance_between"], wasserstein(first, second, edges))
    rows = EXHIBITS[6].screen(data)
    assert len(rows[1]) == 2
    assert rows[1][1].title.text == f"Ratio to {OTHER}"


@EACH
def test_every_comparison_leaves_the_page(exhibit: Exhibit, live: Catalog, tmp_path: Path):
    data = exhibit.data(live)
    assert csv(data).startswith("# title: ")
    (tmp_path / "data.nc").write_bytes(export(exhibit, live, "netcdf").content)
    with xr.open_dataset(tmp_path / "data.nc", decode_times=False) as opened:
        exhibit.paper(opened).draw_without_rendering()
    assert repr(exhibit.pinned_emulator if hasattr(exhibit, "pinned_emulator") else OTHER) in data.attrs["history"]
    assert all(row for row in exhibit.screen(data))


def test_maps_tab_shows_two_maps_then_their_difference(live: Catalog, state: State):
    view = MapsView(state, live)
    view.panel()
    assert view.count == 1
    change(view, compare="side by side", pinned_emulator=OTHER, pinned_cell=4, level=7)
    assert view.count == 2
    stored = live.levels("globe", OTHER, "mse", "tend_T_sgs", None)[7] * view.field.factor(live)
    np.testing.assert_allclose(view.maps[1].values.data["value"], stored, rtol=1e-6)
    first, second = (drawn.coloured.mapper for drawn in view.maps)
    assert (first.low, first.high) == (second.low, second.high)
    assert [section.figure.title.text for section in view.sections] == [EMULATOR, OTHER]
    assert len(view.map.pinned.data["x"]) == 1
    assert len(view.line.curves[1].data["mean"]) > 5
    assert "pinned column 4" in view.summary.object
    change(view, compare="difference")
    assert view.count == 1
    evidence = view.field.evidence(live)
    shown = np.isfinite(view.map.values.data["value"])
    np.testing.assert_array_equal(shown, evidence.significant)
    assert view.map.coloured.mapper.low == -view.map.coloured.mapper.high
    assert "false discovery rate 10%" in view.summary.object
    change(view, significant=False)
    assert np.isfinite(view.map.values.data["value"]).all()
    change(view, region="tropics")
    assert np.isfinite(view.map.values.data["value"]).sum() < 162
    change(view, pinned_emulator="")
    assert "Nothing else is pinned" in view.missing.object
    change(view, compare="none")
    assert view.map.figure.title.text == ""
    assert not view.notice.visible


def test_profiles_tab_compares_emulators_and_columns(live: Catalog, state: State):
    view = ProfilesView(state, live)
    view.panel()
    assert not view.pinned.place.visible
    change(view, compare="side by side")
    assert "Nothing else is pinned" in view.pinned.notice.object
    change(view, pinned_emulator=OTHER)
    assert not view.pinned.notice.visible
    for name, panel in view.outputs.items():
        below = view.pinned.outputs[name]
        assert (panel.x_range.start, panel.x_range.end) == (below.x_range.start, below.x_range.end)
        assert panel.figure.y_range is below.figure.y_range
    np.testing.assert_allclose(view.pinned.outputs["qc"].levels.data["truth"], view.outputs["qc"].levels.data["truth"])
    change(view, pinned_emulator="", pinned_cell=3)
    truth = live.columns("globe")["qc"].isel(time=0, cell=3).values * 1e6
    np.testing.assert_allclose(view.pinned.outputs["qc"].levels.data["truth"], truth, rtol=1e-5)
    change(view, compare="difference")
    means = view.answer[0, :, 2].mean(axis=0) - view.pinned.answer[0, :, 2].mean(axis=0)
    shown = view.pinned.differences["qc"].source.data
    np.testing.assert_allclose(shown["mean"], means * 1e6, rtol=1e-4, atol=1e-9)
    change(view, cell=3)
    assert "Nothing else is pinned" in view.pinned.notice.object
    change(view, pinned_emulator=REFERENCE if REFERENCE in live.limits("globe").emulators else OTHER)
    assert view.pinned.answer is not None
    change(view, dark=True)
    assert view.pinned.differences["qc"].figure.title.text_color == "#e8edf2"
    change(view, compare="none")
    assert not view.pinned.place.visible


def test_distributions_tab_shows_the_pinned_emulator(live: Catalog, state: State):
    state.emulator = OTHER
    view = DistributionsView(state, live)
    view.panel()
    change(view, compare="difference", pinned_emulator=EMULATOR)
    (panels,) = view.panels
    assert panels.emulators == (OTHER, EMULATOR)
    assert f"ratio {EMULATOR}" not in panels.figures
    assert len(panels.curves["one from the other"].data["x"]) == 30
    change(view, outputs="all")
    assert all(panels.minus for panels in view.panels)
    change(view, compare="side by side", outputs="one")
    assert set(view.panels[0].figures) >= {f"ratio {EMULATOR}", f"ratio {OTHER}"}
    change(view, pinned_emulator="")
    assert "Nothing else is pinned" in view.notice.object


def test_clouds_have_no_reference_for_the_papers_coverage(live: Catalog, state: State):
    view = MapsView(state, live)
    view.panel()
    change(view, metric="coverage", variable="tend_T_sgs")
    assert view.line.reference.location == pytest.approx(15 / 17)
    change(view, variable="qc")
    assert not view.line.reference.visible
    profiles = ProfilesView(state, live)
    profiles.panel()
    assert "perfect: at least" in profiles.outputs.words["qc"].object
    assert "at least" not in profiles.outputs.words["tend_T_sgs"].object
