"""The cloud-resolving model beside the emulator: asked from the page, for columns that it made itself."""

from __future__ import annotations

import json
import shutil
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.model_answers import NOT_HERE, ModelQuestion
from diffmp_app.data.target import ABOUT_OWN
from diffmp_app.exhibits.formats import export, script
from diffmp_app.state.state import State
from diffmp_app.views.long_work import Stopped
from diffmp_app.views.sensitivity import SensitivityView
from diffmp_app.views.verdict_line import RUN_IT, SEVERITY

from diffmp_core.columns.user_column import to_text
from diffmp_core.crm.answers import FILE, SAME_WEATHER, pack, write_answers
from diffmp_core.crm.runs import run_model
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.response.verdict import ASSOCIATION, NOT_ASKED, judge, verdict_words
from diffmp_core.schema import schema_of
from tests.app.experiment import add_networks, make_experiment, score_columns

pytestmark = pytest.mark.timeout(1500)  # a cold cache compiles the simulator here


@pytest.fixture
def view(simulated: Path) -> SensitivityView:
    catalog = Catalog([simulated])
    state = State(catalog.names, catalog.limits)
    state.members = 2
    view = SensitivityView(state, catalog)
    view.panel()
    view.reference.hours.value = 1
    return view


def test_the_model_answers_for_the_selected_column_and_the_sliders(view: SensitivityView):
    reference = view.reference
    assert not reference.work.run.disabled
    view.state.scale_LHF = 0.3
    view.refresh(frozenset({"scale_LHF"}))
    reference._run()
    assert (reference.asked.cell, reference.asked.target) == (view.state.cell, "column")
    assert reference.asked.scale_LHF == 0.3
    assert reference.answer.departure < SAME_WEATHER
    assert reference.shown.visible
    assert not reference.notice.visible
    drawn = reference.outputs["tend_T_sgs"].pair.source.data["first_mean"]
    expected = reference.answer.ensembles[0][0].mean(axis=(0, 1))[0] * 86_400
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)
    assert "<th>precipitation [mm/day]</th>" in reference.table.object
    assert "8 members, 1 h" in reference.work.status.object


def test_an_answer_is_marked_when_sliders_move_and_dropped_for_another_column(view: SensitivityView):
    reference = view.reference
    reference._run()
    view.state.warming = -1.5
    view.refresh(frozenset({"warming"}))
    assert "sliders have moved" in reference.notice.object
    view.state.cell = (view.state.cell + 1) % 12
    view.refresh(frozenset({"cell"}))
    assert reference.answer is None
    assert not reference.shown.visible


def test_many_columns_are_asked_one_after_the_other_and_their_mean_is_shown(view: SensitivityView, monkeypatch):
    told = []
    monkeypatch.setattr(view.reference.work, "reporter", lambda stop, words: lambda *done: told.append(done))
    view.state.target = "composite"
    view.refresh(frozenset({"target"}))
    view.state.warming = -1.5
    view.refresh(frozenset({"warming"}))
    assert NOT_ASKED in view.verdict_line.verdict.object
    view.reference._run()
    cells = view.target.cells
    assert len(cells) > 1
    answer = view.reference.answer
    assert answer.ensembles[0].shape == (len(cells), 1, 8, 4, 30)
    assert told[-1] == (16 * len(cells), 16 * len(cells))
    assert f"{len(cells)} columns × 8 members, 1 h" in view.reference.work.status.object
    alone = run_model(view.catalog.columns("globe"), 0, [cells[1]], [view.asked.perturbation], hours=1)[0]
    np.testing.assert_array_equal(answer.ensembles[1][1], alone.ensembles[1][0])
    assert "<td>columns</td>" in view.reference.table.object
    exported = view.reference._exhibit().data(view.catalog)
    assert float(exported["heating_change"]) == answer.changes()[0].change
    assert exported.attrs["title"] == "Cloud-resolving model: -1.5 K below level 11"
    assert f"Mean over {len(cells)} columns" in exported.attrs["subtitle"]


