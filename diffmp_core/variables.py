"""The single table of variables: what an emulator reads, what it returns, and in which order.

Names, symbols and order are those of Table 1 of the paper (doi:10.20944/preprints202409.1262.v1).
Every store, network channel, score table and figure takes its order and its units from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffmp_core.constants import SECONDS_PER_DAY

LEVELS = 30
"""Number of levels; index 0 is nearest the surface and the index grows upward."""

COLUMN_DIMS = ("time", "cell")
PROFILE_DIMS = ("time", "cell", "level")
ENSEMBLE_DIMS = ("time", "cell", "member", "level")


@dataclass(frozen=True)
class Variable:
    """One input or output of the parameterization.

    ``unit`` is the unit in every store (SI, UDUNITS spelling); ``display_unit`` and ``display_factor``
    are what people read on an axis: ``shown = stored * display_factor``.
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
    def attrs(self) -> dict[str, str]:
        """CF attributes of the variable in a store."""
        attrs = {"units": self.unit, "long_name": self.long_name}
        if self.standard_name:
            attrs["standard_name"] = self.standard_name
        return attrs


INPUTS: tuple[Variable, ...] = (
    Variable("T", "T", "air temperature", "K", "K", 1.0, "air_temperature"),
    Variable(
        "qv", "q_v", "water vapour mixing ratio", "kg kg-1", "g/kg", 1e3, "humidity_mixing_ratio", non_negative=True
    ),
    Variable("Ps", "P_s", "surface pressure", "Pa", "hPa", 1e-2, "surface_air_pressure", profile=False),
    Variable(
        "SHF",
        "SHF",
        "surface sensible heat flux, positive upward",
        "W m-2",
        "W/m²",
        1.0,
        "surface_upward_sensible_heat_flux",
        profile=False,
    ),
    Variable(
        "LHF",
        "LHF",
        "surface latent heat flux, positive upward",
        "W m-2",
        "W/m²",
        1.0,
        "surface_upward_latent_heat_flux",
        profile=False,
    ),
    Variable(
        "SOLIN",
        "SOLIN",
        "incoming short-wave radiation (at the surface or the model top, as the source says)",
        "W m-2",
        "W/m²",
        1.0,
        None,
        profile=False,
    ),
)
"""Conditional inputs, in channel order (the single-level ones are repeated over the levels)."""

OUTPUTS: tuple[Variable, ...] = (
    Variable("tend_T_sgs", "Tend_{T-sgs}", "subgrid tendency of air temperature", "K s-1", "K/day", SECONDS_PER_DAY),
    Variable(
        "tend_qv_sgs",
        "Tend_{qv-sgs}",
        "subgrid tendency of water vapour mixing ratio",
        "kg kg-1 s-1",
        "g/kg/day",
        1e3 * SECONDS_PER_DAY,
    ),
    Variable(
        "qc",
        "q_c",
        "cloud liquid water mixing ratio",
        "kg kg-1",
        "mg/kg",
        1e6,
        "cloud_liquid_water_mixing_ratio",
        non_negative=True,
    ),
    Variable(
        "qi", "q_i", "cloud ice mixing ratio", "kg kg-1", "mg/kg", 1e6, "cloud_ice_mixing_ratio", non_negative=True
    ),
)
"""Outputs, in channel order; also the order of every score table."""

INPUT_NAMES = tuple(v.name for v in INPUTS)
OUTPUT_NAMES = tuple(v.name for v in OUTPUTS)
BY_NAME: dict[str, Variable] = {v.name: v for v in INPUTS + OUTPUTS}
