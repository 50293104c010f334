"""Experiments of other variables and levels than the paper's, served beside one of the paper's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from bokeh.events import Tap
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import Distribution, ScoreMap, ScoreSummary, SpreadAgainstError, StudyScores, ZonalSection
from diffmp_app.figures.histogram import HistogramPanels
from diffmp_app.page import DashboardPage
from diffmp_app.report.sections import sections
from diffmp_app.report.write import report
from diffmp_app.state.choices import TABS
from diffmp_app.state.state import State
from diffmp_app.views.distributions import DistributionsView
from diffmp_app.views.maps import MapsView
from diffmp_app.views.overview import OverviewView
from diffmp_app.views.spread_error import SpreadErrorView

from diffmp_core.errors import DiffmpError
from diffmp_core.stores import write_store
from tests.app.drawn import differences, seen
from tests.app.experiment import add_networks, make_experiment
from tests.app.studies import make_study
from tests.synthetic import WIDE

EMULATOR, OTHER, LEVELS = "DIFF-MP calibrated", "DIFF-MP paper", 13
RAIN = {"experiment": "wide", "emulator": EMULATOR, "variable": "PRECC"}
MM_PER_DAY = 86_400e3


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """One experiment of the paper's columns, and one of ten inputs, five outputs and 13 levels."""
    folder = tmp_path_factory.mktemp("two")
    make_experiment(folder / "globe", cells=162, times=2)
    wide = make_experiment(folder / "wide", cells=42, times=3, variables=WIDE, levels=LEVELS)
    described = yaml.safe_load((wide / "experiment.yaml").read_text())
    for entry in described["emulators"]:
        entry.pop("folder", None)
    (wide / "experiment.yaml").write_text(yaml.safe_dump(described))
    return Catalog([folder / "globe", folder / "wide"])


@pytest.fixture
def state(two: Catalog) -> State:
    found = State(two.names, two.limits)
    found.param.update(experiment="wide")
    return found


def change(view, **values: object) -> None:
    view.state.param.update(**values)
    view.refresh(frozenset(values))


def stored(catalog: Catalog, field: str, variable: str = "PRECC") -> np.ndarray:
    return catalog.scores("wide", EMULATOR)[field].sel(variable=variable).values


def test_each_experiment_offers_its_own_outputs_and_levels(two: Catalog):
    assert two.limits("globe").levels == 30
    wide = two.limits("wide")
    assert wide.levels == LEVELS
    assert dict(wide.outputs) == {
        "tend_T_sgs": "Subgrid heating",
        "PRECC": "Precipitation",
        "tend_qv_sgs": "Subgrid moistening",
        "qc": "Cloud liquid",
        "FLWDS": "Downward long-wave",
    }


def test_a_single_value_has_a_map_and_no_level(two: Catalog, state: State):
    view = MapsView(state, two)
    view.panel()
    assert view.level_slider.visible
    assert view.section_paper.visible
    change(view, variable="PRECC", metric="bias", average=False, time=1)
    assert not view.level_slider.visible
    assert not view.section_paper.visible
    std = float(stored(two, "truth_std"))
    np.testing.assert_allclose(
        view.map.values.data["value"], stored(two, "column_bias")[1, 5] * std * MM_PER_DAY, rtol=1e-5
    )
    assert "mm/day" in view.map.coloured.bar.title
    assert " km" not in view.summary.object
    before = view.map.values.data["value"].copy()
    change(view, level=3)
    np.testing.assert_array_equal(view.map.values.data["value"], before)
    data = ScoreMap.of(state).data(two)
    assert "level" not in data.coords
    assert "level" not in data.attrs["subtitle"]
    with pytest.raises(DiffmpError, match="expected an output on levels, found PRECC"):
        ZonalSection.of(state).data(two)
    change(view, variable="qc")
    assert view.section_paper.visible


