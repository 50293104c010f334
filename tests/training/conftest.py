"""A small column store on disk and a configuration that trains on it within seconds."""

from pathlib import Path

import pytest
import torch

from diffmp_core.stores import write_store
from diffmp_core.training.config import TrainingConfig, load_config
from tests.synthetic import make_columns

TINY = """
extends: calibrated
model: {filters: 8, layers: 2}
batch: 16
micro_batch: 16
epochs: 2
warmup_steps: 4
learning_rate: 0.003
ema_decay: 0.9
precision: fp32
"""


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def columns(tmp_path_factory) -> Path:
    """Store of 6 times (4 for training) x 128 cells."""
    return write_store(make_columns(cells=128), tmp_path_factory.mktemp("columns") / "columns.zarr")


@pytest.fixture
def tiny_file(tmp_path) -> Path:
    """The tiny configuration as a file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def tiny(tiny_file) -> TrainingConfig:
    """The tiny configuration."""
    return load_config(tiny_file)
