"""``normalization.json``: the readable file form of a :class:`~diffmp_core.columns.normalize.Normalization`.

Numbers are written with as many digits as bring back the same float64, so that a round trip is bit-exact.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from diffmp_core.columns.normalize import Method, Normalization
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, parse_json, read_document
from diffmp_core.storage.files import write_text
from diffmp_core.variables import INPUT_NAMES, OUTPUT_NAMES, OUTPUTS

_COPY_AGAIN = "copy the emulator again or train it anew"

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Input(_Strict):
    offset: list[FiniteFloat]
    scale: list[_Positive]


class _Output(_Input):
    floor: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    cloud_possible: list[bool] | None = None


class _Levels(_Strict):
    height: list[FiniteFloat]
    pressure: list[_Positive]


class _File(_Strict):
    diffmp_kind: Literal["normalization"]
    method: Method
    winsorise_limit: _Positive | None
    levels: _Levels
    inputs: dict[str, _Input]
    outputs: dict[str, _Output]


def to_json(normalization: Normalization) -> str:
    """Text of ``normalization.json``."""
    inputs = {
        name: _Input(offset=normalization.input_offset[c].tolist(), scale=normalization.input_scale[c].tolist())
        for c, name in enumerate(INPUT_NAMES)
    }
    outputs = {
        variable.name: _Output(
            offset=normalization.output_offset[c].tolist(),
            scale=normalization.output_scale[c].tolist(),
            floor=float(normalization.output_floor[c]),
            cloud_possible=normalization.cloud_possible[c].tolist() if variable.non_negative else None,
        )
        for c, variable in enumerate(OUTPUTS)
    }
    file = _File(
        diffmp_kind="normalization",
        method=normalization.method,
        winsorise_limit=normalization.winsorise_limit,
        levels=_Levels(height=normalization.height.tolist(), pressure=normalization.pressure.tolist()),
        inputs=inputs,
        outputs=outputs,
    )
    return json.dumps(file.model_dump(), indent=1) + "\n"


def from_json(text: str, where: str = "normalization.json") -> Normalization:
    """Normalisation from the text of ``normalization.json``.

    Raises:
        DiffmpError: text that is truncated, not such a file, or does not fit the table of variables.
    """
    try:
        file = _File.model_validate(parse_json(text))
    except UnreadableError as error:
        raise DiffmpError(f"expected a whole JSON file, found {error} of {where}; {_COPY_AGAIN}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top"
        raise DiffmpError(
            f"expected a normalisation file, found {first['msg']!r} at {place} of {where}; {_COPY_AGAIN}"
        ) from error
    if tuple(file.inputs) != INPUT_NAMES or tuple(file.outputs) != OUTPUT_NAMES:
        raise DiffmpError(
            f"expected variables {(*INPUT_NAMES, *OUTPUT_NAMES)} in {where}, found {(*file.inputs, *file.outputs)}; "
            "use an emulator of this version"
        )
    levels = len(file.levels.height)
    channels = (*file.inputs.values(), *file.outputs.values())
    masks = [output.cloud_possible for output in file.outputs.values() if output.cloud_possible is not None]
    numbers = [file.levels.pressure, *(c.offset for c in channels), *(c.scale for c in channels)]
    if any(len(values) != levels for values in numbers) or any(len(mask) != levels for mask in masks):
        raise DiffmpError(f"expected {levels} numbers a variable in {where}, found another count; {_COPY_AGAIN}")
    inputs, outputs = file.inputs.values(), file.outputs.values()
    return Normalization(
        method=file.method,
        input_offset=np.array([c.offset for c in inputs]),
        input_scale=np.array([c.scale for c in inputs]),
        output_offset=np.array([c.offset for c in outputs]),
        output_scale=np.array([c.scale for c in outputs]),
        output_floor=np.array([c.floor for c in outputs]),
        cloud_possible=np.array([c.cloud_possible or [True] * levels for c in outputs], dtype=bool),
        height=np.array(file.levels.height),
        pressure=np.array(file.levels.pressure),
        winsorise_limit=file.winsorise_limit,
    )


def save_normalization(normalization: Normalization, path: Path) -> Path:
    """Write ``normalization.json`` whole or not at all."""
    return write_text(path, to_json(normalization))


def load_normalization(path: Path) -> Normalization:
    """Read ``normalization.json``.

    Raises:
        DiffmpError: no such file, or not a normalisation.
    """
    try:
        text = read_document(path)
    except UnreadableError as error:
        raise DiffmpError(f"expected a normalisation file at {path}, found {error}; {_COPY_AGAIN}") from error
    return from_json(text, where=path.name)
