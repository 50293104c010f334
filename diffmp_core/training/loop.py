"""Training: columns in, emulator folder out; killed at any moment it goes on where it stopped, bit for bit."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from diffmp_core.columns.domain import DOMAIN_FILE, TrainingDomain, fit_domain
from diffmp_core.columns.normalization_file import to_json
from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.compute.memory import keep_freed_memory
from diffmp_core.compute.seeds import Purpose, stream_seed
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import layout_id
from diffmp_core.kinds import KINDS
from diffmp_core.models.base import NetworkEmulator, build_emulator
from diffmp_core.models.folder import CONFIG_FILE, WEIGHTS_FILE, save_emulator
from diffmp_core.models.folder import load_config as load_emulator_config
from diffmp_core.models.normalizer import Normalizer
from diffmp_core.models.seen_times import TrainingTimes, has_split, training_id, values_checksum
from diffmp_core.storage.files import remove
from diffmp_core.storage.lock import hold
from diffmp_core.stores import open_columns, select_split, sha256_of
from diffmp_core.training.card import write_card
from diffmp_core.training.config import TrainingConfig
from diffmp_core.training.data import NormalisedColumns, normalize_columns, read_columns
from diffmp_core.training.log import LOG_FILE
from diffmp_core.training.position import CHECKPOINT_FOLDER, FILE
from diffmp_core.training.processes import join_processes
from diffmp_core.training.provenance import provenance
from diffmp_core.training.report import Report
from diffmp_core.training.trainer import Trainer


def train(
    columns: Path | str,
    out: Path | str,
    *,
    config: TrainingConfig,
    device: str | None = None,
    resume: bool = True,
    progress: bool = True,
) -> Path:
    """Train an emulator on the split ``train`` of a column store and write its folder.

    While it runs ``out`` holds ``checkpoint/`` and ``training.csv``; at the end ``config.yaml``,
    ``normalization.json``, ``domain.safetensors``, ``weights.safetensors`` (EMA weights of the best validation, or the
    last, as ``config.keep`` says) and the model card ``card.md`` are written and the checkpoint goes. A finished
    training of the same configuration and columns is left as it is.

    Under ``torchrun`` each process works on its share of every batch; ``out`` is on a file system that all can read.

    Args:
        columns: column store; its splits train and validation are read.
        out: emulator folder: new, empty, or of the same training.
        config: see :func:`diffmp_core.training.config.load_config`.
        device: ``cpu`` or ``cuda``; CUDA where there is one if not given.
        resume: go on from a checkpoint; if False, a folder with one is refused.
        progress: show progress, loss and throughput on standard error.

    Raises:
        DiffmpError: a bad store, a folder that holds something else, an unknown device, or a loss that is not finite.
    """
    out = Path(out)
    with join_processes(device) as processes, hold(out) if processes.writes else nullcontext():
        store = open_columns(columns)
        run, earlier = fingerprint(config, training_id(store)), fingerprint_before_values(config, store)
        report = Report(shown=progress and processes.writes)
        if is_finished(out, run, earlier=earlier, columns=store, resume=resume):
            report.say(f"{out} holds the finished training of this configuration and these columns; nothing to do")
            return out
        processes.wait()
        keep_freed_memory()
        report.say("reading columns ...")
        data = load_data(store, config)
        fitted = hashlib.sha256(to_json(data.normalization).encode()).hexdigest()[:12]
        trainer = Trainer(
            emulator=fresh_emulator(config, data.normalization),
            config=config,
            training=data.training,
            validation=data.validation,
            processes=processes,
            report=report,
            checkpoint=out / CHECKPOINT_FOLDER,
            log=out / LOG_FILE,
            run=f"{run}-{fitted}",
            earlier=f"{earlier}-{fitted}",
        )
        trainer.run_to_end()
        if processes.writes:
            data.domain.save(out / DOMAIN_FILE)
            TrainingTimes.of(store).save(out)
            extra = provenance(config, store, trainer, processes, values_sha256=data.values_sha256) | {"run": run}
            save_emulator(trainer.finished_emulator(), out, extra=extra)
            write_card(out)
            remove(out / CHECKPOINT_FOLDER)
        processes.wait()
    return out


def fingerprint(config: TrainingConfig, columns: str) -> str:
    """Which training this is: configuration, weights that it sets out from, and columns (:func:`training_id`)."""
    parent = getattr(config.model, KINDS[config.model.kind].parent, None)
    parents = [_weights_sha256(Path(parent))] if isinstance(parent, str) else []
    return hashlib.sha256(" ".join([config.model_dump_json(by_alias=True), *parents, columns]).encode()).hexdigest()[
        :12
    ]


def fingerprint_before_values(config: TrainingConfig, columns: xr.Dataset) -> str:
    """As older versions made it, without values, split and parent; trainings that they began go on.

    ``patience`` is left out where there is none: still older versions had no such option.
    """
    options = config.model_dump_json(by_alias=True, exclude={"patience"} if config.patience is None else None)
    return hashlib.sha256(f"{options} {layout_id(columns)}".encode()).hexdigest()[:12]


def _weights_sha256(folder: Path) -> str:
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise DiffmpError(f"expected a trained emulator to set out from, found no {WEIGHTS_FILE} at {folder}; name one")
    return sha256_of(path)


def is_finished(out: Path, run: str, *, earlier: str, columns: xr.Dataset, resume: bool) -> bool:
    """Whether the folder holds this very training, finished.

    Args:
        run, earlier: of :func:`fingerprint` and :func:`fingerprint_before_values`.
        columns: what it would be trained on: where an older version was the writer, its values are read and compared.
        resume: see :func:`train`.

    Raises:
        DiffmpError: it holds something else, or ``resume`` is off and it holds an unfinished training.
    """
    if not out.exists():
        return False
    if not out.is_dir():
        raise DiffmpError(f"expected a folder for the emulator, found a file at {out}; choose another name")
    if (out / CHECKPOINT_FOLDER / FILE).is_file():
        if not resume:
            raise DiffmpError(f"expected an empty folder, found a training in {out}; resume it or choose another")
        return False
    if (out / CONFIG_FILE).is_file():
        config = load_emulator_config(out)
        found, values = config.get("run"), (config.get("columns") or {}).get("training_values_sha256")
        if found == earlier and values in (None, values_checksum(select_split(columns, "train"))):
            found = run
        if found == run and resume:
            return True
        raise DiffmpError(
            f"expected an empty folder or this training, found one of another configuration or other columns in "
            f"{out} (run {found}, not {run}); choose another folder"
        )
    foreign = sorted(path.name for path in out.iterdir() if path.name != CHECKPOINT_FOLDER)
    if foreign:
        raise DiffmpError(f"expected an empty folder, found {foreign[0]!r} in {out}; choose another folder")
    return False


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a training reads: normalised columns, what was fitted on them, and a checksum of their values as read."""

    training: NormalisedColumns
    validation: NormalisedColumns | None
    normalization: Normalization
    domain: TrainingDomain
    values_sha256: str


