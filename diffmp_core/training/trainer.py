"""The steps of a training: batches, gradients, moving average, validation, checkpoints.

All that a step does is a function of the weights, the optimiser's state and the step's number: the order of the columns
and the noise come from streams of (seed, epoch) and (seed, step, micro-batch). So a checkpoint has no random state, and
several processes that share a batch's micro-batches draw what a single one would.
"""

from __future__ import annotations

import copy
import time
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diffmp_core.compute.seeds import Purpose, stream, stream_seed
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import NetworkEmulator
from diffmp_core.models.folder import inference_dtype
from diffmp_core.models.weights import shapes
from diffmp_core.training.checkpoint import (
    flatten_optimizer,
    load_checkpoint,
    restore_optimizer,
    save_checkpoint,
    with_prefix,
    without_prefix,
)
from diffmp_core.training.config import TrainingConfig
from diffmp_core.training.criterion import sample_criterion
from diffmp_core.training.data import ColumnArrays
from diffmp_core.training.learning_rate import cosine_rate, cyclical_rate, warmup_factor
from diffmp_core.training.log import digits, read_log, write_log
from diffmp_core.training.position import Position
from diffmp_core.training.processes import Processes
from diffmp_core.training.report import Report

LEAST_STEPS_PER_EPOCH = 32
"""A batch is capped so that an epoch has this many steps: a batch of 8,000 is meant for millions of columns."""


