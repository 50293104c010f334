"""A training from column store to emulator folder: killed and resumed, refused where it would do harm."""

import csv
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from diffmp_core.columns.domain import DOMAIN_FILE, TrainingDomain
from diffmp_core.columns.normalization_file import load_normalization
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import layout_id
from diffmp_core.models.folder import load_emulator
from diffmp_core.models.one_step import OneStepConfig
from diffmp_core.stores import open_columns, stack_inputs, stack_outputs, write_store
from diffmp_core.training.config import load_config
from diffmp_core.training.loop import fingerprint, fingerprint_before_values, train
from diffmp_core.training.trainer import Trainer
from tests.synthetic import make_columns
from tests.training.conftest import TINY

COMMAND = (
    "import sys, torch; torch.set_num_threads(1); from diffmp_core.training.loop import train; "
    "from diffmp_core.training.config import load_config; "
    "train(sys.argv[1], sys.argv[2], config=load_config(sys.argv[3]), device='cpu', progress=False)"
)


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "weights.safetensors")


def same_weights(first: Path, second: Path) -> bool:
    a, b = weights(first), weights(second)
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


def log(folder: Path) -> list[dict[str, str]]:
    with (folder / "training.csv").open() as file:
        return [{key: value for key, value in row.items() if key != "samples_per_s"} for row in csv.DictReader(file)]


def checkpoint_step(folder: Path) -> int:
    try:
        with safe_open(folder / "checkpoint" / "state.safetensors", framework="numpy") as file:
            return int(json.loads(file.metadata()["position"])["step"])
    except OSError:
        return -1


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def finished(column_store, tmp_path_factory):
    """A finished tiny training, and the file of its configuration."""
    folder = tmp_path_factory.mktemp("finished")
    file = folder / "tiny.yaml"
    file.write_text(TINY)
    return train(column_store, folder / "emulator", config=load_config(file), device="cpu", progress=False), file


def test_finished_folder_is_whole_and_says_what_made_it(finished, column_store):
    folder, _ = finished
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml", "normalization.json", "domain.safetensors", "weights.safetensors", "training.csv", "card.md",
        "training_times.json",
    }  # fmt: skip
    config, store = yaml.safe_load((folder / "config.yaml").read_text()), open_columns(column_store)
    assert config["columns"]["columns_id"] == layout_id(store)
    assert config["columns"]["title"] == "Synthetic test columns"
    assert config["columns"]["training_columns"] == 4 * 128
    assert config["columns"]["training_times"]["count"] == 4
    assert config["columns"]["training_times"]["first"].startswith("2005-04-02T00:00")
    assert config["columns"]["times_by_split"] == {"train": 4, "validation": 1, "test": 1, "gap": 0}
    train_times = store.isel(time=slice(4))
    values = stack_inputs(train_times).astype("<f4").tobytes() + stack_outputs(train_times).astype("<f4").tobytes()
    assert config["columns"]["training_values_sha256"] == hashlib.sha256(values).hexdigest()
    assert set(config["seal"]["sha256"]) == {
        "domain.safetensors", "normalization.json", "training_times.json", "weights.safetensors",
    }  # fmt: skip
    assert config["result"]["training_samples_seen"] == 2 * 32 * 16
    assert not config["result"]["stopped_early"]
    assert config["training"]["seed"] == 0
    rows = log(folder)
    assert [row["epoch"] for row in rows] == ["1.000", "2.000"]
    lowest = min(float(row["validation_loss"]) for row in rows)
    assert config["result"]["validation_loss"] == pytest.approx(lowest, rel=1e-5)


def test_training_learns(finished):
    rows = log(finished[0])
    assert float(rows[1]["validation_loss"]) < 0.95 * float(rows[0]["validation_loss"])


