"""Checkpoints come back as they were, and a broken one is refused."""

import pytest
import torch

from diffmp_core.errors import DiffmpError
from diffmp_core.training.checkpoint import (
    flatten_optimizer,
    load_checkpoint,
    restore_optimizer,
    save_checkpoint,
)
from diffmp_core.training.position import FILE, Position

CPU = torch.device("cpu")


def test_position_and_tensors_come_back(tmp_path):
    position = Position(run="abc", step=12, seconds=3.25, rows=2, loss_steps=5, last_loss=0.1, best_loss=0.05)
    tensors = {"model.w": torch.arange(6.0).reshape(2, 3).T, "loss": torch.tensor(1.0, dtype=torch.float64)}
    save_checkpoint(tmp_path, position, tensors)
    found = load_checkpoint(tmp_path, CPU)
    assert found is not None
    assert found[0] == position
    assert all(torch.equal(found[1][name], tensors[name]) for name in tensors)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_no_checkpoint_is_none(tmp_path):
    assert load_checkpoint(tmp_path / "none", CPU) is None


@pytest.mark.parametrize("keep", [0, 100, 0.5])
def test_truncated_checkpoint_is_one_sentence(tmp_path, keep):
    save_checkpoint(tmp_path, Position(run="abc"), {"w": torch.zeros(1000)})
    data = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(DiffmpError, match="expected a whole training checkpoint"):
        load_checkpoint(tmp_path, CPU)


@pytest.mark.parametrize("fused", [False, True])
def test_optimizer_goes_on_as_if_it_had_not_stopped(tmp_path, fused):
    def make() -> tuple[torch.nn.Linear, torch.optim.Adam]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 2)
        layer.weight.data = layer.weight.data.t().contiguous().t()  # another order in memory, as channels-last has
        return layer, torch.optim.Adam(layer.parameters(), lr=0.1, fused=fused)

    def step(layer, optimizer, count):
        for number in range(count):
            optimizer.zero_grad()
            (layer.weight * (number + 1)).square().sum().backward()
            optimizer.step()

    straight, straight_optimizer = make()
    step(straight, straight_optimizer, 3)
    resumed, resumed_optimizer = make()
    resumed.load_state_dict(straight.state_dict())
    save_checkpoint(tmp_path, Position(run="abc"), flatten_optimizer(straight_optimizer))
    found = load_checkpoint(tmp_path, CPU)
    assert found is not None
    restore_optimizer(resumed_optimizer, found[1])
    step(straight, straight_optimizer, 2)
    step(resumed, resumed_optimizer, 2)
    assert torch.equal(straight.weight, resumed.weight)
