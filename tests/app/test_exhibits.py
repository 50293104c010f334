"""Exhibits: what they gather is what the stores and the emulators say, and each file of each opens again with it."""

from __future__ import annotations

import io
import re
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bokeh.models import ColumnDataSource
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.target import take_target
from diffmp_app.exhibits import (
    DenoisingSteps,
    Distribution,
    EmulatorResponse,
    Ensemble,
    EveryEnsemble,
    Exhibit,
    ModelResponse,
    Ranks,
    ScoreMap,
    ScoreSummary,
    SelectionRanks,
    SpreadAgainstError,
    StudyScores,
    SweepCurve,
    SweepMap,
    TrainingCurve,
    ZonalSection,
)
from diffmp_app.exhibits.exhibit import cf_unit
from diffmp_app.exhibits.formats import FORMATS, csv, export
from diffmp_app.exhibits.paper import DOTS_PER_INCH
from diffmp_app.state.state import State
from diffmp_app.views.export_menu import ExportMenu
from matplotlib.image import imread

from diffmp_core.columns.user_column import to_text
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.column_integrals import INTEGRALS
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.response.sensitivity import QUANTILES, respond
from diffmp_core.schema import schema_of
from diffmp_core.scores.spread_error import spread_against_error
from diffmp_core.stores import stack_inputs, stack_outputs
from diffmp_core.variables import PAPER, PAPER_LEVELS
from tests.app.experiment import add_networks, make_experiment
from tests.app.studies import add_studies

EMULATOR, PAPERS, REFERENCE = "DIFF-MP calibrated", "DIFF-MP paper", "Analogue ensemble"
GLOBE = {"experiment": "globe", "emulator": EMULATOR}
EXHIBITS: tuple[Exhibit, ...] = (
    ScoreMap(**GLOBE, variable="tend_T_sgs", metric="mse", level=7, cell=5, region="tropics"),
    ZonalSection(**GLOBE, variable="qc", metric="coverage", level=3, average=False, time=1, vertical="pressure"),
    Distribution(experiment="globe", emulators=(EMULATOR, PAPERS), variable="qi", level=12),
    Ensemble(**GLOBE, time=1, cell=9, members=4, seed=3, drawing="fan"),
    Ranks(**GLOBE),
    EmulatorResponse(**GLOBE, time=0, cell=9, members=4, neutralise_T=1.0, scale_LHF=0.5),
    ModelResponse(**GLOBE, time=0, cell=9, hours=2, warming=-1.0),
    ScoreSummary(**GLOBE),
    SweepCurve(**GLOBE, time=0, cell=9, members=3, sweep="warming", scale_LHF=0.5),
    SweepMap(**GLOBE, time=0, cell=9, members=2, sweep="fluxes", sweep_across="neutralise_T", sweep_of="moistening"),
    StudyScores(experiment="globe", study="guidance", charts="outputs", criterion="std_ratio"),
    TrainingCurve(experiment="globe", training=EMULATOR),
    DenoisingSteps(**GLOBE, time=1, cell=9, members=3, seed=3, step=2),
    EveryEnsemble(**GLOBE, time=1, cell=9, members=4, seed=3),
    Ensemble(**GLOBE, time=1, cell=9, members=4, seed=3, drawing="single", member=2),
    SpreadAgainstError(**GLOBE, compare="difference", pinned_emulator=PAPERS, region="tropics"),
    SelectionRanks(**GLOBE, members=4, seed=3, region="tropics"),
)
EACH = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: type(exhibit).__name__)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """162 cells and 2 times, with two small, untrained networks."""
    folder = make_experiment(tmp_path_factory.mktemp("exhibits") / "globe", cells=162, times=2)
    add_networks(folder)
    return Catalog([add_studies(folder)])


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch, live: Catalog) -> xr.Dataset:
    """In place of the cloud-resolving model: members around profiles that a change halves."""
    rng, shape = np.random.default_rng(0), (2, 8, 2, PAPER_LEVELS)
    factor = np.array([1.0, 0.5])[:, None, None, None]
    dims = ("run", "member", "hour", "level")
    made = xr.Dataset(
        {v.name: (dims, factor * (1 + 0.1 * rng.random(shape)) / v.display_factor) for v in PAPER.outputs}
        | {"precipitation": (dims[:3], np.full(shape[:3], 1e-4))},
        coords={"run": ["control", "perturbed"], "hour": [1, 2], "layer_mass": ("level", np.full(PAPER_LEVELS, 300.0))},
    )
    live._kept.pop(("model answers", "globe"), None)  # what was asked before
    monkeypatch.setattr("diffmp_app.data.model_answers.refusal", lambda places: "")
    monkeypatch.setattr("diffmp_core.crm.runs.find_origin", lambda columns, *, time, cell: None)
    monkeypatch.setattr("diffmp_core.crm.runs.departure", lambda origin, temperature: 0.0)
    monkeypatch.setattr(
        "diffmp_core.crm.runs.reference_responses", lambda origin, changes, **options: [made] * len(changes)
    )
    return made


