"""Profiles of columns of any variables and levels, and that what is drawn is what leaves, to the last digit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import DenoisingSteps, Ensemble, EnsemblePair, EveryEnsemble, SelectionRanks
from diffmp_app.exhibits.formats import FORMATS, export
from diffmp_app.state.state import State
from diffmp_app.views import export_menu
from diffmp_app.views.profiles import ProfilesView

from diffmp_core.columns.normalize import fit
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.schema import ColumnSchema, schema_of
from diffmp_core.stores import SPLITS, stack_inputs, stack_outputs, write_store
from diffmp_core.variables import Channels, ColumnVariables
from tests.app.drawn import differences, seen
from tests.app.experiment import add_networks, make_experiment
from tests.synthetic import WIDE, make_columns

WHOLE, PART = "Whole", "Part"
LEVELS = 20
LIVE: dict[str, Any] = {"time": 1, "cell": 9, "members": 4, "seed": 3}


def part_of(schema: ColumnSchema) -> ColumnSchema:
    """Fewer inputs, in another order, and two of the outputs, a single value first."""
    inputs = Channels(schema.inputs.named(name) for name in ("qv", "Ps", "T", "qc"))
    outputs = Channels(schema.outputs.named(name) for name in ("PRECC", "tend_T_sgs"))
    return replace(schema, variables=ColumnVariables(inputs, outputs))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """An experiment of the paper's variables, and one of more inputs, single values and other levels."""
    base = tmp_path_factory.mktemp("variables")
    paper = make_experiment(base / "paper", cells=42, times=2)
    add_networks(paper)
    folder = base / "wide"
    columns = make_columns(cells=42, times=4, variables=WIDE, levels=LEVELS)
    columns["split"][:] = [SPLITS.index(split) for split in ("train", "gap", "test", "test")]
    write_store(columns, folder / "columns.nc")
    schema, entries = schema_of(columns), []
    for number, (name, its) in enumerate({WHOLE: schema, PART: part_of(schema)}.items()):
        torch.manual_seed(number)
        normalization = fit(stack_inputs(columns, its.inputs), stack_outputs(columns, its.outputs), schema=its)
        emulator = build_emulator({"kind": "diffusion", "filters": 8, "layers": 2}, normalization)
        for parameter in emulator.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        save_emulator(emulator, folder / name)
        entries.append({"name": name, "folder": name})
    (folder / "experiment.yaml").write_text(
        yaml.safe_dump({"title": "Wide", "columns": "columns.nc", "split": "test", "emulators": entries})
    )
    return Catalog([paper, folder])


@pytest.fixture
def menus(monkeypatch: pytest.MonkeyPatch) -> dict[str, export_menu.ExportMenu]:
    """Every export menu that is made, by what it is of."""
    made: dict[str, export_menu.ExportMenu] = {}

    class Kept(export_menu.ExportMenu):
        def __init__(self, what: str, *given: Any) -> None:
            super().__init__(what, *given)
            made[what] = self

    monkeypatch.setattr(export_menu, "ExportMenu", Kept)
    return made


def view_of(catalog: Catalog, **choices: Any) -> ProfilesView:
    state = State(catalog.names, catalog.limits)
    state.experiment = choices.pop("experiment", "wide")
    state.param.update(**LIVE | choices)
    view = ProfilesView(state, catalog)
    view.panel()
    return view


def change(view: ProfilesView, **choices: Any) -> None:
    view.state.param.update(**choices)
    view.refresh(frozenset(choices))


