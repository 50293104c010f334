"""Score stores that keep only some fields: what is there is shown and compared, what is not is said in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import Distribution, Ranks, ScoreMap, ScoreSummary, ZonalSection
from diffmp_app.report.sections import sections
from diffmp_app.report.write import report
from diffmp_app.state.state import State
from diffmp_app.views.distributions import DistributionsView
from diffmp_app.views.maps import MapsView
from diffmp_app.views.overview import OverviewView
from diffmp_app.views.profiles import ProfilesView
from diffmp_app.views.spread_error import SpreadErrorView

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import load_experiment, write_experiment
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.maps import MAPS
from diffmp_core.stores import open_columns, open_store, select_split, write_store
from tests.app.experiment import MEMBERS, NoisyTruth, make_experiment

WHOLE, PART, BARE = "DIFF-MP calibrated", "DIFF-MP paper", "CVAE-MP"
KEPT = ("mse", "coverage")
FIELDS = ("column_mse", "column_covered")
"""All that a lean store has of each column."""


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Three emulators: one with a whole store, one without three of the fields, one with two fields and no table."""
    folder = make_experiment(tmp_path_factory.mktemp("lean") / "globe", cells=162, times=2)
    columns = select_split(open_columns(folder / "columns.nc"), "test")
    for name, error, fields in ((PART, 0.45, FIELDS), (BARE, 0.6, None)):
        evaluate(NoisyTruth(columns, error), folder / "columns.nc", folder, name=name, members=MEMBERS, fields=fields)
    experiment = load_experiment(folder)
    bare = experiment.emulator(BARE)
    write_store(open_store(bare.scores).load()[list(FIELDS)], bare.scores)
    bare.table = None
    write_experiment(folder, experiment)
    return Catalog([folder])


@pytest.fixture
def state(lean: Catalog) -> State:
    return State(lean.names, lean.limits)


def change(view, **values) -> None:
    view.state.param.update(**values)
    view.refresh(frozenset(values))


@pytest.mark.parametrize("name", [PART, BARE])
def test_every_score_is_offered_and_what_the_store_lacks_is_said(lean: Catalog, state: State, name: str):
    view = MapsView(state, lean)
    state.emulator = name
    view.panel()
    for metric in MAPS:
        change(view, metric=metric)
        there = metric in KEPT
        assert view.notice.visible is not there, metric
        assert np.isfinite(view.map.values.data["value"]).all() == there
        assert np.isfinite(view.section.figure.renderers[0].data_source.data["image"][0]).any() == there
        if not there:
            said = f"The score store of {name} has no “{view.field.score.label}”, so there is no map of it."
            assert view.missing.object.startswith(said)
            for kind in (ScoreMap, ZonalSection):
                with pytest.raises(DiffmpError, match="in the score store of"):
                    kind.of(state).data(lean)


def test_what_two_stores_both_have_is_compared(lean: Catalog, state: State):
    view = MapsView(state, lean)
    state.param.update(emulator=BARE, pinned_emulator=WHOLE, metric="mse", compare="difference", level=7)
    view.panel()
    first, second = (lean.times("globe", name, "mse", "tend_T_sgs")[:, 7].mean(axis=0) for name in (BARE, WHOLE))
    data = ScoreMap.of(state).data(lean)
    np.testing.assert_allclose(data["mse"], (first - second) * view.field.factor(lean), rtol=1e-4)
    assert view.field.factor(lean) == pytest.approx(lean.truth_std("globe", WHOLE, "tend_T_sgs") ** 2 * 86400**2)
    assert not view.notice.visible
    change(view, metric="spread")
    assert view.missing.object.startswith(f"The score store of {BARE} has no “Spread”")
    assert "nan" not in view.summary.object
    with pytest.raises(DiffmpError, match="expected column_spread in the score store of 'CVAE-MP', found none"):
        ScoreMap.of(state).data(lean)
    change(view, compare="side by side")
    assert np.isnan(view.maps[0].values.data["value"]).all()
    assert np.isfinite(view.maps[1].values.data["value"]).all()
    change(view, compare="side by side", emulator=WHOLE, pinned_emulator=BARE)
    assert view.missing.object.count("has no") == 1


def test_a_region_of_a_lean_store_is_that_of_the_whole_one(lean: Catalog, state: State):
    state.param.update(emulator=PART, region="tropics", metric="mse")
    values = MapsView(state, lean).field.values(lean)
    assert values is not None
    np.testing.assert_array_equal(np.isfinite(values), np.abs(lean.grid("globe").lat) < 20)


def test_distributions_and_ranks_need_counts(lean: Catalog, state: State):
    view = DistributionsView(state, lean)
    view.panel()
    assert view.panels[0].emulators == (WHOLE, PART)
    change(view, compare="difference", pinned_emulator=BARE)
    assert "has no score store in the same bins" in view.notice.object
    change(view, emulator=BARE, compare="none")
    assert view.notice.object.startswith(f"The score store of {BARE} has no histograms of values")
    assert not view.place.visible
    for exhibit in (
        Distribution(experiment="globe", emulators=(BARE,), variable="qc", level=3),
        Ranks(experiment="globe", emulator=BARE),
    ):
        with pytest.raises(DiffmpError, match=f"in the score store of '{BARE}', found none"):
            exhibit.data(lean)


def test_profiles_hide_ranks_and_the_overview_stands(lean: Catalog, state: State):
    view = ProfilesView(state, lean)
    view.panel()
    assert view.ranks["qc"].figure.visible
    change(view, emulator=BARE)
    assert not view.ranks["qc"].figure.visible
    assert lean.members("globe", BARE) == MEMBERS
    overview = OverviewView(state, lean)
    overview.panel()
    assert BARE in overview.parts["training"].object
    assert BARE not in ScoreSummary(experiment="globe", emulator=WHOLE).data(lean)["emulator"].values


def test_the_report_has_what_the_stores_have(lean: Catalog):
    made = {section.title: section.exhibits for section in sections(lean, "globe", BARE)}
    assert list(made) == ["Scores", "Maps", "Zonal means", f"{WHOLE} against {BARE}", f"{PART} against {BARE}"]
    assert {exhibit.metric for exhibit in made["Maps"]} == set(KEPT)
    text = report(lean, "globe", BARE)
    assert text.count("<figure ") == sum(len(exhibits) for exhibits in made.values())


def test_spread_against_error_leaves_out_what_has_no_spread(lean: Catalog, state: State):
    view = SpreadErrorView(state, lean)
    view.panel()
    change(view, spread_error=True, compare="side by side", pinned_emulator=PART)
    assert [len(plot.chart.series) for plot in view.plots] == [1, 1, 1, 1]
    assert view.said.object.endswith(f"The score store of {PART} has no column_spread")
    change(view, emulator=PART)
    assert view.plots == []
    assert "expected column_spread in the score store" in view.said.object
    assert not view.leave.visible