def test_a_map_holds_what_the_store_says_in_the_unit_shown(live: Catalog):
    field = ScoreMap(**GLOBE, variable="tend_T_sgs", metric="mse", level=7, cell=5)
    data, scores = field.data(live), live.scores("globe", EMULATOR)
    stored = scores["column_mse"].sel(variable="tend_T_sgs").isel(level=7).values.mean(axis=0, dtype=float)
    factor = (float(scores["truth_std"].sel(variable="tend_T_sgs")) * PAPER.stored["tend_T_sgs"].display_factor) ** 2
    np.testing.assert_allclose(data["mse"], stored * factor, rtol=1e-6)
    covered = scores["column_covered"].sel(variable="tend_T_sgs").isel(level=7).values.mean(axis=0)
    np.testing.assert_array_equal(data["outside_ensemble"], covered < 0.5)
    edges = np.linspace(-90, 90, data.sizes["latitude"] + 1)
    inside = (data["lat"].values >= edges[3]) & (data["lat"].values < edges[4])
    expected = np.average(data["mse"].values[inside], weights=data["area"].values[inside])
    assert float(data["zonal_mean"][3]) == pytest.approx(expected, rel=1e-6)
    assert data["mse"].attrs["units"] == "(K/day)2"


def test_ranks_of_a_selection_are_those_of_its_columns_alone(live: Catalog):
    data = SelectionRanks(**GLOBE, members=4, seed=3, region="tropics").data(live)
    mask, columns = live.mask(EXHIBITS[0].choices), live.columns("globe")
    assert data.attrs["subtitle"].startswith(f"All {mask.sum()} columns of the tropics")
    below, number = [], 0
    for time in range(2):
        for part in np.array_split(np.flatnonzero(mask[time]), np.arange(32, mask[time].sum(), 32)):
            chosen = columns.isel(time=[time], cell=part)
            members = live.live("globe", EMULATOR).answer(stack_inputs(chosen), members=4, seed=3 + number)
            below.append((members < stack_outputs(chosen)[:, None]).sum(axis=1))
            number += 1
    rank = np.concatenate(below)[:, 0]  # heating: no ties
    expected = np.array([(rank == r).mean() for r in range(5)])
    np.testing.assert_allclose(data["tend_T_sgs_frequency"], 5 * expected, rtol=1e-6)
    share = np.array([(rank == r).mean(axis=1) for r in range(5)])
    error = 2 * share.std(axis=1, ddof=1) / np.sqrt(len(rank))
    np.testing.assert_allclose(data["tend_T_sgs_error"], 5 * error, rtol=1e-6)


def test_ranks_of_a_large_selection_are_of_some_columns_drawn_by_the_seed(live: Catalog, monkeypatch):
    monkeypatch.setattr("diffmp_app.exhibits.ranks.MOST", 20)
    done = []
    first, again, other = (SelectionRanks(**GLOBE, members=4, seed=seed) for seed in (0, 0, 1))
    data = first.counted(live, lambda *part: done.append(part))
    assert data.attrs["subtitle"].startswith("20 of the 324 columns of the globe")
    assert done[-1] == (20, 20)
    xr.testing.assert_identical(data, again.gather(live))
    assert not data.equals(other.gather(live))


def test_ranks_of_no_column_are_refused(live: Catalog):
    with pytest.raises(DiffmpError, match="expected columns, found none of the box"):
        SelectionRanks(**GLOBE, region="box", south=0, north=0, west=1, east=1).gather(live)


def test_a_region_leaves_the_others_out(live: Catalog):
    data = EXHIBITS[0].data(live)
    tropics = np.abs(data["lat"].values) < 20
    np.testing.assert_array_equal(np.isfinite(data["mse"].values), tropics)
    assert "the tropics" in data.attrs["subtitle"]


