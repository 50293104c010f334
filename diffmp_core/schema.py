"""The schema of a column: its variables and its levels, carried by every store and every emulator.

A store keeps the variables as JSON in the attribute ``diffmp_variables`` and the levels as coordinates; an emulator
keeps both in ``normalization.json``. A store that declares no variables has the paper's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Annotated, Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, parse_json
from diffmp_core.variables import PAPER, Channels, ColumnVariables, Variable

FORMAT = 2
"""Version of the form in which variables are written down; version 1 stored no list and meant the paper's."""

ATTRIBUTE = "diffmp_variables"
"""Attribute of a store that holds its variables as JSON."""

SAME_HEIGHT, SAME_PRESSURE = 1.0, 1e-3
"""Levels are the same if heights agree within this [m] and pressures within this share."""

_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")]
_Text = Annotated[str, Field(max_length=200)]


class _Variable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: _Name
    symbol: _Text
    long_name: _Text
    unit: _Text
    display_unit: _Text
    display_factor: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    standard_name: _Text | None = None
    profile: bool = True
    non_negative: bool = False


class VariablesFile(BaseModel):
    """Variables as they stand in a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Annotated[int, Field(ge=2, le=FORMAT)]
    inputs: Annotated[list[_Variable], Field(min_length=1, max_length=200)]
    outputs: Annotated[list[_Variable], Field(min_length=1, max_length=200)]

    @classmethod
    def of(cls, variables: ColumnVariables) -> Self:
        """The file form of some variables."""
        inputs, outputs = ([_Variable(**asdict(v)) for v in role] for role in (variables.inputs, variables.outputs))
        return cls(format=FORMAT, inputs=inputs, outputs=outputs)

    def variables(self) -> ColumnVariables:
        """What the file says.

        Raises:
            DiffmpError: a name twice.
        """
        inputs, outputs = (Channels(Variable(**v.model_dump()) for v in role) for role in (self.inputs, self.outputs))
        return ColumnVariables(inputs, outputs)


@dataclass(frozen=True, eq=False)
class ColumnSchema:
    """What a column is made of.

    Attributes:
        variables: inputs and outputs.
        height: ``(level,)`` nominal height above the surface [m], surface first.
        pressure: ``(level,)`` nominal pressure [Pa].
    """

    variables: ColumnVariables
    height: NDArray[np.float64]
    pressure: NDArray[np.float64]

    @property
    def inputs(self) -> Channels:
        """Inputs in channel order."""
        return self.variables.inputs

    @property
    def outputs(self) -> Channels:
        """Outputs in channel order."""
        return self.variables.outputs

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.height)

    @property
    def input_shape(self) -> tuple[int, int]:
        """Shape ``(input, level)`` of a column's inputs."""
        return len(self.inputs), self.levels

    @property
    def output_shape(self) -> tuple[int, int]:
        """Shape ``(output, level)`` of a column's outputs."""
        return len(self.outputs), self.levels

    def check_columns(self, columns: xr.Dataset, where: str = "the column store", *, outputs: bool = False) -> None:
        """Refuse columns that lack an input (or output, if asked), have it in another unit or shape, or other levels.

        More variables than these may be there, and in any order.

        Raises:
            DiffmpError: the first thing that differs.
        """
        found = variables_of(columns)
        roles = [("input", self.inputs, found.inputs)]
        roles += [("output", self.outputs, found.outputs)] if outputs else []
        for role, wanted, there in roles:
            for variable in wanted:
                if variable.name not in there:
                    raise DiffmpError(
                        f"expected {role} {variable.name} in {where}, found {', '.join(there.names)}; {_OTHER_COLUMNS}"
                    )
                other = there.named(variable.name)
                if (variable.unit, variable.dims) != (other.unit, other.dims):
                    raise DiffmpError(
                        f"expected {role} {variable.name} in {variable.unit} with dims {variable.dims} in {where}, "
                        f"found {other.unit} with {other.dims}; {_OTHER_COLUMNS}"
                    )
        self.check_levels(columns, where)

    def check_levels(self, columns: xr.Dataset, where: str = "the column store") -> None:
        """Refuse columns on other levels (heights within 1 m, pressures within 0.1 %).

        Raises:
            DiffmpError: another number of levels, or other heights or pressures.
        """
        height, pressure = np.asarray(columns["height"], float), np.asarray(columns["pressure"], float)
        if height.shape != self.height.shape:
            raise DiffmpError(f"expected {self.levels} levels in {where}, found {len(height)}; {_OTHER_COLUMNS}")
        if not np.allclose(height, self.height, rtol=0, atol=SAME_HEIGHT):
            expected, found = _span(self.height, "m"), _span(height, "m")
            raise DiffmpError(f"expected {expected} in {where}, found {found}; {_OTHER_COLUMNS}")
        if not np.allclose(pressure, self.pressure, rtol=SAME_PRESSURE, atol=0):
            expected, found = _span(self.pressure, "Pa"), _span(pressure, "Pa")
            raise DiffmpError(f"expected {expected} in {where}, found {found}; {_OTHER_COLUMNS}")


_OTHER_COLUMNS = "use columns of the source that the emulator was trained on, or train one on these"


def _span(levels: np.ndarray, unit: str) -> str:
    some = ", ".join(f"{levels[index]:.5g}" for index in (0, len(levels) // 2, -1))
    return f"levels at {some} {unit} (lowest, middle, top)"


def schema_of(dataset: xr.Dataset) -> ColumnSchema:
    """Schema of a column, ensemble or score store.

    Raises:
        DiffmpError: its variable list cannot be read.
    """
    height, pressure = (np.asarray(dataset[name], dtype=np.float64) for name in ("height", "pressure"))
    return ColumnSchema(variables_of(dataset), height, pressure)


def variables_of(dataset: xr.Dataset) -> ColumnVariables:
    """Variables of a store: those that its attribute declares, or the paper's; raises as :func:`schema_of`."""
    text = dataset.attrs.get(ATTRIBUTE)
    where = str(dataset.encoding.get("source", "the store"))
    if isinstance(text, str):
        return _read_once(text, where)
    return PAPER if text is None else read_variables(text, where)


def variables_attrs(variables: ColumnVariables) -> dict[str, str]:
    """The attribute by which a store says what it is made of."""
    return {ATTRIBUTE: _written(variables)}


@lru_cache(maxsize=256)
def _written(variables: ColumnVariables) -> str:
    return json.dumps(VariablesFile.of(variables).model_dump(), separators=(",", ":"))


@lru_cache(maxsize=256)
def _read_once(text: str, where: str) -> ColumnVariables:
    return read_variables(text, where)


def read_variables(text: object, where: str) -> ColumnVariables:
    """Variables from the JSON that a store keeps; raises as :func:`schema_of`."""
    try:
        found: Any = parse_json(text) if isinstance(text, str) else text
        if isinstance(found, Mapping) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise DiffmpError(
                f"expected variables of format {FORMAT} or older in {where}, found {found['format']}; install a newer "
                "diffmp"
            )
        return VariablesFile.model_validate(found).variables()
    except UnreadableError as error:
        raise DiffmpError(f"expected variables as JSON in {where}, found {error}; make it again") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top"
        raise DiffmpError(
            f"expected inputs and outputs with name, symbol and unit in {where}, found {first['msg']!r} at {place}; "
            "make it again"
        ) from error