def test_normalisation_and_domain_are_fitted_on_the_training_columns_only(finished, column_store):
    folder, _ = finished
    store = open_columns(column_store)
    seen = store.isel(time=slice(4))
    found = load_normalization(folder / "normalization.json")
    for name, values in (("SHF", seen["SHF"].values), ("T", seen["T"].values.reshape(-1, 30))):
        channel = found.schema.inputs.channel(name)
        np.testing.assert_allclose(found.input_offset[channel], values.mean(axis=0 if name == "T" else None), rtol=1e-5)
        np.testing.assert_allclose(found.input_scale[channel], values.std(axis=0 if name == "T" else None), rtol=1e-4)
        every = store[name].values.reshape(-1, 30) if name == "T" else store[name].values
        assert not np.allclose(found.input_scale[channel], every.std(axis=0 if name == "T" else None), rtol=1e-3)
    domain = TrainingDomain.load(folder / DOMAIN_FILE, found.schema.inputs)
    assert domain.mean[-1] == pytest.approx(float(seen["SOLIN"].mean()), rel=1e-6)
    assert domain.mean[-1] != pytest.approx(float(store["SOLIN"].mean()), rel=1e-4)


def test_shipped_weights_are_float32_and_load(finished):
    assert {value.dtype for value in weights(finished[0]).values()} == {np.dtype("float32")}
    assert load_emulator(finished[0]).config.filters == 8


def test_killed_training_goes_on_bit_for_bit(finished, column_store, tmp_path):
    """kill -9 amid checkpoints 60 ms apart, then the same command again."""
    whole, file = finished
    exact = tmp_path / "tiny.yaml"
    exact.write_text(file.read_text() + "checkpoint_minutes: 0.001\n")
    out = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", COMMAND, str(column_store), str(out), str(exact)])
    deadline = time.monotonic() + 150
    while checkpoint_step(out) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 3 <= checkpoint_step(out) < 64
    assert not (out / "weights.safetensors").exists()

    train(column_store, out, config=load_config(exact), device="cpu", progress=False)
    assert same_weights(out, whole)
    assert log(out) == log(whole)
    assert not (out / "checkpoint").exists()


def test_finished_training_is_left_alone(finished, column_store):
    folder, file = finished
    before = snapshot(folder)
    train(column_store, folder, config=load_config(file), device="cpu", progress=False)
    assert snapshot(folder) == before


@pytest.mark.parametrize("change", ["epochs: 3\n", "seed: 1\n"])
def test_folder_of_another_configuration_is_refused_unharmed(finished, column_store, tmp_path, change):
    folder, file = finished
    other = tmp_path / "tiny.yaml"
    kept = [line for line in file.read_text().splitlines() if line[:5] != change[:5]]
    other.write_text("\n".join([*kept, change]))
    before = snapshot(folder)
    with pytest.raises(DiffmpError, match="another configuration or other columns"):
        train(column_store, folder, config=load_config(other), device="cpu", progress=False)
    assert snapshot(folder) == before


