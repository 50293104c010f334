"""Training configuration: the shipped ones by name, or a YAML file.

``extends: NAME`` in a file starts from a shipped configuration, and the file says only what differs.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator

from diffmp_core.columns.normalize import WINSORISE_LIMIT
from diffmp_core.errors import DiffmpError
from diffmp_core.kinds import KINDS
from diffmp_core.models.base import NetworkConfig, network_class
from diffmp_core.storage.documents import UnreadableError, read_yaml
from diffmp_core.training.learning_rate import Schedule

CONFIGS = "diffmp_core.configs"

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _of_its_kind(model: Any) -> Any:
    """Options of a model as those of its kind (:data:`diffmp_core.kinds.KINDS`).

    Raises:
        ValueError: an unknown kind, or an option that is unknown or out of range.
    """
    if isinstance(model, NetworkConfig):
        return model
    try:
        found = network_class(model.get("kind") if isinstance(model, dict) else None)
    except DiffmpError as error:
        raise ValueError(str(error)) from error
    return found.config_class.model_validate(model)


class TrainingConfig(BaseModel):
    """Everything that a training is made by; ``model`` says which emulator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="custom", min_length=1)
    model: Annotated[SerializeAsAny[NetworkConfig], BeforeValidator(_of_its_kind)]
    replace_abnormal: bool = False
    """Replace columns with a normalised output beyond 3 by a neighbour (Section 2 of the paper)."""
    winsorise: _Positive | None = WINSORISE_LIMIT
    """Hold normalised outputs within this many standard deviations while training; evaluation never does."""
    optimizer: Literal["adam", "adamw"] = "adamw"
    weight_decay: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    """Decoupled weight decay of AdamW; Adam has none."""
    gradient_clip: _Positive | None = 1.0
    """Largest norm of the gradient."""
    schedule: Schedule = "cosine"
    learning_rate: _Positive = 1e-3
    """Highest learning rate; an emulator may multiply it for a part of its parameters."""
    lowest_learning_rate: float = Field(default=1e-5, ge=0, allow_inf_nan=False)
    cycle_epochs: _Positive = 1.0
    """Length of a cycle of the cyclical schedule."""
    warmup_steps: int = Field(default=0, ge=0)
    batch: int = Field(default=512, ge=1)
    """Columns an optimiser step, over all processes."""
    micro_batch: int = Field(default=512, ge=1)
    """Columns that go through the network at once; bounds the memory, and the noise is drawn for each."""
    epochs: int = Field(default=100, ge=1)
    max_minutes: _Positive | None = None
    """Stop after this time at the latest; the cosine rate follows the clock then, which no resume repeats exactly."""
    ema_decay: float | None = Field(default=0.999, gt=0, lt=1)
    """Decay of the exponential moving average of the weights that is kept; None keeps the weights themselves."""
    precision: Literal["fp32", "bf16"] = "bf16"
    keep: Literal["best", "best_criterion", "last"] = "best"
    """Weights to keep: of the lowest validation loss, of the paper's highest criterion, or the last ones."""
    validation_epochs: _Positive = 1.0
    """Interval of a row of ``training.csv`` and of the validation."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many validations in a row without a better one; None goes on to the end."""
    validation_columns: int = Field(default=4096, ge=1)
    """Validation columns at most, spread evenly over times and cells; their noise is the same each time."""
    checkpoint_minutes: float = Field(default=2.0, ge=0)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _rates_in_order(self) -> TrainingConfig:
        if self.lowest_learning_rate > self.learning_rate:
            raise ValueError("lowest_learning_rate is above learning_rate")
        return self


@cache
def shipped_configs() -> tuple[str, ...]:
    """Names of the shipped configurations, in the order of their kinds."""
    names = (file.name for file in files(CONFIGS).iterdir())
    found = sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))
    return tuple(sorted(found, key=lambda name: list(KINDS).index(_shipped(name)["model"]["kind"])))


def load_config(name_or_path: str | Path) -> TrainingConfig:
    """Configuration of a shipped name (:func:`shipped_configs`) or of a YAML file.

    Raises:
        DiffmpError: neither of both, text that is not YAML, an unknown key, or a value out of range.
    """
    name = str(name_or_path)
    if name in shipped_configs():
        return _validate(_shipped(name), f"configuration {name!r}")
    path = Path(name_or_path)
    if not path.is_file():
        raise DiffmpError(
            f"expected a configuration among {shipped_configs()} or a YAML file, found {name!r}; name one of them"
        )
    try:
        options = read_yaml(path)
    except UnreadableError as error:
        raise DiffmpError(f"expected YAML, found {error} in {path}; correct it") from error
    if not isinstance(options, dict):
        raise DiffmpError(f"expected options in {path}, found {type(options).__name__}; see docs/training.md")
    base = options.pop("extends", None)
    if base is not None:
        if base not in shipped_configs():
            raise DiffmpError(f"expected 'extends' among {shipped_configs()}, found {base!r} in {path}; name one")
        options = _merge(_shipped(base) | {"name": path.stem}, options)
    return _validate({"name": path.stem, **options}, str(path))


def _shipped(name: str) -> dict[str, Any]:
    return {"name": name, **yaml.safe_load((files(CONFIGS) / f"{name}.yaml").read_text(encoding="utf-8"))}


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Options of ``base`` with ``changes`` on top; the section ``model`` is merged key by key."""
    merged = base | changes
    if isinstance(changes.get("model"), dict):
        merged["model"] = base["model"] | {_RENAMED.get(name, name): value for name, value in changes["model"].items()}
    return merged


_RENAMED = {"settle_clouds": "zero_traces"}
"""Options of a model that older configurations have under another name."""


def _validate(options: dict[str, Any], where: str) -> TrainingConfig:
    try:
        return TrainingConfig.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the options"
        problem = "an unknown key" if first["type"] == "extra_forbidden" else repr(first.get("input"))
        raise DiffmpError(
            f"expected valid training options, found {problem} at {place} in {where} ({first['msg']}); correct it"
        ) from error
