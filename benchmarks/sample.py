"""Sampling: columns a second with 32 members and 5 steps, against the matrix peak and against a plain float32 loop.

Then what more columns, members and steps cost, and the memory of it all.
"""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import torch
from peak import compare, most_memory, times_as_long
from plain_loop import sample_plainly
from workload import count_flops, make_columns, make_normalization, options, show

from diffmp_core.compute.memory import keep_freed_memory
from diffmp_core.models.diffusion import DiffMP
from diffmp_core.models.folder import inference_dtype, load_emulator
from diffmp_core.sampling.draw import COLUMNS_AT_ONCE, columns_together, default_guidance, draw_ensemble
from diffmp_core.stores import open_columns, stack_inputs
from diffmp_core.training.config import load_config
from diffmp_core.training.loop import fresh_emulator
from diffmp_core.variables import PAPER, PAPER_LEVELS

ROOT = Path(__file__).parents[1]
TRAINED, COLUMNS = ROOT / "assets" / "emulators" / "simulator-120km-calibrated", ROOT / "data" / "demo" / "columns.nc"
"""What the answers of the plain loop are compared with: rounding in a network that was never trained says little."""

MEMBERS, STEPS = 32, 5
GROWTH = (
    ("4 times the columns", 4, 1, 1),
    ("4 times the members", 1, 4, 1),
    ("4 times the steps", 1, 1, 4),
)


def main() -> None:
    chosen = options(__doc__ or "")
    config, device = load_config(chosen.config), torch.device(chosen.device)
    keep_freed_memory()
    dtype = inference_dtype(device)
    plain = fresh_emulator(config, make_normalization(config)).to(device=device).eval()
    emulator = copy.deepcopy(plain).to(dtype=dtype)
    inputs = make_columns(columns_together(device)).inputs

    def draw(columns: int = 1, members: int = 1, steps: int = 1) -> None:
        tiled = inputs.repeat(columns, axis=0)
        draw_ensemble(emulator, tiled, members=members * MEMBERS, steps=steps * STEPS)

    flops = count_flops(draw) / len(inputs)
    rate, peak = compare(draw, len(inputs), dtype, device, seconds=chosen.seconds)
    rows = {
        "columns a second (of CPU time, on a CPU)": f"{rate:,.1f}",
        "GFLOP a column": f"{flops / 1e9:.2f}",
        f"matrix peak, {dtype}, {chosen.threads} thread(s) [GFLOP/s]": f"{peak / 1e9:,.0f}",
        "share of the peak": f"{rate * flops / peak:.0%}",
    }
    if isinstance(emulator, DiffMP) and emulator.config.film_path == "condition":
        rows |= against_plain_loop(plain, emulator, torch.from_numpy(inputs).to(device))
    for what, *factors in GROWTH:
        rows[f"time for {what}"] = f"{times_as_long(partial(draw, *factors), draw, device):.2f}"
    rows["memory, most [MB]"] = f"{most_memory(device) / 1e6:,.0f}"
    show(
        f"Sampling, {config.name}: F = {config.model.filters}, {MEMBERS} members, {STEPS} steps, "
        f"guidance {default_guidance(emulator)}",
        rows,
    )


def against_plain_loop(plain: DiffMP, emulator: DiffMP, condition: torch.Tensor) -> dict[str, str]:
    """How many times as fast as the loop of :mod:`plain_loop`, and how far answers of a trained emulator are apart."""
    noise = draw_noise(condition)
    ratio = times_as_long(
        lambda: sample_plainly(plain, condition, noise, STEPS),
        lambda: sample_ours(emulator, condition, noise),
        condition.device,
    )
    return {
        "a plain float32 loop takes, times as long": f"{ratio:.1f}",
        "root mean square difference, trained emulator, share of the spread": f"{apart(condition.device):.4f}",
    }


def apart(device: torch.device) -> float:
    """Root mean square difference of the shipped emulator from the plain loop, on columns of the demo."""
    exact, ours = load_emulator(TRAINED, device=device, precision="float32"), load_emulator(TRAINED, device=device)
    columns = open_columns(COLUMNS).isel(time=[0])
    chosen = columns.isel(cell=slice(0, None, columns.sizes["cell"] // COLUMNS_AT_ONCE + 1))
    condition = exact.normalizer.normalise_inputs(torch.from_numpy(stack_inputs(chosen)).to(device))
    noise = draw_noise(condition)
    expected = sample_plainly(exact, condition, noise, STEPS)
    difference = sample_ours(ours, condition, noise) - expected
    return float(difference.square().mean().sqrt() / expected.std())


def draw_noise(condition: torch.Tensor) -> list[torch.Tensor]:
    """What a sampler may draw for some columns."""
    generator = torch.Generator(device=condition.device).manual_seed(0)
    shape = (len(condition), MEMBERS, len(PAPER.outputs), PAPER_LEVELS)
    return [torch.randn(shape, generator=generator, device=condition.device) for _ in range(STEPS)]


@torch.inference_mode()
def sample_ours(emulator: DiffMP, condition: torch.Tensor, noise: list[torch.Tensor]) -> torch.Tensor:
    """Normalised ensemble of the package, without guidance, from that noise."""
    draws = iter(noise)
    unguided = (0.0,) * len(PAPER.outputs)
    return emulator.sample_normalised(condition, MEMBERS, draw=lambda _: next(draws), steps=STEPS, guidance=unguided)


if __name__ == "__main__":
    main()
