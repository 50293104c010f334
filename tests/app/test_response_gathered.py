"""Responses and sweeps: what stands in the figures of the page is what their exhibit holds, of any variables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from diffmp_app.data.axes import level_axis
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import EmulatorResponse
from diffmp_app.exhibits.changed import changes_of
from diffmp_app.exhibits.formats import export
from diffmp_app.figures.response import ResponsePanel, response_table
from diffmp_app.state.state import State
from diffmp_app.views.sensitivity import SensitivityView

from diffmp_core.columns.normalize import fit
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs, stack_outputs, write_store
from diffmp_core.variables import ColumnVariables, choose_variables
from tests.app.experiment import add_networks, make_experiment
from tests.synthetic import WIDE, make_columns

LEVELS = 41
NARROW = choose_variables(("LHF", "T", "u"), ("PRECC", "tend_T_sgs"))
"""Of what the wide columns hold: no vapour, one flux."""
BOTH = {"first": "baseline", "second": "perturbed"}
PARTS = ("mean", "low", "high")


def add_emulator(folder: Path, columns: xr.Dataset, variables: ColumnVariables) -> None:
    """A small, untrained network of some of the variables of the columns."""
    schema = schema_of(columns)
    chosen = type(schema)(variables, schema.height, schema.pressure)
    values = stack_inputs(columns, variables.inputs), stack_outputs(columns, variables.outputs)
    torch.manual_seed(3)
    emulator = build_emulator({"kind": "diffusion", "filters": 8, "layers": 2}, fit(*values, schema=chosen))
    for parameter in emulator.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    save_emulator(emulator, folder)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The paper's columns; others of more inputs, single-value outputs and levels, with two emulators of their own."""
    base = tmp_path_factory.mktemp("gathered")
    paper = make_experiment(base / "paper", cells=42, times=1)
    add_networks(paper)
    columns, wide = make_columns(42, 3, variables=WIDE, levels=LEVELS), base / "wide"
    write_store(columns, wide / "columns.nc")
    for name, variables in (("all", WIDE), ("few", NARROW)):
        add_emulator(wide / name, columns, variables)
    emulators = [{"name": name, "folder": name} for name in ("all", "few")]
    about = {"title": "Wide", "columns": "columns.nc", "split": "all", "emulators": emulators}
    (wide / "experiment.yaml").write_text(yaml.safe_dump(about))
    return Catalog([paper, wide])


@pytest.fixture
def view(catalog: Catalog) -> SensitivityView:
    state = State(catalog.names, catalog.limits)
    state.param.update(members=3)
    view = SensitivityView(state, catalog)
    view.panel()
    return view


def change(view: SensitivityView, **values: object) -> None:
    """Change the state and tell the view, as the page does."""
    view.state.param.update(**values)
    follow = {"emulator", "cell", "time", "top_level", "variable"} if "experiment" in values else set()
    view.refresh(frozenset(values) | follow)


