"""The normalisation as a part of the network: the same numbers wherever it is applied, in float32 whatever comes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.models.base import build_emulator
from diffmp_core.models.normalizer import Normalizer, Physical
from diffmp_core.schema import ColumnSchema
from diffmp_core.variables import choose_variables

LEVELS = 5
SCHEMA = ColumnSchema(
    choose_variables(("T", "Ps"), ("tend_T_sgs", "PRECC", "qc")),
    np.linspace(100.0, 9000.0, LEVELS),
    np.linspace(9.9e4, 3.0e4, LEVELS),
)
KINDS = ["diffusion", "one_step", "regression", "gaussian", "cvae"]


@pytest.fixture(scope="module")
def normalization() -> Normalization:
    generator = np.random.default_rng(0)
    inputs = generator.normal(280.0, 5.0, (200, 2, LEVELS)).astype(np.float32)
    inputs[:, 1] = generator.normal(1e5, 500.0, (200, 1))
    outputs = generator.normal(0.0, 1e-5, (200, 3, LEVELS)).astype(np.float32)
    outputs[:, 1] = generator.gamma(0.5, 1e-8, (200, 1))
    outputs[:, 2] = np.maximum(generator.normal(-1e-5, 2e-5, (200, LEVELS)), 0.0)
    outputs[:, 2, -1] = 0.0
    return fit(inputs, outputs, schema=SCHEMA)


def test_a_network_in_bfloat16_keeps_the_numbers_of_its_normalisation(normalization):
    emulator = build_emulator({"kind": "regression", "filters": 4, "layers": 1}, normalization)
    before = {name: value.clone() for name, value in emulator.normalizer.named_buffers()}
    emulator.to(dtype=torch.bfloat16)
    assert next(emulator.parameters()).dtype == torch.bfloat16
    for name, value in emulator.normalizer.named_buffers():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name])
    assert not any(name.startswith("normalizer") for name in emulator.state_dict())


def test_offset_and_scale_are_taken_off_and_put_back(normalization):
    normalizer = Normalizer(normalization)
    outputs = Physical(torch.tensor([[1e-5, 2e-8, 3e-5]]).T[None].expand(1, 3, LEVELS).contiguous())
    normalised = normalizer.normalise_outputs(outputs)
    scale = torch.from_numpy(normalization.output_scale.astype(np.float32))
    profiles = [0, 2]
    assert torch.equal(normalised[0, profiles], (outputs[0] / scale)[profiles])  # profiles have no offset
    torch.testing.assert_close(normalizer.physical_outputs(normalised), outputs)


def test_a_single_value_far_from_zero_is_centred(normalization):
    """Long-wave radiation at the surface is 350 W/m2 give or take 60: its mean is no part of what is to be learned."""
    generator = np.random.default_rng(0)
    schema = ColumnSchema(choose_variables(("T",), ("FLWDS",)), SCHEMA.height, SCHEMA.pressure)
    truth = np.broadcast_to(generator.normal(350.0, 60.0, (4000, 1, 1)), (4000, 1, LEVELS)).astype(np.float32)
    normalised = Normalizer(fit(truth, truth, schema=schema)).normalise_outputs(Physical(torch.from_numpy(truth)))
    assert abs(float(normalised.mean())) < 1e-3
    assert float(normalised.std()) == pytest.approx(1.0, rel=1e-3)


def test_what_is_never_negative_is_not_below_zero_and_no_trace(normalization):
    normalizer = Normalizer(normalization)
    below = Physical(torch.full((1, 3, LEVELS), -1e-6))
    assert (normalizer.zero_negative(below)[0, 0] == -1e-6).all()
    assert (normalizer.zero_negative(below)[0, 1:] == 0).all()
    floor = float(normalization.output_floor[2])
    assert floor > 0
    trace, cloud = (torch.full((1, 3, LEVELS), factor * floor) for factor in (0.9, 1.1))
    assert (normalizer.zero_traces(Physical(trace))[0, 2] == 0).all()
    kept = normalizer.zero_traces(Physical(cloud))[0, 2]
    assert (kept[:-1] > 0).all()
    assert kept[-1] == 0  # the training data have no cloud there


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_value_is_one_number_a_member(kind, normalization):
    torch.manual_seed(0)
    emulator = build_emulator({"kind": kind, "filters": 4, "layers": 2}, normalization).eval()
    with torch.no_grad():
        for parameter in emulator.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    inputs = torch.tensor(normalization.input_offset, dtype=torch.float32)[None].repeat(2, 1, 1)
    members = emulator.sample(Physical(inputs), 6, generator=torch.Generator().manual_seed(1), steps=2)
    assert members.shape == (2, 6, 3, LEVELS)
    rain = members[:, :, 1]
    assert torch.equal(rain, rain[..., :1].expand_as(rain))
    heating = members[:, :, 0]
    assert not torch.equal(heating, heating[..., :1].expand_as(heating))


def test_a_diffusion_model_learns_a_single_value_and_its_spread(normalization):
    """Outputs N(0, 1) normalised, one draw a column for the single value: members spread as the truth does."""
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "diffusion", "filters": 16, "layers": 2}, normalization)
    optimiser, generator = torch.optim.Adam(emulator.parameters(), lr=3e-3), torch.Generator().manual_seed(0)
    condition = torch.zeros(256, 2, LEVELS)
    for _ in range(250):
        outputs = emulator.normalizer.share_noise_of_single_values(torch.randn(256, 3, LEVELS, generator=generator))
        loss = emulator.training_loss(condition, outputs, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        drawn = emulator.sample_normalised(
            condition[:1],
            512,
            draw=lambda shape: torch.randn(shape, generator=generator),
            steps=10,
            guidance=(0.0,) * 3,
        )
    assert 0.8 < float(drawn[0, :, 1, 0].std()) < 1.2
    assert abs(float(drawn[0, :, 1, 0].mean())) < 0.2
