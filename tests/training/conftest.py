"""A configuration that trains on the column store within seconds."""

from pathlib import Path

import pytest

from diffmp_core.training.config import TrainingConfig, load_config

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