def test_the_verdict_is_that_of_both_answers_and_leaves_with_the_question(view: SensitivityView):
    view.state.warming = -1.25
    view.refresh(frozenset({"warming"}))
    assert view.verdict_line.verdict.object == f"{NOT_ASKED} {RUN_IT}"
    view.reference._run()
    model = view.reference.answer.answer
    found = judge(view.response.changes, model.mean, model.hourly, members=(2, 8), columns=1)
    assert view.verdict_line.verdict.object == verdict_words(found)
    far = found[0].outcome == "agrees" and not found[0].is_near
    assert view.verdict_line.verdict.severity == ("warning" if far else SEVERITY[found[0].outcome])
    drawn = view.outputs["qc"].model.data
    np.testing.assert_allclose(drawn["changed"], model.profiles[1, 2] * 1e6, rtol=1e-9)
    axis = view.outputs["tend_T_sgs"].x_range
    shown = np.concatenate([view.outputs["tend_T_sgs"].model.data[name] for name in ("control", "changed")])
    assert axis.start <= shown.min()
    assert shown.max() <= axis.end
    exhibit = view._exhibit().data(view.catalog)
    assert exhibit.attrs["verdict"] == verdict_words(found)
    assert json.loads(exhibit.attrs["verdict_numbers"])[0]["outcome"] == found[0].outcome
    np.testing.assert_allclose(exhibit["qc_model_changed"], model.profiles[1, 2] * 1e6, rtol=1e-9)
    view.state.warming = -1.0
    view.refresh(frozenset({"warming"}))
    assert view.verdict_line.verdict.object == f"{NOT_ASKED} {RUN_IT}"
    assert len(view.outputs["qc"].model.data["y"]) == 0
    view.state.warming = 0.0
    view.refresh(frozenset({"warming"}))
    assert not view.verdict_line.verdict.visible


def test_the_hour_shown_is_the_hour_exported(view: SensitivityView):
    view.state.warming = -1.25
    view.refresh(frozenset({"warming"}))
    reference = view.reference
    reference.hours.value = 2
    reference._run()
    reference.hour.value = 2
    exported = reference._exhibit().data(view.catalog)
    assert "hour 2 of 2 after the change" in exported.attrs["subtitle"]
    assert float(exported["heating_change"]) == reference.answer.changes(2)[0].change
    drawn = reference.outputs["tend_T_sgs"].pair.source.data["second_mean"]
    np.testing.assert_allclose(exported["tend_T_sgs_perturbed_mean"], drawn, rtol=1e-6)
    reference.hour.value = "mean"
    exported = reference._exhibit().data(view.catalog)
    assert float(exported["heating_change"]) == reference.answer.changes()[0].change


def test_a_response_that_leaves_with_a_verdict_has_it_wherever_it_is_made_again(view: SensitivityView, simulated: Path):
    view.state.warming = -1.25
    view.refresh(frozenset({"warming"}))
    assert view._exhibit().model_hours == 0
    view.reference._run()
    exhibit = view._exhibit()
    assert exhibit.model_hours == 1
    here, elsewhere = exhibit.data(view.catalog), exhibit.data(Catalog([simulated]))
    assert here.attrs["verdict"] == elsewhere.attrs["verdict"] == view.verdict_line.verdict.object
    np.testing.assert_array_equal(here["qc_model_changed"], elsewhere["qc_model_changed"])
    assert "model_hours=1" in script(exhibit, view.catalog)


def test_answers_kept_with_the_experiment_are_there_without_a_click(simulated: Path, tmp_path: Path):
    folder = tmp_path / "globe"
    shutil.copytree(simulated, folder)
    catalog = Catalog([folder])
    change, columns = Perturbation(neutralise_T=1.0), catalog.columns("globe")
    (runs,) = run_model(columns, 0, [3], [change], hours=2)
    attrs = {"columns_id": columns.attrs["columns_id"], "members": 8}
    write_answers(pack({(0, "3"): [runs.answer]}, [change], attrs), folder / FILE)
    state = State(catalog.names, catalog.limits)
    state.param.update(members=2, cell=3, neutralise_T=1.0)
    view = SensitivityView(state, catalog)
    view.panel()
    kept = catalog.model_answers("globe").find(ModelQuestion(0, (3,), change))
    for found, expected in zip(kept.mean, runs.answer.mean, strict=True):
        np.testing.assert_allclose(astuple(found)[2:], astuple(expected)[2:], rtol=1e-5, atol=1e-7)
    assert len(kept.hourly) == 2
    assert "mean of 2 h" in view.verdict_line.verdict.object
    assert "The cloud-resolving model has not been asked" not in view.verdict_line.verdict.object
    np.testing.assert_allclose(view.outputs["qi"].model.data["control"], runs.answer.profiles[0, 3] * 1e6, rtol=1e-5)


def test_kept_answers_of_other_columns_are_not_used_and_that_is_said(simulated: Path, tmp_path: Path):
    folder = tmp_path / "globe"
    shutil.copytree(simulated, folder)
    change = Perturbation(neutralise_T=1.0)
    (runs,) = run_model(Catalog([folder]).columns("globe"), 0, [3], [change], hours=1)
    write_answers(pack({(0, "3"): [runs.answer]}, [change], {"columns_id": "others", "members": 8}), folder / FILE)
    catalog = Catalog([folder])
    state = State(catalog.names, catalog.limits)
    state.param.update(members=2, cell=3, neutralise_T=1.0)
    view = SensitivityView(state, catalog)
    view.panel()
    assert NOT_ASKED in view.verdict_line.verdict.object
    assert "found those for others" in view.verdict_line.verdict.object


