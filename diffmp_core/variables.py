"""Known variables, and which of them a column is made of: what an emulator reads, what it returns, in which order.

Names, symbols and order of the paper's variables are those of its Table 1 (doi:10.20944/preprints202409.1262.v1).
Stores and emulators carry their variables (:mod:`diffmp_core.schema`); nothing else fixes names or numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.errors import DiffmpError

COLUMN_DIMS = ("time", "cell")
PROFILE_DIMS = ("time", "cell", "level")


@dataclass(frozen=True)
class Variable:
    """One input or output of the parameterization.

    ``unit`` is the unit in every store (SI, UDUNITS spelling); ``display_unit`` and ``display_factor``
    are what people read on an axis: ``shown = stored * display_factor``.

    ``profile``: on levels, else a single value per column. ``non_negative``: negative values are impossible.
    """

    name: str
    symbol: str
    long_name: str
    unit: str
    display_unit: str
    display_factor: float
    standard_name: str | None = None
    profile: bool = True
    non_negative: bool = False

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of the variable in a column store."""
        return PROFILE_DIMS if self.profile else COLUMN_DIMS

    @property
    def member_dims(self) -> tuple[str, ...]:
        """Dimensions of the variable in an ensemble store."""
        return (*COLUMN_DIMS, "member", *(("level",) if self.profile else ()))

    @property
    def attrs(self) -> dict[str, str]:
        """CF attributes of the variable in a store."""
        attrs = {"units": self.unit, "long_name": self.long_name}
        if self.standard_name:
            attrs["standard_name"] = self.standard_name
        return attrs


