"""A synthetic experiment for every test of the page, written once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray as xr
from diffmp_app.data.catalog import Catalog
from diffmp_app.state.state import State

from tests.app.experiment import add_networks, experiment_columns, make_experiment, score_columns
from tests.app.served import chromium, serve, watched_window
from tests.app.studies import add_studies


@pytest.fixture(scope="session")
def experiment_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment of 642 cells and 4 times: two emulators with score stores, one reference with a table only."""
    return make_experiment(tmp_path_factory.mktemp("served") / "globe")


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another experiment: 162 cells, 2 times, a title with markup in it."""
    return make_experiment(tmp_path_factory.mktemp("served") / "small", cells=162, times=2, title="Small <b>globe</b>")


@pytest.fixture(scope="session")
def catalog(experiment_folder: Path, small_folder: Path) -> Catalog:
    """Both experiments, served."""
    return Catalog([experiment_folder, small_folder])


@pytest.fixture
def state(catalog: Catalog) -> State:
    """A fresh state."""
    return State(catalog.names, catalog.limits)


@pytest.fixture(scope="session")
def live_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment whose two emulators are small, untrained networks with a training domain."""
    folder = make_experiment(tmp_path_factory.mktemp("served") / "live" / "globe")
    add_networks(folder)
    return add_studies(folder)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment of synthetic columns whose place, time and temperature are those of a small simulator run."""
    from diffmp_core.crm.simulate import simulate  # compiled code: only for those who ask the model

    base, hour = tmp_path_factory.mktemp("reference"), 3
    raw = xr.open_zarr(simulate(base / "run.zarr", grid="G0", hours=hour, workers=1))
    columns = experiment_columns(cells=12, times=1)
    for place in ("lat", "lon", "land_fraction"):
        columns[place] = ("cell", raw[place].values)
    columns["time"] = columns["time"].values - columns["time"].values[-1] + raw["time"].values[hour - 1]
    columns["T"][:] = raw["T"].values[hour - 1]
    columns["land_fraction"] = ("cell", raw["land_fraction"].values)
    columns.attrs |= {f"simulation_{key}": raw.attrs[key] for key in ("grid", "start", "seed")}
    folder = score_columns(base / "globe", columns)
    add_networks(folder)
    return folder


@pytest.fixture(scope="session")
def address(live_folder: Path, small_folder: Path) -> Iterator[str]:
    """The page with small live networks, served by this interpreter on a free port."""
    with serve([live_folder, small_folder]) as server:
        yield server.url


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A Chromium of this module."""
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser, address: str) -> Iterator:
    """A window that records errors and the hosts it asks; other hosts are refused."""
    with watched_window(browser, address) as window:
        yield window