def test_a_section_is_the_zonal_mean_of_the_map_at_its_level(live: Catalog):
    shared = {**GLOBE, "variable": "tend_qv_sgs", "metric": "bias", "level": 4}
    section, field = ZonalSection(**shared).data(live), ScoreMap(**shared).data(live)
    np.testing.assert_allclose(section["bias"][4], field["zonal_mean"], rtol=1e-5)
    assert section["latitude_bounds"].values[0, 0] == -90


def test_shares_of_a_distribution_add_up_and_its_ratio_is_theirs(live: Catalog):
    data = EXHIBITS[2].data(live)
    np.testing.assert_allclose(data["truth_share"].sum("value"), 1.0)
    np.testing.assert_allclose(data["share"].sum("value"), 1.0)
    assert int(data["truth_count"][12].sum()) == 162 * 2
    share, truth = data["share"].sel(emulator=PAPERS).values, data["truth_share"].values
    ratio = data["log2_ratio"].sel(emulator=PAPERS).values
    known = np.isfinite(ratio) & (share > 0) & (truth > 0) & (np.abs(ratio) < 1.9)
    assert np.sign(ratio[known]) == pytest.approx(np.sign(np.log2(share[known] / truth[known])))


def test_every_ensemble_is_that_of_its_emulator(live: Catalog):
    alike = {"time": 1, "cell": 9, "members": 4, "seed": 3}
    data = EveryEnsemble(**GLOBE, **alike).data(live)
    assert list(data["ensemble"].values) == [EMULATOR, PAPERS]  # the reference cannot be asked
    for name in (EMULATOR, PAPERS):
        alone = Ensemble(experiment="globe", emulator=name, **alike).data(live)
        np.testing.assert_array_equal(data["qc"].sel(ensemble=name), alone["qc"])
        np.testing.assert_array_equal(data["qc_truth"], alone["qc_truth"])


def test_an_ensemble_is_what_the_emulator_draws(live: Catalog):
    exhibit = EXHIBITS[3]
    data = exhibit.data(live)
    target, _ = take_target(exhibit.choices, live)
    drawn = live.live("globe", EMULATOR).answer(target.inputs, members=4, seed=3)[0]
    np.testing.assert_allclose(data["tend_T_sgs"], drawn[:, 0] * 86400, rtol=1e-5)
    column = live.columns("globe").isel(time=1, cell=9)
    np.testing.assert_allclose(data["qi_truth"], column["qi"].values * 1e6, rtol=1e-5)
    np.testing.assert_allclose(data["T"], column["T"].values, rtol=1e-6)
    assert "4 members, 5 steps, seed 3" in data.attrs["attribution"]


def test_a_response_is_that_of_the_emulator_to_the_change(live: Catalog):
    exhibit = EXHIBITS[5]
    data = exhibit.data(live)
    target, _ = take_target(exhibit.choices, live)
    answer = respond(
        live.live("globe", EMULATOR),
        target.inputs,
        Perturbation(neutralise_T=1.0, scale_LHF=0.5),
        pressure=live.grid("globe").pressure,
        layer_mass=target.layer_mass,
        members=4,
    )
    np.testing.assert_allclose(data["qc_perturbed_mean"], answer.perturbed.mean[2] * 1e6, rtol=1e-6)
    low = answer.baseline.quantiles[QUANTILES.index(0.1), 0] * 86400
    np.testing.assert_allclose(data["tend_T_sgs_baseline_low"], low, rtol=1e-6)
    assert float(data["heating_change"]) == pytest.approx(answer.changes[0].change)
    assert float(data["LHF_perturbed"]) == pytest.approx(0.5 * float(data["LHF_baseline"]), rel=1e-5)
    assert "T neutralised below level 11, LHF × 0.5" in data.attrs["title"]


def test_spread_against_error_is_of_the_columns_selected_in_the_unit_shown(live: Catalog):
    data, scores, mask = EXHIBITS[-2].data(live), live.scores("globe", PAPERS), live.mask(EXHIBITS[-2].choices)
    assert data["emulator"].values.tolist() == [EMULATOR, PAPERS]
    shown = data.sel(emulator=PAPERS)
    std = float(scores["truth_std"].sel(variable="qc")) * PAPER.stored["qc"].display_factor
    mse, spread = (
        np.concatenate([scores[name].sel(variable="qc").values[time][:, cells] for time, cells in enumerate(mask)], 1)
        for name in ("column_mse", "column_spread")
    )
    found = spread_against_error([(mse, spread)], members=live.members("globe", PAPERS))
    assert 0 < found.count.sum() <= mask.sum() * PAPER_LEVELS
    assert np.isfinite(found.error).any()
    np.testing.assert_array_equal(shown["qc_count"], found.count)
    np.testing.assert_allclose(shown["qc_error"], found.error * std, rtol=1e-6)
    np.testing.assert_allclose(shown["qc_spread"], found.spread * std, rtol=1e-6)


