"""The three views without a browser: they follow the state, and a small real network answers them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.state.state import State
from diffmp_app.views.distributions import DistributionsView
from diffmp_app.views.perturbation_controls import PRESETS
from diffmp_app.views.profiles import ProfilesView
from diffmp_app.views.sensitivity import SensitivityView
from diffmp_app.views.typical_columns import ROWS

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.regimes import represent
from diffmp_core.variables import PAPER
from tests.app.experiment import add_networks, make_experiment


@pytest.fixture(scope="module")
def live_catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """An experiment whose two emulators are small, untrained networks with a training domain."""
    folder = make_experiment(tmp_path_factory.mktemp("live") / "globe", cells=162, times=2)
    add_networks(folder)
    return Catalog([folder])


@pytest.fixture
def live_state(live_catalog: Catalog) -> State:
    state = State(live_catalog.names, live_catalog.limits)
    state.members = 4
    return state


def change(state: State, view, **values) -> None:
    """Change the state and tell the view, as the page does."""
    state.param.update(**values)
    view.refresh(frozenset(values))


def test_distributions_show_two_emulators_and_follow_the_state(catalog: Catalog, state: State):
    view = DistributionsView(state, catalog)
    view.panel()
    (panels,) = view.panels
    assert panels.emulators == ("DIFF-MP calibrated", "DIFF-MP paper")
    assert int(view.data[0]["truth_count"][7].sum()) == 642 * 4
    before = panels.image.data["truth"][0].copy()
    change(state, view, variable="qi")
    assert not np.array_equal(before, panels.image.data["truth"][0], equal_nan=True)
    change(state, view, units="normalised")
    assert panels.figures["truth"].xaxis.axis_label == "σ of truth"
    change(state, view, vertical="pressure")
    assert panels.y_range.start > panels.y_range.end
    change(state, view, level=3)
    assert panels.level_line.location == pytest.approx(catalog.grid(state.experiment).pressure[3] / 100)


def test_all_four_outputs_show_the_selected_emulator(catalog: Catalog, state: State):
    view = DistributionsView(state, catalog)
    view.panel()
    change(state, view, outputs="all")
    assert [exhibit.variable for exhibit in view.exhibits] == [v.name for v in PAPER.outputs]
    assert all(panels.emulators == (state.emulator,) for panels in view.panels)
    state.emulator = "DIFF-MP paper"
    view.refresh(frozenset({"emulator"}))
    assert all(panels.emulators == ("DIFF-MP paper",) for panels in view.panels)


def test_tap_selects_the_nearest_level(catalog: Catalog, state: State):
    view = DistributionsView(state, catalog)
    view.panel()
    view._choose_level(catalog.grid(state.experiment).height[17] / 1000 + 0.01)
    assert state.level == 17


def test_profiles_without_weights_show_the_truth_and_say_why(catalog: Catalog, state: State):
    view = ProfilesView(state, catalog)
    view.panel()
    assert view.notice.visible
    assert "expected" in view.notice.object
    truth = catalog.columns(state.experiment)["tend_T_sgs"].values[state.time, state.cell] * 86_400
    np.testing.assert_allclose(view.outputs["tend_T_sgs"].levels.data["truth"], truth, rtol=1e-6)


def test_profiles_draw_a_live_ensemble_and_resample(live_catalog: Catalog, live_state: State):
    view = ProfilesView(live_state, live_catalog)
    view.panel()
    assert not view.notice.visible
    assert view.answer.shape == (1, 4, 4, 30)
    first = view.answer.copy()
    change(live_state, view, vertical="level")
    np.testing.assert_array_equal(view.answer, first)
    change(live_state, view, seed=1)
    assert not np.array_equal(view.answer, first)
    change(live_state, view, seed=0)
    np.testing.assert_array_equal(view.answer, first)
    assert view.status.object == "4 members from seed 0, kept from before"
    assert "of 30" in view.outputs.words["qc"].object


def test_one_member_can_be_seen_alone_and_stays_within_the_ensemble(live_catalog: Catalog, live_state: State):
    live_state.param.update(members=6, drawing="single", member=5)
    view = ProfilesView(live_state, live_catalog)
    view.panel()
    drawn = view.outputs["qc"].lines.data["x"][:30]
    np.testing.assert_allclose(drawn, view.answer[0, 5, 2] * 1e6, rtol=1e-5, atol=1e-6)
    live_state.members = 4
    view.refresh(frozenset({"members"}))
    assert live_state.member == 3


def test_presets_and_rows_select_columns(live_catalog: Catalog, live_state: State):
    view = ProfilesView(live_state, live_catalog)
    view.panel()
    grid = live_catalog.grid(live_state.experiment)
    typical = view.typical
    typical.go_to(0)
    best = live_state.cell
    assert abs(grid.lat[best]) < 20
    typical.go_to(1)
    assert live_state.cell != best
    assert "Rank 2 of" in typical.rule.object
    assert "even a perfect ensemble" in typical.rule.object
    assert len(typical.rows.items) == ROWS
    typical.rows.active = (0,)
    assert live_state.cell == best
    assert grid.place(best) in typical.rows.items[0]["label"]


def test_profiles_of_a_region_are_means_over_its_columns(live_catalog: Catalog, live_state: State):
    view = ProfilesView(live_state, live_catalog)
    live_state.param.update(target="composite", region="tropical ocean")
    view.panel()
    cells = represent(live_catalog.mask(live_state.choices)[0])
    truth = live_catalog.columns(live_state.experiment)["qc"].isel(time=0, cell=cells).mean("cell") * 1e6
    np.testing.assert_allclose(view.outputs["qc"].levels.data["truth"], truth, rtol=1e-5)
    assert view.answer.shape == (len(cells), 4, 4, 30)
    assert f"Mean over {len(cells)} columns" in view.place.object


def test_a_region_without_a_column_is_told(live_catalog: Catalog, live_state: State):
    live_state.param.update(target="composite", region="box", south=89, north=90, west=10, east=11)
    for view in (ProfilesView(live_state, live_catalog), SensitivityView(live_state, live_catalog)):
        view.panel()
        assert "olumn of this time" in view.notice.object
        assert view.notice.visible


def test_no_perturbation_gives_exactly_no_response(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    assert [change.change for change in view.response.changes] == [0.0] * 4
    np.testing.assert_array_equal(view.outputs["qc"].pair.source.data["change"], 0.0)


def test_moving_a_slider_changes_the_response_with_the_same_random_numbers(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    baseline = view.response.changes[0].baseline
    view.controls.linked.value = False
    change(live_state, view, scale_LHF=0.3)
    heating = view.response.changes[0]
    assert heating.baseline == baseline
    assert heating.change != 0.0
    assert live_state.scale_SHF == 1.0
    assert "latent heat flux" in view.surface.object
    change(live_state, view, scale_LHF=1.0)
    assert view.response.changes[0].change == 0.0


def test_response_shows_the_inputs_that_were_given(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    change(live_state, view, neutralise_T=1.0, top_level=8)
    theta = view.inputs.panels["T"].source.data
    np.testing.assert_allclose(theta["second"][:8], theta["second"][0], rtol=1e-5)
    np.testing.assert_allclose(theta["second"][8:], theta["first"][8:], rtol=1e-5)
    change(live_state, view, temperature="T")
    assert view.inputs.panels["T"].source.data["second"][7] < view.inputs.panels["T"].source.data["second"][0] - 5


def test_linked_fluxes_move_together(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    live_state.scale_SHF = 0.4
    assert live_state.scale_LHF == 0.4
    view.controls.linked.value = False
    live_state.scale_SHF = 0.9
    assert live_state.scale_LHF == 0.4


def test_presets_put_all_sliders(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    live_state.warming = 3.0
    view.controls.apply("Fluxes −70 %")
    assert (live_state.scale_SHF, live_state.scale_LHF, live_state.warming) == (0.3, 0.3, 0.0)
    for name in PRESETS:
        view.controls.apply(name)
    live_state.reset_perturbations()
    assert live_state.scale_LHF == 1.0


def test_composite_answers_for_many_columns(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    change(live_state, view, target="composite", region="tropics", scale_LHF=0.3)
    assert len(view.response.inputs) == 40
    assert "40 columns × 4 members" in view.status.object
    assert "<td>columns</td>" in view.table.object


def test_composite_takes_few_members_while_a_slider_moves(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    live_state.param.update(target="composite", region="tropics")
    view.panel()
    view.profile_ms = 1.0
    assert view.quick_members() == 2
    view.profile_ms = 50.0
    assert view.quick_members() == 1


def test_far_inputs_are_warned_of(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    change(live_state, view, warming=5.0, moistening=0.5, scale_SHF=2.0)
    assert view.warning.visible
    assert "outside the training data" in view.warning.object


def test_answer_that_cannot_be_given_leaves_no_old_one(catalog: Catalog, state: State):
    view = SensitivityView(state, catalog)
    view.panel()
    assert view.notice.visible
    assert view.response is None
    assert view.table.object == ""
    assert len(view.outputs["qc"].pair.source.data["y"]) == 0


@pytest.mark.parametrize("view_class", [DistributionsView, ProfilesView, SensitivityView])
def test_every_view_goes_dark(live_catalog: Catalog, live_state: State, view_class):
    view = view_class(live_state, live_catalog)
    view.panel()
    change(live_state, view, dark=True)
    figures = (
        [panel.figure for panel in (*view.outputs.values(), *getattr(view.inputs, "panels", view.inputs).values())]
        if hasattr(view, "outputs")
        else (list(view.panels[0].figures.values()))
    )
    assert all(figure.title.text_color == "#e8edf2" for figure in figures)


def test_experiments_can_be_changed(tmp_path: Path, live_catalog: Catalog):
    other = make_experiment(tmp_path / "other", cells=42, times=1)
    first = next(iter(live_catalog.names))
    folder = live_catalog.experiment(first).columns.parent
    both = Catalog([folder, other])
    state = State(both.names, both.limits)
    views = [view(state, both) for view in (DistributionsView, ProfilesView, SensitivityView)]
    for view in views:
        view.panel()
    state.experiment = "other"
    for view in views:
        view.refresh(frozenset({"experiment", "emulator", "cell", "time", "level"}))
    assert views[1].notice.visible
    assert views[2].response is None


def test_a_sweep_is_asked_for_drawn_and_dropped(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    sweeps = view.sweeps
    assert not sweeps.shown.visible
    view.controls.linked.value = False
    change(live_state, view, sweep="scale_LHF", scale_SHF=0.5)
    sweeps._run()
    assert sweeps.shown.visible
    assert sweeps.curve_grid.visible
    assert not sweeps.map_pane.visible
    source = sweeps.curves["heating"].source.data
    assert source["x"][[0, -1]].tolist() == [0.0, 200.0]
    here = source["x"] == 100.0
    np.testing.assert_allclose(source["change"][here], view.response.changes[0].change)
    assert sweeps.curves["heating"].baseline.location == view.response.changes[0].baseline
    assert "21 points, 4 members" in sweeps.work.status.object
    assert not sweeps.notice.visible
    change(live_state, view, warming=1.0)
    assert "moved since" in sweeps.notice.object
    assert sweeps._exhibit().warming == 0.0
    change(live_state, view, cell=(live_state.cell + 1) % 162)
    assert not sweeps.shown.visible
    with pytest.raises(DiffmpError, match="sweep first"):
        sweeps._exhibit()


def test_a_sweep_over_two_sliders_is_a_map_of_the_integral_chosen(live_catalog: Catalog, live_state: State):
    live_state.members = 2
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    change(live_state, view, sweep="fluxes", sweep_across="scale_LHF")
    view.sweeps._run()
    assert "move different things" in view.sweeps.notice.object
    change(live_state, view, sweep_across="warming")
    view.sweeps._run()
    drawn = view.sweeps.map.cells.data
    assert len(drawn["change"]) == 121
    assert view.sweeps.map.start.data["x"].tolist() == [100.0]
    before = drawn["change"].copy()
    change(live_state, view, sweep_of="ice water path")
    assert view.sweeps.map.figure.title.text == "Change of ice water path"
    assert not np.array_equal(before, view.sweeps.map.cells.data["change"])
    assert not view.sweeps.notice.visible


def test_a_stopped_sweep_leaves_nothing_drawn(live_catalog: Catalog, live_state: State, monkeypatch):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    work = view.sweeps.work
    report = work.reporter(work.stop, "")
    work.halt()
    monkeypatch.setattr(work, "reporter", lambda stop, progress: report)
    view.sweeps._run()
    assert work.status.object == "Stopped."
    assert not work.run.disabled
    assert not view.sweeps.shown.visible


def test_the_slider_that_leads_out_of_range_says_so(live_catalog: Catalog, live_state: State):
    view = SensitivityView(live_state, live_catalog)
    view.panel()
    assert not any(hint.visible for hint in view.controls.ranges.values())
    change(live_state, view, warming=5.0, moistening=0.5, scale_SOLIN=0.95)
    blamed = {part.setting for part in view.response.cautions.settings}
    assert blamed
    assert "scale_SOLIN" not in blamed
    assert {name for name, hint in view.controls.ranges.items() if hint.visible} == blamed
    for name in blamed:
        assert re.match("▲ (Out of range|Far out)", view.controls.ranges[name].object)
    live_state.reset_perturbations()
    view.refresh(frozenset({"warming", "moistening", "scale_SOLIN"}))
    assert not any(hint.visible for hint in view.controls.ranges.values())


def test_a_column_of_ones_own_is_loaded_and_used_in_both_tabs(live_catalog: Catalog, live_state: State):
    views = [SensitivityView(live_state, live_catalog), ProfilesView(live_state, live_catalog)]
    for view in views:
        view.panel()
    own = views[0].own
    file = own._template().getvalue()
    own.load(file.replace(b"T [K]", b"T [F]"))
    assert own.notice.visible
    assert "expected T in K" in own.said.object
    assert live_state.target == "column"
    stored = views[0].response.inputs.copy()
    own.load(file)
    assert not own.notice.visible
    assert live_state.target == "own"
    for view in views:
        view.refresh(frozenset({"own", "target"}))
    np.testing.assert_allclose(views[0].response.inputs, stored, rtol=1e-4)
    assert views[1].outputs.words["qc"].object == ""
    assert np.isnan(views[1].outputs["qc"].levels.data["truth"]).all()
    assert "Your own column" in views[1].place.object
    live_state.own = ""
    for view in views:
        view.refresh(frozenset({"own"}))
        assert "No column of your own" in view.notice.object
    assert np.isnan(views[1].outputs["qc"].levels.data["mean"]).all()
    assert len(views[1].inputs["T"].source.data["y"]) == 0


def test_every_emulator_answers_on_request_on_shared_axes(live_catalog: Catalog, live_state: State):
    view = ProfilesView(live_state, live_catalog)
    view.panel()
    assert not view.every.rows
    change(live_state, view, every=True)
    assert view.every.shown.visible
    assert len(view.every.rows) == 2
    own, other = view.every.rows
    np.testing.assert_array_equal(own.answer, view.answer)
    assert not np.array_equal(other.answer, own.answer)
    assert own.panels[0].extent != other.panels[0].extent
    assert own.panels[0].x_range.start == other.panels[0].x_range.start
    before = other.answer
    change(live_state, view, cell=live_state.cell + 1)
    assert not np.array_equal(other.answer, before)
    change(live_state, view, target="own", own="")
    assert np.isnan(own.panels[0].levels.data["truth"]).all()
    assert "No column of your own" in own.notice.object
    change(live_state, view, every=False)
    assert not view.every.shown.visible


def test_denoising_is_shown_on_request_and_played(live_catalog: Catalog, live_state: State):
    view = ProfilesView(live_state, live_catalog)
    view.panel()
    steps = view.denoising
    assert steps.data is None
    assert not steps.shown.visible
    change(live_state, view, denoising=True)
    assert steps.shown.visible
    panel = steps.panels["tend_T_sgs"]
    last = panel.state.data["x"].reshape(4, -1)[:, :-1]
    np.testing.assert_allclose(last, view.answer[0, :, 0] * 86_400, rtol=1e-5)
    assert len(panel.predicted.data["x"]) == 0
    change(live_state, view, step=0)
    noise = panel.state.data["x"].reshape(4, -1)[:, :-1]
    assert not np.allclose(noise, last)
    assert len(panel.predicted.data["x"]) == 4 * 31
    steps._play()
    assert live_state.step == 5
    assert not steps.playing
    change(live_state, view, target="composite", region="tropics")
    assert "expected one column to denoise" in steps.notice.object
    assert len(panel.state.data["x"]) == 0
