"""Where the emulator of a case comes from: a training, a folder, or training columns themselves.

Each source has an identity, a fingerprint of all that its answers depend on; results are kept under it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from diffmp_core.compute.devices import choose_device
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id
from diffmp_core.kinds import KINDS
from diffmp_core.models.base import Emulator
from diffmp_core.models.folder import CONFIG_FILE, NORMALIZATION_FILE, WEIGHTS_FILE, load_emulator, load_schema
from diffmp_core.models.references import AnalogueEnsemble, ClimatologicalEnsemble
from diffmp_core.models.seen_times import has_split
from diffmp_core.schema import variables_of
from diffmp_core.stores import open_columns, select_split
from diffmp_core.training.config import TrainingConfig, load_config
from diffmp_core.training.loop import train
from diffmp_core.variables import Channels


class Source(Protocol):
    """Where an emulator comes from."""

    @property
    def identity(self) -> str:
        """Fingerprint of everything that its answers depend on."""
        ...

    @property
    def outputs(self) -> Channels:
        """What it answers with."""
        ...

    def open(self, folder: Path, *, show: bool) -> Emulator:
        """The emulator, trained under ``folder`` first if need be, with progress on standard error if ``show``."""
        ...


@dataclass(frozen=True)
class Given:
    """A trained emulator; a diffusion model may be sampled by another sampler than its own."""

    path: Path
    sampler: str | None = None

    @property
    def identity(self) -> str:
        """Of configuration, normalisation, weights and sampler."""
        digest = hashlib.sha256(str(self.sampler).encode())
        for name in (CONFIG_FILE, NORMALIZATION_FILE, WEIGHTS_FILE):
            if not (self.path / name).is_file():
                raise DiffmpError(f"expected an emulator folder with {name}, found none at {self.path}; copy it again")
            digest.update((self.path / name).read_bytes())
        return digest.hexdigest()

    @property
    def outputs(self) -> Channels:
        """Those of the emulator, which may be fewer than its columns have."""
        return load_schema(self.path).outputs

    def open(self, folder: Path, *, show: bool) -> Emulator:
        """The emulator of the folder; nothing is trained."""
        emulator = load_emulator(self.path, device=choose_device(None))
        if self.sampler is not None:
            emulator.config = emulator.config.model_copy(update={"sampler": self.sampler})
        return emulator


@dataclass(frozen=True)
class Trained:
    """A training on the split train of a store; ``parent`` is the trained emulator that it is made from, if any."""

    config: TrainingConfig
    columns: Path
    parent: Trained | None = None

    @property
    def identity(self) -> str:
        """Of configuration, columns and the parent, wherever that lies."""
        options: dict[str, Any] = self.config.model_dump(mode="json")
        if self.parent is not None:
            options["model"][KINDS[self.config.model.kind].parent] = self.parent.identity
        return _digest(options, split_id(self.columns, "train"), split_id(self.columns, "validation"))

    @property
    def outputs(self) -> Channels:
        """All of the columns."""
        return variables_of(open_columns(self.columns)).outputs

    def open(self, folder: Path, *, show: bool) -> Emulator:
        """The trained emulator; a finished training is taken as it is, a killed one goes on."""
        return load_emulator(self._train(folder, show=show), device=choose_device(None))

    def _train(self, folder: Path, *, show: bool) -> Path:
        out = folder / f"{self.config.name}-seed{self.config.seed}-{self.identity[:8]}"
        if (out / CONFIG_FILE).is_file():  # written last
            return out
        config = self.config
        if self.parent is not None:
            parent = {KINDS[config.model.kind].parent: str(self.parent._train(folder, show=show).resolve())}
            config = config.model_copy(update={"model": config.model.model_copy(update=parent)})
        return train(self.columns, out, config=config, progress=show)


@dataclass(frozen=True)
class Reference:
    """An ensemble made of the training columns themselves."""

    kind: Literal["analogue", "climatology"]
    columns: Path

    @property
    def identity(self) -> str:
        """Of kind and training columns."""
        return _digest(self.kind, split_id(self.columns, "train"))

    @property
    def outputs(self) -> Channels:
        """All of the columns."""
        return variables_of(open_columns(self.columns)).outputs

    def open(self, folder: Path, *, show: bool) -> Emulator:
        """The reference, made in memory."""
        training = select_split(open_columns(self.columns), "train")
        if self.kind == "analogue":
            return AnalogueEnsemble.from_columns(training)
        return ClimatologicalEnsemble.from_columns(training)


class TrainingSize(BaseModel):
    """What a preset changes in a training configuration; None leaves it as it is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filters: int | None = None
    layers: int | None = None
    batch: int | None = Field(default=None, ge=1)
    micro_batch: int | None = Field(default=None, ge=1)
    epochs: int | None = Field(default=None, ge=1)
    max_minutes: float | None = Field(default=None, gt=0)
    warmup_steps: int | None = Field(default=None, ge=0)
    validation_columns: int | None = Field(default=None, ge=1)
    precision: Literal["fp32", "bf16"] | None = None


def sized_config(
    config: str, size: TrainingSize, *, name: str, seed: int, model: dict[str, Any] | None = None
) -> TrainingConfig:
    """A shipped configuration in another size, with a name, a seed and further options of its model."""
    changes = size.model_dump(exclude_none=True)
    network = {key: changes.pop(key) for key in ("filters", "layers") if key in changes} | (model or {})
    options = load_config(config).model_dump()
    return TrainingConfig.model_validate(
        options | changes | {"name": name, "seed": seed, "model": options["model"] | network}
    )


@lru_cache
def split_id(path: Path, split: str) -> str:
    """Identity of the columns of a split of a store, '' where it has no such times; read once a process."""
    columns = open_columns(path)
    if split != "all" and not has_split(columns, split):
        return ""
    return columns_id(select_split(columns, split), trust=False)


def _digest(*content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
