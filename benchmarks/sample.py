"""Sampling: columns a second with 32 members and 5 steps, and which share of the measured matrix peak that is."""

from __future__ import annotations

import torch
from peak import compare
from workload import count_flops, make_columns, make_normalization, options, show

from diffmp_core.models.folder import inference_dtype
from diffmp_core.sampling.draw import COLUMNS_AT_ONCE, default_guidance, draw_ensemble
from diffmp_core.training.config import load_config
from diffmp_core.training.loop import fresh_emulator
from diffmp_core.training.memory import keep_freed_memory

MEMBERS, STEPS = 32, 5


def main() -> None:
    chosen = options(__doc__ or "")
    config, device = load_config(chosen.config), torch.device(chosen.device)
    keep_freed_memory()
    dtype = inference_dtype(device)
    emulator = fresh_emulator(config, make_normalization(config)).to(device=device, dtype=dtype).eval()
    inputs = make_columns(COLUMNS_AT_ONCE).inputs

    def draw() -> None:
        draw_ensemble(emulator, inputs, members=MEMBERS, steps=STEPS)

    flops = count_flops(draw) / len(inputs)
    rate, peak = compare(draw, len(inputs), dtype, device, seconds=chosen.seconds)
    show(
        f"Sampling, {config.name}: F = {config.model.filters}, {MEMBERS} members, {STEPS} steps, "
        f"guidance {default_guidance(emulator)}",
        {
            "columns a second (of CPU time, on a CPU)": f"{rate:,.1f}",
            "GFLOP a column": f"{flops / 1e9:.2f}",
            f"matrix peak, {dtype}, {chosen.threads} thread(s) [GFLOP/s]": f"{peak / 1e9:,.0f}",
            "share of the peak": f"{rate * flops / peak:.0%}",
        },
    )


if __name__ == "__main__":
    main()