def load_data(columns: xr.Dataset, config: TrainingConfig) -> TrainingData:
    """Normalised training and validation columns; normalisation and domain are fitted on the training columns only."""
    read = read_columns(columns, "train")
    values_sha256 = read.checksum()
    normalization = fit(read.inputs, read.outputs, schema=read.schema, method=config.model.normalization)
    normalization = replace(normalization, winsorise_limit=config.winsorise)
    normalizer = Normalizer(normalization)
    generator = np.random.default_rng(stream_seed(config.seed, Purpose.domain))
    domain = fit_domain(read.inputs, channels=read.schema.inputs, generator=generator)
    training = normalize_columns(read, normalizer, drop_abnormal=config.replace_abnormal)
    validation = None
    if has_split(columns, "validation"):
        read = read_columns(columns, "validation", limit=config.validation_columns)
        validation = normalize_columns(read, normalizer, drop_abnormal=config.replace_abnormal)
    return TrainingData(training, validation, normalization, domain, values_sha256)


def fresh_emulator(config: TrainingConfig, normalization: Normalization) -> NetworkEmulator:
    """Untrained emulator whose weights are drawn from the configuration's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(config.seed, Purpose.weights))
        emulator = build_emulator(config.model.model_dump(), normalization)
    emulator.warm_start()
    return emulator