def test_sections_have_as_many_rows_as_there_are_levels(two: Catalog, state: State):
    view = MapsView(state, two)
    view.panel()
    assert view.section.source.data["image"][0].shape[0] == LEVELS
    assert view.section.figure.y_range.end == LEVELS - 0.5
    view._tap_section(Tap(view.section.figure, x=0.0, y=99.0))
    assert state.level == LEVELS - 1
    change(view, experiment="globe")
    view.refresh(frozenset(view.depends))
    assert view.section.figure.y_range.end == 29.5


def test_distributions_of_single_values_are_histograms(two: Catalog, state: State):
    view = DistributionsView(state, two)
    view.panel()
    change(view, variable="PRECC")
    (panels,) = view.panels
    assert isinstance(panels, HistogramPanels)
    assert not view.level_slider.visible
    counts = stored(two, "histogram_truth")[0]
    assert counts.sum() == 42 * 3
    share = np.asarray(panels.steps["truth"].data["y"])
    np.testing.assert_allclose(np.nan_to_num(share), counts / counts.sum())
    change(view, outputs="all")
    assert [exhibit.variable for exhibit in view.exhibits] == list(WIDE.outputs.names)
    assert view.level_slider.visible
    change(view, compare="difference", pinned_emulator=OTHER, outputs="one")
    assert set(view.panels[0].ratios) == {EMULATOR}


def test_single_values_count_once(two: Catalog, state: State):
    view = SpreadErrorView(state, two)
    view.panel()
    change(view, spread_error=True)
    assert [plot.chart.title for plot in view.plots] == list(two.limits("wide").outputs.values())
    data = SpreadAgainstError.of(state).gather(two)
    for name, levels in (("PRECC", 1), ("qc", LEVELS)):
        spread = stored(two, "column_spread", name)[:, :levels] * np.sqrt(17 / 16)
        assert int(data[f"{name}_count"].sum()) == np.sum((spread > 1e-3) & (spread <= 10)) > 40


def test_the_overview_says_what_the_columns_are_made_of(two: Catalog, state: State):
    view = OverviewView(state, two)
    view.panel()
    assert "eastward wind and latitude of a column" in view.parts["introduction"].object.replace("\n", " ")
    assert "at 13 levels and precipitation" in view.parts["introduction"].object
    assert view.parts["headline"].object.count('class="tile"') == 5
    data = ScoreSummary(experiment="wide", emulator=EMULATOR).data(two)
    assert list(data["variable"].values) == list(WIDE.outputs.names)
    change(view, experiment="globe")
    assert view.parts["headline"].object.count('class="tile"') == 4


@pytest.mark.timeout(300)
def test_the_report_shows_single_values_where_they_make_sense(two: Catalog):
    made = {section.title: section.exhibits for section in sections(two, "wide", EMULATOR)}
    assert {exhibit.variable for exhibit in made["Maps"]} == set(WIDE.outputs.names)
    assert {exhibit.variable for exhibit in made["Zonal means"]} == set(WIDE.outputs.profiles.names)
    assert {exhibit.variable for exhibit in made["Distributions"]} == set(WIDE.outputs.names)


@pytest.mark.timeout(600)
def test_a_report_of_other_columns_is_whole(two_live: Catalog):
    made = [exhibit for section in sections(two_live, "wide", EMULATOR) for exhibit in section.exhibits]
    text = report(two_live, "wide", EMULATOR)
    assert text.count("<figure ") == len(made)
    assert "Precipitation" in text


@pytest.mark.parametrize("suffix", ["svg", "nc"])
def test_single_values_leave_as_files(two: Catalog, tmp_path: Path, suffix: str):
    for exhibit in (
        ScoreMap(**RAIN, metric="mse", level=12, compare="difference", pinned_emulator=OTHER),
        Distribution(experiment="wide", emulators=(EMULATOR, OTHER), variable="PRECC", level=2),
        SpreadAgainstError(experiment="wide", emulator=EMULATOR),
        ScoreSummary(experiment="wide", emulator=EMULATOR),
    ):
        data = exhibit.data(two)
        path = tmp_path / f"{type(exhibit).__name__}.{suffix}"
        exhibit.save(data, path) if suffix == "svg" else data.to_netcdf(path)
        assert path.stat().st_size > 1000


