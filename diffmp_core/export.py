"""Emulators as one file for a host model: physical columns and noise in, physical tendencies and clouds out.

The file holds the whole of :meth:`diffmp_core.models.base.NetworkEmulator.sample` but the drawing: normalisation,
network, sampler with its steps, guidance, normalisation back, clouds settled. All that is random is an input, so that
the host's own generator rules and a restart repeats itself. docs/coupling.md shows the use from Fortran and Python.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from diffmp_core import __version__
from diffmp_core.drawn import drawn_by_kind
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import CLOUD, NetworkEmulator
from diffmp_core.models.folder import load_emulator
from diffmp_core.storage.files import whole
from diffmp_core.storage.lock import holding
from diffmp_core.variables import INPUT_NAMES, INPUTS, OUTPUT_NAMES, OUTPUTS

Format = Literal["onnx", "torchscript"]

ABOUT = "diffmp"
"""Name of what a file says about itself, JSON: an extra file of TorchScript, a metadata property of ONNX."""

OPSET = 18
"""Version of the ONNX operators written."""

_TRACED = (2, 3)
"""Columns and members of the example that is traced; the file takes any numbers of both."""


class EmulatorProgram(nn.Module):
    """An emulator as a plain function of tensors, for a fixed number of steps and fixed guidance.

    Attributes:
        noise_shape: of the input ``noise``, (draw, column, member, ...), for one column and one member; None for an
            emulator that draws nothing.
    """

    input_offset: Tensor
    input_scale: Tensor
    output_offset: Tensor
    output_scale: Tensor
    floor: Tensor
    possible: Tensor
    cloud: Tensor

    def __init__(self, emulator: NetworkEmulator, *, steps: int, guidance: Sequence[float]) -> None:
        super().__init__()
        self.emulator, self.steps, self.guidance = emulator, steps, tuple(guidance)
        normalization = emulator.normalization
        for name in ("input_offset", "input_scale", "output_offset", "output_scale"):
            values = torch.from_numpy(getattr(normalization, name)).float()
            self.register_buffer(name, values, persistent=False)
        cloud = torch.from_numpy(CLOUD)
        settles = emulator.config.settle_clouds
        floor = torch.from_numpy(normalization.output_floor)[:, None] if settles else torch.zeros(len(OUTPUTS), 1)
        possible = torch.from_numpy(normalization.cloud_possible) if settles else torch.ones_like(cloud)
        self.register_buffer("floor", floor, persistent=False)
        self.register_buffer("possible", possible, persistent=False)
        self.register_buffer("cloud", cloud, persistent=False)
        self.noise_shape = self._find_noise_shape()

    def _find_noise_shape(self) -> tuple[int, ...] | None:
        """Ask once for a column and a member, and see what is drawn."""
        drawn: list[tuple[int, ...]] = []

        def draw(shape: tuple[int, ...]) -> Tensor:
            drawn.append(tuple(shape))
            return torch.zeros(shape)

        with torch.inference_mode():
            condition = torch.zeros(1, len(INPUTS), self.emulator.levels)
            self.emulator.sample_normalised(condition, 1, draw=draw, steps=self.steps, guidance=self.guidance)
        return (len(drawn), *drawn[0]) if drawn else None

    def forward(
        self, T: Tensor, qv: Tensor, Ps: Tensor, SHF: Tensor, LHF: Tensor, SOLIN: Tensor, *noise: Tensor
    ) -> tuple[Tensor, ...]:
        """The four outputs, each (column, member, level), of inputs (column, level) or (column,) and noise.

        NaN throughout for a column with an input that is not finite, and for a member with a value that is not.
        """
        single = [values[:, None].expand_as(T) for values in (Ps, SHF, LHF, SOLIN)]
        profiles = [T, qv, *single]  # in the order of the table of variables, which a test holds
        columns = T.shape[0]
        condition = _never_empty((torch.stack(profiles, dim=1) - self.input_offset) / self.input_scale, columns)
        draws = iter([_never_empty(values, columns) for values in noise[0].unbind()] if noise else ())
        members = noise[0].shape[2] if noise else 1
        normalised = self.emulator.sample_normalised(
            condition, members, draw=lambda shape: next(draws), steps=self.steps, guidance=self.guidance
        )
        outputs = normalised * self.output_scale + self.output_offset
        known = _all_finite(condition, 1)[:, None] & _all_finite(outputs, 2)
        settled = torch.where((outputs >= self.floor) & self.possible, outputs, 0.0)
        outputs = torch.where(self.cloud, settled, outputs)
        outputs = torch.where(known[:, :, None, None], outputs, torch.nan)[:columns]
        return tuple(outputs.unbind(dim=2))

    def example(self) -> tuple[Tensor, ...]:
        """Inputs to trace with: the mean column, and noise."""
        columns, members = _TRACED
        offset = self.input_offset.expand(columns, -1, -1)
        inputs = [offset[:, c] if variable.profile else offset[:, c, 0] for c, variable in enumerate(INPUTS)]
        if self.noise_shape is not None:
            draws, _, _, *rest = self.noise_shape
            inputs.append(torch.zeros(draws, columns, members, *rest))
        return tuple(value.clone() for value in inputs)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return INPUT_NAMES if self.noise_shape is None else (*INPUT_NAMES, "noise")

    def about(self) -> dict[str, Any]:
        """What a host must know: names, dims, units and levels of inputs and outputs, how the sampler is set."""
        normalization = self.emulator.normalization
        inputs: list[dict[str, Any]] = [
            {"name": v.name, "dims": ["column", "level"] if v.profile else ["column"], "units": v.unit} for v in INPUTS
        ]
        if self.noise_shape is not None:
            draws, _, _, *rest = self.noise_shape
            inputs.append({"name": "noise", "dims": [draws, "column", "member", *rest], "units": "1"})
        drawn = drawn_by_kind(self.emulator.kind, members=1, steps=self.steps, guidance=self.guidance)
        return {
            "diffmp_version": __version__,
            "kind": self.emulator.kind,
            "steps": drawn.steps,
            "guidance": None if drawn.guidance is None else list(drawn.guidance),
            "evaluations": drawn.evaluations,
            "inputs": inputs,
            "outputs": [{"name": v.name, "dims": ["column", "member", "level"], "units": v.unit} for v in OUTPUTS],
            "height": {"units": "m", "values": normalization.height.tolist()},
            "pressure": {"units": "Pa", "values": normalization.pressure.tolist()},
        }


def _never_empty(values: Tensor, columns: Tensor | int) -> Tensor:
    """The same values, of one column of zeros where there is none: convolutions refuse an empty batch."""
    one = values.new_zeros((1, *values.shape[1:]))
    return torch.cat([values, one[columns:]])


def _all_finite(values: Tensor, channels: int) -> Tensor:
    """Whether all values (..., channel, level) of a column or member are finite; ``channels``: how many dims before."""
    return values.isfinite().all(dim=channels + 1).all(dim=channels)


@holding("out")
def export_emulator(
    emulator: Path | str,
    out: Path | str,
    *,
    format: Format,
    steps: int = 5,
    guidance: Sequence[float] | None = None,
) -> EmulatorProgram:
    """Write an emulator as one TorchScript or ONNX file, float32; returns what was written.

    Inputs are ``T, qv`` (column, level), ``Ps, SHF, LHF, SOLIN`` (column,) and ``noise`` (draw, column, member, ...),
    standard normal; outputs ``tend_T_sgs, tend_qv_sgs, qc, qi``, each (column, member, level); SI units, level 0
    nearest the surface, any number of columns and members. ``steps`` and ``guidance`` are part of the file, and the
    number of draws follows from them: 1 for DPM-Solver++(2M) and DDIM, ``steps`` for the samplers with fresh noise. A
    regression takes no noise and has one member. For the same noise the answer is that of ``sample`` in float32 within
    rounding.

    Args:
        emulator: emulator folder.
        out: file to write; an old one is replaced when the new one is complete.
        guidance: strength of each output; the emulator's own if not given.

    Raises:
        DiffmpError: no emulator there, options that do not suit it, no ``onnx``, or a file that cannot be written.
    """
    out = Path(out)
    if steps < 1:
        raise DiffmpError(f"expected steps >= 1, found {steps}; choose a larger number")
    model = load_emulator(emulator, precision="float32")
    own = getattr(model.config, "guidance", (0.0,) * len(OUTPUTS))
    program = EmulatorProgram(model, steps=steps, guidance=own if guidance is None else guidance).eval()
    content = {"onnx": _onnx, "torchscript": _torchscript}[format]
    with whole(out) as (part,), torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of each size that becomes part of the file
        part.write_bytes(content(program))
    return program


def _torchscript(program: EmulatorProgram) -> bytes:
    """Made in memory: torch's own writer ends the process where a disk is full."""
    traced = torch.jit.trace(program, program.example(), check_trace=False)
    content = io.BytesIO()
    torch.jit.save(traced, content, _extra_files={ABOUT: json.dumps(program.about())})
    return content.getvalue()


def _onnx(program: EmulatorProgram) -> bytes:
    try:
        import onnx
    except ImportError as error:
        raise DiffmpError(
            "expected the package 'onnx' for --format onnx, found none; pip install 'diffmp[export]'"
        ) from error
    dims = {name: {0: "column"} for name in INPUT_NAMES} | {"noise": {1: "column", 2: "member"}}
    dims |= {name: {0: "column", 1: "member"} for name in OUTPUT_NAMES}
    names = (*program.input_names, *OUTPUT_NAMES)
    content: Any = io.BytesIO()  # which the older exporter takes, though its types do not say so
    torch.onnx.export(
        program,
        program.example(),
        content,
        dynamo=False,
        opset_version=OPSET,
        input_names=program.input_names,
        output_names=OUTPUT_NAMES,
        dynamic_axes={name: dims[name] for name in names},
    )
    model = onnx.load_model_from_string(content.getvalue())
    onnx.helper.set_model_props(model, {ABOUT: json.dumps(program.about())})
    return model.SerializeToString()
