"""DIFF-MP in one evaluation: its network, trained on at the noisiest level by a score of the members that it draws.

At that level hardly any signal is left, and one evaluation of a diffusion model gives the conditional mean, whatever
the noise. Trained on by a proper score of several members of one column, the same network learns to turn the noise into
a member at once; no teacher is needed. The score of M members x_m against the truth y is fair for any M
(Ferro 2014, doi:10.1002/qj.2270)::

    S = 1/M sum_m |x_m - y|  -  1/(2 M (M - 1)) sum_(m, n) |x_m - x_n|

taken three times: with |.| the absolute value, value by value, S is the CRPS, which knows no more than the
distribution of each value; with |.| a Euclidean norm, over the levels of an output and over all outputs of a column, it
is the energy score (Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 22), which is least only if
values belong together as they do in the truth. Lang et al. (2024, arXiv:2412.15832) train weather models so, value by
value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from diffmp_core.columns.normalize import Normalization
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import Draw, NetworkConfig, NetworkEmulator, normal_draws
from diffmp_core.models.diffusion import DiffMP
from diffmp_core.models.folder import load_emulator
from diffmp_core.models.normalizer import Normalised, Physical
from diffmp_core.models.schedule import TERMINAL_LEVEL
from diffmp_core.models.weights import shapes

LEAST_NORM = 1e-3
"""Added in quadrature to the Euclidean norm, whose gradient has no limit at zero."""


class OneStepConfig(NetworkConfig):
    """Options of DIFF-MP in one evaluation."""

    kind: Literal["one_step"] = "one_step"
    initial: str | None = None
    """Folder of the trained DIFF-MP (v-prediction, zero terminal SNR, same network) whose weights the training sets out
    from, relative to the working directory; None sets out from random weights. A trained emulator reads it no more."""
    training_members: int = Field(default=2, ge=2)
    """Members M of each column that a training step draws and scores."""


class OneStep(NetworkEmulator):
    """Draws the profiles of a member with a single evaluation of DIFF-MP's network."""

    kind: ClassVar[str] = "one_step"
    config_class = OneStepConfig
    config: OneStepConfig
    lower_bound: Tensor

    def __init__(self, config: OneStepConfig, normalization: Normalization) -> None:
        super().__init__(config, normalization)
        self.register_buffer("lower_bound", self._lower_bound(), persistent=False)

    def warm_start(self) -> None:
        """Take up the weights of the DIFF-MP that ``config.initial`` names, if it names one.

        Raises:
            DiffmpError: that folder holds no DIFF-MP of the same network, prediction, noise levels and normalisation.
        """
        if self.config.initial is not None:
            self.denoiser.load_state_dict(_trained(self.config.initial, self).state_dict())

    def draw_members(self, condition: Normalised, members: int, draw: Draw) -> Normalised:
        """Normalised members (column, member, output, level): x_0 at the noisiest level."""
        s, sigma = TERMINAL_LEVEL, math.sqrt(1 - TERMINAL_LEVEL**2)
        x = self.noise(len(condition), members, draw)
        level = torch.full((1,), s, device=x.device)
        prediction = self.normalizer.average_single_values(self.denoiser(x, level, self.denoiser.encode(condition)))
        return Normalised(s * x - sigma * prediction)

    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Sum of the fair scores of values, profiles and columns, of members as they count: no cloud below zero."""
        members = self.draw_members(inputs, self.config.training_members, normal_draws(generator)).float()
        members = torch.maximum(members, self.lower_bound)
        norms = (torch.abs, profile_norm, column_norm)
        return torch.stack([fair_score(members, outputs, norm).mean() for norm in norms]).sum()

    def sample_normalised(
        self, condition: Normalised, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Normalised:
        """Members by one evaluation each; steps and guidance have no effect."""
        return self.draw_members(condition, members, draw)

    def _lower_bound(self) -> Tensor:
        """Least value (output, level) of each normalised output: nothing where that is least, else minus infinity."""
        zero = self.normalizer.normalise_outputs(Physical(torch.zeros(self.schema.output_shape)))
        return torch.where(self.normalizer.non_negative, zero, -math.inf)


def fair_score(members: Tensor, truth: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
    """Fair kernel score S of ensembles (column, member, ...) against truths (column, ...); the mean over n of S.

    Unbiased for any number of members, so its mean may be negative for a batch.

    References:
        Ferro 2014, doi:10.1002/qj.2270; Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 22.
    """
    count = members.shape[1]
    error = norm(members - truth[:, None]).mean(dim=1)
    first, second = torch.triu_indices(count, count, offset=1, device=members.device)
    return error - 0.5 * norm(members[:, first] - members[:, second]).mean(dim=1)


def profile_norm(difference: Tensor) -> Tensor:
    """Root mean square over levels of (..., level): the Euclidean norm in units of a value's."""
    return (difference.square().mean(dim=-1) + LEAST_NORM**2).sqrt()


def column_norm(difference: Tensor) -> Tensor:
    """Root mean square over outputs and levels of (..., output, level)."""
    return profile_norm(difference.flatten(-2))


def _trained(folder: str, emulator: OneStep) -> torch.nn.Module:
    """Network of a trained DIFF-MP that has the shape of an emulator's and the meaning that it takes up.

    Raises:
        DiffmpError: another kind of emulator, another network, or columns on other levels.
    """
    found = load_emulator(folder, precision="float32")
    meaning = ("v", "zero_terminal_snr", emulator.config.normalization)
    if (
        not isinstance(found, DiffMP)
        or (found.config.prediction, found.config.schedule, found.config.normalization) != meaning
    ):
        raise DiffmpError(
            f"expected a DIFF-MP of {', '.join(meaning)} as model.initial, found {found.kind!r} at {folder}; "
            "name the folder of diffmp train --config calibrated"
        )
    if shapes(found.denoiser.state_dict()) != shapes(emulator.denoiser.state_dict()):
        raise DiffmpError(
            f"expected a DIFF-MP of the same filters, layers, film_path and levels as model.initial, found another at "
            f"{folder}; change these options of the model to its own"
        )
    return found.denoiser
