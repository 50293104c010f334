"""Every kind of trained emulator: importing this makes them known to :func:`diffmp_core.models.base.build_emulator`.

Not the package itself: while one thread imports it, another that imports one of its modules would wait for the first,
and the first for it, and Python then gives out modules that are not complete.
"""

from diffmp_core.models.cgan import CGANMP
from diffmp_core.models.cvae import CVAEMP
from diffmp_core.models.diffusion import DiffMP
from diffmp_core.models.one_step import OneStep
from diffmp_core.models.regression import GaussianRegression, Regression

__all__ = ["CGANMP", "CVAEMP", "DiffMP", "GaussianRegression", "OneStep", "Regression"]
