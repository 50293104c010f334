"""DIFF-MP in one evaluation: its score, what it learns from it, and the DIFF-MP that it sets out from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scoringrules
import torch

from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import build_emulator, normal_draws
from diffmp_core.models.folder import load_emulator, save_emulator
from diffmp_core.models.one_step import LEAST_NORM, OneStep, column_norm, fair_score, profile_norm
from tests.models.toy import draw_toy, make_normalization, moments_on_toy, train_on_toy

SIZE: dict[str, Any] = {"filters": 8, "layers": 2}


def build(kind: str = "one_step", **options: Any) -> Any:
    torch.manual_seed(0)
    return build_emulator(SIZE | {"kind": kind, **options}, make_normalization())


def test_score_of_values_is_the_fair_crps() -> None:
    members, truth = torch.randn(5, 3, 4, 8), torch.randn(5, 4, 8)
    expected = scoringrules.crps_ensemble(truth.numpy(), members.numpy(), m_axis=1, estimator="fair")
    np.testing.assert_allclose(fair_score(members, truth, torch.abs).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_score_of_profiles_is_the_energy_score_per_value() -> None:
    """Worked by hand for three members: distances to the truth, less half the mean distance of pairs."""
    members, truth = torch.randn(5, 3, 4, 8), torch.randn(5, 4, 8)
    found = fair_score(members, truth, profile_norm)

    def distance(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return (first - second).norm(dim=-1) / 8**0.5

    error = sum(distance(members[:, m], truth) for m in range(3)) / 3
    pairs = sum(distance(members[:, m], members[:, n]) for m, n in ((0, 1), (0, 2), (1, 2))) / 3
    torch.testing.assert_close(found, error - pairs / 2, rtol=1e-4, atol=2 * LEAST_NORM)


def test_norms_are_root_mean_squares() -> None:
    difference = torch.zeros(2, 4, 8)
    difference[1, 2] = 3.0
    torch.testing.assert_close(
        profile_norm(difference)[1], torch.tensor([0.0, 0.0, 3.0, 0.0]), rtol=0, atol=2 * LEAST_NORM
    )
    torch.testing.assert_close(column_norm(difference), torch.tensor([0.0, 1.5]), rtol=0, atol=2 * LEAST_NORM)


def test_identical_members_have_a_gradient_that_is_finite() -> None:
    members = torch.zeros(2, 2, 4, 8, requires_grad=True)
    fair_score(members, torch.zeros(2, 4, 8), profile_norm).sum().backward()
    assert members.grad is not None
    assert members.grad.isfinite().all()


def test_it_learns_mean_spread_and_what_belongs_together() -> None:
    """All values of a toy column are one number: members that only had the right spread would differ over levels."""
    emulator = build(filters=16)
    train_on_toy(emulator, steps=500, rate=3e-3)
    moments = moments_on_toy(emulator)
    assert moments["error"] < 0.3
    assert moments["narrow"] == pytest.approx(0.2, rel=0.5)
    assert moments["wide"] == pytest.approx(1.0, rel=0.25)
    inputs, _, _, spread = draw_toy(64, torch.Generator().manual_seed(3))
    with torch.no_grad():
        members = emulator.draw_members(inputs, 16, normal_draws(torch.Generator().manual_seed(4)))
    over_levels = members[:, :, 0].std(dim=-1).mean(dim=1)[spread == 1.0].mean()
    assert over_levels < 0.4


def test_cloud_below_zero_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members are scored as they are sampled: how far below zero a cloud is makes no difference, no gradient."""
    emulator = build()
    inputs, outputs, _, _ = draw_toy(4, torch.Generator().manual_seed(0))
    outputs[:, 2:] = 0.0
    shape = (4, 2, *outputs.shape[1:])
    tendencies = torch.randn(shape, generator=torch.Generator().manual_seed(1))

    def loss_of(cloud: float) -> tuple[torch.Tensor, torch.Tensor]:
        members = tendencies.clone()
        members[:, :, 2:] = cloud
        members.requires_grad_()
        monkeypatch.setattr(emulator, "draw_members", lambda *_: members)
        loss = emulator.training_loss(inputs, outputs, torch.Generator())
        loss.backward()
        assert members.grad is not None
        return loss.detach(), members.grad

    (none, gradient), (far_below, _), (some, _) = loss_of(-1.0), loss_of(-100.0), loss_of(1.0)
    assert none == far_below < some
    assert (gradient[:, :, 2:] == 0).all()
    assert (gradient[:, :, :2] != 0).any()


def test_it_sets_out_from_a_trained_diff_mp(tmp_path: Path) -> None:
    parent = build("diffusion")
    save_emulator(parent, tmp_path / "parent")
    child = build(initial=str(tmp_path / "parent"))
    assert isinstance(child, OneStep)
    child.warm_start()
    for name, value in parent.denoiser.state_dict().items():
        assert torch.equal(child.denoiser.state_dict()[name], value)
    condition, _, _, _ = draw_toy(3, torch.Generator().manual_seed(0))
    options: dict[str, Any] = {"steps": 1, "guidance": (0.0,) * 4}
    own = [e.sample_normalised(condition, 2, draw=normal_draws(torch.Generator().manual_seed(1)), **options)
           for e in (parent, child)]  # fmt: skip
    torch.testing.assert_close(*own)
    shutil.rmtree(tmp_path / "parent")
    loaded = load_emulator(save_emulator(child, tmp_path / "child"), precision="float32")
    assert torch.equal(loaded.denoiser.state_dict()[name], value)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"kind": "regression"}, "expected a DIFF-MP of v, zero_terminal_snr, calibrated"),
        ({"kind": "diffusion", "prediction": "epsilon"}, "expected a DIFF-MP of v, zero_terminal_snr, calibrated"),
        ({"kind": "diffusion", "filters": 12}, "of the same filters"),
    ],
)
def test_it_sets_out_from_nothing_else(options: dict[str, Any], problem: str, tmp_path: Path) -> None:
    save_emulator(build(**options), tmp_path / "parent")
    with pytest.raises(DiffmpError, match=problem):
        build(initial=str(tmp_path / "parent")).warm_start()
