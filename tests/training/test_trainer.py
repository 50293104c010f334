"""What a step does: batches, learning rate, moving average, micro-batches."""

import numpy as np
import pytest
import torch

from diffmp_core.stores import open_columns
from diffmp_core.training.loop import fresh_emulator, load_data
from diffmp_core.training.processes import Processes
from diffmp_core.training.report import Report
from diffmp_core.training.trainer import LEAST_STEPS_PER_EPOCH, Trainer


@pytest.fixture
def make_trainer(column_store, tmp_path):
    """Trainers on the small store; each in a folder of its own."""

    def make(config, processes: int = 1) -> Trainer:
        data = load_data(open_columns(column_store), config)
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return Trainer(
            emulator=fresh_emulator(config, data.normalization), config=config, training=data.training,
            validation=data.validation,
            processes=Processes(rank=0, count=processes, device=torch.device("cpu")), report=Report(shown=False),
            checkpoint=folder / "checkpoint", log=folder / "training.csv", run="test", earlier="test",
        )  # fmt: skip

    return make


def test_an_epoch_shows_each_column_at_most_once_and_the_next_in_another_order(make_trainer, tiny):
    trainer = make_trainer(tiny)
    epochs = [
        np.concatenate([trainer._columns_of_step(epoch * trainer.steps_per_epoch + i)
                        for i in range(trainer.steps_per_epoch)])
        for epoch in range(2)
    ]  # fmt: skip
    for epoch in epochs:
        assert len(np.unique(epoch)) == len(epoch) == trainer.steps_per_epoch * trainer.batch
    assert not np.array_equal(*epochs)


def test_batch_is_capped_where_columns_are_few(make_trainer, tiny):
    trainer = make_trainer(tiny.model_copy(update={"batch": 8000}))
    assert trainer.batch == 4 * 128 // LEAST_STEPS_PER_EPOCH
    assert trainer.steps_per_epoch == LEAST_STEPS_PER_EPOCH


def test_micro_batches_too_few_for_all_processes_are_made_smaller_and_it_is_said(make_trainer, tiny, monkeypatch):
    said = []
    monkeypatch.setattr(Report, "say", lambda self, text: said.append(text))
    monkeypatch.setattr(Processes, "first", lambda self, value: value)
    assert make_trainer(tiny.model_copy(update={"micro_batch": 8}), processes=2).micro_batch == 8
    assert not said
    assert make_trainer(tiny, processes=2).micro_batch == 8
    assert "micro-batches of 8 instead of 16, one for each of 2 processes" in said[0]


def test_kernels_of_a_gpu_are_repeatable_and_still_those_of_cudnn(make_trainer, tiny, monkeypatch):
    trainer = make_trainer(tiny)
    seen = []

    def look(step, rate):
        seen.append((torch.backends.cudnn.enabled, torch.backends.cudnn.deterministic))
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "take_step", look)
    with pytest.raises(KeyboardInterrupt):
        trainer.run_to_end()
    assert seen == [(True, True)]


