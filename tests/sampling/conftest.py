"""A small untrained emulator and columns that fit it."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from diffmp_core.columns.domain import DOMAIN_FILE, fit_domain
from diffmp_core.columns.normalize import fit
from diffmp_core.compute.seeds import Purpose, stream_seed
from diffmp_core.identity import columns_id
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.schema import schema_of
from diffmp_core.stores import write_store
from diffmp_core.training.data import read_columns
from tests.synthetic import make_columns


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def columns() -> xr.Dataset:
    """6 times x 80 cells: a time is no multiple of the columns drawn at once."""
    return make_columns(cells=80)


@pytest.fixture(scope="session")
def column_store(columns, tmp_path_factory) -> Path:
    return write_store(columns, tmp_path_factory.mktemp("columns") / "columns.zarr")


@pytest.fixture(scope="session")
def folder(columns, tmp_path_factory) -> Path:
    """Emulator folder of random weights, as if trained on ``columns``; its output head is not left at zero."""
    arrays = read_columns(columns, "train")
    normalization = fit(arrays.inputs, arrays.outputs, schema=schema_of(columns))
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "diffusion", "filters": 8, "layers": 2}, normalization)
    with torch.no_grad():
        for parameter in emulator.denoiser.head.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("emulators") / "tiny"
    save_emulator(emulator, folder, {"columns": {"columns_id": columns_id(columns)}})
    generator = np.random.default_rng(stream_seed(0, Purpose.domain))
    fit_domain(arrays.inputs, channels=arrays.schema.inputs, generator=generator).save(folder / DOMAIN_FILE)
    return folder
