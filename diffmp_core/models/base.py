"""What every emulator can do: sample; and, if it is a network, be trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from torch import Generator, Tensor, nn

from diffmp_core.columns.normalize import Method, Normalization
from diffmp_core.errors import DiffmpError, DivergedError
from diffmp_core.kinds import KINDS
from diffmp_core.models.denoiser import Denoiser, FilmPath
from diffmp_core.variables import INPUTS, OUTPUTS

CLOUD = np.array([variable.non_negative for variable in OUTPUTS])[:, None]
"""Which outputs (4, 1) are never negative."""

VECTOR = 16
"""Channels that the vector units of CPUs, and the matrix units of GPUs, take at once."""

Draw = Callable[[tuple[int, ...]], Tensor]
"""Standard normal noise of a shape, float32, on the device of the network."""


def normal_draws(generator: Generator) -> Draw:
    """Draws of a generator, on its device."""
    return lambda shape: torch.randn(shape, generator=generator, device=generator.device)


class Emulator(Protocol):
    """Anything that answers a column with an ensemble of profiles."""

    @property
    def kind(self) -> str:
        """Which class of emulator it is."""
        ...

    def sample(
        self, inputs: Tensor, members: int, *, generator: Generator, steps: int, guidance: tuple[float, ...]
    ) -> Tensor:
        """Ensemble (column, member, 4, level) for inputs (column, 6, level), both float32 in physical units."""
        ...


def refuse_not_finite(inputs: Tensor) -> None:
    """Refuse inputs (column, 6, level) with a value that is NaN or infinite: to most of an answer it would not show.

    Raises:
        DiffmpError: the first variable that has one, and in how many columns.
    """
    finite = inputs.isfinite().all(dim=2)
    if finite.all():
        return
    channel = int((~finite).any(dim=0).nonzero()[0])
    columns = (~finite[:, channel]).nonzero()
    raise DiffmpError(
        f"expected finite values of {INPUTS[channel].name}, found NaN or infinity in {len(columns)} of {len(inputs)} "
        f"columns (first: column {int(columns[0])}); repair or leave them out"
    )


class NetworkConfig(BaseModel):
    """Options of an emulator that is a trained network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    normalization: Method = "calibrated"
    """Method that the normalisation was fitted with."""
    settle_clouds: bool = True
    """Set samples of qc and qi to zero below the floor, and at levels where the training data have no cloud."""
    filters: int = Field(default=64, ge=4, multiple_of=2)
    """Filters F of every layer; the paper's 128 takes four times the work of 64. Above 16 a multiple of 16: with others
    oneDNN's bfloat16 kernels for the gradient of a dilated convolution read beyond their arrays, and may crash."""
    layers: int = Field(default=6, ge=1)
    """Pairs of FiLM and UBlock; the paper has 6."""
    film_path: FilmPath = "condition"
    """What the DBlocks read: the paper's ``noised`` profiles, or the ``condition`` (shared by all members)."""

    @field_validator("filters")
    @classmethod
    def _whole_vectors(cls, filters: int) -> int:
        if filters > VECTOR and filters % VECTOR:
            raise ValueError(f"above {VECTOR} filters a multiple of {VECTOR} is needed")
        return filters


