"""The emulator and the columns that the benchmarks run: the shipped size, random weights, made-up columns."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.models.base import NetworkEmulator, build_emulator, inference_dtype
from diffmp_core.stores import stack_channels
from diffmp_core.training.config import TrainingConfig, load_config
from diffmp_core.variables import INPUTS, OUTPUTS

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.synthetic import make_columns  # noqa: E402
