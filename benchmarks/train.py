"""Training: columns a second, which share of the measured matrix peak that is, growth with the batch, and memory."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import torch
from peak import compare, most_memory, times_as_long
from workload import count_flops, make_columns, make_normalization, options, show

from diffmp_core.compute.memory import keep_freed_memory
from diffmp_core.training.config import TrainingConfig, load_config
from diffmp_core.training.loop import fresh_emulator
from diffmp_core.training.processes import Processes
from diffmp_core.training.report import Report
from diffmp_core.training.trainer import LEAST_STEPS_PER_EPOCH, Trainer, repeatable_kernels

FACTOR = 4


def make_trainer(config: TrainingConfig, device: torch.device, folder: Path) -> Trainer:
    """A training of made-up columns, about to take its first step."""
    return Trainer(
        emulator=fresh_emulator(config, make_normalization(config)),
        config=config,
        training=make_columns(config.batch * LEAST_STEPS_PER_EPOCH),
        validation=None,
        processes=Processes(rank=0, count=1, device=device),
        report=Report(shown=False),
        checkpoint=folder / "checkpoint",
        log=folder / "training.csv",
        run="benchmark",
    )


def main() -> None:
    chosen = options(__doc__ or "")
    config, device = load_config(chosen.config), torch.device(chosen.device)
    keep_freed_memory()
    numbers = itertools.count(1)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(config, device, Path(folder))
        larger = make_trainer(config.model_copy(update={"batch": FACTOR * config.batch}), device, Path(folder))

        def step(trainer: Trainer) -> None:
            trainer.take_step(next(numbers), 0.0)

        flops = count_flops(lambda: step(trainer)) / trainer.batch
        dtype = torch.bfloat16 if trainer.half else torch.float32
        with repeatable_kernels():
            rate, peak = compare(lambda: step(trainer), trainer.batch, dtype, device, seconds=chosen.seconds)
            ratio = times_as_long(lambda: step(larger), lambda: step(trainer), device, turns=2)
    show(
        f"Training, {config.name}: F = {config.model.filters}, {config.model.layers} layers, batch {trainer.batch}",
        {
            "columns a second (of CPU time, on a CPU)": f"{rate:,.0f}",
            "GFLOP a column (forward, backward)": f"{flops / 1e9:.3f}",
            f"matrix peak, {dtype}, {chosen.threads} thread(s) [GFLOP/s]": f"{peak / 1e9:,.0f}",
            "share of the peak": f"{rate * flops / peak:.0%}",
            f"time for {FACTOR} times the batch": f"{ratio:.2f}",
            "memory, most [MB]": f"{most_memory(device) / 1e6:,.0f}",
        },
    )


if __name__ == "__main__":
    main()
