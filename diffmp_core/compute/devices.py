"""Which device a network runs on."""

from __future__ import annotations

import torch

from diffmp_core.errors import DiffmpError


def choose_device(name: str | None, local_rank: int = 0) -> torch.device:
    """Device of a name; without one CUDA if there is any, else the CPU. Each local process takes its own GPU."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise DiffmpError(f"expected a device 'cpu' or 'cuda', found {name!r}; choose one") from error
    if device.type not in ("cpu", "cuda"):
        raise DiffmpError(f"expected a device 'cpu' or 'cuda', found {name!r}; choose one")
    if device.type == "cpu":
        return device
    index = local_rank if device.index is None else device.index
    if index >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise DiffmpError(f"expected CUDA device {index}, found {found} of them; choose --device cpu")
    torch.cuda.set_device(index)
    return torch.device("cuda", index)