class NetworkEmulator(nn.Module, ABC):
    """An emulator that is a trained network with a normalisation; subclasses say how to train and sample it.

    :data:`diffmp_core.kinds.KINDS` makes a subclass known to :func:`build_emulator` by its ``kind``.
    """

    kind: ClassVar[str]
    config_class: ClassVar[type[NetworkConfig]]

    def __init__(self, config: NetworkConfig, normalization: Normalization) -> None:
        super().__init__()
        if config.normalization != normalization.method:
            raise DiffmpError(
                f"expected a normalisation of method {config.normalization!r} as the model says, found "
                f"{normalization.method!r}; fit it again or change model.normalization"
            )
        self.config = config
        self.normalization = normalization
        self.levels = len(normalization.height)
        self.denoiser = self.make_network()

    def make_network(self) -> Denoiser:
        """The network that answers, untrained; called once, when ``config`` and ``levels`` are set."""
        return self.network()

    def network(
        self,
        *,
        noised_channels: int = len(OUTPUTS),
        output_channels: int = len(OUTPUTS),
        layers: int | None = None,
    ) -> Denoiser:
        """A network of the configured size (or of other ``layers``) for the columns of this emulator."""
        return Denoiser(
            condition_channels=len(INPUTS),
            noised_channels=noised_channels,
            output_channels=output_channels,
            levels=self.levels,
            filters=self.config.filters,
            layers=layers or self.config.layers,
            film_path=self.config.film_path,
        )

    def set_out(self) -> None:
        """Called once, before a training: take up what it is to set out from; nothing, as a rule."""

    @property
    def device(self) -> torch.device:
        """Where the network lies, and where generators of noise belong."""
        return next(self.parameters()).device

    @abstractmethod
    def training_loss(self, inputs: Tensor, outputs: Tensor, generator: Generator) -> Tensor:
        """Scalar loss of a batch, normalised inputs (column, 6, level) and outputs (column, 4, level).

        One descent of its gradient trains all parameters, also those of networks that compete.
        """

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What is trained, as groups of one torch optimiser: ``params``, and where a group differs, its ``betas``.

        ``rate`` multiplies the learning rate of the training. Frozen parameters are in no group. Gradients are clipped
        group by group.
        """
        return [{"params": [parameter for parameter in self.parameters() if parameter.requires_grad], "rate": 1.0}]

    def forward(self, inputs: Tensor, outputs: Tensor, generator: Generator) -> Tensor:
        """:meth:`training_loss`, in the form that distributed wrappers call."""
        return self.training_loss(inputs, outputs, generator)

    @abstractmethod
    def sample_normalised(
        self, condition: Tensor, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Tensor:
        """Normalised ensemble (column, member, 4, level), float32, for normalised inputs (column, 6, level).

        All that is random comes from ``draw``, whose shapes begin with (column, member).
        """

    def respond(self, x: Tensor, condition: Tensor) -> Tensor:
        """The network at s = 0, where it serves as a map of (x, c): (column, member, output channel, level).

        Args:
            x: a latent, or zeros, (column, member, noised channel, level).
            condition: normalised inputs (column, 6, level).
        """
        return self.denoiser(x, torch.zeros(1, device=x.device), self.denoiser.encode(condition))

    def physical_outputs(self, normalised: Tensor) -> np.ndarray:
        """Normalised outputs (..., 4, level) in physical units, clouds never negative, settled if so configured."""
        outputs = self.normalization.invert_outputs(normalised.cpu().numpy())
        if self.config.settle_clouds:
            return self.normalization.settle_clouds(outputs)
        return np.where(CLOUD & (outputs < 0), np.float32(0), outputs)

    def sample(
        self,
        inputs: Tensor,
        members: int,
        *,
        generator: Generator,
        steps: int = 5,
        guidance: Sequence[float] = (0.0,) * len(OUTPUTS),
    ) -> Tensor:
        """Ensemble of output profiles for a batch of columns, with the noise of a generator on the network's device.

        The same seed, shape, ``members`` and ``steps`` give the same noise, whatever the inputs and the guidance. See
        :meth:`sample_drawn`.
        """
        return self.sample_drawn(inputs, members, draw=normal_draws(generator), steps=steps, guidance=guidance)

    @torch.inference_mode()
    def sample_drawn(
        self, inputs: Tensor, members: int, *, draw: Draw, steps: int, guidance: Sequence[float]
    ) -> Tensor:
        """Ensemble of output profiles for a batch of columns.

        Args:
            inputs: physical units, shape (column, 6, level), channels and levels as in the table of variables.
            members: ensemble size.
            draw: source of all noise; its shapes begin with (column, member).
            steps: evaluations of the network.
            guidance: strength w of each of the four outputs.

        Returns:
            Physical units, shape (column, member, 4, level), float32, on the CPU.

        Raises:
            DiffmpError: inputs of another shape or not finite, options out of range, or samples that are not finite.
        """
        if inputs.ndim != 3 or inputs.shape[1:] != (len(INPUTS), self.levels):
            raise DiffmpError(
                f"expected inputs of shape (column, {len(INPUTS)}, {self.levels}), found {tuple(inputs.shape)}; "
                "use columns of the source that the emulator was trained on"
            )
        if members < 1 or steps < 1 or len(guidance) != len(OUTPUTS):
            raise DiffmpError(
                f"expected members >= 1, steps >= 1 and {len(OUTPUTS)} guidance strengths, "
                f"found {members}, {steps} and {len(guidance)}; change these options"
            )
        refuse_not_finite(inputs)
        condition = torch.from_numpy(self.normalization.apply_inputs(inputs.cpu().numpy())).to(self.device)
        normalised = self.sample_normalised(condition, members, draw=draw, steps=steps, guidance=tuple(guidance))
        if not (finite := normalised.isfinite().flatten(1).all(dim=1)).all():
            raise DivergedError(
                f"expected finite samples, found NaN or infinity in {int((~finite).sum())} of {len(finite)} columns; "
                "train the emulator longer, or try more steps or less guidance"
            )
        return torch.from_numpy(self.physical_outputs(normalised))

    @classmethod
    def from_config(cls, model: Mapping[str, Any], normalization: Normalization) -> Self:
        """Fresh emulator of this class; raises DiffmpError at an option that is unknown or out of range."""
        try:
            config = cls.config_class.model_validate(model)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, ("model", *first["loc"])))
            raise DiffmpError(
                f"expected a valid option {place}, found {first.get('input')!r} ({first['msg']}); correct the config"
            ) from error
        return cls(config, normalization)


def network_class(kind: object) -> type[NetworkEmulator]:
    """Class of the emulators of a kind.

    Raises:
        DiffmpError: a kind that is unknown, or has no network.
    """
    known = [name for name, entry in KINDS.items() if entry.network]
    make = KINDS[kind].emulator if isinstance(kind, str) and kind in KINDS else None
    if make is None:
        raise DiffmpError(f"expected model.kind among {sorted(known)}, found {kind!r}; correct the config")
    return make()


def build_emulator(model: Mapping[str, Any], normalization: Normalization) -> NetworkEmulator:
    """Fresh, untrained emulator from a ``model`` section; its weights come from torch's global generator.

    Raises:
        DiffmpError: an unknown kind, or an option that is unknown or out of range.
    """
    return network_class(model.get("kind")).from_config(model, normalization)
