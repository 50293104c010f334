"""Emulators as one file for a host model: physical columns and noise in, physical tendencies and clouds out.

The file holds the whole of :meth:`diffmp_core.models.base.NetworkEmulator.sample` but the drawing: normalisation,
network, sampler with its steps, guidance, normalisation back, traces of cloud set to zero. All that is random is an
input, so that the host's own generator rules and a restart repeats itself. docs/coupling.md shows the use from Fortran
and Python.
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
from diffmp_core.models.base import NetworkEmulator
from diffmp_core.models.folder import load_emulator
from diffmp_core.models.normalizer import Normalised, Physical
from diffmp_core.storage.files import whole
from diffmp_core.storage.lock import holding

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
        schema: variables and levels of its columns.
        noise_shape: of the input ``noise``, (draw, column, member, ...), for one column and one member; None for an
            emulator that draws nothing.
    """

    def __init__(self, emulator: NetworkEmulator, *, steps: int, guidance: Sequence[float]) -> None:
        super().__init__()
        self.emulator, self.steps, self.guidance = emulator, steps, tuple(guidance)
        self.schema = emulator.schema
        self.noise_shape = self._find_noise_shape()

    def _find_noise_shape(self) -> tuple[int, ...] | None:
        """Ask once for a column and a member, and see what is drawn."""
        drawn: list[tuple[int, ...]] = []

        def draw(shape: tuple[int, ...]) -> Tensor:
            drawn.append(tuple(shape))
            return torch.zeros(shape)

        with torch.inference_mode():
            condition = Normalised(torch.zeros(1, *self.schema.input_shape))
            self.emulator.sample_normalised(condition, 1, draw=draw, steps=self.steps, guidance=self.guidance)
        return (len(drawn), *drawn[0]) if drawn else None

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """The outputs, each (column, member[, level]), of the inputs, each (column[, level]), and of noise.

        NaN throughout for a column with an input that is not finite, and for a member with a value that is not.
        """
        inputs, noise = given[: len(self.schema.inputs)], given[len(self.schema.inputs) :]
        columns, levels = inputs[0].shape[0], self.schema.levels
        profiles = [
            values if variable.profile else values[:, None].expand(-1, levels)
            for variable, values in zip(self.schema.inputs, inputs, strict=True)
        ]
        normalizer = self.emulator.normalizer
        condition = _never_empty(normalizer.normalise_inputs(Physical(torch.stack(profiles, dim=1))), columns)
        draws = iter([_never_empty(values, columns) for values in noise[0].unbind()] if noise else ())
        members = noise[0].shape[2] if noise else 1
        normalised = self.emulator.sample_normalised(
            Normalised(condition), members, draw=lambda shape: next(draws), steps=self.steps, guidance=self.guidance
        )
        known = _all_finite(condition, 1)[:, None] & _all_finite(normalised, 2)
        outputs = self.emulator.physical_outputs(normalised)
        outputs = Physical(torch.where(known[:, :, None, None], outputs, torch.nan)[:columns])
        return tuple(
            values if variable.profile else values[..., 0]
            for variable, values in zip(self.schema.outputs, outputs.unbind(dim=2), strict=True)
        )

    def example(self) -> tuple[Tensor, ...]:
        """Inputs to trace with: the mean column, and noise."""
        columns, members = _TRACED
        offset = self.emulator.normalizer.input_offset.expand(columns, -1, -1)
        inputs = [offset[:, c] if v.profile else offset[:, c, 0] for c, v in enumerate(self.schema.inputs)]
        if self.noise_shape is not None:
            draws, _, _, *rest = self.noise_shape
            inputs.append(torch.zeros(draws, columns, members, *rest))
        return tuple(value.clone() for value in inputs)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in order; one whose name an output bears, too, has ``input_`` before it."""
        names = tuple(map(self.schema.variables.stored_input, self.schema.inputs.names))
        return names if self.noise_shape is None else (*names, "noise")

    def about(self) -> dict[str, Any]:
        """What a host must know: names, dims, units and levels of inputs and outputs, how the sampler is set."""
        inputs: list[dict[str, Any]] = [
            {"name": name, "dims": ["column", "level"] if v.profile else ["column"], "units": v.unit}
            for name, v in zip(self.input_names, self.schema.inputs, strict=False)
        ]
        if self.noise_shape is not None:
            draws, _, _, *rest = self.noise_shape
            inputs.append({"name": "noise", "dims": [draws, "column", "member", *rest], "units": "1"})
        outputs = [
            {"name": v.name, "dims": ["column", "member", *(["level"] if v.profile else [])], "units": v.unit}
            for v in self.schema.outputs
        ]
        drawn = drawn_by_kind(self.emulator.kind, members=1, steps=self.steps, guidance=self.guidance)
        return {
            "diffmp_version": __version__,
            "kind": self.emulator.kind,
            "steps": drawn.steps,
            "guidance": None if drawn.guidance is None else list(drawn.guidance),
            "evaluations": drawn.evaluations,
            "inputs": inputs,
            "outputs": outputs,
            "height": {"units": "m", "values": self.schema.height.tolist()},
            "pressure": {"units": "Pa", "values": self.schema.pressure.tolist()},
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

    Inputs are those of the emulator's schema, (column, level) or (column,), such as ``T, qv, Ps, SHF, LHF, SOLIN``, and
    ``noise`` (draw, column, member, ...), standard normal; outputs its outputs, such as ``tend_T_sgs, tend_qv_sgs, qc,
    qi``, (column, member, level) or (column, member); SI units, level 0 nearest the surface, any number of columns and
    members. ``steps`` and ``guidance`` are part of the file, and the
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
    strengths = model.guidance if guidance is None else guidance
    if len(strengths) != len(model.schema.outputs):
        raise DiffmpError(
            f"expected {len(model.schema.outputs)} guidance strengths ({', '.join(model.schema.outputs.names)}), found "
            f"{len(strengths)}; give one an output"
        )
    program = EmulatorProgram(model, steps=steps, guidance=strengths).eval()
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
    outputs = program.schema.outputs.names
    dims: dict[str, dict[int, str]] = {name: {0: "column"} for name in program.input_names}
    dims |= {"noise": {1: "column", 2: "member"}} | {name: {0: "column", 1: "member"} for name in outputs}
    names = (*program.input_names, *outputs)
    content: Any = io.BytesIO()  # which the older exporter takes, though its types do not say so
    torch.onnx.export(
        program,
        program.example(),
        content,
        dynamo=False,
        opset_version=OPSET,
        input_names=program.input_names,
        output_names=outputs,
        dynamic_axes={name: dims[name] for name in names},
    )
    model = onnx.load_model_from_string(content.getvalue())
    onnx.helper.set_model_props(model, {ABOUT: json.dumps(program.about())})
    return model.SerializeToString()
