"""An emulator trained on the column store for seconds."""

from pathlib import Path

import pytest

from diffmp_core.studies.preset import SMOKE_SIZE
from diffmp_core.studies.sources import sized_config
from diffmp_core.training.loop import train


@pytest.fixture(scope="session")
def emulator(column_store, tmp_path_factory) -> Path:
    """A small calibrated emulator."""
    size = SMOKE_SIZE.model_copy(update={"max_minutes": None, "epochs": 8})
    config = sized_config("calibrated", size, name="small", seed=0)
    return train(column_store, tmp_path_factory.mktemp("emulators") / "small", config=config, progress=False)
