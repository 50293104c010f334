"""The network of DIFF-MP (Section 3.1 and Figure A1 of the paper): a denoiser of profiles, given their column.

Its rivals answer with the same network: in place of the noised profiles x_t a latent z passes (CVAE-MP, CGAN-MP) or
zeros (the regressions), at the one noise level s = 0.

Two paths meet in the network. One is read by DBlocks, and a FiLM turns each of their states into the modulation of a
layer; the other passes through the UBlocks that are so modulated, and becomes the output.

``film_path="noised"`` is the paper: the DBlocks read x_t, and the condition c passes through the UBlocks. Unconditional
means "c replaced by x_t" (Figure 5); the one with fewer channels is filled up with zeros, and there is a flag channel.

``film_path="condition"`` swaps the two: the DBlocks read c, and x_t passes through the UBlocks. The work on c is then
done once a column (DBlocks) or once a column and noise level (FiLM), and shared by all members. Unconditional means a
learned column in place of c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from diffmp_core.models.blocks import (
    UBLOCK_DILATIONS_FIRST,
    UBLOCK_DILATIONS_LAST,
    DBlock,
    FiLM,
    InputConvolution,
    Modulation,
    NoiseEmbedding,
    OutputHead,
    UBlock,
    convolution,
    to_image,
)

FilmPath = Literal["noised", "condition"]


@dataclass(frozen=True)
class Context:
    """What is known of columns before any noise level: made once, used by all members and steps.

    ``features``: tensors (1, channel, level, column), the states of the DBlocks or else the condition itself.
    ``hidden``: mask (column,) of columns whose condition is hidden from the network.
    """

    features: tuple[Tensor, ...]
    hidden: Tensor


class Denoiser(nn.Module):
    """Network ``(x_t, s, c) -> output`` with ``layers`` pairs of FiLM and UBlock of ``filters`` channels.

    Use: ``context = denoiser.encode(c)`` once a column, then ``denoiser(x, s, context)`` at each noise level.
    """

    def __init__(
        self,
        *,
        condition_channels: int,
        noised_channels: int,
        output_channels: int,
        levels: int,
        filters: int,
        layers: int,
        film_path: FilmPath,
    ) -> None:
        super().__init__()
        self.film_path = film_path
        read, passed = condition_channels, noised_channels
        kinds: tuple[type[nn.Conv2d], type[nn.Conv2d]] = InputConvolution, nn.Conv2d
        if film_path == "noised":
            read, passed = noised_channels, max(condition_channels, noised_channels) + 1
            kinds = nn.Conv2d, InputConvolution
        dilations = [UBLOCK_DILATIONS_FIRST] * (layers // 2) + [UBLOCK_DILATIONS_LAST] * (layers - layers // 2)
        self.embedding = NoiseEmbedding(filters)
        self.read_in = convolution(read, filters, kind=kinds[0])
        self.dblocks = nn.ModuleList(DBlock(filters) for _ in range(layers - 1))
        self.films = nn.ModuleList(FiLM(filters) for _ in range(layers))
        self.pass_in = convolution(passed, filters, kind=kinds[1])
        self.ublocks = nn.ModuleList(UBlock(filters, d) for d in dilations)
        self.head = OutputHead(filters, output_channels, levels)
        self.null_condition: nn.Parameter | None = None
        if film_path == "condition":
            self.null_condition = nn.Parameter(torch.zeros(condition_channels, levels))

    def encode(self, condition: Tensor, hidden: Tensor | None = None) -> Context:
        """Context of columns from their normalised condition (column, channel, level), kept back where ``hidden``."""
        if hidden is None:
            hidden = torch.zeros(condition.shape[0], dtype=torch.bool, device=condition.device)
        if self.null_condition is None:
            return Context((to_image(condition[:, None], torch.float32),), hidden)
        condition = torch.where(hidden[:, None, None], self.null_condition.float(), condition)
        return Context(self._read(to_image(condition[:, None], torch.float32)), hidden)

    def encode_hidden(self, condition: Tensor) -> Context:
        """Context of the same columns with every condition hidden; one stands for all, as all are alike."""
        return self.encode(condition[:1], torch.ones(1, dtype=torch.bool, device=condition.device))

    def forward(self, x: Tensor, noise_level: Tensor, context: Context) -> Tensor:
        """Network output for noised profiles.

        Args:
            x: x_t, normalised, shape (column, member, noised channel, level).
            noise_level: s = sqrt(alpha_bar), shape (column,), or (1,) for all.
            context: of the same columns, or of one column that stands for all.

        Returns:
            Shape (column, member, output channel, level), type of ``x``; what it means (noise, velocity, the outputs
            themselves) is a matter of training.
        """
        noised, embedding = self._image(x), self.embedding(noise_level)
        if self.film_path == "condition":
            states, passed = context.features, noised
        else:
            states, passed = self._read(noised), self._flagged_condition(noised, context)
            if len(embedding) > 1:
                embedding = embedding.repeat_interleave(x.shape[1], dim=0)
        modulations = [film(state, embedding) for film, state in zip(self.films, states, strict=True)]
        output = self._pass(passed, modulations)
        return output[0].unflatten(2, x.shape[:2]).permute(2, 3, 0, 1).to(x.dtype)

    def _image(self, profiles: Tensor) -> Tensor:
        return to_image(profiles, self.read_in.weight.dtype)

    def _read(self, image: Tensor) -> tuple[Tensor, ...]:
        """States of the reading path, one a layer."""
        states = [self.read_in(image)]
        for block in self.dblocks:
            states.append(block(states[-1]))
        return tuple(states)

    def _pass(self, image: Tensor, modulations: list[Modulation]) -> Tensor:
        """Output of the passing path; its first UBlock takes the modulation by the deepest state."""
        y = self.pass_in(image)
        for block, modulation in zip(self.ublocks, reversed(modulations), strict=True):
            y = block(y, modulation)
        return self.head(y)

    def _flagged_condition(self, noised: Tensor, context: Context) -> Tensor:
        """Condition of each profile and a flag: (c, 0), or (x_t, zeros, 1) where it is hidden (Figure 5, line 6)."""
        (condition,) = context.features
        members = noised.shape[-1] // condition.shape[-1]
        condition = condition.repeat_interleave(members, dim=-1)
        hidden = context.hidden.repeat_interleave(members)
        flag = torch.zeros_like(noised[:, :1])
        channels = max(condition.shape[1], noised.shape[1])
        condition, noised = (_filled(image, channels) for image in (condition, noised))
        given, replaced = torch.cat([condition, flag], dim=1), torch.cat([noised, flag + 1], dim=1)
        return torch.where(hidden, replaced, given).contiguous(memory_format=torch.channels_last)


def _filled(image: Tensor, channels: int) -> Tensor:
    """The same image with channels of zeros behind its own."""
    return functional.pad(image, (0, 0, 0, 0, 0, channels - image.shape[1]))