@pytest.fixture
def exported(view: SensitivityView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """The file that leaves by the menu, while nobody may be asked again."""

    def write(part: object) -> xr.Dataset:
        state = view.state
        with monkeypatch.context() as patch:
            for name in ("submit_work", "answer", "answer_patiently"):
                patch.setattr(view.catalog.live(state.experiment, state.emulator), name, None)
            file = export(part._exhibit(), view.catalog, "netcdf", part.data)
        (tmp_path / "it.nc").write_bytes(file.content)
        with xr.open_dataset(tmp_path / "it.nc", decode_times=False) as opened:
            return opened.load()

    return write


CASES = {
    "paper": {"experiment": "paper"},
    "many columns": {"experiment": "paper", "target": "composite"},
    "other variables": {"experiment": "wide", "emulator": "all"},
    "some of the variables": {"experiment": "wide", "emulator": "few"},
}


@pytest.mark.parametrize("where", CASES.values(), ids=CASES)
@pytest.mark.parametrize("look", [{}, {"units": "normalised", "vertical": "pressure", "temperature": "T"}])
def test_the_response_drawn_is_the_response_exported_to_the_last_digit(view: SensitivityView, exported, where, look):
    change(view, **where)
    change(view, warming=-1.25, scale_LHF=0.3, **look)
    data = exported(view)
    schema = view.catalog.live(view.state.experiment, view.state.emulator).schema
    levels = level_axis(view.state.vertical, height=data["height"].values, pressure=data["pressure"].values)
    assert set(view.outputs) == set(schema.outputs.names)
    assert data.sizes["level"] == schema.levels
    for name, panel in view.outputs.items():
        for which, written in BOTH.items():
            if isinstance(panel, ResponsePanel):
                drawn = panel.pair.source.data
                for part in PARTS:
                    np.testing.assert_array_equal(drawn[f"{which}_{part}"], data[f"{name}_{written}_{part}"])
                np.testing.assert_array_equal(drawn["change"], data[f"{name}_change"])
                np.testing.assert_array_equal(drawn["y"], levels.values)
                assert np.ptp(drawn["first_mean"]) > 0
            else:
                for part in PARTS:
                    drawn = panel.sources[which].data[part]
                    np.testing.assert_array_equal(drawn, [data[f"{name}_{written}_{part}"].item()])
    for name, panel in view.inputs.panels.items():
        key = view.state.temperature if name == "T" else name
        for which, written in BOTH.items():
            np.testing.assert_array_equal(panel.source.data[which], data[f"{key}_{written}"])
    table = {found.name: found for found in changes_of(data)}
    assert view.table.object == response_table([table[found.name] for found in view.response.changes])
    assert f"→ {data['LHF_perturbed'].item():.0f} W/m²" in view.surface.object
    assert data["LHF_perturbed"].item() == pytest.approx(0.3 * data["LHF_baseline"].item(), rel=1e-5)


def test_a_quick_answer_leaves_with_the_members_that_it_has(view: SensitivityView, exported):
    view.profile_ms = 50.0
    view.asker.latest = -5  # as if another question followed, so that no finer answer comes
    change(view, warming=-1.25)
    assert exported(view).attrs["history"].count("members=3") == 1
    assert "warming=-1.25" in exported(view).attrs["history"]


@pytest.mark.parametrize("where", CASES.values(), ids=CASES)
def test_the_sweep_drawn_is_the_sweep_exported_to_the_last_digit(view: SensitivityView, exported, where):
    change(view, members=2, **where)
    change(view, sweep="warming")
    view.sweeps._run()
    data = exported(view.sweeps)
    assert next(iter(view.sweeps.curves)) == "heating"
    for name, panel in view.sweeps.curves.items():
        drawn, key = panel.source.data, name.replace(" ", "_")
        np.testing.assert_array_equal(drawn["x"], data["warming"])
        for column, ending in {
            "mean": "", "low": "_low", "high": "_high", "change": "_change", "error": "_standard_error",
        }.items():  # fmt: skip
            np.testing.assert_array_equal(drawn[column], data[key + ending])
        np.testing.assert_array_equal(drawn["share"], data["out_of_range"])
        assert panel.baseline.location == data[f"{key}_baseline"].item()
    change(view, sweep_across="scale_LHF")
    view.sweeps._run()
    drawn, data = view.sweeps.map.cells.data, exported(view.sweeps)
    np.testing.assert_array_equal(drawn["change"], data["heating_change"].values.ravel())
    np.testing.assert_array_equal(drawn["error"], data["heating_standard_error"].values.ravel())
    sure = data["heating_significant"].values.astype(bool)
    assert len(view.sweeps.map.doubtful.data["x"]) == (~sure).sum()


def test_another_integral_of_a_map_is_exported_under_its_own_name(view: SensitivityView, exported):
    change(view, sweep="warming", sweep_across="scale_LHF", members=2)
    view.sweeps._run()
    change(view, sweep_of="ice water path")
    assert exported(view.sweeps).attrs["title"].endswith("change of ice water path")
    change(view, experiment="wide", emulator="all")
    change(view, sweep_of="ice water path")
    view.sweeps._run()
    assert "expected one of heating, moistening, liquid water path, PRECC, FLWDS to map" in view.sweeps.notice.object
    assert not view.sweeps.shown.visible
    assert list(view.sweeps.choosers["sweep_of"].options.values())[-1] == "ice water path"  # as long as it is chosen
    change(view, sweep_of="heating")
    assert "ice water path" not in view.sweeps.choosers["sweep_of"].options.values()


def test_sliders_that_change_nothing_of_an_emulator_are_not_offered(view: SensitivityView):
    controls = view.controls
    assert all(control.visible for control in (*controls.controls.values(), *controls.buttons.values()))
    change(view, experiment="wide", emulator="few")
    offered = {name for name, control in controls.controls.items() if control.visible}
    assert offered == {"neutralise_T", "warming", "top_level", "scale_LHF"}
    assert {name for name, button in controls.buttons.items() if button.visible} == {"T neutralised", "2 K cooler"}
    assert set(view.inputs.panels) == {"T"}
    change(view, sweep="warming")
    swept = {"neutralise_T", "warming", "scale_LHF", "top_level"}
    assert set(view.sweeps.choosers["sweep"].options.values()) == swept
    assert set(view.sweeps.choosers["sweep_across"].options.values()) == {"none", *swept}
    view.sweeps.choosers["sweep"].value = "scale_LHF"
    assert view.state.sweep == "scale_LHF"
    change(view, scale_SOLIN=0.3)
    assert "expected SOLIN" in view.notice.object
    assert view.data is None
    change(view, experiment="paper")
    assert all(control.visible for control in controls.controls.values())
    assert set(view.inputs.panels) == {"T", "qv"}


def test_a_change_of_emulator_leaves_no_panel_of_the_one_before(view: SensitivityView, catalog: Catalog):
    change(view, experiment="wide", emulator="all", warming=1.0)
    titles = [panel.figure.title.text for panel in view.outputs.values()]
    assert titles[-2:] == ["Precipitation", catalog.limits("wide").outputs["FLWDS"]]
    change(view, emulator="few")
    fresh = SensitivityView(view.state, catalog)
    fresh.panel()
    assert list(view.outputs) == list(fresh.outputs) == ["tend_T_sgs", "PRECC"]
    for name, panel in view.outputs.items():
        assert panel.figure.title.text == fresh.outputs[name].figure.title.text
    drawn, anew = (v.outputs["PRECC"].sources["second"].data["mean"] for v in (view, fresh))
    np.testing.assert_array_equal(drawn, anew)


def test_the_model_is_asked_about_its_own_variables_and_levels_only(catalog: Catalog):
    refused = catalog.model_answers("wide").refused
    assert refused
    response = EmulatorResponse(experiment="wide", emulator="all", time=0, cell=3, members=2, warming=-1.0).data(
        catalog
    )
    assert "The cloud-resolving model cannot be asked about these columns." in response.attrs["verdict"]
