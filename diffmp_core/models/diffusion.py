"""DIFF-MP: the conditional diffusion model (Section 3 of the paper), as the paper has it or calibrated.

Training is Algorithm 1 of Figure 5, sampling Algorithm 2. The network predicts the noise (``epsilon``) or the velocity
(``v``, Salimans and Ho 2022, arXiv:2202.00512). With s = sqrt(alpha_bar) and sigma = sqrt(1 - s^2)::

    x = s x_0 + sigma eps        v = s eps - sigma x_0
    x_0 = s x - sigma v          eps = s v + sigma x
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional

from diffmp_core.columns.normalize import Normalization
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import Draw, NetworkConfig, NetworkEmulator
from diffmp_core.models.normalizer import Normalised
from diffmp_core.models.samplers import SAMPLERS
from diffmp_core.models.schedule import SCHEDULES, karras_levels

Schedule = Literal[
    "paper", "zero_terminal_snr",
    "paper_fixed_100", "paper_fixed_50", "paper_fixed_20", "paper_fixed_10", "paper_fixed_5", "paper_fixed_2",
]  # fmt: skip
SamplerName = Literal["ancestral", "ddim", "dpm_solver_pp_2m", "dpm_solver_pp_2m_sde"]


class DiffMPConfig(NetworkConfig):
    """Options of DIFF-MP; the defaults are the calibrated configuration."""

    kind: Literal["diffusion"] = "diffusion"
    prediction: Literal["epsilon", "v"] = "v"
    """What the network says of x_t: the noise in it (paper), or the velocity."""
    schedule: Schedule = "zero_terminal_snr"
    """Noise levels; ``paper_fixed_n`` are n levels for training and sampling alike, the baseline of Figure 3."""
    sampler: SamplerName = "dpm_solver_pp_2m"
    p_uncond: float = Field(default=0.1, ge=0, lt=1)
    """Probability that training hides the condition, for classifier-free guidance."""
    guidance: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    """Guidance strength w of each output that suits this emulator (the paper at 120 km: 0.5, 0.5, 0, 0); strengths that
    are all alike hold for any number of outputs."""


class DiffMP(NetworkEmulator):
    """Diffusion emulator: draws output profiles of a column from noise, in a few evaluations of the network."""

    kind: ClassVar[str] = "diffusion"
    config_class = DiffMPConfig
    config: DiffMPConfig

    def __init__(self, config: DiffMPConfig, normalization: Normalization) -> None:
        """Untrained.

        Raises:
            DiffmpError: guidance strengths of another number than the outputs.
        """
        super().__init__(config, normalization)
        outputs = self.schema.outputs
        if len(config.guidance) != len(outputs) and len(set(config.guidance)) != 1:
            raise DiffmpError(
                f"expected {len(outputs)} strengths as model.guidance ({', '.join(outputs.names)}), found "
                f"{len(config.guidance)}; give one an output"
            )

    @property
    def guidance(self) -> tuple[float, ...]:
        """Guidance strength w of each output that suits this emulator."""
        given, count = self.config.guidance, len(self.schema.outputs)
        return given if len(given) == count else given[:1] * count

    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Mean squared error of the network's prediction at random noise levels (Figure 5, Algorithm 1).

        All drawn levels have equal weight in what is predicted. In terms of the error of x_0 that is a weight of
        s^2 / (1 - s^2), the SNR, for ``epsilon``, and 1 / (1 - s^2), SNR + 1, for ``v`` (Salimans and Ho 2022).

        Args:
            inputs: normalised condition, shape (column, input, level).
            outputs: normalised truth, shape (column, output, level).
            generator: source of levels, noise and hidden conditions, on the device of the data.
        """
        x_0, count = outputs, len(outputs)
        level = SCHEDULES[self.config.schedule].draw(count, generator)
        hidden = torch.rand(count, generator=generator, device=generator.device) < self.config.p_uncond
        eps = self.normalizer.share_noise_of_single_values(
            torch.randn(x_0.shape, generator=generator, device=generator.device)
        )
        s = level[:, None, None]
        sigma = (1 - s**2).sqrt()
        noised = s * x_0 + sigma * eps
        target = eps if self.config.prediction == "epsilon" else s * eps - sigma * x_0
        prediction = self.denoiser(noised[:, None], level, self.denoiser.encode(inputs, hidden))[:, 0]
        return functional.mse_loss(self.normalizer.average_single_values(prediction), target)

    def sample_normalised(
        self, condition: Normalised, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Normalised:
        """Ensemble by the configured sampler, with classifier-free guidance (Figure 5, Algorithm 2; equation 8).

        ``(1 + w) eps(x, c) - w eps(x, hidden)``, one w a variable, is applied to whatever the network predicts: at a
        given x, v is affine in eps, and the weights add up to one. Where every w is zero the second pass is left out.
        """
        w = torch.tensor(guidance, dtype=torch.float32, device=condition.device)[:, None]
        given = self.denoiser.encode(condition)
        hidden = self.denoiser.encode_hidden(condition) if any(guidance) else None

        def denoise(x: Tensor, s: float) -> tuple[Tensor, Tensor]:
            level = torch.tensor([s], dtype=torch.float32, device=x.device)
            prediction = self.denoiser(x, level, given)
            if hidden is not None:
                prediction = (1 + w) * prediction - w * self.denoiser(x, level, hidden)
            prediction = self.normalizer.average_single_values(prediction)
            sigma = math.sqrt(1 - s**2)
            if self.config.prediction == "epsilon":
                return (x - sigma * prediction) / s, prediction
            return s * x - sigma * prediction, s * prediction + sigma * x

        levels = self.noise_levels(steps)
        return Normalised(
            SAMPLERS[self.config.sampler](denoise, levels, lambda: self.noise(len(condition), members, draw))
        )

    def noise_levels(self, steps: int) -> Tensor:
        """Levels s_0 = 1 .. s_T of T evaluations.

        Karras spacing for the DPM-Solvers++, unless the network knows fixed steps only; else those of the schedule.

        Raises:
            DiffmpError: other steps than the fixed ones that the network was trained on.
        """
        schedule = SCHEDULES[self.config.schedule]
        if self.config.sampler.startswith("dpm_solver_pp") and schedule.fixed is None:
            return karras_levels(steps, schedule.terminal)
        return schedule.levels(steps)
