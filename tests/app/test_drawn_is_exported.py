"""What the page has drawn is what leaves: a file holds, to the last digit, what stands in the figures' sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColumnDataSource
from diffmp_app.data.catalog import Catalog
from diffmp_app.figures.study_chart import ChartPlot
from diffmp_app.state.state import State
from diffmp_app.views.distributions import DistributionsView
from diffmp_app.views.export_menu import ExportMenu
from diffmp_app.views.maps import MapsView
from diffmp_app.views.overview import OverviewView
from diffmp_app.views.spread_error import SpreadErrorView
from diffmp_app.views.studies import StudiesView

from tests.app.experiment import make_experiment
from tests.app.studies import add_studies
from tests.synthetic import WIDE

EMULATOR, OTHER = "DIFF-MP calibrated", "DIFF-MP paper"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("drawn")
    add_studies(make_experiment(folder / "globe", cells=162, times=3))
    make_experiment(folder / "wide", cells=42, times=3, variables=WIDE, levels=13)
    return Catalog([folder / "globe", folder / "wide"])


@pytest.fixture
def menus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[xr.Dataset]]:
    """Makes the netCDF files of the menus of a view, with all that could gather data anew forbidden."""
    made: list[ExportMenu] = []
    start = ExportMenu.__init__

    def note(menu: ExportMenu, *given: object, **more: object) -> None:
        start(menu, *given, **more)
        made.append(menu)

    monkeypatch.setattr(ExportMenu, "__init__", note)

    def files(*what: str) -> list[xr.Dataset]:
        found = []
        for menu in (menu for menu in made if menu.button.label.removeprefix("Export ") in what):
            kind = type(menu.exhibit())
            with monkeypatch.context() as held:
                held.setattr(kind, "gather", lambda *_: pytest.fail("gathered again"))
                menu.make("netcdf")
            path = tmp_path / f"{len(found)}.nc"
            path.write_bytes(menu.download.file["content"])
            found.append(xr.load_dataset(path))
        return found

    return files


def numbers(source: ColumnDataSource, column: str) -> np.ndarray:
    return np.asarray(source.data[column])


@pytest.mark.parametrize(
    "choices",
    [
        {"metric": "mse", "level": 7},
        {"metric": "spread", "variable": "qi", "average": False, "time": 1, "region": "tropics"},
        {"metric": "bias", "compare": "side by side", "pinned_emulator": OTHER},
        {"metric": "crps_fair", "compare": "difference", "pinned_emulator": OTHER},
        {"metric": "mse", "experiment": "wide", "variable": "qc", "level": 9, "units": "normalised"},
        {"metric": "coverage", "experiment": "wide", "variable": "PRECC"},
    ],
)
def test_maps_and_sections(both: Catalog, menus: Callable, choices: dict):
    state = State(both.names, both.limits)
    view = MapsView(state, both)
    view.panel()
    state.param.update(**choices)
    view.refresh(frozenset(view.depends))
    for single in ({"level": 3}, {"cell": 11}):  # drawn by parts from then on
        state.param.update(**single)
        view.refresh(frozenset(single))
    (data,) = menus("map")
    raster, metric = view._raster(), state.metric
    rows = slice(None) if "emulator" in data.dims else np.newaxis
    for place, drawn in enumerate(view.maps[: 2 if "emulator" in data.dims else 1]):
        values = data[metric].values[rows][place]
        if "significant" in data and np.isfinite(data["p_value"]).any():
            values = np.where(data["significant"] == 1, values, np.nan)
        np.testing.assert_array_equal(numbers(drawn.values, "value"), values[raster.cells].astype(np.float32))
        means = data["zonal_mean"].values[rows][place]
        np.testing.assert_array_equal(numbers(view.line.curves[place], "mean"), means[np.isfinite(means)])
    if state.variable == "PRECC":
        return
    (section,) = menus("section")
    assert f"level {both.grid(state.experiment).level_labels[3]}" in section.attrs["subtitle"]
    for place, drawn in enumerate(view.sections[: 2 if "emulator" in section.dims else 1]):
        means = section[metric].values[rows][place]
        if "significant" in section and np.isfinite(section["p_value"]).any():
            means = np.where(section["significant"] == 1, means, np.nan)
        np.testing.assert_array_equal(numbers(drawn.source, "image")[0], means.astype(np.float32))
        assert drawn.coloured.bar.title == section[metric].attrs["colour_title"]


@pytest.mark.parametrize(
    "choices",
    [
        {"variable": "qi", "units": "normalised"},
        {"compare": "difference", "pinned_emulator": OTHER, "vertical": "pressure"},
        {"outputs": "all"},
        {"experiment": "wide", "variable": "PRECC"},
        {"experiment": "wide", "outputs": "all", "compare": "difference", "pinned_emulator": OTHER},
    ],
)
def test_distributions(both: Catalog, menus: Callable, choices: dict):
    state = State(both.names, both.limits)
    view = DistributionsView(state, both)
    view.panel()
    state.param.update(**choices)
    view.refresh(frozenset(view.depends))
    state.param.update(level=4)
    view.refresh(frozenset({"level"}))
    files = menus("distribution")[-len(view.panels) :]
    for panels, data in zip(view.panels, files, strict=True):
        edges = np.append(data["value_bounds"][:, 0], data["value_bounds"][-1, 1])
        shares = [data["truth_share"].values, *data["share"].values]
        ratios = (
            [data["log2_ratio_between"].values] if "log2_ratio_between" in data else list(data["log2_ratio"].values)
        )
        if "level" not in data.dims:
            for source, share in zip(panels.steps.values(), shares, strict=True):
                np.testing.assert_array_equal(numbers(source, "y"), np.where(share > 0, share, np.nan))
                np.testing.assert_array_equal(numbers(source, "x"), edges[:-1])
            for source, ratio in zip(panels.ratios.values(), ratios, strict=True):
                np.testing.assert_array_equal(numbers(source, "y"), ratio)
            continue
        for name, distance in zip(panels.emulators, data["distance"].values, strict=True):
            np.testing.assert_array_equal(numbers(panels.curves[name], "x"), distance)
        np.testing.assert_array_equal(numbers(panels.curves["floor"], "x"), data["distance_perfect"])
        assert panels.image.data["x"][0] == edges[0]
        names = [name for name in panels.figures if name.startswith("ratio ")]
        for name, ratio in zip(names, ratios, strict=True):
            drawn = np.unique(numbers(panels.image, name)[0][np.isfinite(numbers(panels.image, name)[0])])
            stored = np.unique(ratio[np.isfinite(ratio)].astype(np.float32))
            np.testing.assert_array_equal(drawn, stored)
        if "density" in panels.figures:
            for source, share in zip(panels.steps.values(), shares, strict=True):
                np.testing.assert_array_equal(numbers(source, "y"), np.where(share[4] > 0, share[4], np.nan))


def drawn_points(plots: Iterable[ChartPlot]) -> np.ndarray:
    """All scores in the sources of charts: along both axes, or along x alone where y are rows.

    Points that stand out on a curve lie between its values, but for their x.
    """
    found = [
        np.asarray(source.data[axis], dtype=float)
        for plot in plots
        for series, source in zip(plot.chart.series, plot.sources, strict=True)
        for axis in ("x", "y")
        if axis == "x" or not (plot.chart.rows or series.kind == "mark")
    ]
    values = np.concatenate(found)
    return np.unique(values[np.isfinite(values)])


@pytest.mark.parametrize("experiment", ["globe", "wide"])
def test_error_against_spread(both: Catalog, menus: Callable, experiment: str):
    state = State(both.names, both.limits)
    view = SpreadErrorView(state, both)
    view.panel()
    state.param.update(experiment=experiment, spread_error=True, compare="side by side", pinned_emulator=OTHER)
    view.refresh(frozenset(view.depends))
    (data,) = menus("spread and error")
    parts = [data[f"{name}_{what}"].values for name in data["variable"].values for what in ("spread", "error")]
    known = np.unique(np.concatenate([part[np.isfinite(part)] for part in parts]))
    drawn = drawn_points(view.plots)
    assert known.size > 20
    assert np.isin(drawn, known).all()


@pytest.mark.parametrize("study", ["models", "steps", "guidance", "samplers", "training"])
def test_studies_and_trainings(both: Catalog, menus: Callable, study: str):
    state = State(both.names, both.limits)
    view = StudiesView(state, both)
    view.panel()
    state.param.update(study=study, charts="all")
    view.refresh(frozenset(view.depends))
    training = study == "training"
    (data,) = menus("training" if training else "study")
    plots = view.trainings.cards[0].plots if training else view.plots
    parts = [data[name].values.ravel().astype(float) for name in data.variables if data[name].dtype.kind in "fiu"]
    known = np.unique(np.concatenate(parts))
    drawn = drawn_points(plots)
    assert drawn.size > 5
    assert np.isin(drawn, known).all()


def test_the_table_of_scores(both: Catalog, menus: Callable):
    view = OverviewView(State(both.names, both.limits), both)
    view.panel()
    (data,) = menus("scores")
    xr.testing.assert_identical(data["crps_fair"], view.data["crps_fair"])
    for value in data["crps_fair"].values.ravel():
        assert f"{value:.3f}" in view.parts["table"].object
