"""Measured matrix peak of this machine: the reference of the other benchmarks. Run alone, or imported by them."""

from __future__ import annotations

import time

import torch

SIZE = {"cpu": 2048, "cuda": 8192}
SECONDS = 2.0


def matrix_peak(dtype: torch.dtype, device: torch.device, *, seconds: float = SECONDS) -> float:
    """Best rate of a square matrix product [FLOP/s] within some seconds, on the threads that torch is set to."""
    size = SIZE[device.type]
    generator = torch.Generator(device=device).manual_seed(0)
    left, right = (torch.randn(size, size, generator=generator, device=device).to(dtype) for _ in range(2))
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end or best == 0.0:
        best = max(best, 2 * size**3 / timed(lambda: left @ right, device))
    return best


def timed(work, device: torch.device) -> float:
    """Seconds that some work takes, until the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for dtype in (torch.float32, torch.bfloat16):
        print(f"matrix peak {str(dtype).removeprefix('torch.'):9s} {matrix_peak(dtype, device) / 1e9:10.1f} GFLOP/s")


if __name__ == "__main__":
    main()
