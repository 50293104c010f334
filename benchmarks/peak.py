"""Measured matrix peak of this machine: the reference of the other benchmarks. Run alone, or imported by them."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import torch

SIZE = {"cpu": 2048, "cuda": 8192}
SECONDS = 1.0
TURNS = 5


def matrix_peak(dtype: torch.dtype, device: torch.device, *, seconds: float = SECONDS) -> float:
    """Best rate of a square matrix product [FLOP/s] within some seconds, on the threads that torch is set to."""
    size = SIZE[device.type]
    generator = torch.Generator(device=device).manual_seed(0)
    left, right = (torch.randn(size, size, generator=generator, device=device).to(dtype) for _ in range(2))
    best, spent = 0.0, 0.0
    while spent < seconds:
        took = timed(lambda: left @ right, device)
        best, spent = max(best, 2 * size**3 / took), spent + took
    return best


def now(device: torch.device) -> float:
    """Seconds spent on a device: CPU time for each thread, which other programs on the machine do not count in."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time() / torch.get_num_threads()


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that some work takes on a device."""
    start = now(device)
    work()
    return now(device) - start


def compare(
    work: Callable[[], object], count: int, dtype: torch.dtype, device: torch.device, *, seconds: float
) -> tuple[float, float]:
    """Rate of some work [1/s] that does ``count`` of something, and the matrix peak [FLOP/s], the best of both.

    They take turns, so that on a shared machine both have the same neighbours.
    """
    work()
    rate, peak, spent = 0.0, 0.0, 0.0
    while spent < seconds:
        peak = max(peak, matrix_peak(dtype, device, seconds=0.2))
        took, times = 0.0, 0
        while took < 0.5:
            took, times = took + timed(work, device), times + 1
        rate, spent = max(rate, times * count / took), spent + took
    return rate, peak


def times_as_long(
    more: Callable[[], object], less: Callable[[], object], device: torch.device, *, turns: int = TURNS
) -> float:
    """How many times as long one piece of work takes as another: the least of some turns each, in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(turns):
        for work, spent in zip((more, less), times, strict=True):
            spent.append(timed(work, device))
    return min(times[0]) / min(times[1])


def most_memory(device: torch.device) -> int:
    """Bytes held at most: of the device, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for dtype in (torch.float32, torch.bfloat16):
        print(f"matrix peak {str(dtype).removeprefix('torch.'):9s} {matrix_peak(dtype, device) / 1e9:10.1f} GFLOP/s")


if __name__ == "__main__":
    main()