def test_learning_rate_of_the_paper_peaks_in_the_middle_of_an_epoch(make_trainer, tiny):
    trainer = make_trainer(
        tiny.model_copy(
            update={
                "schedule": "cyclical",
                "lowest_learning_rate": 1e-4,
                "learning_rate": 1e-3,
                "warmup_steps": 0,
            }
        )
    )
    rates = [trainer.learning_rate(step) for step in range(2 * trainer.steps_per_epoch)]
    assert rates[0] == rates[trainer.steps_per_epoch] == pytest.approx(1e-4)
    assert max(rates) == rates[trainer.steps_per_epoch // 2] == pytest.approx(1e-3)


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_the_optimiser_is_the_fused_one_and_steps_as_the_plain_one(make_trainer, tiny, kind):
    config = tiny.model_copy(update={"optimizer": kind})
    fused = make_trainer(config)
    assert all(group["fused"] for group in fused.optimizer.param_groups)
    plain = make_trainer(config)
    for group in plain.optimizer.param_groups:
        group["fused"] = False
    for step in range(4):
        for trainer in (fused, plain):
            trainer.take_step(step, 1e-3)
    for found, expected in zip(fused.emulator.parameters(), plain.emulator.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_moving_average_follows_its_formula(make_trainer, tiny):
    trainer = make_trainer(tiny.model_copy(update={"ema_decay": 0.5}))
    name = next(iter(dict(trainer.emulator.named_parameters())))
    expected = trainer.emulator.get_parameter(name).detach().clone()
    for step in range(4):
        trainer.take_step(step, 1e-2)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * trainer.emulator.get_parameter(name).detach()
        torch.testing.assert_close(trainer.average.get_parameter(name), expected)


def test_without_moving_average_the_weights_themselves_are_kept(make_trainer, tiny):
    trainer = make_trainer(tiny.model_copy(update={"ema_decay": None}))
    for step in range(3):
        trainer.take_step(step, 1e-2)
    pairs = zip(trainer.average.parameters(), trainer.emulator.parameters(), strict=True)
    assert all(torch.equal(kept, current) for kept, current in pairs)


def test_micro_batches_add_up_to_the_batch(make_trainer, tiny):
    """The regression draws no noise, so that any division of a batch gives the same gradient."""
    regression = {"kind": "regression", "filters": 8, "layers": 2}
    config = tiny.model_validate(tiny.model_dump() | {"model": regression, "gradient_clip": None})
    whole, parts = make_trainer(config), make_trainer(config.model_copy(update={"micro_batch": 5}))
    for trainer in (whole, parts):
        trainer.take_step(0, 0.0)
    for first, second in zip(whole._gradients, parts._gradients, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-7)
    assert float(whole._loss) == pytest.approx(float(parts._loss), rel=1e-6)


def test_validation_loss_repeats_and_belongs_to_the_averaged_weights(make_trainer, tiny):
    trainer = make_trainer(tiny)
    first = trainer.validation_loss()
    assert trainer.validation_loss() == first
    with torch.no_grad():
        for parameter in trainer.emulator.parameters():
            parameter.zero_()
    assert trainer.validation_loss() == first


def test_best_weights_are_those_of_the_lowest_validation_loss(make_trainer, tiny, monkeypatch):
    trainer = make_trainer(tiny.model_copy(update={"validation_epochs": 1 / 32, "epochs": 1}))
    losses = iter([3.0, 1.0, 2.0] + [5.0] * 100)
    averages = []

    def validation_loss() -> float:
        averages.append({name: value.clone() for name, value in trainer.average.state_dict().items()})
        return next(losses)

    monkeypatch.setattr(trainer, "validation_loss", validation_loss)
    trainer.run_to_end()
    kept = trainer.finished_emulator().state_dict()
    assert trainer.kept_loss() == 1.0
    assert all(torch.equal(kept[name], averages[1][name]) for name in kept)


def test_best_weights_are_those_of_the_highest_criterion(make_trainer, tiny, monkeypatch):
    trainer = make_trainer(tiny.model_copy(update={"validation_epochs": 1 / 2, "epochs": 2, "keep": "best_criterion"}))
    losses, criteria, averages = iter([1.0, 2.0, 3.0, 4.0]), iter([0.1, 0.3, 0.2, 0.3]), []
    monkeypatch.setattr(trainer, "validation_loss", lambda: next(losses))

    def validation_criterion() -> float:
        averages.append({name: value.clone() for name, value in trainer.average.state_dict().items()})
        return next(criteria)

    monkeypatch.setattr(trainer, "validation_criterion", validation_criterion)
    trainer.run_to_end()
    kept = trainer.finished_emulator().state_dict()
    assert (trainer.position.best_criterion, trainer.kept_loss()) == (0.3, 2.0)
    assert [row["validation_criterion"] for row in trainer.rows] == ["0.1", "0.3", "0.2", "0.3"]
    assert all(torch.equal(kept[name], averages[1][name]) for name in kept)


def test_players_learn_at_their_own_rates_and_the_frozen_network_does_not(make_trainer, tiny):
    """Adam without momentum moves a parameter by its rate in the first step, whatever the size of its gradient."""
    cgan = {"kind": "cgan", "filters": 8, "layers": 2, "critic_rate": 3.0, "pretrained": {"filters": 8, "layers": 2}}
    config = tiny.model_validate(tiny.model_dump() | {"model": cgan, "optimizer": "adam", "gradient_clip": 1e-3})
    trainer = make_trainer(config)
    before = {name: value.clone() for name, value in trainer.emulator.named_parameters()}
    trainer.take_step(0, 1e-2)
    moved = {
        name: float((value - before[name]).abs().max().detach()) for name, value in trainer.emulator.named_parameters()
    }
    assert moved["denoiser.head.convolution.weight"] == pytest.approx(1e-2, rel=1e-2)
    assert moved["critic.score.weight"] == pytest.approx(3e-2, rel=1e-2)
    assert {distance for name, distance in moved.items() if name.startswith("pretrained")} == {0.0}
