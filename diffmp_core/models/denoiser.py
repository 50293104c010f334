"""The network of DIFF-MP (Section 3.1 and Figure A1 of the paper): a denoiser of profiles, given a column.

Two paths meet in the network. One is read by DBlocks, whose states a FiLM turns into one modulation a layer; the
other passes through the UBlocks that these modulate, and becomes the output.

``film_path="noised"`` is the paper: x_t is read by the DBlocks, the condition c passes through the UBlocks. Unconditional
means "c replaced by x_t" (Figure 5), so c carries two zero channels and a flag then.
``film_path="condition"`` swaps them: c is read by the DBlocks, x_t passes through the UBlocks. All work on c is then done
once a column (DBlocks) or once a column and noise level (FiLM), and shared by all members; unconditional means a
learned column in place of c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from diffmp_core.models.blocks import (
    UBLOCK_DILATIONS_FIRST,
    UBLOCK_DILATIONS_LAST,
    DBlock,
    FiLM,
    Modulation,
    NoiseEmbedding,
    OutputHead,
    UBlock,
    convolution,
    initialise,
)

FilmPath = Literal["noised", "condition"]


@dataclass(frozen=True)
class Context:
    """What is known of the columns before any noise level: made once, used by all members and steps.

    ``features``: tensors (1, channel, level, column); the states of the DBlocks, or the condition itself.
    ``unconditional``: mask (column,) of columns whose condition is hidden.
    """

    features: tuple[Tensor, ...]
    unconditional: Tensor


class Denoiser(nn.Module):
    """Network ``(x_t, s, c) -> output`` with ``layers`` pairs of FiLM and UBlock of ``filters`` channels.

    Calls: ``context = denoiser.encode(c)`` once a column, then ``denoiser(x, s, context)`` at each noise level.
    """

    def __init__(
        self, *, condition_channels: int, output_channels: int, levels: int, filters: int, layers: int, film_path: FilmPath
    ) -> None:
        super().__init__()
        self.condition_channels = condition_channels
        self.film_path = film_path
        if film_path == "noised":
            read, passed = output_channels, condition_channels + 1
        else:
            read, passed = condition_channels, output_channels
        self.embedding = NoiseEmbedding(filters)
        self.read_in = convolution(read, filters)
        self.dblocks = nn.ModuleList(DBlock(filters) for _ in range(layers - 1))
        self.films = nn.ModuleList(FiLM(filters) for _ in range(layers))
        self.pass_in = convolution(passed, filters)
        self.ublocks = nn.ModuleList(
            UBlock(filters, UBLOCK_DILATIONS_FIRST if layer < layers // 2 else UBLOCK_DILATIONS_LAST)
            for layer in range(layers)
        )
        initialise(self)
        self.head = OutputHead(filters, output_channels, levels)
        self.null_condition = nn.Parameter(torch.zeros(condition_channels, levels)) if film_path == "condition" else None
        self.to(memory_format=torch.channels_last)

    def encode(self, condition: Tensor, unconditional: Tensor | None = None) -> Context:
        """Context of columns ``condition`` (column, channel, level), normalised.

        ``unconditional`` (column,) is true where the condition is to be hidden; nowhere if not given.
        """
        if unconditional is None:
            unconditional = torch.zeros(condition.shape[0], dtype=torch.bool, device=condition.device)
        if self.null_condition is None:
            return Context((self._image(condition[:, None]),), unconditional)
        condition = torch.where(unconditional[:, None, None], self.null_condition, condition)
        return Context(self._read(self._image(condition[:, None])), unconditional)

    def encode_hidden(self, condition: Tensor) -> Context:
        """Context of the same columns with their condition hidden; one column stands for all, as all are alike."""
        return self.encode(condition[:1], torch.ones(1, dtype=torch.bool, device=condition.device))

    def forward(self, x: Tensor, noise_level: Tensor, context: Context) -> Tensor:
        """Network output for noised profiles.

        Args:
            x: x_t, shape (column, member, channel, level), normalised.
            noise_level: s = sqrt(alpha_bar), shape (column,) or (1,).
            context: of the same columns, or of one column that stands for all.

        Returns:
            Shape and type of ``x``: what the network was trained to say, noise or velocity.
        """
        noised = self._image(x)
        embedding = self.embedding(noise_level)
        if self.film_path == "noised":
            states, passed = self._read(noised), self._condition_image(noised, context)
            if embedding.shape[0] > 1:
                embedding = embedding.repeat_interleave(x.shape[1], dim=0)
        else:
            states, passed = context.features, noised
        modulations = [film(state, embedding) for film, state in zip(self.films, states, strict=True)]
        output = self._pass(passed, modulations)
        return output[0].unflatten(-1, x.shape[:2]).permute(2, 3, 0, 1).to(x.dtype)

    def _image(self, profiles: Tensor) -> Tensor:
        """Profiles (column, member, channel, level) in the layout of the blocks, (1, channel, level, column * member)."""
        image = profiles.to(self.read_in.weight.dtype).permute(2, 3, 0, 1).flatten(2)[None]
        return image.contiguous(memory_format=torch.channels_last)

    def _read(self, image: Tensor) -> tuple[Tensor, ...]:
        """States of the reading path, one a layer, the first layer first."""
        states = [self.read_in(image)]
        for block in self.dblocks:
            states.append(block(states[-1]))
        return tuple(states)

    def _pass(self, image: Tensor, modulations: list[Modulation]) -> Tensor:
        """Output of the passing path; its first UBlock takes the modulation of the deepest state."""
        y = self.pass_in(image)
        for block, modulation in zip(self.ublocks, reversed(modulations), strict=True):
            y = block(y, modulation)
        return self.head(y)

    def _condition_image(self, noised: Tensor, context: Context) -> Tensor:
        """Condition of each profile with a flag channel: c and 0, or x_t, zeros and 1 where c is hidden (Figure 5, line 6)."""
        (condition,) = context.features
        members = noised.shape[-1] // condition.shape[-1]
        condition = condition.repeat_interleave(members, dim=-1)
        hidden = context.unconditional.repeat_interleave(members)
        zeros = torch.zeros_like(noised[:, :1])
        padding = self.condition_channels - noised.shape[1]
        given = torch.cat([condition, zeros], dim=1)
        replaced = torch.cat([noised, *[zeros] * padding, zeros + 1], dim=1)
        return torch.where(hidden, replaced, given).contiguous(memory_format=torch.channels_last)
