"""What the benchmarks of the emulator share: an emulator of the shipped size, made-up columns, options, a table."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.training.config import TrainingConfig
from diffmp_core.training.data import ColumnArrays
from diffmp_core.variables import PAPER, PAPER_LEVELS


def options(description: str) -> argparse.Namespace:
    """Options of a benchmark, with the threads set."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", default="calibrated", help="training configuration: calibrated, paper, a YAML file")
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "1")))
    parser.add_argument("--seconds", type=float, default=5.0, help="time to measure for")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    return chosen


def make_columns(count: int) -> ColumnArrays:
    """Normalised columns of no meaning."""
    rng = np.random.default_rng(0)
    shapes = ((count, len(PAPER.inputs), PAPER_LEVELS), (count, len(PAPER.outputs), PAPER_LEVELS))
    return ColumnArrays(*(rng.standard_normal(shape, dtype=np.float32) for shape in shapes))


def make_normalization(config: TrainingConfig) -> Normalization:
    """Normalisation of such columns."""
    columns, levels = make_columns(1000), np.arange(1.0, PAPER_LEVELS + 1)
    return fit(columns.inputs, columns.outputs, height=levels, pressure=levels, method=config.model.normalization)


def count_flops(work: Callable[[], object]) -> int:
    """Floating-point operations of matrix products and convolutions in some work, a multiply-add as two."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def show(title: str, rows: dict[str, str]) -> None:
    """Small table on standard output."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for name, value in rows.items():
        table.add_row(name, value)
    Console(width=100).print(table)
