"""Training: columns a second, and which share of the measured matrix peak that is."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import torch
from peak import compare
from workload import count_flops, make_columns, make_normalization, options, show

from diffmp_core.training.config import load_config
from diffmp_core.training.loop import fresh_emulator
from diffmp_core.training.memory import keep_freed_memory
from diffmp_core.training.processes import Processes
from diffmp_core.training.report import Report
from diffmp_core.training.trainer import LEAST_STEPS_PER_EPOCH, Trainer


def main() -> None:
    chosen = options(__doc__ or "")
    config, device = load_config(chosen.config), torch.device(chosen.device)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            emulator=fresh_emulator(config, make_normalization(config)),
            config=config,
            training=make_columns(config.batch * LEAST_STEPS_PER_EPOCH),
            validation=None,
            processes=Processes(rank=0, count=1, device=device),
            report=Report(shown=False),
            checkpoint=Path(folder) / "checkpoint",
            log=Path(folder) / "training.csv",
            run="benchmark",
        )
        flops = count_flops(lambda: trainer.take_step(0, 0.0)) / trainer.batch
        dtype = torch.bfloat16 if trainer.half else torch.float32
        numbers = itertools.count(1)
        rate, peak = compare(
            lambda: trainer.take_step(next(numbers), 0.0), trainer.batch, dtype, device, seconds=chosen.seconds
        )
    show(
        f"Training, {config.name}: F = {config.model.filters}, {config.model.layers} layers, batch {trainer.batch}",
        {
            "columns a second (of CPU time, on a CPU)": f"{rate:,.0f}",
            "GFLOP a column (forward, backward)": f"{flops / 1e9:.3f}",
            f"matrix peak, {dtype}, {chosen.threads} thread(s) [GFLOP/s]": f"{peak / 1e9:,.0f}",
            "share of the peak": f"{rate * flops / peak:.0%}",
        },
    )


if __name__ == "__main__":
    main()