def test_the_models_response_is_its_mean_over_hours_and_members(live: Catalog, model: xr.Dataset):
    data = EXHIBITS[6].data(live)
    expected = model["qi"].sel(run="control").mean(("member", "hour")) * 1e6
    np.testing.assert_allclose(data["qi_baseline_mean"], expected)
    np.testing.assert_allclose(data["precipitation_perturbed_hourly"], 8.64)
    change = model["tend_T_sgs"].mean(("member", "hour")).diff("run").sum("level") * 300 * INTEGRALS[0].factor
    assert float(data["heating_change"]) == pytest.approx(float(change[0]))


def test_scores_are_those_of_the_tables(live: Catalog):
    data = EXHIBITS[7].data(live)
    table = live.table("globe", REFERENCE)["scores"]["qc"]
    assert float(data["crps_fair"].sel(variable="qc", emulator=REFERENCE)) == table["crps_fair"]
    assert data.attrs["title"] == "Scores: Synthetic globe"


def exhibit_of(kind: type) -> Exhibit:
    return next(exhibit for exhibit in EXHIBITS if isinstance(exhibit, kind))


def test_a_sweep_passes_through_the_response_at_its_slider(live: Catalog):
    exhibit = exhibit_of(SweepCurve)
    data = exhibit.data(live)
    assert data["warming"].values[[0, 10, 20]].tolist() == [-5.0, 0.0, 5.0]
    there = {"time": 0, "cell": 9, "members": 3, "scale_LHF": 0.5}
    response = EmulatorResponse(**GLOBE, **there, warming=2.5).data(live)
    point = data.sel(warming=2.5)
    for name in ("heating", "moistening", "liquid_water_path", "ice_water_path"):
        assert float(point[f"{name}_change"]) == pytest.approx(float(response[f"{name}_change"]), rel=1e-9)
        assert float(data[f"{name}_baseline"]) == pytest.approx(float(response[f"{name}_baseline"]), rel=1e-9)
    assert (data["heating_low"] <= data["heating_high"]).all()
    assert "elsewhere: LHF × 0.5" in data.attrs["subtitle"]
    assert data["warming"].attrs["units"] == "K"


def test_a_map_of_two_sliders_has_a_curve_in_its_row(live: Catalog):
    exhibit = exhibit_of(SweepMap)
    data = exhibit.data(live)
    assert data["moistening_change"].dims == ("neutralise_T", "fluxes")
    assert data["fluxes"].values[[0, 5, 10]].tolist() == [0.0, 100.0, 200.0]
    assert float(data["moistening_change"].sel(neutralise_T=0.0, fluxes=100.0)) == 0.0
    assert int(data["moistening_significant"].sel(neutralise_T=0.0, fluxes=100.0)) == 0
    curve = SweepCurve(**GLOBE, time=0, cell=9, members=2, sweep="fluxes").data(live)
    row = data["moistening_change"].sel(neutralise_T=0.0)
    np.testing.assert_allclose(row, curve["moistening_change"].values[::2], rtol=1e-9, atol=1e-12)
    with pytest.raises(DiffmpError, match="sliders that move different things"):
        SweepMap(**GLOBE, time=0, cell=9, sweep="fluxes", sweep_across="scale_LHF").data(live)


def test_the_steps_end_in_the_ensemble_of_the_profiles(live: Catalog):
    data = exhibit_of(DenoisingSteps).data(live)
    profiles = Ensemble(**GLOBE, time=1, cell=9, members=3, seed=3).data(live)
    np.testing.assert_array_equal(data["qc"][-1], profiles["qc"])
    assert data.sizes["step"] == 6
    assert float(data["signal"][-1]) == 1.0
    with pytest.raises(DiffmpError, match="expected one column to denoise, found many"):
        DenoisingSteps(**GLOBE, time=1, cell=9, target="composite").data(live)


