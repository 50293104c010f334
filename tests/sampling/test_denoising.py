"""Watching the sampler changes nothing, and what is seen is the way to the answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import load_emulator
from diffmp_core.models.samplers import SAMPLERS, watching
from diffmp_core.models.schedule import karras_levels
from diffmp_core.sampling.denoising import denoise_column
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.stores import stack_inputs


@pytest.fixture(scope="module")
def column(columns):
    return stack_inputs(columns.isel(time=[0], cell=[3]))[0]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_watched_sampler_gives_the_same_bits_and_tells_every_step(sampler):
    levels = karras_levels(4)

    def denoise(x, s):
        return 0.3 * x + 0.1, x

    def run():
        generator = torch.Generator().manual_seed(5)
        return SAMPLERS[sampler](denoise, levels, lambda: torch.randn(3, 4, generator=generator))

    seen = []
    with watching(lambda s, x, x_0: seen.append((s, x.clone(), x_0.clone()))):
        watched = run()
    alone = run()
    assert torch.equal(watched, alone)
    assert len(seen) == 4  # nobody watches the second run
    assert [s for s, _, _ in seen] == pytest.approx(levels.flip(0)[:-1].tolist())
    for _, x, x_0 in seen:
        assert torch.equal(x_0, 0.3 * x + 0.1)
    assert torch.equal(seen[0][1], torch.randn(3, 4, generator=torch.Generator().manual_seed(5)))


def test_the_answer_is_that_of_the_emulator_bit_for_bit(folder, column):
    emulator = load_emulator(folder)
    found = denoise_column(emulator, column, members=6, steps=4, seed=2)
    np.testing.assert_array_equal(found.ensemble, draw_ensemble(emulator, column[None], members=6, steps=4, seed=2)[0])
    assert found.states.shape == found.predicted.shape == (4, 6, 4, 30)
    assert (np.diff(found.signal) > 0).all()
    last = emulator.normalizer.zero_traces(torch.from_numpy(found.predicted[-1]))
    np.testing.assert_array_equal(last, found.ensemble)  # DPM-Solver++ ends in its last prediction
    noise = emulator.normalizer.normalise_outputs(torch.from_numpy(found.states[0]))
    assert abs(noise.std() - 1) < 0.1


def test_an_emulator_that_does_not_denoise_says_so(folder, column):
    normalization = load_emulator(folder).normalization
    regression = build_emulator({"kind": "regression", "filters": 4, "layers": 1}, normalization)
    with pytest.raises(DiffmpError, match="expected an emulator that denoises, found one of kind"):
        denoise_column(regression, column, members=2)
