"""Captions say of what a figure is: what was drawn and how, of which columns, and why something is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from bokeh.models import Range1d
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import (
    Distribution,
    EmulatorResponse,
    Ensemble,
    EveryEnsemble,
    ModelResponse,
    Ranks,
    ScoreMap,
    ScoreSummary,
    SelectionRanks,
    SpreadAgainstError,
    StudyScores,
    SweepCurve,
)
from diffmp_app.figures.score_table import score_tiles
from diffmp_app.figures.study import study_charts
from diffmp_app.figures.study_chart import Chart, ChartPlot
from diffmp_app.report.sections import sections
from diffmp_app.state.state import State
from diffmp_app.views.every_emulator import EmulatorRow
from diffmp_app.views.overview import training_facts
from diffmp_app.views.profiles import ProfilesView
from diffmp_app.views.sensitivity import SensitivityView

from diffmp_core.columns.normalize import fit
from diffmp_core.columns.user_column import to_text
from diffmp_core.errors import DiffmpError
from diffmp_core.kinds import KINDS, REFERENCE
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.schema import schema_of
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.score import spread_scores
from diffmp_core.shipped import DATA
from diffmp_core.stores import open_columns, stack_inputs, stack_outputs, write_store
from diffmp_core.variables import PAPER
from tests.app.experiment import add_networks, make_experiment
from tests.app.studies import cases, make_study

ONE, MANY = "DIFF-MP calibrated", "DIFF-MP paper"
"""Emulators of the fixture: the first gives one answer for each column."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment whose first emulator is a regression, scored; its second draws in one step."""
    folder = make_experiment(tmp_path_factory.mktemp("truthful") / "globe", cells=42, times=2)
    add_networks(folder)
    columns = open_columns(folder / "columns.nc")
    inputs, outputs = stack_inputs(columns), stack_outputs(columns)
    normalization = fit(inputs, outputs, schema=schema_of(columns))
    for kind, key in (("regression", "calibrated"), ("one_step", "paper")):
        save_emulator(build_emulator({"kind": kind, "filters": 8, "layers": 2}, normalization), folder / key)
    content = yaml.safe_load((folder / "experiment.yaml").read_text())
    result = evaluate(
        folder / "calibrated", folder / "columns.nc", folder / "scored", members=8, name=ONE, split="test"
    )
    content["emulators"][0] |= {"scores": "scored/scores.nc", "table": "scored/scores.json"}
    assert result.store is not None
    (folder / "experiment.yaml").write_text(yaml.safe_dump(content))
    return folder


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Catalog:
    return Catalog([folder])


def test_steps_and_members_are_those_of_the_emulator(catalog: Catalog):
    column = {"experiment": "globe", "time": 0, "cell": 1, "members": 4, "seed": 3}
    many, one = (Ensemble(**column, emulator=name).data(catalog) for name in (MANY, ONE))
    assert "Emulator: DIFF-MP paper, 4 members, 1 evaluation each, seed 3." in many.attrs["attribution"]
    assert "Emulator: DIFF-MP calibrated, one answer, no spread, seed 3." in one.attrs["attribution"]
    assert "× " not in one.attrs["subtitle"].replace("×: truth", "× ")
    assert "one answer" in one.attrs["title"]
    every = EveryEnsemble(**column, emulator=ONE).data(catalog)
    assert (
        "one answer, no spread, seed 3; Emulator: DIFF-MP paper, 4 members, 1 evaluation each"
        in (every.attrs["attribution"])
    )
    assert every["has_spread"].values.tolist() == [0, 1]
    for words in (many, one, every):
        assert "steps" not in words.attrs["attribution"]


def test_a_reference_has_no_steps_even_if_its_table_says_so(tmp_path: Path):
    folder = make_experiment(tmp_path / "globe", cells=42, times=2)
    older = json.loads((folder / "analogue.json").read_text()) | {"steps": 5}
    del older["evaluations"]
    (folder / "analogue.json").write_text(json.dumps(older))
    table = Catalog([folder]).table("globe", "Analogue ensemble")
    assert (table["steps"], table["evaluations"]) == (None, 0)
    assert training_facts({}, table)[3] == "16 members"
    assert training_facts({"model": {"kind": "one_step"}}, {"members": 8, "steps": 5})[3] == (
        "8 members, 1 evaluation each"
    )