def test_an_output_that_an_emulator_does_not_give_is_said(tmp_path: Path):
    folder = make_experiment(tmp_path / "part", cells=42, times=2, variables=WIDE, levels=LEVELS)
    catalog = Catalog([folder])
    kept = catalog.scores("part", OTHER).load().sel(variable=["tend_T_sgs", "qc"])
    write_store(kept, folder / "less.nc")
    described = (folder / "experiment.yaml").read_text().replace("diff-mp-paper.nc", "less.nc")
    (folder / "experiment.yaml").write_text(described)
    catalog = Catalog([folder])
    state = State(catalog.names, catalog.limits)
    state.param.update(emulator=OTHER, variable="PRECC")
    view = MapsView(state, catalog)
    view.panel()
    assert view.missing.object.startswith(f"{OTHER} does not give precipitation, so there is no map of it")
    assert catalog.outputs("part", OTHER).names == ("tend_T_sgs", "qc")
    distributions = DistributionsView(state, catalog)
    distributions.panel()
    assert distributions.notice.object.startswith(f"{OTHER} does not give precipitation")
    change(distributions, outputs="all")
    assert [exhibit.variable for exhibit in distributions.exhibits] == ["tend_T_sgs", "qc"]
    with pytest.raises(DiffmpError, match="expected PRECC in the score store of 'DIFF-MP paper', found none"):
        ScoreMap.of(state).data(catalog)


def test_a_study_of_other_outputs_says_so(two: Catalog):
    folder = two.folder("globe")
    study = make_study("guidance")
    write_store(study.assign_coords(variable=["tend_T_sgs", "rain", "snow", "qc"]), folder / "studies" / "other.nc")
    try:
        first = StudyScores(experiment="globe", study="guidance")
        assert first.gather(two)["title"].values.tolist() == ["Subgrid heating"]
        every = StudyScores(experiment="globe", study="guidance", charts="outputs").gather(two)
        assert every["title"].values.tolist() == ["Subgrid heating", "rain", "snow", "Cloud liquid"]
        with pytest.raises(DiffmpError, match="This study is of tend_T_sgs, rain, snow, qc and not of qi"):
            StudyScores(experiment="globe", study="guidance", variable="qi").gather(two)
    finally:
        (folder / "studies" / "other.nc").unlink()


@pytest.fixture(scope="module")
def two_live(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The same with small networks, so that all tabs have something to show."""
    folder = tmp_path_factory.mktemp("live")
    add_networks(make_experiment(folder / "globe", cells=42, times=2))
    add_networks(make_experiment(folder / "wide", cells=42, times=2, variables=WIDE, levels=LEVELS))
    return Catalog([folder / "globe", folder / "wide"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("tab", TABS)
def test_nothing_of_one_experiment_is_left_in_the_other(two_live: Catalog, tab: str):
    page = DashboardPage(two_live)
    page.state.param.update(tab=tab, members=3)
    page.panel()
    for choices in (
        {"experiment": "wide"}, {"variable": "PRECC"}, {"outputs": "all"}, {"experiment": "globe"}, {"level": 29},
        {"variable": "qi"}, {"experiment": "wide"}, {"level": 12}, {"variable": "FLWDS"}, {"outputs": "one"},
        {"experiment": "globe"},
    ):  # fmt: skip
        page.state.param.update(**choices)
        fresh = DashboardPage(two_live)
        fresh.state.show(page.state.choices)
        fresh.panel()
        assert differences(seen(page.tabs.places[tab]), seen(fresh.tabs.places[tab])) == [], choices