class Channels(tuple[Variable, ...]):
    """Variables in the order in which they are the channels of an array ``(..., channel, level)``.

    In such arrays a single value is repeated over the levels, as in the paper (Section 2).
    """

    __slots__ = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names in channel order."""
        return tuple(variable.name for variable in self)

    def channel(self, name: str) -> int:
        """Which channel a variable is.

        Raises:
            DiffmpError: it is none of these.
        """
        try:
            return self.names.index(name)
        except ValueError as error:
            raise DiffmpError(f"expected a variable among {self.names}, found {name!r}; choose one of these") from error

    def named(self, name: str) -> Variable:
        """The variable of a name; raises as :meth:`channel`."""
        return self[self.channel(name)]

    def __contains__(self, variable: object) -> bool:
        """Whether a variable, or one of that name, is among these."""
        return variable in self.names if isinstance(variable, str) else super().__contains__(variable)

    @property
    def profiles(self) -> Channels:
        """Those on levels."""
        return Channels(variable for variable in self if variable.profile)

    @property
    def singles(self) -> Channels:
        """Those with one value per column."""
        return Channels(variable for variable in self if not variable.profile)

    @property
    def is_single(self) -> NDArray[np.bool_]:
        """Which channels ``(channel, 1)`` have one value per column."""
        return np.array([[not variable.profile] for variable in self], dtype=bool).reshape(len(self), 1)

    @property
    def is_non_negative(self) -> NDArray[np.bool_]:
        """Which channels ``(channel, 1)`` are never negative."""
        return np.array([[variable.non_negative] for variable in self], dtype=bool).reshape(len(self), 1)


def _energy_flux(name: str, long_name: str, standard_name: str | None, *, non_negative: bool = False) -> Variable:
    return Variable(name, name, long_name, "W m-2", "W/m²", 1.0, standard_name, False, non_negative)


def _fraction(name: str, symbol: str, long_name: str, standard_name: str | None) -> Variable:
    return Variable(name, symbol, long_name, "1", "1", 1.0, standard_name, profile=False)


def _by_name(*variables: Variable) -> dict[str, Variable]:
    return {variable.name: variable for variable in variables}


KNOWN_INPUTS: Mapping[str, Variable] = _by_name(
    Variable("T", "T", "air temperature", "K", "K", 1.0, "air_temperature"),
    Variable(
        "qv", "q_v", "water vapour mixing ratio", "kg kg-1", "g/kg", 1e3, "humidity_mixing_ratio", non_negative=True
    ),
    Variable("Ps", "P_s", "surface pressure", "Pa", "hPa", 1e-2, "surface_air_pressure", profile=False),
    _energy_flux("SHF", "surface sensible heat flux, positive upward", "surface_upward_sensible_heat_flux"),
    _energy_flux("LHF", "surface latent heat flux, positive upward", "surface_upward_latent_heat_flux"),
    _energy_flux(
        "SOLIN", "incoming short-wave radiation (at the surface or the model top, as the source says)", None
    ),
    Variable("q", "q", "specific humidity", "kg kg-1", "g/kg", 1e3, "specific_humidity", non_negative=True),
    Variable(
        "qc", "q_c", "cloud liquid water mixing ratio before the step", "kg kg-1", "mg/kg", 1e6,
        "cloud_liquid_water_mixing_ratio", non_negative=True,
    ),
    Variable(
        "qi", "q_i", "cloud ice mixing ratio before the step", "kg kg-1", "mg/kg", 1e6,
        "cloud_ice_mixing_ratio", non_negative=True,
    ),
    Variable("u", "u", "eastward wind", "m s-1", "m/s", 1.0, "eastward_wind"),
    Variable("v", "v", "northward wind", "m s-1", "m/s", 1.0, "northward_wind"),
    _fraction("land_fraction", "f_{land}", "fraction of land", "land_area_fraction"),
    _fraction("ocean_fraction", "f_{ocean}", "fraction of open sea", "sea_area_fraction"),
    _fraction("ice_fraction", "f_{ice}", "fraction of sea ice", "sea_ice_area_fraction"),
    Variable("lat", "\\phi", "latitude", "degrees_north", "°N", 1.0, "latitude", profile=False),
    _fraction("cos_zenith", "\\mu_0", "cosine of the solar zenith angle, 0 at night", None),
    Variable("RH", "RH", "relative humidity over liquid water", "1", "%", 1e2, "relative_humidity"),
    Variable(
        "T_minus_below", "\\Delta T", "air temperature less that of the level below, 0 at the lowest",
        "K", "K", 1.0,
    ),
    Variable(
        "qv_minus_below", "\\Delta q_v", "water vapour mixing ratio less that of the level below, 0 at the lowest",
        "kg kg-1", "g/kg", 1e3,
    ),
)  # fmt: skip
"""Inputs by name. Some can be computed for every source: :mod:`diffmp_core.columns.derived`."""

KNOWN_OUTPUTS: Mapping[str, Variable] = _by_name(
    Variable("tend_T_sgs", "Tend_{T-sgs}", "subgrid tendency of air temperature", "K s-1", "K/day", SECONDS_PER_DAY),
    Variable(
        "tend_qv_sgs", "Tend_{qv-sgs}", "subgrid tendency of water vapour mixing ratio", "kg kg-1 s-1", "g/kg/day",
        1e3 * SECONDS_PER_DAY,
    ),
    Variable(
        "qc", "q_c", "cloud liquid water mixing ratio", "kg kg-1", "mg/kg", 1e6,
        "cloud_liquid_water_mixing_ratio", non_negative=True,
    ),
    Variable(
        "qi", "q_i", "cloud ice mixing ratio", "kg kg-1", "mg/kg", 1e6, "cloud_ice_mixing_ratio", non_negative=True
    ),
    Variable(
        "tend_q_sgs", "Tend_{q-sgs}", "subgrid tendency of specific humidity", "kg kg-1 s-1", "g/kg/day",
        1e3 * SECONDS_PER_DAY,
    ),
    Variable(
        "PRECC", "P", "precipitation rate", "m s-1", "mm/day", 1e3 * SECONDS_PER_DAY,
        "lwe_precipitation_rate", profile=False, non_negative=True,
    ),
    _energy_flux(
        "NETSW", "net short-wave radiation at the surface", "surface_net_downward_shortwave_flux", non_negative=True
    ),
    _energy_flux(
        "FLWDS", "downward long-wave radiation at the surface", "surface_downwelling_longwave_flux_in_air",
        non_negative=True,
    ),
)  # fmt: skip
"""Outputs by name."""


@dataclass(frozen=True)
class ColumnVariables:
    """The variables that a column is made of; inputs and outputs are separate namespaces."""

    inputs: Channels
    outputs: Channels

    def __post_init__(self) -> None:
        for role, channels in (("inputs", self.inputs), ("outputs", self.outputs)):
            twice = {name for name in channels.names if channels.names.count(name) > 1}
            if twice or not channels:
                found = f"{sorted(twice)[0]!r} twice" if twice else "none"
                raise DiffmpError(f"expected {role} that differ from each other, found {found}; name each once")
        if taken := [name for name in self.outputs.names if name in _COORDINATES]:
            raise DiffmpError(f"expected outputs that are no coordinates, found {taken[0]!r}; name it otherwise")
        if len(self.stored) < len(self.inputs) + len(self.outputs):
            found = next(name for name in self.inputs.names if name.removeprefix("input_") in self.inputs.names)
            raise DiffmpError(f"expected names that are free in a store, found input {found!r}; name it otherwise")

    def stored_input(self, name: str) -> str:
        """Name of an input in a column store: its own, unless an output or a coordinate of the store has it."""
        return f"input_{name}" if name in self.outputs or name in _COORDINATES else name

    @property
    def stored(self) -> dict[str, Variable]:
        """Variables of a column store by their names there, inputs first."""
        return {self.stored_input(entry.name): entry for entry in self.inputs} | {v.name: v for v in self.outputs}


_COORDINATES = (
    "time", "cell", "level", "member", "lat", "lon", "area", "land_fraction", "height", "pressure", "layer_mass",
    "split", "digest",
)  # fmt: skip


def choose_variables(inputs: Iterable[str], outputs: Iterable[str]) -> ColumnVariables:
    """Known variables by name.

    Raises:
        DiffmpError: an unknown name; the known ones are listed.
    """
    chosen = []
    for role, names, known in (("input", inputs, KNOWN_INPUTS), ("output", outputs, KNOWN_OUTPUTS)):
        wanted = tuple(names)
        if unknown := [name for name in wanted if name not in known]:
            raise DiffmpError(
                f"expected {role}s among {', '.join(known)}, found {unknown[0]!r}; name known ones, or define it in a "
                "file"
            )
        chosen.append(Channels(known[name] for name in wanted))
    return ColumnVariables(*chosen)


PAPER = choose_variables(("T", "qv", "Ps", "SHF", "LHF", "SOLIN"), ("tend_T_sgs", "tend_qv_sgs", "qc", "qi"))
"""The paper's choice (Table 1), and that of every store and emulator that does not declare its variables."""

PAPER_LEVELS = 30
"""Levels of the paper's columns, below 20 km (Section 2)."""

CLIMSIM_V1 = choose_variables(
    ("T", "q", "Ps", "SOLIN", "LHF", "SHF"), ("tend_T_sgs", "tend_q_sgs", "PRECC", "NETSW", "FLWDS")
)
"""The variables of the ClimSim benchmark (arXiv:2306.08754, Table 1) as far as its files here hold them."""

VARIABLE_SETS: Mapping[str, ColumnVariables] = {"paper": PAPER, "climsim-v1": CLIMSIM_V1}
"""The variable sets that have a name."""