def test_one_answer_has_no_coverage_spread_or_ranks_anywhere(catalog: Catalog):
    scores = catalog.scores("globe", ONE)
    assert scores is not None
    why = f"{ONE} gives one answer for each column, so it has no “Coverage”"
    assert catalog.lacks("globe", ONE, "column_covered", called="“Coverage”") == why
    where = {"experiment": "globe", "emulator": ONE}
    for exhibit in (
        ScoreMap(**where, variable="qc", metric="coverage", level=3, cell=0),
        ScoreMap(**where, variable="qc", metric="spread", level=3, cell=0),
        Ranks(**where),
        SpreadAgainstError(**where),
        SelectionRanks(**where, members=4),
    ):
        with pytest.raises(DiffmpError, match="gives one answer for each column"):
            exhibit.gather(catalog)
    summary = ScoreSummary(**where)
    data = summary.data(catalog)
    for name in spread_scores():
        assert np.isnan(data[name].sel(emulator=ONE)).all()
    assert "16 members or one answer" in data.attrs["attribution"]
    nothing = 'Coverage, ties split</td><td>–</td><td class="soft">–</td>'
    assert score_tiles(data.sel(emulator=ONE)).count(nothing) == len(PAPER.outputs.names)
    assert Distribution(experiment="globe", emulators=(ONE,), variable="qc", level=3).gather(catalog)[
        "ensemble_size"
    ].values.tolist() == [1]
    drawn = {type(exhibit) for section in sections(catalog, "globe", ONE) for exhibit in section.exhibits}
    assert Ranks not in drawn


def test_a_map_says_why_it_has_no_crosses(catalog: Catalog):
    where = {"experiment": "globe", "variable": "tend_T_sgs", "metric": "mse", "level": 3, "cell": 0}
    one, many = (ScoreMap(**where, emulator=name).gather(catalog).attrs["subtitle"] for name in (ONE, MANY))
    assert "no crosses: DIFF-MP calibrated gives one answer" in one
    assert "× truth outside the ensemble at most of the times" in many


def test_full_coverage_of_few_times_is_no_sign_of_too_much_spread(catalog: Catalog):
    where = {"experiment": "globe", "emulator": MANY, "metric": "coverage", "level": 3, "cell": 0}
    chance = round(100 * (15 / 17) ** 2)
    heating, cloud = (
        ScoreMap(**where, variable=name).gather(catalog).attrs["subtitle"] for name in ("tend_T_sgs", "qc")
    )
    assert f"a perfect ensemble covers at all 2 times in {chance}% of the cells" in heating
    assert f"in at least {chance}% of the cells" in cloud
    data = ScoreMap(**where, variable="tend_T_sgs").gather(catalog)
    assert data["coverage"].attrs["colour_perfect"] == pytest.approx(15 / 17)
    assert "perfect: 88%" in data["coverage"].attrs["colour_title"]


def test_the_page_says_of_what_the_ranks_are_and_why_there_are_none(catalog: Catalog):
    state = State(catalog.names, catalog.limits)
    state.emulator = MANY
    view = ProfilesView(state, catalog)
    view._draw_ranks()
    columns = catalog.grid("globe").lat.size * len(catalog.grid("globe").times)
    assert f"DIFF-MP paper · All levels of all {columns} columns scored" in view.ranked.object
    state.emulator = ONE
    view._draw_ranks()
    assert view.ranked.object.startswith("DIFF-MP calibrated gives one answer for each column")
    assert not any(panel.figure.visible for panel in view.ranks.values())


def gathered(folder: Path, study: str, store, **more: str) -> tuple[str, list[Chart]]:
    """Subtitle and charts of a study in the folder of an experiment."""
    write_store(store, folder / "studies" / f"{study}.nc")
    exhibit = StudyScores(experiment=folder.name, study=study, **more)
    data = exhibit.gather(Catalog([folder]))
    exhibit.paper(exhibit.data(Catalog([folder])))
    charts = study_charts(data, study, full=True)
    for chart in charts:
        ChartPlot(chart, dark=True, height=200)
    return str(data.attrs["subtitle"]), charts