def test_columns_of_a_part_of_a_cell_are_refused_before_the_click(simulated: Path, tmp_path: Path):
    columns = xr.load_dataset(simulated / "columns.nc").assign_attrs(spacing_km=60)
    folder = score_columns(tmp_path / "globe", columns)
    add_networks(folder)
    catalog = Catalog([folder])
    state = State(catalog.names, catalog.limits)
    view = SensitivityView(state, catalog)
    view.panel()
    assert view.reference.work.run.disabled
    assert "expected columns of 120 km, a whole cell, found 60 km" in view.reference.notice.object


def test_a_stopped_run_leaves_no_answer(view: SensitivityView, monkeypatch: pytest.MonkeyPatch):
    reference = view.reference
    report = reference.work.reporter(reference.work.stop, "")
    reference.work.halt()
    with pytest.raises(Stopped):
        report(1, 2)
    monkeypatch.setattr(reference.work, "reporter", lambda stop, progress: report)
    reference._run()
    assert reference.work.status.object == "Stopped."
    assert reference.answer is None
    assert not reference.work.run.disabled


def test_other_weather_than_the_stored_is_told(view: SensitivityView):
    warmer = view.catalog.columns("globe").copy()
    warmer["T"] = warmer["T"] + 2.0
    view.catalog.model_answers("globe")._columns = lambda: warmer
    view.state.warming = 0.5
    view.refresh(frozenset({"warming"}))
    view.reference._run()
    for said in (view.reference.notice.object, view.verdict_line.verdict.object):
        assert "other weather (temperature differs by up to 2.0 K)" in said
    assert "other weather" in view.reference._exhibit().data(view.catalog).attrs["cautions"]


def test_columns_of_another_source_cannot_be_asked(catalog: Catalog, state: State):
    view = SensitivityView(state, catalog)
    view.panel()
    assert view.reference.work.run.disabled
    assert "do not come from the simulator" in view.reference.notice.object


def test_where_no_model_can_be_asked_the_line_says_that_the_answer_is_an_association(simulated: Path, tmp_path: Path):
    folder = make_experiment(tmp_path / "foreign", cells=12, times=1)
    add_networks(folder)
    catalog = Catalog([folder])
    state = State(catalog.names, catalog.limits)
    state.param.update(members=2, moistening=-0.2)
    view = SensitivityView(state, catalog)
    view.panel()
    assert view.verdict_line.verdict.object == f"{NOT_HERE} {ASSOCIATION}"
    state.param.update(own=to_text(view.target.inputs[0], schema_of(catalog.columns(state.experiment))), target="own")
    view.refresh(frozenset({"own", "target"}))
    assert view.verdict_line.verdict.object == f"{NOT_HERE} {ASSOCIATION}"
    assert ABOUT_OWN in view.verdict_line.meaning.object


def test_what_the_model_drew_leaves_to_the_last_digit_and_it_runs_but_once(
    view: SensitivityView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    view.state.warming = -1.25
    view.refresh(frozenset({"warming"}))
    reference = view.reference
    reference.hours.value = 2
    reference._run()
    reference.hour.value = 2
    view.state.param.update(units="normalised", vertical="pressure")
    view.refresh(frozenset({"units", "vertical"}))
    monkeypatch.setattr("diffmp_core.crm.runs.run_model", None)
    view.catalog.model_answers("globe")._runs.clear()
    for part, names in ((reference, ("tend_T_sgs", "qi")), (view, ("qc",))):
        (tmp_path / "it.nc").write_bytes(export(part._exhibit(), view.catalog, "netcdf", part.data).content)
        with xr.open_dataset(tmp_path / "it.nc", decode_times=False) as opened:
            data = opened.load()
        for name in names:
            drawn = part.outputs[name].pair.source.data
            for which, written in (("first", "baseline"), ("second", "perturbed")):
                for piece in ("mean", "low", "high"):
                    np.testing.assert_array_equal(drawn[f"{which}_{piece}"], data[f"{name}_{written}_{piece}"])
        if part is view:
            for which in ("control", "changed"):
                np.testing.assert_array_equal(part.outputs["qc"].model.data[which], data[f"qc_model_{which}"])
            continue
        for name, panel in reference.series.items():
            drawn = panel.pair.source.data
            np.testing.assert_array_equal(drawn["hour"], data["hour"])
            for which, written in (("first", "baseline"), ("second", "perturbed")):
                for piece in ("mean", "low", "high"):
                    shown = data[f"{name}_{written}_hourly_{piece}"]
                    np.testing.assert_array_equal(drawn[f"{which}_{piece}"], shown)
