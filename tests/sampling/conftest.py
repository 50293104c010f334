"""A small untrained emulator."""

from pathlib import Path

import numpy as np
import pytest
import torch

from diffmp_core.columns.domain import DOMAIN_FILE, fit_domain
from diffmp_core.columns.normalize import fit
from diffmp_core.compute.seeds import Purpose, stream_seed
from diffmp_core.identity import columns_id
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.schema import schema_of
from diffmp_core.training.data import read_columns


@pytest.fixture(scope="session")
def folder(columns, tmp_path_factory) -> Path:
    """Emulator folder of random weights, as if trained on ``columns``; its output head is not left at zero."""
    arrays = read_columns(columns, "train")
    normalization = fit(arrays.inputs, arrays.outputs, schema=schema_of(columns))
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "diffusion", "filters": 8, "layers": 2}, normalization)
    with torch.no_grad():
        for parameter in emulator.denoiser.head.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("emulators") / "tiny"
    save_emulator(emulator, folder, {"columns": {"columns_id": columns_id(columns)}})
    generator = np.random.default_rng(stream_seed(0, Purpose.domain))
    fit_domain(arrays.inputs, channels=arrays.schema.inputs, generator=generator).save(folder / DOMAIN_FILE)
    return folder
