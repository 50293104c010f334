"""One process or several (``torchrun``): who writes, and the sum of gradients over all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from diffmp_core.compute.devices import choose_device


@dataclass(frozen=True)
class Processes:
    """Place of this process among those that train together."""

    rank: int
    count: int
    device: torch.device

    @property
    def writes(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def sum_(self, tensors: list[Tensor]) -> None:
        """Sum tensors over the processes, in place, in one message."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view(tensor.shape))

    def first(self, value: float) -> float:
        """The value of the first process, in all of them."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, src=0)
        return float(shared.item())

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def join_processes(device: str | None) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started; a single one if it did not.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``; CUDA where there is one if not given.

    Raises:
        DiffmpError: an unknown device, or CUDA where there is none.
    """
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    chosen = choose_device(device, local_rank=int(os.environ.get("LOCAL_RANK", "0")))
    if count > 1:
        distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(rank=rank, count=count, device=chosen)
    finally:
        if count > 1:
            distributed.destroy_process_group()