class Trainer:
    """A training in progress; :meth:`run_to_end` does the rest of it."""

    def __init__(
        self,
        *,
        emulator: NetworkEmulator,
        config: TrainingConfig,
        training: ColumnArrays,
        validation: ColumnArrays | None,
        processes: Processes,
        report: Report,
        checkpoint: Path,
        log: Path,
        run: str,
        earlier: str,
    ) -> None:
        self.config, self.training, self.validation = config, training, validation
        self.processes, self.report, self.checkpoint, self.log = processes, report, checkpoint, log
        self.device = processes.device
        self.batch = min(config.batch, max(1, len(training) // LEAST_STEPS_PER_EPOCH))
        if self.batch < config.batch:
            report.say(f"batch {self.batch} instead of {config.batch}: there are only {len(training)} training columns")
        self.micro_batch, wanted = min(config.micro_batch, -(-self.batch // processes.count)), config.micro_batch
        if self.micro_batch < min(wanted, self.batch):
            report.say(
                f"micro-batches of {self.micro_batch} instead of {min(wanted, self.batch)}, one for each of "
                f"{processes.count} processes; the same noise in a single one: micro_batch: {self.micro_batch}"
            )
        self.steps_per_epoch = len(training) // self.batch
        self.steps = config.epochs * self.steps_per_epoch
        self.steps_per_row = max(1, round(config.validation_epochs * self.steps_per_epoch))
        self.half = config.precision == "bf16" and inference_dtype(self.device) == torch.bfloat16
        if config.precision == "bf16" and not self.half:
            report.say("fp32 instead of bf16: this device does not multiply in bf16")
        self.emulator = emulator.to(self.device).train()
        self.average = copy.deepcopy(self.emulator).eval().requires_grad_(False)
        self.best: dict[str, Tensor] | None = None
        self.optimizer = make_optimizer(self.emulator, config)
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        self._gradients = [torch.zeros_like(parameter) for parameter in trained]
        for parameter, gradient in zip(trained, self._gradients, strict=True):
            parameter.grad = gradient
        self.position = Position(run=run, steps=self.steps, max_minutes=config.max_minutes)
        self.rows: list[dict[str, str]] = []
        self._loss = torch.zeros((), dtype=torch.float64, device=self.device)
        self._order: tuple[int, np.ndarray] | None = None
        self._restore({run, earlier})

    def run_to_end(self) -> None:
        """Train until the last step (or minute), with rows, validations and checkpoints on the way.

        Raises:
            DiffmpError: the loss is no longer finite, or a file cannot be written.
        """
        started = time.monotonic() - self.position.seconds
        saved = clock = time.monotonic()
        clock_step = shown_step = self.position.step
        if self.position.step == 0:
            self._save()
        with self.report, repeatable_kernels():
            while not self._is_done():
                step = self.position.step
                rate = self.learning_rate(step)
                self.take_step(step, rate)
                seconds = time.monotonic() - started
                if self.config.max_minutes is not None:
                    seconds = self.processes.first(seconds)
                self.position = self.position.model_copy(
                    update={"step": step + 1, "seconds": seconds, "loss_steps": self.position.loss_steps + 1}
                )
                if self.report.is_due():
                    self._show((step + 1 - shown_step) * self.batch / self.report.since_last())
                    shown_step = step + 1
                if (step + 1) % self.steps_per_row == 0 or self._is_done():
                    speed = (step + 1 - clock_step) * self.batch / (time.monotonic() - clock)
                    self._add_row(rate, speed)
                    self._stop_if_stale()
                    clock, clock_step = time.monotonic(), step + 1
                if time.monotonic() - saved >= 60 * self.config.checkpoint_minutes or self._is_done():
                    self._save()
                    saved = time.monotonic()

    def learning_rate(self, step: int) -> float:
        """Rate of a step; with ``max_minutes`` the cosine runs over whichever ends first, steps or time."""
        config = self.config
        if config.schedule == "cyclical":
            rate = cyclical_rate(
                step / (config.cycle_epochs * self.steps_per_epoch), config.lowest_learning_rate, config.learning_rate
            )
        else:
            rate = cosine_rate(self._done(), config.lowest_learning_rate, config.learning_rate)
        return rate * warmup_factor(step, config.warmup_steps)

    def finished_emulator(self) -> NetworkEmulator:
        """The emulator to keep, as ``config.keep`` says."""
        if self.config.keep != "last" and self.best is not None:
            self.average.load_state_dict(self.best)
        return self.average

    def kept_loss(self) -> float | None:
        """Validation loss of :meth:`finished_emulator`; None without validation columns."""
        return self.position.last_loss if self.config.keep == "last" else self.position.best_loss

    def _done(self) -> float:
        done = self.position.step / self.steps
        if self.config.max_minutes is not None:
            done = max(done, self.position.seconds / (60 * self.config.max_minutes))
        return done

    def _is_done(self) -> bool:
        return self.position.stopped or self._done() >= 1.0

    def take_step(self, step: int, rate: float) -> None:
        """One optimiser step: Algorithm 1 of Figure 5 on a batch, in micro-batches shared among the processes."""
        columns = self._columns_of_step(step)
        micro = self.micro_batch
        self.optimizer.zero_grad(set_to_none=False)
        loss = torch.zeros((), device=self.device)
        for number, first in enumerate(range(0, self.batch, micro)):
            if number % self.processes.count != self.processes.rank:
                continue
            part = columns[first : first + micro]
            generator = stream(self.config.seed, Purpose.noise, step, number, device=self.device)
            share = self._loss_of(self.emulator, self.training, part, generator) * (len(part) / self.batch)
            share.backward()
            loss += share.detach()
        self.processes.sum_([loss, *self._gradients])
        self._loss += loss
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate"]
            if self.config.gradient_clip is not None:
                torch.nn.utils.clip_grad_norm_(group["params"], self.config.gradient_clip)
        self.optimizer.step()
        self._update_average(step)

    def _columns_of_step(self, step: int) -> np.ndarray:
        """Columns of a batch: consecutive ones of the epoch's random order; what does not fill a batch is left out."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            generator = np.random.default_rng(stream_seed(self.config.seed, Purpose.order, epoch))
            self._order = (epoch, generator.permutation(len(self.training)))
        return self._order[1][place * self.batch : (place + 1) * self.batch]

    def _loss_of(
        self, emulator: NetworkEmulator, columns: ColumnArrays, index: np.ndarray, generator: torch.Generator
    ) -> Tensor:
        inputs, outputs = columns.batch(index, self.device)
        with self._number_format():
            return emulator.training_loss(inputs, outputs, generator)

    def _number_format(self) -> torch.autocast:
        """Context in which the network computes, as ``config.precision`` says."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half)

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        """Moving average of the weights; its memory grows with the steps at first, so that the start is forgotten."""
        decay = 0.0 if self.config.ema_decay is None else min(self.config.ema_decay, (1 + step) / (10 + step))
        for averaged, current in zip(self.average.parameters(), self.emulator.parameters(), strict=True):
            averaged.lerp_(current, 1 - decay)

    @torch.no_grad()
    def validation_loss(self) -> float | None:
        """Loss of the averaged weights on the validation columns, with the same noise each time."""
        if self.validation is None:
            return None
        total = 0.0
        for number, first in enumerate(range(0, len(self.validation), self.config.micro_batch)):
            index = np.arange(first, min(first + self.config.micro_batch, len(self.validation)))
            generator = stream(self.config.seed, Purpose.validation, number, device=self.device)
            total += float(self._loss_of(self.average, self.validation, index, generator)) * len(index)
        return total / len(self.validation)

    def validation_criterion(self) -> float | None:
        """The paper's criterion of the averaged weights, if weights are kept by it; with the same noise each time."""
        if self.validation is None or self.config.keep != "best_criterion":
            return None
        return sample_criterion(
            self.average, self.validation, seed=self.config.seed, number_format=self._number_format()
        )

    def _add_row(self, rate: float, speed: float) -> None:
        """Validate, keep the best weights, write a row of ``training.csv``, show it. Other processes only go on."""
        loss = float(self._loss) / self.position.loss_steps
        if not np.isfinite(loss):
            raise DiffmpError(
                f"expected a finite loss, found {loss} at step {self.position.step}; lower learning_rate or set "
                "precision: fp32, in a new folder"
            )
        self._loss.zero_()
        self.position = self.position.model_copy(update={"loss_steps": 0, "rows": self.position.rows + 1})
        if not self.processes.writes:
            return
        validation, criterion = self.validation_loss(), self.validation_criterion()
        self.position = self.position.model_copy(update={"last_loss": validation})
        if self._is_best(validation, criterion):
            best = {"best_loss": validation, "best_criterion": criterion, "stale": 0}
            self.position = self.position.model_copy(update=best)
            if self.config.keep != "last":
                self.best = {name: value.clone() for name, value in self.average.state_dict().items()}
        elif validation is not None:
            self.position = self.position.model_copy(update={"stale": self.position.stale + 1})
        step = self.position.step
        self.rows.append({
            "step": str(step), "epoch": f"{step / self.steps_per_epoch:.3f}", "samples": str(step * self.batch),
            "loss": digits(loss), "validation_loss": digits(validation), "validation_criterion": digits(criterion),
            "learning_rate": f"{rate:.4g}", "samples_per_s": f"{speed:.4g}",
        })  # fmt: skip
        write_log(self.log, self.rows)

    def _stop_if_stale(self) -> None:
        """End the training, in all processes, when ``patience`` validations in a row were no better."""
        if self.config.patience is None or self._is_done():
            return
        if self.processes.first(float(self.position.stale >= self.config.patience)):
            self.position = self.position.model_copy(update={"stopped": True})
            self.report.say(f"no better validation in {self.config.patience}: the training ends early")

    def _is_best(self, loss: float | None, criterion: float | None) -> bool:
        """Whether a validation is the best so far: by the criterion where there is one, else by the loss."""
        best = self.position
        if criterion is not None:
            return best.best_criterion is None or criterion > best.best_criterion
        return loss is not None and (best.best_loss is None or loss < best.best_loss)

    def _show(self, speed: float) -> None:
        """Progress, loss since the last row, last validation loss, throughput."""
        loss = float(self._loss) / self.position.loss_steps
        validation = "" if self.position.last_loss is None else f"validation {self.position.last_loss:.4f}  "
        epoch = self.position.step / self.steps_per_epoch
        self.report.update(self._done(), f"epoch {epoch:.1f}  loss {loss:.4f}  {validation}{speed:,.0f} columns/s")

    def _save(self) -> None:
        """Checkpoint, by the first process."""
        if not self.processes.writes:
            return
        tensors = with_prefix("model", self.emulator.state_dict())
        tensors |= with_prefix("average", self.average.state_dict())
        tensors |= with_prefix("optimizer", flatten_optimizer(self.optimizer))
        if self.best is not None:
            tensors |= with_prefix("best", self.best)
        tensors["loss"] = self._loss
        save_checkpoint(self.checkpoint, self.position, tensors)

    def _restore(self, runs: set[str]) -> None:
        """Take up the checkpoint, if there is one, of a training of one of these fingerprints.

        Raises:
            DiffmpError: it belongs to another training or network, or not all processes can read it.
        """
        found = load_checkpoint(self.checkpoint, self.device)
        step = 0.0 if found is None else float(found[0].step)
        if self.processes.first(step) != step:
            raise DiffmpError(
                f"expected {self.checkpoint} on a file system that all processes read, found none here; move it there"
            )
        if found is None:
            return
        position, tensors = found
        if position.run not in runs:
            raise DiffmpError(
                f"expected an empty folder or this training, found one of another configuration or other columns "
                f"in {self.checkpoint.parent}; choose another folder"
            )
        weights = without_prefix("model", tensors)
        if shapes(weights) != shapes(self.emulator.state_dict()):
            raise DiffmpError(
                f"expected a checkpoint of this network, found one that another version of diffmp wrote in "
                f"{self.checkpoint}; choose another folder, or remove that one to start again"
            )
        here = {"run": self.position.run, "steps": self.steps, "max_minutes": self.config.max_minutes}
        self.position = position.model_copy(update=here)
        self.emulator.load_state_dict(weights)
        self.average.load_state_dict(without_prefix("average", tensors))
        self.best = without_prefix("best", tensors) or None
        restore_optimizer(self.optimizer, without_prefix("optimizer", tensors))
        self._loss.copy_(tensors["loss"])
        if self.processes.writes:
            self.rows = read_log(self.log, position.rows)
        self.report.say(f"going on from step {position.step} of {self.steps}")


def repeatable_kernels() -> AbstractContextManager[None]:
    """Context in which convolutions on a GPU give the same bits each time; without ``enabled`` cuDNN would be off."""
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, benchmark=False)


def make_optimizer(emulator: NetworkEmulator, config: TrainingConfig) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2014, arXiv:1412.6980) or AdamW (arXiv:1711.05101), with the emulator's own groups.

    Adam is a rule for each parameter alone: groups with other rates are as good as optimisers of their own. Fused: one
    pass over each parameter in place of ten.
    """
    groups = emulator.parameter_groups()
    if config.optimizer == "adam":
        return torch.optim.Adam(groups, lr=config.learning_rate, fused=True)
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