def test_a_readers_own_column_is_answered_as_the_stored_one(live: Catalog):
    stored = live.columns("globe").isel(time=[0], cell=[9])
    own = to_text(stack_inputs(stored)[0], schema_of(stored))
    shared = {**GLOBE, "time": 1, "cell": 3, "members": 3, "target": "own", "own": own}
    data = Ensemble(**shared).data(live)
    assert np.isnan(data["qc_truth"]).all()
    assert "truth" not in data.attrs["title"]
    there = Ensemble(**GLOBE, time=0, cell=9, members=3).data(live)
    np.testing.assert_allclose(data["T"], there["T"], atol=0.006)
    np.testing.assert_allclose(
        data["tend_T_sgs"], there["tend_T_sgs"], rtol=0.05, atol=0.05 * float(there["tend_T_sgs"].std())
    )
    response = EmulatorResponse(**shared, scale_LHF=0.5).data(live)
    assert float(response["LHF_perturbed"]) == pytest.approx(0.5 * stored["LHF"].item(), rel=1e-4)
    with pytest.raises(DiffmpError, match="No column of your own"):
        Ensemble(**shared | {"own": ""}).data(live)


@EACH
def test_netcdf_opens_again_with_values_units_and_origin(exhibit: Exhibit, live: Catalog, tmp_path: Path):
    file = export(exhibit, live, "netcdf")
    (tmp_path / file.name).write_bytes(file.content)
    data = exhibit.data(live)
    with xr.open_dataset(tmp_path / file.name, decode_times=False) as opened:
        for name, variable in data.data_vars.items():
            np.testing.assert_array_equal(opened[name].values, variable.values)
            assert opened[name].attrs["units"] == variable.attrs["units"] != ""
        assert opened.attrs["Conventions"].startswith("CF-")
        assert opened.attrs["title"] == data.attrs["title"]
        assert repr(exhibit) in opened.attrs["history"]
        exhibit.paper(opened)  # a reader's copy is drawn as well as the page's


@EACH
def test_a_table_holds_every_value(exhibit: Exhibit, live: Catalog):
    data = exhibit.data(live)
    text = csv(data)
    table = pd.read_csv(io.StringIO(text), comment="#")
    assert text.startswith(f"# title: {data.attrs['title']}\n")
    headings = {heading.split(" [")[0]: heading for heading in table.columns}
    for name, variable in data.data_vars.items():
        found = np.unique(table[headings[name]].dropna().to_numpy(dtype=float))
        known = np.unique(variable.values[np.isfinite(variable.values)].astype(float))
        for some, others in ((known, found), (found, known)):
            nearest = others[np.abs(some[:, None] - others).argmin(axis=1)] if some.size else some
            np.testing.assert_allclose(nearest, some, rtol=1e-6)


@EACH
def test_pictures_open_and_say_what_they_are(exhibit: Exhibit, live: Catalog):
    picture = imread(io.BytesIO(export(exhibit, live, "png").content))
    width, height = (round(size * DOTS_PER_INCH) for size in exhibit.size)
    assert picture.shape[:2] == (height, width)
    assert np.ptp(picture[..., 0]) > 0.5
    words = " ".join(ElementTree.fromstring(export(exhibit, live, "svg").content).itertext())
    data = exhibit.data(live)
    for text in (data.attrs["title"].split(",")[0], data.attrs["attribution"].split(".")[0]):
        assert text in words


def assert_alike(first: str, second: str) -> None:
    """The same SVG but for images, names of clips, and places moved by less than a hundredth of a point.

    matplotlib's solver of layouts takes its constraints in no fixed order, so that its answers differ by roundings.
    """
    number = re.compile(r"-?\d+(?:\.\d+)?(?:e-\d+)?")
    texts = [re.sub(r"base64,[^\"]*|\b[a-zA-Z]?[0-9a-f]{10}\b", "", text) for text in (first, second)]
    words, numbers = ([number.sub("", t) for t in texts], [[float(n) for n in number.findall(t)] for t in texts])
    assert words[0] == words[1]
    np.testing.assert_allclose(*numbers, rtol=1e-6, atol=0.01)