@pytest.fixture
def studied(tmp_path: Path) -> Path:
    return make_experiment(tmp_path / "globe", cells=42, times=2)


def test_guidance_says_which_columns_the_curves_are_of(studied: Path):
    words, _ = gathered(studied, "guidance", make_study("guidance"))
    assert words.startswith("curves: validation columns of Test globe; table: test columns; 9 members")


def test_a_diverged_case_breaks_its_line_and_is_marked(studied: Path):
    study = cases({"training": ("fixed", "continuous"), "steps": (100, 5, 2), "seed": (0,)})
    study["network_evaluations"] = study["network_evaluations"] * study["steps"]
    lost = (study["training"] == "fixed") & (study["steps"] == 5)
    columns = study["columns"]
    study = study.where(~lost).assign(columns=columns.where(~lost, 0.0), steps=study["steps"])
    attrs = {name: make_study("steps").attrs[name] for name in ("diffmp_kind", "study", "members", "report")}
    words, charts = gathered(studied, "steps", study.assign_attrs(attrs), charts="outputs")
    fixed = charts[0].series[0]
    np.testing.assert_array_equal(fixed.x, [2, 5, 100])
    assert np.isnan(fixed.y).tolist() == [False, True, False]
    (gap,) = charts[0].gaps
    assert (gap.name, gap.at, gap.why) == ("trained on n fixed steps", 5.0, "diverged")
    assert "× Diverged, samples not finite: trained on n fixed steps at denoising steps 5" in words
    assert charts[0].ticks() == [2, 5, 100]


def test_some_diverged_trainings_are_said_though_the_mean_of_the_others_is_drawn(studied: Path):
    study = make_study("steps")
    lost = (study["training"] == "fixed") & (study["steps"] == 5) & (study["seed"] == 1)
    study = study.where(~lost).assign(columns=study["columns"].where(~lost, 0.0)).assign_attrs(study.attrs)
    words, charts = gathered(studied, "steps", study, charts="outputs")
    assert "in 1 of 2 trainings, the others are drawn" in words
    assert not charts[0].gaps


def test_what_is_not_in_a_study_or_undefined_is_said(studied: Path):
    study = make_study("models")
    absent = (study["model"] == "cvae") & (study["spacing_km"] == 60)
    study = study.where(~absent).assign_attrs(study.attrs)
    alike = study["model"] == "climatology"
    study["spread_skill_ratio"] = study["spread_skill_ratio"].where(~alike | study["mse"].isnull(), 0.0)
    words, charts = gathered(studied, "models", study, charts="all")
    assert "Not in this study: CVAE-MP at 60 km" in words
    assert "(one answer for each column, no spread)" in words
    coverage = next(chart for chart in charts if chart.x_label == "coverage")
    assert {(gap.why, round(gap.at)) for gap in coverage.gaps} == {("undefined", 2)}
    for series in coverage.series:
        assert np.isnan(series.x[2])


def test_shipped_tables_and_stores_say_only_what_can_be():
    for table in sorted(DATA.glob("*/*.json")):
        content = json.loads(table.read_text())
        for output, scores in content["scores"].items():
            where = f"{table.name}, {output}"
            assert all(value is None or np.isfinite(value) for value in scores.values()), where
            for name in ("coverage_ratio", "coverage_ratio_ties"):
                assert scores[name] is None or 0 < scores[name] <= 1, where
            for name in ("pcc", "spread_skill_correlation"):
                assert scores[name] is None or -1 <= scores[name] <= 1, where
            for name in ("mse", "crps_fair", "std_ratio", "kurtosis_ratio"):
                assert scores[name] > 0, where
            assert (scores["coverage_ratio"] is None) == (content["members"] == 1), where
        for output, criteria in content["climsim"].items():
            assert all(value is None or -100 < value < 100 for value in criteria.values()), f"{table.name}, {output}"
        assert all(s["truth_std"] >= 0 and s["members_std"] >= 0 for s in content["physical"].values()), table.name
    catalog = Catalog([DATA / "demo", DATA / "climsim"])
    for name in catalog.names:
        for entry in catalog.experiment(name).emulators:
            kind = KINDS[catalog.kind(name, entry.name) or ""]
            raw = json.loads(entry.table.read_text()) if entry.table else {}
            assert (raw["steps"] is not None) == kind.denoises, entry.name
            assert (raw["members"] == 1) == kind.alike, entry.name
            assert raw["evaluations"] == 0 if catalog.kind(name, entry.name) == REFERENCE else raw["evaluations"] > 0
            stored = catalog.scores(name, entry.name)
            if stored is not None:
                assert ("rank_histogram" in stored) == (not kind.alike), entry.name
                assert stored.attrs["members"] == raw["members"], entry.name


