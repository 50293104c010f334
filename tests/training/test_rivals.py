"""Trainings of the other emulators: from folder to folder, interrupted and resumed, two players and all."""

from pathlib import Path

import pytest
from safetensors.numpy import load_file

from diffmp_core.models.folder import load_emulator
from diffmp_core.training import criterion
from diffmp_core.training.config import TrainingConfig, load_config
from diffmp_core.training.loop import train
from diffmp_core.training.trainer import Trainer

TINY = """
extends: {name}
model: {{filters: 8, layers: 2{more}}}
batch: 16
micro_batch: 16
epochs: 2
validation_epochs: 0.5
checkpoint_minutes: 0
ema_decay: 0.9
precision: fp32
"""


@pytest.fixture(autouse=True)
def few_columns(monkeypatch):
    monkeypatch.setattr(criterion, "CRITERION_COLUMNS", 8)


@pytest.fixture(scope="module")
def regression(column_store, tmp_path_factory) -> Path:
    """Folder of a regression trained on the small store."""
    folder = tmp_path_factory.mktemp("regression")
    return train(column_store, folder / "emulator", config=tiny("regression", folder), device="cpu", progress=False)


def tiny(name: str, folder: Path, more: str = "") -> TrainingConfig:
    file = folder / f"{name}.yaml"
    file.write_text(TINY.format(name=name, more=more))
    return load_config(file)


@pytest.mark.parametrize("name", ["one_step", "cvae", "cgan", "gaussian"])
def test_interrupted_training_ends_as_if_it_had_not_been(column_store, regression, tmp_path, name):
    more = f", pretrained: {regression}" if name == "cgan" else ""
    config = tiny(name, tmp_path, more)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train(column_store, whole, config=config, device="cpu", progress=False)
    for stop_at in (21, 50):  # amid a row, and after the second validation
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Trainer, "take_step", stopping(Trainer.take_step, stop_at))
            with pytest.raises(KeyboardInterrupt):
                train(column_store, halves, config=config, device="cpu", progress=False)
    train(column_store, halves, config=config, device="cpu", progress=False)
    expected, found = (load_file(folder / "weights.safetensors") for folder in (whole, halves))
    assert expected.keys() == found.keys()
    assert all(expected[key].tobytes() == found[key].tobytes() for key in expected)
    assert load_emulator(halves).kind == name
    rows = (halves / "training.csv").read_text().splitlines()
    assert len(rows) == 1 + 4
    assert all(row.split(",")[5] for row in rows) == (name in ("cvae", "cgan"))


def stopping(take_step, step_to_stop_at: int):
    """A step that is interrupted before that number."""

    def take(trainer, step, rate):
        if step == step_to_stop_at:
            raise KeyboardInterrupt
        take_step(trainer, step, rate)

    return take
