"""What the emulators that answer at once have in common with DIFF-MP: size, interface, folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from diffmp_core.models.base import NetworkEmulator, build_emulator
from diffmp_core.models.folder import load_emulator, save_emulator
from diffmp_core.stores import stack_inputs
from tests.models.toy import LEVELS, draw_toy, make_normalization
from tests.synthetic import make_columns

KINDS = ("one_step", "cvae", "cgan", "gaussian")
NORMALIZATION = make_normalization()


def build(kind: str, **options: Any) -> NetworkEmulator:
    """Untrained emulator of 8 levels, its output heads not left at zero."""
    torch.manual_seed(0)
    pretrained = {"pretrained": {"filters": 8, "layers": 2}} if kind == "cgan" else {}
    emulator = build_emulator({"kind": kind, "filters": 16, "layers": 3, **pretrained, **options}, NORMALIZATION)
    with torch.no_grad():
        for parameter in emulator.denoiser.head.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return emulator


@pytest.fixture(scope="module")
def inputs() -> torch.Tensor:
    columns = make_columns(cells=12, times=6).isel(level=slice(LEVELS))
    return torch.from_numpy(stack_inputs(columns))[:3]


def sample(emulator: NetworkEmulator, inputs: torch.Tensor, seed: int = 0, **options: Any) -> torch.Tensor:
    return emulator.sample(inputs, 5, generator=torch.Generator().manual_seed(seed), **options)


@pytest.mark.parametrize("filters", [32, 64, 128])
def test_the_generative_models_have_as_many_trained_parameters_within_5_percent(filters: int) -> None:
    def trained(kind: str) -> int:
        groups = build(kind, filters=filters, layers=6).parameter_groups()
        return sum(parameter.numel() for group in groups for parameter in group["params"])

    own = trained("diffusion")
    assert trained("cvae") == pytest.approx(own, rel=0.05)
    assert trained("cgan") == pytest.approx(own, rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_every_trained_parameter_is_in_one_group_and_gets_a_gradient(kind: str) -> None:
    emulator = build(kind)
    generator = torch.Generator().manual_seed(0)
    trained = [parameter for group in emulator.parameter_groups() for parameter in group["params"]]
    assert len({id(parameter) for parameter in trained}) == len(trained)
    expected = {name for name, parameter in emulator.named_parameters() if parameter.requires_grad}
    assert {name for name, parameter in emulator.named_parameters() if any(parameter is t for t in trained)} == expected
    condition, outputs, _, _ = draw_toy(4, generator)
    emulator.training_loss(condition, outputs, generator).backward()
    # the condition is never hidden, a Wasserstein critic is defined up to a constant, a regression passes zeros on
    idle = {"denoiser.null_condition", "critic.score.bias"}
    if kind == "gaussian":
        idle.add("denoiser.pass_in.weight")
    for name, parameter in emulator.named_parameters():
        if parameter.requires_grad and name not in idle:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("kind", KINDS)
def test_members_differ_and_come_back_with_their_seed(kind: str, inputs: torch.Tensor) -> None:
    emulator = build(kind)
    members = sample(emulator, inputs)
    assert members.shape == (3, 5, 4, LEVELS)
    assert torch.equal(members, sample(emulator, inputs))
    assert torch.equal(members, sample(emulator, inputs, steps=1, guidance=(1, 1, 1, 1)))
    assert not torch.equal(members, sample(emulator, inputs, seed=1))
    assert (members[:, :, :2].std(dim=1) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_gets_its_own_members_whatever_the_other_columns_are(kind: str, inputs: torch.Tensor) -> None:
    """Equal noise, another neighbour: only the neighbour's answer changes."""
    emulator, other = build(kind), inputs.clone()
    other[1] = inputs[2]
    first, second = sample(emulator, inputs), sample(emulator, other)
    torch.testing.assert_close(second[[0, 2]], first[[0, 2]], rtol=1e-4, atol=1e-9)
    assert not torch.allclose(second[1], first[1], rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_an_emulator_comes_back_as_it_was(kind: str, inputs: torch.Tensor, tmp_path: Path) -> None:
    emulator = build(kind)
    loaded = load_emulator(save_emulator(emulator, tmp_path), precision="float32")
    assert (loaded.kind, loaded.config) == (kind, emulator.config)
    assert all(torch.equal(value, emulator.state_dict()[name]) for name, value in loaded.state_dict().items())
    torch.testing.assert_close(sample(loaded, inputs), sample(emulator, inputs), rtol=1e-3, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_is_the_same_with_and_without_gradients(kind: str) -> None:
    """A validation computes it without them; the critic's penalty needs its own all the same."""
    emulator = build(kind)
    condition, outputs, _, _ = draw_toy(4, torch.Generator().manual_seed(0))
    loss = emulator.training_loss(condition, outputs, torch.Generator().manual_seed(1))
    with torch.no_grad():
        again = emulator.training_loss(condition, outputs, torch.Generator().manual_seed(1))
    torch.testing.assert_close(again, loss.detach())
