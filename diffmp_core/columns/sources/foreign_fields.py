"""Description of a high-resolution run of another model: a small YAML file.

It says how the run names its fields and dimensions, on which mesh they lie and how many points make a column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from diffmp_core.columns.coarse_fields import PROFILES, SURFACE
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, read_yaml

_SCALABLE = (*PROFILES, *SURFACE, "z", "surface", "land_fraction")


class Names(BaseModel):
    """Names of the variables in the files of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: str = "time"
    z: str = "z"
    """Height of the levels [m], along the levels alone or (level, point)."""
    surface: str | None = None
    """Height of the ground [m] on the points, where z is above sea level; none is needed for z on interfaces."""
    T: str = "T"
    qv: str = "qv"
    w: str = "w"
    tend_T_mp: str = "tend_T_mp"
    tend_qv_mp: str = "tend_qv_mp"
    qc: str = "qc"
    qi: str = "qi"
    Ps: str = "Ps"
    SHF: str = "SHF"
    LHF: str = "LHF"
    SOLIN: str = "SOLIN"
    land_fraction: str | None = None
    lat: str = "lat"
    """Latitudes of a regular grid, along a dimension of their own; so the longitudes."""
    lon: str = "lon"


class Dims(BaseModel):
    """Names of the dimensions in the files of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: str = "time"
    level: str = "z"
    interface: str | None = None
    """Half levels, one more than levels, for w and z where the model has them there."""
    point: str = "point"
    """Faces of the mesh; a regular grid has the dimensions of its latitudes and longitudes instead."""


class ForeignFields(BaseModel):
    """How a run of another model is laid out, and how many of its points make a column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: Literal[576, 144, 36, 9]
    """Points of a group: columns of 120, 60, 30 or 15 km from a mesh of 5 km."""
    mesh: Path | None = None
    """UGRID, MPAS or ICON file, relative to the YAML file; none for a regular latitude-longitude grid."""
    groups: int | None = Field(default=None, ge=1)
    """Groups that are kept at most, drawn at random; all if None."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Of the groups."""
    humidity: Literal["mixing ratio", "specific"] = "mixing ratio"
    """What qv, qc, qi and tend_qv_mp are given per mass of: dry air or, specific, moist air."""
    names: Names = Names()
    dims: Dims = Dims()
    scale: dict[str, float] = {}
    """Factors that turn variables into SI units and upward fluxes; the unit that the file states is not checked against
    them then."""

    @model_validator(mode="after")
    def _factors_mean_something(self) -> ForeignFields:
        for name, factor in self.scale.items():
            if name not in _SCALABLE:
                raise ValueError(f"scale has factors for {', '.join(_SCALABLE)}, not for {name!r}")
            if not np.isfinite(factor) or factor == 0.0:
                raise ValueError(f"the factor of {name} is zero or not finite")
        return self


def load_foreign_fields(path: Path) -> ForeignFields:
    """Read the YAML file; a relative ``mesh`` is looked for beside it.

    Raises:
        DiffmpError: no such file, not YAML, an unknown key, or a value out of range.
    """
    try:
        options = read_yaml(path)
    except UnreadableError as error:
        raise DiffmpError(f"expected YAML at {path}, found {error}; check the path") from error
    if not isinstance(options, dict):
        raise DiffmpError(f"expected options in {path.name}, found {type(options).__name__}; see docs/columns.md")
    try:
        fields = ForeignFields.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "[key]") or "the options"
        found = {"extra_forbidden": "an unknown key", "missing": "nothing"}.get(first["type"])
        raise DiffmpError(
            f"expected a description of foreign fields, found {found or repr(first.get('input'))} at {place} in "
            f"{path.name} ({first['msg']}); correct it"
        ) from error
    return fields if fields.mesh is None else fields.model_copy(update={"mesh": path.parent / fields.mesh})
