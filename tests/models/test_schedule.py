"""Noise schedules: figures of the paper's schedule, and both of the others by hand."""

from __future__ import annotations

import math

import pytest
import torch

from diffmp_core.errors import DiffmpError
from diffmp_core.models.schedule import (
    FIXED_STEPS,
    SCHEDULES,
    cosine_levels,
    draw_cosine_levels,
    draw_paper_levels,
    karras_levels,
    paper_fixed_levels,
    paper_levels,
)


def test_the_papers_schedule_keeps_a_fifth_of_the_signal() -> None:
    levels = paper_fixed_levels()
    assert levels.shape == (101,)
    assert levels[0] == 1
    assert levels[1].item() == pytest.approx(math.sqrt(0.9999))
    assert levels[2].item() == pytest.approx(math.sqrt(0.9999 * (0.9999 - 0.0599 / 99)))
    assert (levels[-1] ** 2).item() == pytest.approx(0.0465, abs=5e-5)
    assert SCHEDULES["paper"].terminal == pytest.approx(0.2157, abs=1e-4)


def test_paper_levels_interpolate_the_fixed_schedule() -> None:
    fixed = paper_fixed_levels()
    torch.testing.assert_close(paper_levels(100), fixed)
    torch.testing.assert_close(paper_levels(5), fixed[::20])
    torch.testing.assert_close(paper_levels(8)[1], (fixed[12] + fixed[13]) / 2)


def test_cosine_levels_end_in_noise() -> None:
    levels = cosine_levels(2)
    assert levels[0] == 1
    assert levels[1].item() == pytest.approx(math.sqrt((1 + 0.03) / 2))  # half the angle
    assert levels[2].item() == pytest.approx(0.03)


def test_karras_levels_by_hand() -> None:
    levels = karras_levels(3)
    sigma = (1 / levels**2 - 1).sqrt()
    middle = ((40 ** (1 / 7) + 0.02 ** (1 / 7)) / 2) ** 7
    torch.testing.assert_close(sigma, torch.tensor([0, 0.02, middle, 40], dtype=torch.float64), rtol=1e-9, atol=1e-12)


def test_karras_levels_stay_within_what_was_trained() -> None:
    assert karras_levels(5, 0.216).min().item() == pytest.approx(0.216)
    assert karras_levels(5, 0.001).min().item() == pytest.approx(1 / math.sqrt(1 + 40**2))
    assert karras_levels(1, 0.03).tolist() == pytest.approx([1, 0.03])


def test_fixed_steps_end_ever_further_from_noise() -> None:
    assert paper_fixed_levels(2).tolist() == pytest.approx([1, math.sqrt(0.9999), math.sqrt(0.9999 * 0.94)])
    assert paper_fixed_levels(10)[-1].item() == pytest.approx(0.858, abs=1e-3)
    ends = [SCHEDULES[f"paper_fixed_{steps}"].terminal for steps in FIXED_STEPS]
    assert ends == sorted(ends)
    torch.testing.assert_close(SCHEDULES["paper_fixed_100"].levels(100), paper_levels(100))


def test_fixed_steps_are_drawn_and_nothing_between() -> None:
    drawn = SCHEDULES["paper_fixed_5"].draw(10_000, torch.Generator().manual_seed(0))
    values, counts = drawn.unique(return_counts=True)
    torch.testing.assert_close(values.double(), paper_fixed_levels(5)[1:].flip(0), rtol=1e-6, atol=0)
    assert (counts - 2000).abs().max() < 5 * math.sqrt(2000)


def test_other_steps_than_the_fixed_ones_are_refused() -> None:
    with pytest.raises(DiffmpError, match="expected 5 steps.*found 10"):
        SCHEDULES["paper_fixed_5"].levels(10)


@pytest.mark.parametrize("name", SCHEDULES)
def test_levels_fall_from_one_to_the_terminal_level(name: str) -> None:
    levels = SCHEDULES[name].levels(SCHEDULES[name].fixed or 7)
    assert levels[0] == 1
    assert (levels.diff() < 0).all()
    assert levels[-1].item() == pytest.approx(SCHEDULES[name].terminal)


def test_paper_draws_fill_every_interval_equally() -> None:
    drawn = draw_paper_levels(200_000, torch.Generator().manual_seed(0)).double()
    fixed = paper_fixed_levels()
    counts = torch.histogram(drawn.clamp(fixed[-1], 1), fixed.flip(0)).hist
    assert counts.sum() == 200_000
    assert (counts - 2000).abs().max() < 5 * math.sqrt(2000)
    within = (drawn[(drawn >= fixed[100]) & (drawn < fixed[99])] - fixed[100]) / (fixed[99] - fixed[100])
    assert within.mean().item() == pytest.approx(0.5, abs=0.03)


def test_cosine_draws_are_uniform_in_the_angle() -> None:
    angle = torch.arccos(draw_cosine_levels(100_000, torch.Generator().manual_seed(0)))
    assert angle.max().item() <= math.acos(0.03) + 1e-5
    assert angle.mean().item() == pytest.approx(math.acos(0.03) / 2, rel=0.01)
    assert angle.std().item() == pytest.approx(math.acos(0.03) / math.sqrt(12), rel=0.01)
