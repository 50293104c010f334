"""Fixtures of the whole suite: synthetic columns, in memory and as a store, and one thread."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from diffmp_core.stores import stack_inputs, write_store
from tests.synthetic import make_columns


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: sums are of one order, and processes of a test run don't crowd each other out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def columns() -> xr.Dataset:
    """6 times (4 of training, 1 of validation, 1 of test) x 128 cells."""
    return make_columns(cells=128)


@pytest.fixture(scope="session")
def few_columns() -> xr.Dataset:
    """The same times x 12 cells."""
    return make_columns(cells=12)


@pytest.fixture(scope="session")
def column_store(columns: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The columns as a store."""
    return write_store(columns, tmp_path_factory.mktemp("columns") / "columns.zarr")


@pytest.fixture(scope="session")
def inputs(columns: xr.Dataset) -> np.ndarray:
    """Inputs (26, input, level) of columns of one time, spread over the globe."""
    return stack_inputs(columns.isel(time=[0], cell=slice(None, None, 5)))


@pytest.fixture(scope="session")
def air(columns: xr.Dataset) -> dict[str, np.ndarray]:
    """Pressure (level,) and layer masses (column, level) of the columns of ``inputs``."""
    mass = columns["layer_mass"].isel(cell=slice(None, None, 5))
    return {"pressure": columns["pressure"].values, "layer_mass": mass.values}
