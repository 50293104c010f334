"""The folder that holds a trained emulator.

It has ``config.yaml`` (section ``model``, and whatever the training adds), ``normalization.json`` and
``weights.safetensors``. Nothing in it is ever unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from safetensors.torch import save

from diffmp_core.columns.normalization_file import load_normalization, to_json
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import NetworkEmulator, build_emulator
from diffmp_core.models.seal import KEY, check_format, check_seal, make_seal
from diffmp_core.models.weights import load_weights
from diffmp_core.schema import ColumnSchema
from diffmp_core.storage.documents import UnreadableError, read_yaml
from diffmp_core.storage.files import whole

CONFIG_FILE, NORMALIZATION_FILE, WEIGHTS_FILE = "config.yaml", "normalization.json", "weights.safetensors"

Precision = Literal["auto", "float32", "bfloat16"]


def save_emulator(
    emulator: NetworkEmulator,
    folder: Path | str,
    extra: Mapping[str, Any] | None = None,
    *,
    weights: torch.dtype = torch.float32,
) -> Path:
    """Write the files of an emulator folder, all of them or none.

    Files that are there already (the training domain) are sealed with it (:mod:`diffmp_core.models.seal`).

    Args:
        emulator: what to write.
        folder: where; made if it is not there.
        extra: further sections of ``config.yaml``.
        weights: number format of the file. bfloat16 takes half the room and is all that a network reads that runs in
            it (:func:`inference_dtype`); one that is to be trained on wants float32.

    Raises:
        DiffmpError: the folder cannot be written.
    """
    folder = Path(folder)
    config = {"model": emulator.config.model_dump(mode="json"), **(extra or {})}
    state = {name: value.detach().cpu().to(weights).contiguous() for name, value in emulator.state_dict().items()}
    names = (WEIGHTS_FILE, NORMALIZATION_FILE, CONFIG_FILE)
    with whole(*(folder / name for name in names)) as parts:
        written = dict(zip(names, parts, strict=True))
        written[WEIGHTS_FILE].write_bytes(save(state))
        written[NORMALIZATION_FILE].write_text(to_json(emulator.normalization), encoding="utf-8")
        text = yaml.safe_dump(config | {KEY: make_seal(folder, written)}, sort_keys=False, allow_unicode=True)
        written[CONFIG_FILE].write_text(text, encoding="utf-8")
    return folder


def load_emulator(
    folder: Path | str, *, device: torch.device | str = "cpu", precision: Precision = "auto"
) -> NetworkEmulator:
    """Trained emulator of a folder, ready to sample.

    Args:
        folder: written by :func:`save_emulator`.
        device: where the network is to run.
        precision: number format of the network; ``auto`` takes bfloat16 where the device multiplies in it faster.
            Noise, samplers and normalisation stay in float32.

    Raises:
        DiffmpError: a file that is missing, truncated, foreign, changed since it was written, or does not fit the
            others; a folder of another format.
    """
    folder = Path(folder)
    config = load_config(folder)
    check_format(config, folder)
    emulator = build_emulator(config["model"], load_normalization(folder / NORMALIZATION_FILE))
    load_weights(emulator, folder / WEIGHTS_FILE)
    check_seal(config, folder)
    dtype = inference_dtype(torch.device(device)) if precision == "auto" else getattr(torch, precision)
    return emulator.to(device=device, dtype=dtype).eval().requires_grad_(False)


def load_schema(folder: Path | str) -> ColumnSchema:
    """Variables and levels of the columns of an emulator folder; nothing but that is read.

    Raises:
        DiffmpError: no emulator folder, or none that says so.
    """
    load_config(folder)
    return load_normalization(Path(folder) / NORMALIZATION_FILE).schema


def load_config(folder: Path | str) -> dict[str, Any]:
    """``config.yaml`` of an emulator folder, with a mapping under ``model``.

    Raises:
        DiffmpError: no such file, or another one.
    """
    path = Path(folder) / CONFIG_FILE
    try:
        config = read_yaml(path)
    except UnreadableError as error:
        if not os.path.lexists(path):
            raise DiffmpError(
                f"expected an emulator folder with {CONFIG_FILE}, found none at {folder}; name a trained emulator"
            ) from error
        raise DiffmpError(f"expected YAML, found {error} in {path}; copy the emulator again") from error
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise DiffmpError(f"expected a section 'model' in {path}, found none; copy the emulator again")
    return config


def inference_dtype(device: torch.device) -> torch.dtype:
    """Fastest number format of the network on a device: bfloat16 where the hardware multiplies in it, else float32."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return torch.bfloat16 if fast else torch.float32