def test_an_ensemble_has_the_columns_own_variables(both: Catalog):
    data = Ensemble(experiment="wide", emulator=WHOLE, **LIVE).data(both)
    column = both.columns("wide").isel(time=[1], cell=[9])
    drawn = both.live("wide", WHOLE).answer(stack_inputs(column), members=4, seed=3)[0]
    assert data["tend_T_sgs"].shape == (4, LEVELS)
    assert data["PRECC"].dims == ("member",)
    assert data["PRECC_truth"].dims == ()
    assert data["PRECC"].attrs["units"] == "mm/day"
    np.testing.assert_allclose(data["PRECC"], drawn[:, 1, 0] * 86_400e3, rtol=1e-5)
    np.testing.assert_allclose(data["qc"], drawn[:, 3] * 1e6, rtol=1e-5)
    np.testing.assert_allclose(data["qc_truth"], column["qc"].values.ravel() * 1e6, rtol=1e-5)
    np.testing.assert_allclose(data["input_qc"], column["input_qc"].values.ravel() * 1e6, rtol=1e-5)
    np.testing.assert_allclose(data["input_lat"], column["lat"].item(), rtol=1e-5)
    assert "latitude" in data.attrs["subtitle"]


def test_an_emulator_of_fewer_variables_is_asked_by_name_and_lacks_the_others(both: Catalog):
    data = Ensemble(experiment="wide", emulator=PART, **LIVE).data(both)
    live, column = both.live("wide", PART), both.columns("wide").isel(time=[1], cell=[9])
    drawn = live.answer(stack_inputs(column, live.schema.inputs), members=4, seed=3)[0]
    np.testing.assert_allclose(data["PRECC"], drawn[:, 0, 0] * 86_400e3, rtol=1e-5)
    np.testing.assert_allclose(data["tend_T_sgs"], drawn[:, 1] * 86_400, rtol=1e-5)
    assert np.isnan(data["qc"]).all()
    assert np.isfinite(data["qc_truth"]).all()
    assert "SHF" not in data
    view = view_of(both, emulator=PART)
    assert view.outputs.words["qc"].object == ""
    assert "truth **" in view.outputs.words["PRECC"].object
    assert f"of {LEVELS}" in view.outputs.words["tend_T_sgs"].object
    assert {name for name, panel in view.inputs.items() if panel.figure.visible} == {"T", "qv", "qc"}
    steps = DenoisingSteps(experiment="wide", emulator=PART, **LIVE).data(both)
    assert steps["PRECC"].dims == ("step", "member")
    assert "qc" not in steps


@pytest.mark.parametrize(
    "exhibit",
    [
        Ensemble(experiment="wide", emulator=WHOLE, **LIVE),
        Ensemble(experiment="wide", emulator=PART, **LIVE, drawing="fan", units="normalised"),
        EnsemblePair(experiment="wide", emulator=WHOLE, **LIVE, pinned_cell=3),
        EnsemblePair(experiment="wide", emulator=WHOLE, **LIVE, pinned_emulator=PART, compare="difference"),
        EveryEnsemble(experiment="wide", emulator=WHOLE, **LIVE),
        DenoisingSteps(experiment="wide", emulator=WHOLE, **LIVE, step=2),
        SelectionRanks(experiment="wide", emulator=PART, members=3, region="tropics"),
    ],
    ids=lambda exhibit: f"{type(exhibit).__name__} {exhibit.emulator}",
)
def test_every_exhibit_leaves_in_every_format(both: Catalog, exhibit):
    data = exhibit.data(both)
    assert all(len(export(exhibit, both, name, data).content) > 300 for name in FORMATS)
    assert any(not isinstance(part, str) for row in exhibit.screen(data) for part in row)


def left_by(menu: export_menu.ExportMenu, folder: Path) -> xr.Dataset:
    """What a menu hands over as netCDF."""
    menu.make("netcdf")
    file = folder / menu.download.file["name"]
    file.write_bytes(menu.download.file["content"])
    return xr.load_dataset(file)


def lines_of(panel) -> np.ndarray:
    """Members (member, level) that a panel draws."""
    levels = panel.levels.data["y"].size
    return panel.lines.data["x"].reshape(-1, levels + 1)[:, :levels]


def same(drawn: Any, left: Any) -> None:
    """A profile, or a single value that is drawn as a line upward, is what was exported, to the last digit."""
    drawn, left = np.asarray(drawn), np.asarray(left)
    np.testing.assert_array_equal(
        drawn, np.broadcast_to(left[..., None] if left.ndim < drawn.ndim else left, drawn.shape)
    )


