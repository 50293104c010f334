"""Emulators: networks, schedules, samplers, and the folder that holds a trained one.

Importing the package makes every kind of trained emulator known to :func:`diffmp_core.models.folder.load_emulator`.
"""

from diffmp_core.models.cgan import CGANMP
from diffmp_core.models.cvae import CVAEMP
from diffmp_core.models.diffusion import DiffMP
from diffmp_core.models.one_step import OneStep
from diffmp_core.models.regression import GaussianRegression, Regression

__all__ = ["CGANMP", "CVAEMP", "DiffMP", "GaussianRegression", "OneStep", "Regression"]