@EACH
def test_python_runs_as_it_stands_and_draws_the_same(exhibit: Exhibit, live: Catalog, tmp_path: Path, monkeypatch):
    script, out = tmp_path / "figure.py", tmp_path / "figure.svg"
    script.write_bytes(export(exhibit, live, "python").content)

    def reopen(folders: list[Path]) -> Catalog:
        """The catalog that is open: netCDF4 may crash when one process opens and drops a file again and again."""
        assert folders == [live.folder("globe")]
        return live

    monkeypatch.setattr("diffmp_app.data.catalog.Catalog", reopen)
    monkeypatch.setattr(sys, "argv", [str(script), str(out)])
    runpy.run_path(str(script), run_name="__main__")
    assert_alike(out.read_text(), export(exhibit, live, "svg").content.decode())


def test_python_runs_in_a_process_of_its_own(live: Catalog, tmp_path: Path):
    (tmp_path / "figure.py").write_bytes(export(EXHIBITS[1], live, "python").content)
    subprocess.run([sys.executable, "figure.py", "figure.svg"], cwd=tmp_path, check=True, timeout=250)
    assert_alike((tmp_path / "figure.svg").read_text(), export(EXHIBITS[1], live, "svg").content.decode())


@EACH
def test_the_screen_shows_what_the_paper_shows(exhibit: Exhibit, live: Catalog):
    data, rows = exhibit.data(live), exhibit.screen(exhibit.data(live))
    shown: list[np.ndarray] = []
    for part in (part for row in rows for part in row if not isinstance(part, str)):
        for source in (model for model in part.references() if isinstance(model, ColumnDataSource)):
            shown += [np.ravel(np.asarray(v, dtype=float)) for column in source.data.values() for v in column]
    if not shown:
        assert isinstance(exhibit, ScoreSummary)
        assert f"{float(data['crps_fair'].sel(variable='qc', emulator=EMULATOR)):.3f}" in rows[0][0]
        return
    drawn = np.unique(np.concatenate(shown).astype(np.float32))
    for name in ("mse", "coverage", "log2_ratio", "tend_T_sgs_truth", "qc_frequency", "qc_perturbed_mean"):
        if name in data:
            values = data[name].values[np.isfinite(data[name].values)].astype(np.float32)
            assert np.isin(values, drawn).mean() > 0.95


def test_pdf_is_vector_with_words_in_it(live: Catalog):
    content = export(Ranks(**GLOBE), live, "pdf").content
    assert content.startswith(b"%PDF")
    assert b"/Title (Rank of the truth" in content
    assert b"/Subtype /Image" not in content


def test_what_is_not_there_is_one_sentence(live: Catalog):
    with pytest.raises(DiffmpError, match="expected a score store of 'Analogue ensemble'.*run 'diffmp score'"):
        ScoreMap(experiment="globe", emulator=REFERENCE, variable="qc", metric="mse", level=0).data(live)
    with pytest.raises(DiffmpError, match="expected an emulator with weights"):
        Ensemble(experiment="globe", emulator=REFERENCE, time=0, cell=0).data(live)
    with pytest.raises(DiffmpError, match="expected a format among png"):
        export(Ranks(**GLOBE), live, "docx")


def test_an_exhibit_of_the_state_has_its_choices(live: Catalog):
    state = State(live.names, live.limits)
    state.param.update(level=21, metric="bias", region="land", units="normalised")
    made = ScoreMap.of(state)
    assert (made.level, made.metric, made.region, made.units) == (21, "bias", "land", "normalised")
    assert (made.choices.level, made.choices.region) == (21, "land")


@pytest.mark.parametrize(
    ("shown", "unit"), [("(K/day)²", "(K/day)2"), ("σ² of truth", "1"), ("W/m²", "W/m2"), ("g/kg/day", "g/kg/day")]
)
def test_units_are_spelt_for_machines(shown: str, unit: str):
    assert cf_unit(shown) == unit


def test_the_menu_makes_a_file_on_click_and_says_what_is_missing(live: Catalog):
    state = State(live.names, live.limits)
    menu = ExportMenu("map", lambda: ScoreMap.of(state), live)
    assert menu.download not in menu.row
    assert [item["label"] for item in menu.button.items] == [chosen.label for chosen in FORMATS.values()]
    menu.make("csv")
    file = menu.download.file
    assert file["name"].endswith(".csv")
    assert file["content"].startswith(b"# title: Mean squared error")
    assert not menu.button.loading
    missing = ExportMenu("profiles", lambda: Ensemble.of(state, emulator=REFERENCE), live)
    missing.make("netcdf")
    assert missing.problem.visible
    assert "expected an emulator with weights" in missing.words.object
