"""The cloud-resolving model beside the emulator: asked from the page, for columns that it made itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from app.catalog import Catalog
from app.state import State
from app.views.long_work import Stopped
from app.views.sensitivity import SensitivityView
from diffmp_core.crm.simulate import simulate
from diffmp_core.variables import OUTPUT_NAMES
from tests.app.experiment import add_networks, make_experiment

pytestmark = pytest.mark.timeout(1500)  # a cold cache compiles the simulator here
HOUR = 3


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment of synthetic columns whose place, time and temperature are those of a small simulator run."""
    base = tmp_path_factory.mktemp("reference")
    raw = xr.open_zarr(simulate(base / "run.zarr", grid="G0", hours=HOUR, workers=1))
    folder = make_experiment(base / "globe", cells=12, times=1)
    add_networks(folder)
    columns = xr.load_dataset(folder / "columns.nc")
    columns["lat"], columns["lon"] = ("cell", raw["lat"].values), ("cell", raw["lon"].values)
    columns["time"] = columns["time"].values - columns["time"].values[-1] + raw["time"].values[HOUR - 1]
    columns["T"][:] = raw["T"].values[HOUR - 1]
    columns.attrs |= {f"simulation_{key}": raw.attrs[key] for key in ("grid", "start", "seed")}
    (folder / "columns.nc").unlink()
    columns.to_netcdf(folder / "columns.nc")
    return folder


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
    response = reference.answer.response
    assert response.attrs["cell"] == view.state.cell
    assert '"scale_LHF": 0.3' in response.attrs["perturbation"]
    assert reference.answer.departure < reference.answer.same_weather
    assert reference.shown.visible
    assert not reference.notice.visible
    drawn = reference.outputs["tend_T_sgs"].pair.source.data["first_mean"]
    expected = response["tend_T_sgs"].sel(run="control").mean(("member", "hour")) * 86_400
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


def test_many_columns_are_refused_in_one_sentence(view: SensitivityView):
    view.state.param.update(target="composite", region="tropical ocean")
    view.refresh(frozenset({"target", "region"}))
    view.reference._run()
    assert "expected one column" in view.reference.notice.object
    assert view.reference.answer is None


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
    view.target.inputs[0, OUTPUT_NAMES.index("tend_T_sgs")] += 2.0  # channel 0 of the inputs is T
    view.reference._run()
    assert "other weather (temperature differs by up to 2.0 K)" in view.reference.notice.object


def test_columns_of_another_source_cannot_be_asked(catalog: Catalog, state: State):
    view = SensitivityView(state, catalog)
    view.panel()
    assert view.reference.work.run.disabled
    assert "do not come from the simulator" in view.reference.notice.object
