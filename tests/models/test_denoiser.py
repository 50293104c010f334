"""The network: size, what is shared by members, what is hidden from it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from diffmp_core.models.denoiser import Denoiser, FilmPath

LEVELS = 30
PATHS: tuple[FilmPath, ...] = ("noised", "condition")


def make(film_path: FilmPath, filters: int = 8, layers: int = 4) -> Denoiser:
    torch.manual_seed(0)
    denoiser = Denoiser(
        condition_channels=6,
        noised_channels=4,
        output_channels=4,
        levels=LEVELS,
        filters=filters,
        layers=layers,
        film_path=film_path,
    )
    with torch.no_grad():
        torch.nn.init.normal_(denoiser.head.dense.weight, std=0.1)
        if denoiser.null_condition is not None:
            denoiser.null_condition.normal_()
    return denoiser.requires_grad_(False)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("film_path", PATHS)
def test_the_papers_size_has_3_13_million_parameters(film_path: FilmPath) -> None:
    denoiser = make(film_path, filters=128, layers=6)
    assert sum(p.numel() for p in denoiser.parameters()) == pytest.approx(3.13e6, rel=1e-3)


@pytest.mark.parametrize("film_path", PATHS)
def test_a_forward_pass_takes_10920_operations_a_squared_filter(film_path: FilmPath) -> None:
    denoiser = make(film_path, filters=128, layers=6)
    with FlopCounterMode(display=False) as counter:
        denoiser(normal(1, 1, 4, LEVELS), torch.tensor([0.5]), denoiser.encode(normal(1, 6, LEVELS)))
    assert counter.get_total_flops() == pytest.approx(10_920 * 128**2, rel=0.02)


@pytest.mark.parametrize("film_path", PATHS)
def test_a_column_is_read_in_float32_by_a_network_in_bfloat16(film_path: FilmPath) -> None:
    denoiser = make(film_path, filters=16).to(torch.bfloat16)
    columns = torch.full((1, 6, LEVELS), 2.0).repeat(2, 1, 1)
    columns[1, 0] += 0.005 * torch.arange(LEVELS).remainder(2)  # bfloat16 would know 2 and 2.0156 only
    x = normal(1, 1, 4, LEVELS).expand(2, -1, -1, -1)
    first, second = denoiser(x, torch.tensor([0.5]), denoiser.encode(columns))
    assert not torch.equal(first, second)


def test_members_cost_only_the_ublocks_on_the_condition_path() -> None:
    denoiser = make("condition", filters=128, layers=6)
    context = denoiser.encode(normal(1, 6, LEVELS))
    flops = []
    for members in (1, 2):
        with FlopCounterMode(display=False) as counter:
            denoiser(normal(1, members, 4, LEVELS), torch.tensor([0.5]), context)
        flops.append(counter.get_total_flops())
    assert flops[1] - flops[0] == pytest.approx(6 * 13 * 2 * LEVELS * 128**2, rel=0.02)


@pytest.mark.parametrize("film_path", PATHS)
def test_a_profile_does_not_depend_on_its_batch(film_path: FilmPath) -> None:
    denoiser = make(film_path)
    condition, x, level = normal(3, 6, LEVELS), normal(3, 2, 4, LEVELS, seed=1), torch.tensor([0.2, 0.5, 0.9])
    together = denoiser(x, level, denoiser.encode(condition))
    assert together.shape == x.shape
    for column in range(3):
        context = denoiser.encode(condition[column : column + 1])
        for member in range(2):
            alone = denoiser(x[column, member][None, None], level[column : column + 1], context)
            torch.testing.assert_close(alone[0, 0], together[column, member])


@pytest.mark.parametrize("film_path", PATHS)
def test_one_noise_level_stands_for_all_columns(film_path: FilmPath) -> None:
    denoiser = make(film_path)
    x, context = normal(3, 2, 4, LEVELS), denoiser.encode(normal(3, 6, LEVELS, seed=1))
    torch.testing.assert_close(
        denoiser(x, torch.tensor([0.3]), context), denoiser(x, torch.tensor([0.3, 0.3, 0.3]), context)
    )
    assert not torch.allclose(denoiser(x, torch.tensor([0.3]), context), denoiser(x, torch.tensor([0.4]), context))


@pytest.mark.parametrize("film_path", PATHS)
def test_a_hidden_condition_has_no_influence_and_a_given_one_has(film_path: FilmPath) -> None:
    denoiser = make(film_path)
    x, level = normal(2, 2, 4, LEVELS), torch.tensor([0.5])
    hidden = torch.tensor([True, False])
    one = denoiser(x, level, denoiser.encode(normal(2, 6, LEVELS, seed=1), hidden))
    other = denoiser(x, level, denoiser.encode(normal(2, 6, LEVELS, seed=2), hidden))
    torch.testing.assert_close(one[0], other[0])
    assert (one[1] - other[1]).abs().mean() > 0.01


@pytest.mark.parametrize("film_path", PATHS)
def test_one_hidden_context_stands_for_all_columns(film_path: FilmPath) -> None:
    denoiser = make(film_path)
    condition, x, level = normal(3, 6, LEVELS), normal(3, 2, 4, LEVELS, seed=1), torch.tensor([0.5])
    every = denoiser(x, level, denoiser.encode(condition, torch.ones(3, dtype=torch.bool)))
    torch.testing.assert_close(denoiser(x, level, denoiser.encode_hidden(condition)), every)


def test_on_the_noised_path_the_hidden_condition_is_the_noised_profile_with_a_flag() -> None:
    denoiser = make("noised")
    passed: list[Tensor] = []
    denoiser.pass_in.register_forward_hook(lambda _module, inputs, _output: passed.append(inputs[0]))
    condition, x = normal(2, 6, LEVELS), normal(2, 1, 4, LEVELS, seed=1)
    denoiser(x, torch.tensor([0.5]), denoiser.encode(condition, torch.tensor([False, True])))
    given, replaced = passed[0][0].permute(2, 0, 1)
    torch.testing.assert_close(given, torch.cat([condition[0], torch.zeros(1, LEVELS)]))
    torch.testing.assert_close(replaced, torch.cat([x[1, 0], torch.zeros(2, LEVELS), torch.ones(1, LEVELS)]))


def test_the_first_ublock_is_modulated_by_the_deepest_state() -> None:
    denoiser = make("condition")
    x, level, context = normal(1, 1, 4, LEVELS), torch.tensor([0.5]), denoiser.encode(normal(1, 6, LEVELS, seed=1))
    outputs: list[Tensor] = []
    denoiser.ublocks[0].register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    denoiser(x, level, context)
    denoiser.films[0].affine.bias += 1.0
    denoiser(x, level, context)
    denoiser.films[-1].affine.bias += 1.0
    denoiser(x, level, context)
    torch.testing.assert_close(outputs[0], outputs[1])
    assert not torch.allclose(outputs[1], outputs[2])
