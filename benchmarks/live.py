"""One live answer of the dashboard: milliseconds for a column with 32 members and 5 steps, as a slider asks for it."""

from __future__ import annotations

import statistics
import tempfile
import time

from workload import make_columns, make_normalization, options, show

from diffmp_core.models.folder import save_emulator
from diffmp_core.sampling.live import LatestWins, LiveEmulator
from diffmp_core.training.config import load_config
from diffmp_core.training.loop import fresh_emulator
from diffmp_core.variables import PAPER

MEMBERS, STEPS = 32, 5
UNGUIDED, GUIDED = (0.0,) * len(PAPER.outputs), (0.2,) * len(PAPER.outputs)


def main() -> None:
    chosen = options(__doc__ or "")
    config = load_config(chosen.config)
    with tempfile.TemporaryDirectory() as folder:
        save_emulator(fresh_emulator(config, make_normalization(config)), folder)
        live = LiveEmulator(folder, worker=LatestWins(threads=chosen.threads))
    column = make_columns(1).inputs

    def ask(seed: int, change: float, guidance: tuple[float, ...] = UNGUIDED) -> None:
        live.submit("slider", column + change, members=MEMBERS, steps=STEPS, seed=seed, guidance=guidance).result()

    ask(0, 0.0)
    perturbed, both, compute, guided = [], [], [], []
    while sum(both) < 1e3 * chosen.seconds:
        start, spent, seed = time.perf_counter(), time.process_time(), len(both) + 1
        ask(seed, 0.0)
        between = time.perf_counter()
        ask(seed, 1.0)
        end = time.perf_counter()
        both.append(1e3 * (end - start))
        perturbed.append(1e3 * (end - between))
        compute.append(1e3 * (time.process_time() - spent) / 2)
        ask(seed, 2.0, GUIDED)
        guided.append(1e3 * (time.perf_counter() - end))
    show(
        f"Live answer, {config.name}: F = {config.model.filters}, {MEMBERS} members, {STEPS} steps, "
        f"{chosen.threads} thread(s)",
        {
            "perturbed, baseline kept: median [ms]": f"{statistics.median(perturbed):.0f}",
            "the same, fastest [ms]": f"{min(perturbed):.0f}",
            "the same, CPU time, median [ms]": f"{statistics.median(compute):.0f}",
            "perturbed, with guidance: median [ms]": f"{statistics.median(guided):.0f}",
            "baseline and perturbed: median [ms]": f"{statistics.median(both):.0f}",
        },
    )


if __name__ == "__main__":
    main()