def test_a_row_of_every_emulator_says_what_it_drew(catalog: Catalog):
    state, drawn = State(catalog.names, catalog.limits), list[str]()
    row = EmulatorRow(state, catalog, ONE, Range1d(start=0, end=1), lambda: drawn.append(ONE))
    state.members = 4
    row.ask()
    assert row.answer is not None
    assert row.status.object.startswith("one answer, ")
    assert drawn == [ONE]
    assert not np.isfinite(np.asarray(row.panels[0].levels.data["missed"], dtype=float)).any()


def test_a_file_is_named_after_what_it_shows():
    column = {"experiment": "globe", "emulator": ONE, "time": 0, "cell": 17}
    own, mean = {"target": "own"}, {"target": "composite", "regime": "deep convection", "region": "tropics"}
    assert Ensemble(**column).stem == "profiles-DIFF-MP-calibrated-17"
    assert Ensemble(**column, **own).stem == "profiles-DIFF-MP-calibrated-Your-own-column"
    assert EmulatorResponse(**column, **mean).stem == "response-DIFF-MP-calibrated-mean-deep-convection-tropics"
    assert ModelResponse(**column).stem == "model-response-17"
    chosen = {"experiment": "globe", "emulator": ONE, "variable": "qc", "metric": "coverage", "level": 3, "cell": 0}
    assert ScoreMap(**chosen).stem == "map-qc-coverage-DIFF-MP-calibrated-3-0"


def test_the_words_under_a_response_and_a_sweep_are_of_what_was_asked(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    state = State(catalog.names, catalog.limits)
    state.param.update(emulator=ONE, members=4, warming=-1.0)
    view = SensitivityView(state, catalog)
    view.panel()
    assert view.status.object.startswith("one answer, ")
    state.target = "composite"
    view.refresh(frozenset({"target"}))
    assert re.match(r"\d+ columns, one answer each, ", view.status.object)
    state.param.update(emulator=MANY, target="column")
    view.refresh(frozenset({"emulator", "target"}))
    assert view.status.object.startswith("4 members, seed 0, ")
    ask = SweepCurve.ask

    def meanwhile(*given):
        state.members = 2
        return ask(*given)

    monkeypatch.setattr(SweepCurve, "ask", meanwhile)
    view.sweeps._run()
    assert "points, 4 members, " in view.sweeps.work.status.object


def test_the_words_above_profiles_are_of_what_is_drawn(catalog: Catalog):
    state = State(catalog.names, catalog.limits)
    state.param.update(emulator=MANY, members=4)
    view = ProfilesView(state, catalog)
    view.panel()
    beyond = " · ×: truth outside all members"
    truth = "Solid, black or white: truth · "
    assert view.legend.object == f"{truth}thin: members, dashed: their mean{beyond}"
    for drawing, said in (("fan", "bands: 50 and 90 % of the members"), ("single", "thin: member 3 alone")):
        state.param.update(drawing=drawing, member=2)
        view.refresh(frozenset({"drawing", "member"}))
        assert view.legend.object.startswith(f"{truth}{said}, dashed: ")
        assert said in Ensemble.of(state).data(catalog).attrs["subtitle"]
    state.emulator = ONE
    view.refresh(frozenset({"emulator"}))
    assert view.legend.object == f"{truth}thin: the one answer"
    own = catalog.columns("globe").isel(time=[0], cell=[0])
    state.param.update(
        own=to_text(stack_inputs(own)[0], schema_of(own)), target="own", emulator=MANY, drawing="members"
    )
    view.refresh(frozenset({"own", "target", "emulator", "drawing"}))
    assert view.legend.object == "thin: members, dashed: their mean"
