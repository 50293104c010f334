"""Charts and exhibits of studies and trainings: what is drawn is what the stores say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import StudyScores, TrainingCurve
from diffmp_app.figures.study import guidance_table, runs_away, study_charts
from diffmp_app.figures.study_chart import Chart, ChartPlot, Series, axis_ends, legend
from diffmp_app.report.sections import sections

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.score import SCORES
from diffmp_core.studies.table import PAPER_CRITERIA, shown_scores
from diffmp_core.variables import PAPER
from tests.app.experiment import make_experiment
from tests.app.studies import add_studies, make_study


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog([add_studies(make_experiment(tmp_path_factory.mktemp("study") / "globe", cells=42, times=2))])


def gathered(catalog: Catalog, study: str, **more: str) -> tuple[xr.Dataset, list[Chart]]:
    exhibit = StudyScores(experiment="globe", study=study, **more)
    data = exhibit.gather(catalog)
    return data, study_charts(data, study, full=exhibit.charts != "criteria")


def test_models_are_rows_with_the_mean_and_spread_over_trainings(catalog: Catalog):
    _, charts = gathered(catalog, "models", variable="qc")
    assert [chart.title for chart in charts][:2] == ["MSE", "PCC"]
    mse = charts[0]
    assert mse.rows == ("DIFF-MP calibrated", "CVAE-MP", "climatology")
    coarse, fine = mse.series
    assert (coarse.name, fine.name, coarse.kind) == ("120 km", "60 km", "dots")
    stored = make_study("models")["mse"].sel(spacing_km=120, variable="qc")
    np.testing.assert_allclose(coarse.x[:2], [1.2 + 0.05, 1.2 + 0.20])  # the middle of three equally spaced trainings
    np.testing.assert_allclose(coarse.x, stored.mean("seed"))
    np.testing.assert_allclose(coarse.error, [0.05, 0.05, np.nan])  # a reference has one case
    assert (coarse.y < fine.y).all()
    np.testing.assert_allclose(np.round(coarse.y), [0, 1, 2])


@pytest.mark.parametrize(("name", "perfect"), [("coverage_ratio_ties", 0.8), ("std_ratio", 1.0), ("mse", None)])
def test_the_perfect_ensemble_of_nine_members_is_drawn_where_it_is_known(catalog: Catalog, name, perfect):
    _, charts = gathered(catalog, "models")
    assert charts[shown_scores().index(name)].perfect == perfect


def test_steps_run_from_few_to_many_on_a_logarithmic_axis(catalog: Catalog):
    data, charts = gathered(catalog, "steps", charts="outputs", criterion="std_ratio")
    assert [chart.title for chart in charts] == ["Subgrid heating", "Subgrid moistening", "Cloud liquid", "Cloud ice"]
    fixed, continuous = charts[0].series
    assert (fixed.name, continuous.name) == ("trained on n fixed steps", "trained on all noise levels")
    np.testing.assert_array_equal(fixed.x, [2, 5, 100])
    expected = make_study("steps")["std_ratio"].sel(training="fixed", variable="tend_T_sgs", steps=[2, 5, 100])
    np.testing.assert_allclose(fixed.y, expected.mean("seed"))
    np.testing.assert_allclose(fixed.error, expected.std("seed", ddof=1))
    assert charts[0].logarithmic == (True, False)
    assert charts[0].ticks() == [2, 5, 100]
    assert "std_ratio" in data.attrs["criteria"]


def test_chosen_strengths_lie_on_the_curves_of_guidance(catalog: Catalog):
    _, charts = gathered(catalog, "guidance", charts="outputs", criterion="crps_fair")
    curves, marks = ([s for s in charts[0].series if (s.kind == "mark") == marked] for marked in (False, True))
    assert [s.name for s in curves] == ["first", "second"]
    by_name = {s.name: s for s in marks}
    crps = by_name["chosen by least CRPS"]
    np.testing.assert_array_equal(crps.x, [1.0, 1.0])  # every further strength is better
    np.testing.assert_allclose(crps.y, [s.y[-1] for s in curves])
    table = by_name["chosen by the paper's Table 2"]
    np.testing.assert_array_equal(table.x, [0.5, 0.6])  # 120 and 60 km
    assert table.y[1] == pytest.approx(0.8 * curves[1].y[1] + 0.2 * curves[1].y[2])


def test_table_2_has_a_row_for_each_rule_and_a_column_for_each_output(catalog: Catalog):
    data, _ = gathered(catalog, "guidance", charts="outputs", criterion="crps_fair")
    table = guidance_table(data)
    assert table.count("<tr>") == 1 + 2 * 4
    first = make_study("guidance")["report_crps_fair"].isel(emulator=0, criterion=0, variable=0)
    assert f"CRPS (fair) {float(first):.2f}" in table


def test_samplers_are_drawn_against_their_cost(catalog: Catalog):
    data, charts = gathered(catalog, "samplers")
    np.testing.assert_array_equal(charts[0].series[0].x, [1, 5])
    assert [s.name for s in charts[0].series] == ["DDIM", "ancestral"]
    assert charts[-1].title == "Time [ms a column]"
    np.testing.assert_allclose(charts[-1].series[0].y, [20.0, 21.0])
    assert data["milliseconds_per_column"].attrs["units"] == "ms"


def test_the_papers_figure_has_seven_criteria_of_four_outputs(catalog: Catalog):
    data, charts = gathered(catalog, "models", charts="all")
    assert len(charts) == len(PAPER_CRITERIA) * len(PAPER.outputs.names) == 28
    assert set(PAPER_CRITERIA) <= set(data.data_vars)
    assert [chart.x_label for chart in charts[:5]] == ["MSE"] * 4 + ["PCC"]


def test_a_score_that_a_file_lacks_is_left_out(tmp_path: Path):
    folder = add_studies(make_experiment(tmp_path / "old", cells=42, times=2))
    (folder / "studies" / "steps.nc").unlink()
    make_study("steps").drop_vars("coverage_ratio_ties").to_netcdf(folder / "studies" / "steps.nc")
    data = StudyScores(experiment="old", study="steps").gather(Catalog([folder]))
    assert len(data.attrs["criteria"].split()) == len(shown_scores()) - 1


def test_a_plot_shows_another_chart_of_its_shape_and_says_so():
    def chart(y: float) -> Chart:
        series = Series("s", 0, np.array([1.0, 2.0]), np.array([0.0, y]), np.array([0.1, 0.2]))
        return Chart(f"to {y}", "x", "", (series,), perfect=y, description=f"until {y}")

    plot = ChartPlot(chart(1.0), dark=False, height=200)
    assert chart(1.0).shape == chart(5.0).shape
    plot.show(chart(5.0))
    (source,) = plot.sources
    assert source.data["y1"] == [0.1, 5.2]
    assert plot.figure.title.text == "to 5.0"
    assert plot.perfect.location == 5.0
    assert plot.figure.html_attributes["aria-label"] == "until 5.0"
    assert plot.figure.y_range.end > 5.2


def test_logarithmic_axes_hold_their_values():
    low, high = axis_ends([np.array([2.0, 100.0, 0.0])], True)
    assert 1.0 < low < 2.0
    assert 100.0 < high < 200.0


def test_a_legend_says_each_series_once_and_escapes_its_name():
    series = Series("<b>", 0, np.ones(1), np.ones(1), np.ones(1))
    text = legend([Chart("a", "", "", (series,)), Chart("b", "", "", (series,), perfect=1.0)], dark=True)
    assert text.count("&lt;b&gt;") == 1
    assert text.count("perfect ensemble") == 1


def test_a_training_is_drawn_by_epoch(catalog: Catalog):
    exhibit = TrainingCurve(experiment="globe", training="DIFF-MP calibrated")
    data = exhibit.gather(catalog)
    np.testing.assert_array_equal(data["epoch"], [1, 2, 3])
    np.testing.assert_allclose(data["loss"], [1, 0.5, 1 / 3], rtol=1e-6)
    plots = exhibit.screen(data)[1]
    assert [plot.title.text for plot in plots] == ["Loss", "Learning rate", "Columns a second"]
    with pytest.raises(DiffmpError, match="expected a training 'nobody' in 'globe'"):
        TrainingCurve(experiment="globe", training="nobody").gather(catalog)


def test_a_report_has_the_studies_and_the_training_that_are_there(catalog: Catalog, tmp_path: Path):
    found = {section.title: section for section in sections(catalog, "globe", "DIFF-MP calibrated")}
    assert [exhibit.study for exhibit in found["Studies"].exhibits] == ["models", "steps", "guidance", "samplers"]
    assert [exhibit.training for exhibit in found["Training"].exhibits] == ["DIFF-MP calibrated"]
    bare = Catalog([make_experiment(tmp_path / "bare", cells=42, times=2)])
    assert not {"Studies", "Training"} & {s.title for s in sections(bare, "bare", "DIFF-MP calibrated")}


def test_the_data_of_a_study_are_those_of_its_own_columns(catalog: Catalog):
    data = StudyScores(experiment="globe", study="models").data(catalog)
    assert data.attrs["attribution"].startswith("Data: test columns. Study models, 9 members, preset default, seed 0.")
    assert "3 trainings of each model" in data.attrs["subtitle"]
    assert set(data.data_vars) >= {*shown_scores(), *(f"{name}_std" for name in shown_scores())}
    assert set(SCORES) - set(shown_scores()) == {"bias"}


@pytest.mark.parametrize(
    ("values", "expected"), [([0.1, 0.9], False), ([0.1, 3e8, np.nan], True), ([-0.1, 3e8], False), ([np.nan], False)]
)
def test_a_score_that_runs_away_gets_a_logarithmic_axis(values, expected):
    assert runs_away(xr.DataArray(values)) == expected
