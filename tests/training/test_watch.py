"""What a folder says of its training: speed, share, time left, and that a broken file is one sentence."""

import os

import numpy as np
import pytest
import torch

from diffmp_core.errors import DiffmpError
from diffmp_core.training.checkpoint import save_checkpoint
from diffmp_core.training.log import LOG_COLUMNS, write_log
from diffmp_core.training.loop import train
from diffmp_core.training.position import Position, read_position
from diffmp_core.training.watch import QUIET_S, find_trainings, is_training, read_training, stamp

NOW = 1_000_000.0


def row(step: int, speed: float) -> dict[str, str]:
    known = {"step": step, "epoch": step / 100, "samples": 8 * step, "loss": 1 / step, "samples_per_s": speed}
    return {name: str(known.get(name, "")) for name in LOG_COLUMNS}


@pytest.fixture
def running(tmp_path):
    """80 of 200 steps by the log, 60 by the checkpoint, 8 columns a step at 16 columns a second; last word at NOW."""
    folder = tmp_path / "running"
    position = Position(run="x", step=60, seconds=30.0, rows=1, steps=200)
    save_checkpoint(folder / "checkpoint", position, {"w": torch.zeros(1)})
    write_log(folder / "training.csv", [row(40, 12.0), row(80, 16.0)])
    for path in (folder / "training.csv", folder / "checkpoint" / "state.safetensors"):
        os.utime(path, (NOW, NOW))
    return folder


def test_time_left_follows_from_the_last_speed(running):
    training = read_training(running)
    assert not training.finished
    assert training.step == 80
    assert training.steps_per_second == 2.0
    assert training.seconds_left(NOW) == 60.0
    assert training.seconds_left(NOW + 10) == 50.0
    assert training.share(NOW + 10) == pytest.approx(40 / 90)
    np.testing.assert_array_equal(training.rows["loss"], [1 / 40, 1 / 80])
    assert np.isnan(training.rows["validation_loss"]).all()


def test_a_limit_of_time_ends_it_earlier(running):
    position = read_position(running / "checkpoint")
    save_checkpoint(running / "checkpoint", position.model_copy(update={"max_minutes": 1.0}), {"w": torch.zeros(1)})
    training = read_training(running)
    assert training.seconds_left(training.changed) == pytest.approx(30.0)


def test_a_training_that_says_nothing_for_long_has_no_time_left(running):
    training = read_training(running)
    assert training.is_quiet(NOW + QUIET_S + 1)
    assert not training.is_quiet(NOW + QUIET_S - 1)
    assert training.seconds_left(NOW + QUIET_S + 1) is None
    assert training.share(NOW + QUIET_S + 1) is None


def test_an_older_checkpoint_has_no_length(running):
    save_checkpoint(running / "checkpoint", Position(run="x", step=60), {"w": torch.zeros(1)})
    training = read_training(running)
    assert training.seconds_left(training.changed) is None
    assert training.share(training.changed) is None


def test_without_rows_the_speed_is_that_since_the_start(running):
    (running / "training.csv").unlink()
    assert read_training(running).steps_per_second == 2.0
    assert read_training(running).step == 60


def test_trainings_are_found_in_a_folder_and_in_its_studies(running):
    folder = running.parent
    inside = folder / "studies" / "models" / "emulators" / "cvae"
    inside.mkdir(parents=True)
    write_log(inside / "training.csv", [])
    assert find_trainings(folder) == [running, inside]
    assert find_trainings(running) == [running]
    assert find_trainings(folder / "nothing") == []
    assert not is_training(folder)


def test_a_stamp_changes_with_every_word(running):
    before = stamp(running)
    write_log(running / "training.csv", [row(80, 16.0)])
    assert stamp(running) != before
    assert stamp(running.parent) == (0, 0)


def test_a_real_training_is_seen_to_the_end(column_store, tiny, tmp_path):
    folder = train(column_store, tmp_path / "emulator", config=tiny, progress=False)
    training = read_training(folder)
    assert training.finished
    assert training.share(training.changed) == 1.0
    assert training.seconds_left(training.changed) is None
    assert training.step == training.rows["step"][-1] > 0
    assert np.isfinite(training.rows["validation_loss"]).all()


def test_what_is_no_log_or_checkpoint_is_one_sentence(running):
    (running / "training.csv").write_text("step,loss\n1,<b>\n")
    with pytest.raises(DiffmpError, match=r"expected numbers in .*training.csv"):
        read_training(running)
    (running / "training.csv").unlink()
    (running / "checkpoint" / "state.safetensors").write_bytes(b"junk")
    with pytest.raises(DiffmpError, match="expected a whole training checkpoint"):
        read_training(running)