@pytest.mark.parametrize("compare", ["side by side", "difference"])
def test_what_is_drawn_is_what_leaves_and_nobody_is_asked_again(
    both: Catalog,
    menus: dict[str, export_menu.ExportMenu],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    compare: str,
):
    view = view_of(both, compare=compare, pinned_cell=3, every=True, denoising=True, step=1, units="normalised")

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("an export asked the emulator again")

    for emulator in (WHOLE, PART):
        for ask in ("submit", "submit_work", "answer_patiently"):
            monkeypatch.setattr(both.live("wide", emulator), ask, never)
    alone, pair, every, steps = (
        left_by(menus[what], tmp_path) for what in ("profiles", "pair", "every emulator", "steps")
    )
    for entry in WIDE.outputs:
        name, panel = entry.name, view.outputs[entry.name]
        same(panel.levels.data["truth"], alone[f"{name}_truth"])
        same(lines_of(panel), alone[name])
        if compare == "side by side":
            below = view.pinned.outputs[name]
            same(below.levels.data["truth"], pair[f"{name}_truth"].sel(side="pinned"))
            same(lines_of(below), pair[name].sel(side="pinned"))
            assert below.x_range.end == panel.x_range.end
        else:
            minus = view.pinned.differences[name].source.data
            same(minus["mean"], pair[f"{name}_difference"])
            same(minus["high"], pair[f"{name}_difference_high"])
            same(minus["truth"], pair[f"{name}_difference_truth"])
        same(lines_of(panel), pair[name].sel(side="selected"))
        for row in view.every.rows:
            shown = next(panel for panel in row.panels if panel.variable.name == name)
            same(shown.levels.data["truth"], every[f"{name}_truth"])
            if row.emulator == WHOLE or name in both.live("wide", PART).schema.outputs:
                same(lines_of(shown), every[name].sel(ensemble=row.emulator))
            else:
                assert len(shown.lines.data["x"]) == 0
        for source, ending in (("state", ""), ("predicted", "_predicted")):
            drawn = getattr(view.denoising.panels[name], source).data["x"].reshape(4, -1)[:, :-1]
            same(drawn, steps[name + ending][1])
    for name, panel in view.inputs.items():
        same(panel.source.data["first"], alone[WIDE.stored_input(name)])


def test_ranks_leave_as_they_were_counted(
    both: Catalog, menus: dict[str, export_menu.ExportMenu], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    view = view_of(both, experiment="paper")
    selection = view.selection_ranks
    selection._run()
    monkeypatch.setattr(both.live("paper", view.state.emulator), "answer_patiently", None)
    every, some = (left_by(menus[what], tmp_path) for what in ("ranks", "ranks of the selection"))
    for name, panel in view.ranks.items():
        same(panel.source.data["relative"], every[f"{name}_frequency"])
        same(selection.panels[name].source.data["relative"], some[f"{name}_frequency"])
        high = some[f"{name}_frequency"] + some[f"{name}_error"]
        same(selection.panels[name].source.data["high"], high)
    change(view, region="tropics")
    assert selection.data is None


def test_two_experiments_of_other_variables_leave_nothing_of_each_other(both: Catalog):
    state = State(both.names, both.limits)
    state.param.update(members=3)
    view = ProfilesView(state, both)
    page = view.panel()
    everything = frozenset(view.depends)
    more = {"compare": "side by side", "pinned_cell": 2, "every": True, "denoising": True}
    for experiment in ("wide", "paper", "wide"):
        state.experiment = experiment
        state.param.update(**more)
        view.refresh(everything)
        assert list(view.outputs) == list(both.schema(experiment).outputs.names)
        other = State(both.names, both.limits)
        other.show(state.choices)
        assert differences(seen(page), seen(ProfilesView(other, both).panel())) == []
        state.compare = "difference"
        view.refresh(frozenset({"compare"}))
        assert list(view.pinned.differences) == list(view.outputs)
