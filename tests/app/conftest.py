"""A synthetic experiment for every test of the page, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalog import Catalog
from app.state import State
from tests.app.experiment import make_experiment


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
