"""What every emulator can do: sample; and, if it is a network, be trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import torch
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator
from torch import Generator, Tensor, nn

from diffmp_core.columns.normalize import Method, Normalization
from diffmp_core.errors import DiffmpError, DivergedError
from diffmp_core.kinds import KINDS
from diffmp_core.models.denoiser import Denoiser, FilmPath
from diffmp_core.models.normalizer import Normalised, Normalizer, Physical
from diffmp_core.schema import ColumnSchema
from diffmp_core.variables import Channels

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

    @property
    def schema(self) -> ColumnSchema:
        """Variables and levels of the columns that it reads and returns."""
        ...

    def sample(
        self, inputs: Physical, members: int, *, generator: Generator, steps: int, guidance: tuple[float, ...]
    ) -> Physical:
        """Ensemble (column, member, output, level) for inputs (column, input, level), both float32."""
        ...


def refuse_not_finite(inputs: Physical, channels: Channels) -> None:
    """Refuse inputs (column, input, level) with a value that is NaN or infinite: most of an answer would not show it.

    Raises:
        DiffmpError: the first variable that has one, and in how many columns.
    """
    finite = inputs.isfinite().all(dim=2)
    if finite.all():
        return
    channel = int((~finite).any(dim=0).nonzero()[0])
    columns = (~finite[:, channel]).nonzero()
    raise DiffmpError(
        f"expected finite values of {channels[channel].name}, found NaN or infinity in {len(columns)} of {len(inputs)} "
        f"columns (first: column {int(columns[0])}); repair or leave them out"
    )


class NetworkConfig(BaseModel):
    """Options of an emulator that is a trained network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    normalization: Method = "calibrated"
    """Method that the normalisation was fitted with."""
    zero_traces: bool = Field(
        default=True,
        validation_alias=AliasChoices("zero_traces", "settle_clouds"),
        serialization_alias="settle_clouds",
    )
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
        self.schema = normalization.schema
        self.normalizer = Normalizer(normalization)
        self.denoiser = self.make_network()

    def make_network(self) -> Denoiser:
        """The network that answers, untrained; called once, when ``config`` and ``schema`` are set."""
        return self.network()

    def network(
        self,
        *,
        noised_channels: int | None = None,
        output_channels: int | None = None,
        layers: int | None = None,
    ) -> Denoiser:
        """A network of the configured size (or of other ``layers``) for the columns of this emulator.

        Args:
            noised_channels, output_channels: one an output by default.
        """
        return Denoiser(
            condition_channels=len(self.schema.inputs),
            noised_channels=noised_channels or len(self.schema.outputs),
            output_channels=output_channels or len(self.schema.outputs),
            levels=self.schema.levels,
            filters=self.config.filters,
            layers=layers or self.config.layers,
            film_path=self.config.film_path,
        )

    def warm_start(self) -> None:
        """Called once, before a training: take up the weights that it starts from; none, as a rule."""

    @property
    def device(self) -> torch.device:
        """Where the network lies, and where generators of noise belong."""
        return next(self.parameters()).device

    @abstractmethod
    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Scalar loss of a batch, normalised inputs (column, input, level) and outputs (column, output, level).

        One descent of its gradient trains all parameters, also those of networks that compete.
        """

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What is trained, as groups of one torch optimiser: ``params``, and where a group differs, its ``betas``.

        ``rate`` multiplies the learning rate of the training. Frozen parameters are in no group. Gradients are clipped
        group by group.
        """
        return [{"params": [parameter for parameter in self.parameters() if parameter.requires_grad], "rate": 1.0}]

    def forward(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """:meth:`training_loss`, in the form that distributed wrappers call."""
        return self.training_loss(inputs, outputs, generator)

    @abstractmethod
    def sample_normalised(
        self, condition: Normalised, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Normalised:
        """Normalised ensemble (column, member, output, level), float32, for normalised inputs (column, input, level).

        All that is random comes from ``draw``, whose shapes begin with (column, member).
        """

    def evaluate_without_noise(self, x: Tensor, condition: Tensor) -> Tensor:
        """The network at s = 0, where it serves as a map of (x, c): (column, member, output channel, level).

        Args:
            x: a latent, or zeros, (column, member, noised channel, level).
            condition: normalised inputs (column, input, level).
        """
        return self.denoiser(x, torch.zeros(1, device=x.device), self.denoiser.encode(condition))

    def noise(self, columns: int, members: int, draw: Draw) -> Normalised:
        """Standard normal outputs (column, member, output, level); single values have one draw for all levels."""
        return Normalised(
            self.normalizer.share_noise_of_single_values(draw((columns, members, *self.schema.output_shape)))
        )

    def physical_outputs(self, normalised: Normalised) -> Physical:
        """Normalised outputs (..., output, level) in physical units; never below zero what cannot be.

        Where so configured traces are zero, too.
        """
        outputs = self.normalizer.physical_outputs(normalised)
        if self.config.zero_traces:
            return self.normalizer.zero_traces(outputs)
        return self.normalizer.zero_negative(outputs)

    @property
    def guidance(self) -> tuple[float, ...]:
        """Guidance strength w of each output that suits this emulator: none, where it knows none."""
        return (0.0,) * len(self.schema.outputs)

    def sample(
        self,
        inputs: Physical,
        members: int,
        *,
        generator: Generator,
        steps: int = 5,
        guidance: Sequence[float] | None = None,
    ) -> Physical:
        """Ensemble of outputs for a batch of columns, with the noise of a generator on the network's device.

        The same seed, shape, ``members`` and ``steps`` give the same noise, whatever the inputs and the guidance. See
        :meth:`sample_drawn`; without ``guidance`` there is none.
        """
        strengths = (0.0,) * len(self.schema.outputs) if guidance is None else guidance
        return self.sample_drawn(inputs, members, draw=normal_draws(generator), steps=steps, guidance=strengths)

    @torch.inference_mode()
    def sample_drawn(
        self, inputs: Physical, members: int, *, draw: Draw, steps: int, guidance: Sequence[float]
    ) -> Physical:
        """Ensemble of outputs for a batch of columns, on the network's device from beginning to end.

        Args:
            inputs: shape (column, input, level), channels and levels as in ``schema``, on any device.
            members: ensemble size.
            draw: source of all noise; its shapes begin with (column, member).
            steps: evaluations of the network.
            guidance: strength w of each output.

        Returns:
            Shape (column, member, output, level), float32; a single value is the same at all levels.

        Raises:
            DiffmpError: inputs of another shape or not finite, options out of range, or samples that are not finite.
        """
        count, levels = self.schema.input_shape
        if inputs.ndim != 3 or inputs.shape[1:] != (count, levels):
            raise DiffmpError(
                f"expected inputs of shape (column, {count}, {levels}), found {tuple(inputs.shape)}; "
                "use columns of the source that the emulator was trained on"
            )
        if members < 1 or steps < 1 or len(guidance) != len(self.schema.outputs):
            raise DiffmpError(
                f"expected members >= 1, steps >= 1 and {len(self.schema.outputs)} guidance strengths, "
                f"found {members}, {steps} and {len(guidance)}; change these options"
            )
        refuse_not_finite(inputs, self.schema.inputs)
        condition = self.normalizer.normalise_inputs(Physical(inputs.to(self.device)))
        normalised = self.sample_normalised(condition, members, draw=draw, steps=steps, guidance=tuple(guidance))
        if not (finite := normalised.isfinite().flatten(1).all(dim=1)).all():
            raise DivergedError(
                f"expected finite samples, found NaN or infinity in {int((~finite).sum())} of {len(finite)} columns; "
                "train the emulator longer, or try more steps or less guidance"
            )
        return self.physical_outputs(normalised)

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
