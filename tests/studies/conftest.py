"""A synthetic column store and two emulators trained on it for seconds."""

from pathlib import Path

import pytest
import torch

from diffmp_core.stores import write_store
from diffmp_core.studies.preset import SMOKE_SIZE
from diffmp_core.studies.sources import sized_config
from diffmp_core.training.loop import train
from tests.synthetic import make_columns


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def columns(tmp_path_factory) -> Path:
    """Store of 6 times (4 for training, one for validation, one for testing) x 96 cells."""
    return write_store(make_columns(cells=96), tmp_path_factory.mktemp("columns") / "columns.zarr")


@pytest.fixture(scope="session")
def emulator(columns, tmp_path_factory) -> Path:
    """A small calibrated emulator."""
    size = SMOKE_SIZE.model_copy(update={"max_minutes": None, "epochs": 8})
    config = sized_config("calibrated", size, name="small", seed=0)
    return train(columns, tmp_path_factory.mktemp("emulators") / "small", config=config, progress=False)
