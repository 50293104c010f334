"""What took effect of the options of an ensemble: the table of kinds against what the emulators do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from diffmp_core.drawn import Drawn, drawn_by_kind
from diffmp_core.kinds import KINDS
from diffmp_core.models.base import build_emulator, normal_draws
from diffmp_core.studies.cases import count_passes
from tests.models.toy import make_normalization

SIZE: dict[str, Any] = {"filters": 8, "layers": 3}
OPTIONS: dict[str, dict[str, Any]] = {
    "cgan": {"pretrained": SIZE | {"kind": "regression"}, "latent": 4},
    "cvae": {"latent": 4},
}
GUIDED, UNGUIDED = (0.5, 0.0, 0.0, 0.0), (0.0,) * 4


def test_every_network_is_of_the_kind_that_the_table_says() -> None:
    assert {name: entry.emulator().kind for name, entry in KINDS.items() if entry.emulator} == {
        name: name for name in ("diffusion", "one_step", "cvae", "cgan", "gaussian", "regression")
    }


@pytest.mark.parametrize("guidance", [UNGUIDED, GUIDED])
@pytest.mark.parametrize("kind", ["diffusion", "one_step", "cvae", "cgan", "gaussian", "regression"])
def test_the_table_says_what_the_emulators_do(kind: str, guidance: tuple[float, ...]) -> None:
    torch.manual_seed(0)
    emulator = build_emulator(SIZE | {"kind": kind} | OPTIONS.get(kind, {}), make_normalization())
    for parameter in emulator.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    condition = torch.randn(2, *emulator.schema.input_shape)

    def draw(steps: int) -> np.ndarray:
        generator = torch.Generator().manual_seed(0)
        options: dict[str, Any] = {"draw": normal_draws(generator), "steps": steps, "guidance": guidance}
        with torch.inference_mode():
            return emulator.sample_normalised(condition, 3, **options).numpy()

    drawn = drawn_by_kind(kind, members=3, steps=4, guidance=guidance)
    assert count_passes(emulator.denoiser, lambda: draw(4)) == drawn.evaluations
    assert np.array_equal(draw(4), draw(7)) == (drawn.steps is None)
    assert (np.ptp(draw(4), axis=1).max() == 0) == (drawn.members == 1)


def test_words_say_only_what_took_effect() -> None:
    options: dict[str, Any] = {"members": 32, "steps": 5, "guidance": (0.2,) * 4}
    said = {kind: drawn_by_kind(kind, **options).words for kind in KINDS}
    assert said["diffusion"] == "32 members, 5 steps, guidance 0.2"
    assert said["one_step"] == said["cvae"] == "32 members, 1 evaluation each"
    assert said["regression"] == "one answer, no spread"
    assert said["analogue"] == said["reference"] == "32 members"
    assert drawn_by_kind("someone's own", **options).words == "32 members"
    assert Drawn(8, steps=1, guidance=(0.5, 0.5, 0.0, 0.0)).words == "8 members, 1 step, guidance 0.5, 0.5, 0, 0"
