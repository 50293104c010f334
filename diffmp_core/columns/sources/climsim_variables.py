"""What each variable of a column store is of ClimSim's states before and after a step of the physics.

The variables of the files are named as the published pairs have them; a stack has ``in_`` and ``out_`` before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import xarray as xr

from diffmp_core.columns.sources.base import clear_small
from diffmp_core.physics.moisture import per_dry_air
from diffmp_core.variables import KNOWN_INPUTS, KNOWN_OUTPUTS, Channels, Variable

_MEANING = {  # the known variable that each variable of the files is: of its unit, and checked against its limits
    "state_t": "T",
    "state_q0001": "qv",
    "state_q0002": "qc",
    "state_q0003": "qi",
    "state_u": "u",
    "state_v": "v",
    "state_ps": "Ps",
    "pbuf_SOLIN": "SOLIN",
    "pbuf_LHFLX": "LHF",
    "pbuf_SHFLX": "SHF",
    "cam_in_LANDFRAC": "land_fraction",
    "cam_in_OCNFRAC": "ocean_fraction",
    "cam_in_ICEFRAC": "ice_fraction",
    "cam_out_PRECC": "PRECC",
    "cam_out_NETSW": "NETSW",
    "cam_out_FLWDS": "FLWDS",
}
HUMIDITY = "state_q0001"
"""Specific humidity."""

TIME_STEP = 1200.0
"""Physics time step of E3SM-MMF in ClimSim [s]."""

Make = Callable[[xr.Dataset, xr.Dataset], xr.DataArray]
"""From the states before and after the step, in float64."""


@dataclass(frozen=True)
class Recipe:
    """How a variable of a store is made: of which variables of the files, and what the store says of it."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    make: Make
    comment: str = ""


def given_before(name: str, comment: str = "") -> Recipe:
    """A variable of the state before the step, as it is."""
    return Recipe((name,), (), lambda before, after: before[name], comment)


def given_after(name: str, comment: str = "") -> Recipe:
    """A variable of the state after the step, as it is."""
    return Recipe((), (name,), lambda before, after: after[name], comment)


def _ratio(state: xr.Dataset, name: str) -> xr.DataArray:
    """Mixing ratio of vapour or of a condensate."""
    return per_dry_air(state[name], state[HUMIDITY])


def _cloud(name: str, when: Literal["before", "after"]) -> Recipe:
    """A condensate as mixing ratio."""

    def make(before: xr.Dataset, after: xr.Dataset) -> xr.DataArray:
        return clear_small(_ratio(before if when == "before" else after, name))

    names = (name, HUMIDITY)
    of_before, of_after = (names, ()) if when == "before" else ((), names)
    return Recipe(of_before, of_after, make, f"{when} the physics step; per mass of dry air; below 1e-12 set to 0")


def _change(name: str, what: str, of: Callable[[xr.Dataset, str], xr.DataArray]) -> Recipe:
    """The tendency over the step of what ``of`` takes from a state."""

    def make(before: xr.Dataset, after: xr.Dataset) -> xr.DataArray:
        return (of(after, name) - of(before, name)) / TIME_STEP

    return Recipe((name,), (name,), make, f"whole column physics of E3SM-MMF{what} over one step of 1200 s")


INPUTS: Mapping[str, Recipe] = {
    "T": given_before("state_t"),
    "qv": Recipe(
        (HUMIDITY,), (), lambda before, after: _ratio(before, HUMIDITY),
        "before the physics step; from specific humidity q as q/(1-q)",
    ),
    "Ps": given_before("state_ps"),
    "SHF": given_before("pbuf_SHFLX"),
    "LHF": given_before("pbuf_LHFLX"),
    "SOLIN": given_before("pbuf_SOLIN", "insolation at the top of the model, not at the surface"),
    "q": given_before(HUMIDITY, "before the physics step"),
    "qc": _cloud("state_q0002", "before"),
    "qi": _cloud("state_q0003", "before"),
    "u": given_before("state_u"),
    "v": given_before("state_v"),
    "land_fraction": given_before("cam_in_LANDFRAC"),
    "ocean_fraction": given_before("cam_in_OCNFRAC"),
    "ice_fraction": given_before("cam_in_ICEFRAC"),
}  # fmt: skip
"""Inputs by name."""

OUTPUTS: Mapping[str, Recipe] = {
    "tend_T_sgs": _change("state_t", ", radiation included,", lambda state, name: state[name]),
    "tend_qv_sgs": _change(HUMIDITY, "", _ratio),
    "qc": _cloud("state_q0002", "after"),
    "qi": _cloud("state_q0003", "after"),
    "tend_q_sgs": _change(HUMIDITY, "", lambda state, name: state[name]),
    "PRECC": given_after("cam_out_PRECC"),
    "NETSW": given_after("cam_out_NETSW"),
    "FLWDS": given_after("cam_out_FLWDS"),
}
"""Outputs by name."""


def recipes(names: Iterable[str], known: Mapping[str, Recipe], by_name: Callable[[str], Recipe]) -> dict[str, Recipe]:
    """How to make the variables of these names; those that are not known stand in the files under their own."""
    return {name: known.get(name) or by_name(name) for name in names}


def raw_variables(names: Iterable[str], chosen: Channels) -> dict[str, Variable]:
    """Variables of the files by name, and what each of them is: a known variable, or one of those chosen."""
    known = {**KNOWN_INPUTS, **KNOWN_OUTPUTS}
    return {name: known[_MEANING[name]] if name in _MEANING else chosen.named(name) for name in dict.fromkeys(names)}