def test_unfinished_training_of_other_columns_is_refused_unharmed(column_store, tiny, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        interrupted(column_store, out, tiny)
    before = snapshot(out)
    assert "checkpoint/state.safetensors" in before
    other = write_store(make_columns(cells=96), tmp_path / "other.zarr")
    with pytest.raises(DiffmpError, match="another configuration or other columns"):
        train(other, out, config=tiny, device="cpu", progress=False)
    with pytest.raises(DiffmpError, match="resume it or choose another"):
        train(column_store, out, config=tiny, device="cpu", progress=False, resume=False)
    assert snapshot(out) == before


def test_a_checkpoint_of_another_network_is_refused_unharmed(column_store, tiny, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        interrupted(column_store, out, tiny)
    state = out / "checkpoint" / "state.safetensors"
    with safe_open(state, framework="numpy") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in sorted(file.keys())}
    tensors["model.denoiser.read_in.bias"] = tensors["model.denoiser.read_in.bias"][:-1]
    save_file(tensors, state, metadata=metadata)
    before = snapshot(out)
    with pytest.raises(DiffmpError, match="another version of diffmp"):
        train(column_store, out, config=tiny, device="cpu", progress=False)
    assert snapshot(out) == before


def interrupted(columns, out, config) -> None:
    """A training that is stopped after its first step."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_update_average", stop)
        train(columns, out, config=config, device="cpu", progress=False)


@pytest.mark.parametrize("name", ["thesis.tex", "weights.safetensors"])
def test_folder_with_other_files_is_refused_unharmed(column_store, tiny, tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("precious")
    with pytest.raises(DiffmpError, match=f"found '{name}'"):
        train(column_store, tmp_path / "out", config=tiny, device="cpu", progress=False)
    assert snapshot(tmp_path / "out") == {name: b"precious"}


def test_loss_that_is_not_finite_stops_the_training(column_store, tiny, tmp_path):
    wild = tiny.model_copy(update={"learning_rate": 1e30, "warmup_steps": 0, "gradient_clip": None})
    with pytest.raises(DiffmpError, match="expected a finite loss, found nan"):
        train(column_store, tmp_path / "out", config=wild, device="cpu", progress=False)


def test_time_limit_ends_the_training_in_time(column_store, tiny, tmp_path):
    config = tiny.model_copy(update={"epochs": 100_000, "max_minutes": 0.02})
    start = time.monotonic()
    out = train(column_store, tmp_path / "out", config=config, device="cpu", progress=False)
    assert time.monotonic() - start < 20
    assert float(log(out)[-1]["learning_rate"]) < 0.1 * tiny.learning_rate


def test_unknown_device_is_one_sentence(column_store, tiny, tmp_path):
    with pytest.raises(DiffmpError, match="expected a device 'cpu' or 'cuda', found 'abacus'"):
        train(column_store, tmp_path / "out", config=tiny, device="abacus", progress=False)


def test_training_ends_early_when_validations_are_no_better(column_store, tiny, tmp_path):
    """Weights that a huge rate throws about: the first validations are the best."""
    options = {"epochs": 50, "patience": 2, "learning_rate": 0.03, "warmup_steps": 0, "ema_decay": None}
    config = tiny.model_copy(update=options)
    out = train(column_store, tmp_path / "out", config=config, device="cpu", progress=False)
    losses = [float(row["validation_loss"]) for row in log(out)]
    assert len(losses) < 50
    assert min(losses) == losses[-3]
    result = yaml.safe_load((out / "config.yaml").read_text())["result"]
    assert result["stopped_early"]
    assert result["validation_loss"] == pytest.approx(min(losses), rel=1e-5)
    before = snapshot(out)
    train(column_store, out, config=config, device="cpu", progress=False)
    assert snapshot(out) == before


OPTIONS_BEFORE_PATIENCE = (
    '{"name":"tiny","model":{"kind":"diffusion","normalization":"calibrated","settle_clouds":true,"filters":8,"layers":2,'
    '"film_path":"condition","prediction":"v","schedule":"zero_terminal_snr","sampler":"dpm_solver_pp_2m",'
    '"p_uncond":0.1,"guidance":[0.0,0.0,0.0,0.0]},"replace_abnormal":false,"winsorise":30.0,"optimizer":"adamw",'
    '"weight_decay":0.01,"gradient_clip":1.0,"schedule":"cosine","learning_rate":0.003,'
    '"lowest_learning_rate":0.00001,"cycle_epochs":1.0,"warmup_steps":4,"batch":16,"micro_batch":16,"epochs":2,'
    '"max_minutes":null,"ema_decay":0.9,"precision":"fp32","keep":"best","validation_epochs":1.0,'
    '"validation_columns":4096,"checkpoint_minutes":2.0,"seed":0}'
)
"""The tiny configuration as the last version without ``patience`` wrote it."""


def test_trainings_from_before_there_was_patience_are_the_same_training(column_store, tiny):
    old = hashlib.sha256(f"{OPTIONS_BEFORE_PATIENCE} {layout_id(open_columns(column_store))}".encode())
    assert fingerprint_before_values(tiny, open_columns(column_store)) == old.hexdigest()[:12]
    later = fingerprint_before_values(tiny.model_copy(update={"patience": 3}), open_columns(column_store))
    assert later != old.hexdigest()[:12]


def other_columns(columns: Path, path: Path, change) -> Path:
    """The same store with something changed."""
    return write_store(change(open_columns(columns).load().drop_encoding()), path)


CHANGES = {
    "other values": lambda columns: columns.assign(T=columns["T"] + np.float32(1)),
    "one value of validation": lambda columns: columns.assign(
        SHF=columns["SHF"].where((columns["split"] != 1) | (columns["area"].cumsum("cell") > 1), 50).astype("float32")
    ),
    "split anew": lambda columns: columns.assign_coords(split=columns["split"].copy(data=[2, 1, 0, 0, 0, 0])),
    "an aqua-planet": lambda columns: columns.assign_coords(land_fraction=0 * columns["land_fraction"]),
    "another seed": lambda columns: columns.assign_attrs(simulation_seed=1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_finished_training_on_other_columns_is_not_this_one(finished, column_store, tmp_path, change):
    folder, file = finished
    before = snapshot(folder)
    other = other_columns(column_store, tmp_path / "other.zarr", change)
    with pytest.raises(DiffmpError, match="found one of another configuration or other columns"):
        train(other, folder, config=load_config(file), device="cpu", progress=False)
    assert snapshot(folder) == before
    train(column_store, folder, config=load_config(file), device="cpu", progress=False)
    assert snapshot(folder) == before


def test_a_training_that_another_version_finished_is_known_by_its_values(finished, column_store, tmp_path):
    """It has the fingerprint of then, which knows no values, and their checksum."""
    folder, file = finished
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    config = yaml.safe_load((old / "config.yaml").read_text())
    config["run"] = fingerprint_before_values(load_config(file), open_columns(column_store))
    (old / "config.yaml").write_text(yaml.safe_dump(config))
    before = snapshot(old)
    train(column_store, old, config=load_config(file), device="cpu", progress=False)
    other = other_columns(column_store, tmp_path / "other.zarr", CHANGES["other values"])
    with pytest.raises(DiffmpError, match="found one of another configuration or other columns"):
        train(other, old, config=load_config(file), device="cpu", progress=False)
    assert snapshot(old) == before


def test_a_training_that_another_version_began_goes_on(finished, column_store, tmp_path, monkeypatch):
    whole, file = finished
    out, config = tmp_path / "killed", load_config(file).model_copy(update={"checkpoint_minutes": 0.0})
    take_step = Trainer.take_step

    def kill(self, step, rate):
        if step == 40:
            raise KeyboardInterrupt
        return take_step(self, step, rate)

    with monkeypatch.context() as patch:
        before = fingerprint_before_values(config, open_columns(column_store))
        patch.setattr(Trainer, "take_step", kill)
        patch.setattr("diffmp_core.training.loop.fingerprint", lambda config, columns: before)
        with pytest.raises(KeyboardInterrupt):
            train(column_store, out, config=config, device="cpu", progress=False)
    other = other_columns(column_store, tmp_path / "other.zarr", CHANGES["other values"])
    with pytest.raises(DiffmpError, match="found one of another configuration or other columns"):
        train(other, out, config=config, device="cpu", progress=False)
    train(column_store, out, config=config, device="cpu", progress=False)
    assert same_weights(out, whole)


def test_a_training_from_another_parent_of_the_same_name_is_not_this_one(finished, tmp_path):
    parent = tmp_path / "parent"
    shutil.copytree(finished[0], parent)
    model = {"kind": "one_step", "filters": 8, "layers": 2, "initial": str(parent)}
    config = load_config("one_step").model_copy(update={"model": OneStepConfig.model_validate(model)})
    first = fingerprint(config, "columns")
    assert fingerprint(config, "columns") == first
    (parent / "weights.safetensors").write_bytes(b"others")
    assert fingerprint(config, "columns") != first
    (parent / "weights.safetensors").unlink()
    with pytest.raises(DiffmpError, match=r"expected a trained emulator to set out from, found no weights.safetensors"):
        fingerprint(config, "columns")


@pytest.mark.slow
def test_two_processes_train_what_one_does(column_store, tmp_path):
    """torchrun's environment, gloo: the same global batch in the same micro-batches, summed in another order."""
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY.replace("micro_batch: 16", "micro_batch: 8"))
    one = train(column_store, tmp_path / "one", config=load_config(file), device="cpu", progress=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    two = tmp_path / "two"
    environment = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(column_store), str(two), str(file)],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    first, second = weights(one), weights(two)
    for name in first:
        np.testing.assert_allclose(second[name], first[name], rtol=2e-3, atol=2e-5, err_msg=name)
    assert float(log(two)[-1]["loss"]) == pytest.approx(float(log(one)[-1]["loss"]), rel=1e-4)
    assert yaml.safe_load((two / "config.yaml").read_text())["result"]["processes"] == 2
