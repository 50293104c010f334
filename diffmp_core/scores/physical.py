"""Whether answers obey physics: water and energy of whole columns, and drying beyond the vapour there is.

Nothing in the network imposes a budget, so each member is checked against what it implies. With the mass m of a level
[kg m-2]:

* moistening ``W = sum(dqv/dt m)`` [kg m-2 s-1]. ``P = -W`` is the precipitation it implies, less any evaporation that
  the tendencies hold (ClimSim's do) and the change of cloud.
* energy residual ``E = cp sum(dT/dt m) - L P`` [W m-2]: the column's heating less the latent heat of P. Microphysics
  and eddy fluxes move energy but make none: what remains then is freezing and the change of cloud. ClimSim's tendencies
  hold radiation and surface fluxes, too. The truth's own residual is therefore the measure, not zero.
* overdrying: values with ``qv + dqv/dt D < 0`` after a step D of the host model, and the vapour they lack,
  ``sum(max(0, -(qv + dqv/dt D)) m)`` [kg m-2].

Where the tendency is that of specific humidity q, q stands in place of qv. What the inputs and outputs do not allow is
left out: no energy residual without heating, no overdrying without vapour among the inputs, and nothing without
moistening.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from diffmp_core.constants import LATENT_HEAT_VAPORISATION, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.physics.moisture import mixing_ratio, moistening_name, per_moist_air, vapour_name
from diffmp_core.scores.moments import Additive, Array
from diffmp_core.variables import Channels, ColumnVariables

HOST_STEP = 1200.0
"""Step D of the host model [s] over which drying is followed: the physics step of ClimSim's."""

CHECKS: dict[str, str] = {
    "moistening": "kg m-2 s-1",
    "energy_residual": "W m-2",
    "overdried_share": "1",
    "overdried_vapour": "kg m-2",
}
"""Names and units of the checks; each is a number of a column and member."""


def checks_of(variables: ColumnVariables) -> tuple[str, ...]:
    """The :data:`CHECKS` that these inputs and outputs allow, in their order."""
    if moistening_name(variables.outputs) is None:
        return ()
    energy = ("energy_residual",) if "tend_T_sgs" in variables.outputs else ()
    overdrying = ("overdried_share", "overdried_vapour") if vapour_name(variables.inputs) else ()
    return ("moistening", *energy, *overdrying)


def column_checks(inputs: NDArray, outputs: NDArray, layer_mass: NDArray, variables: ColumnVariables) -> Array:
    """Checks of columns, ``(column, ..., check)``, those of :func:`checks_of`.

    Args:
        inputs: ``(column, input, level)``, physical units.
        outputs: truth or members ``(column, ..., output, level)``, physical units.
        layer_mass: ``(column, level)`` [kg m-2].
        variables: which channels are what; the outputs have a moistening.
    """
    checks, channels = checks_of(variables), variables.outputs
    outputs = np.asarray(outputs, dtype=np.float64)
    between = (slice(None), *([None] * (outputs.ndim - 3)))
    mass = np.asarray(layer_mass, dtype=np.float64)[between]
    tendency = str(moistening_name(channels))
    drying = outputs[..., channels.channel(tendency), :]
    found = {"moistening": (drying * mass).sum(axis=-1)}
    if "energy_residual" in checks:
        heating = SPECIFIC_HEAT_DRY_AIR * (outputs[..., channels.channel("tend_T_sgs"), :] * mass).sum(axis=-1)
        found["energy_residual"] = heating + LATENT_HEAT_VAPORISATION * found["moistening"]
    if "overdried_share" in checks:
        lacking = np.maximum(0.0, -(_vapour(inputs, variables.inputs, tendency)[between] + HOST_STEP * drying))
        found |= {"overdried_share": (lacking > 0).mean(axis=-1), "overdried_vapour": (lacking * mass).sum(axis=-1)}
    return np.stack([found[name] for name in checks], axis=-1)


def _vapour(inputs: NDArray, channels: Channels, tendency: str) -> Array:
    """Vapour before the step ``(column, level)``, as what the tendency of that name is of [kg kg-1]."""
    ratio = np.asarray(mixing_ratio(inputs, channels), dtype=np.float64)
    return ratio if tendency == "tend_qv_sgs" else per_moist_air(ratio, ratio)


@dataclass(frozen=True)
class PhysicalChecks(Additive):
    """Sums of the checks over columns, of the truth and of all members.

    Attributes:
        columns, members: numbers summed over.
        truth, truth_squares: sums over the columns ``(check,)``.
        ensemble, ensemble_squares: sums over columns and members ``(check,)``.
        squared_error: sum over the columns of (ensemble mean - truth) squared ``(check,)``.
    """

    columns: float
    members: float
    truth: Array
    truth_squares: Array
    ensemble: Array
    ensemble_squares: Array
    squared_error: Array

    @classmethod
    def of(
        cls, inputs: NDArray, truth: NDArray, members: NDArray, layer_mass: NDArray, variables: ColumnVariables
    ) -> Self:
        """Checks of some columns; arrays as :func:`diffmp_core.sampling.generate.ensembles` gives them.

        Args:
            layer_mass: ``(column, level)`` [kg m-2]; NaN where unknown, and the checks with it.
            variables: which channels are what; they allow a check at least (:func:`checks_of`).
        """
        true, drawn = (column_checks(inputs, outputs, layer_mass, variables) for outputs in (truth, members))
        return cls(
            columns=float(len(true)),
            members=float(drawn.shape[0] * drawn.shape[1]),
            truth=true.sum(axis=0),
            truth_squares=(true**2).sum(axis=0),
            ensemble=drawn.sum(axis=(0, 1)),
            ensemble_squares=(drawn**2).sum(axis=(0, 1)),
            squared_error=((drawn.mean(axis=1) - true) ** 2).sum(axis=0),
        )

    def statistics(self) -> dict[str, Array]:
        """Mean and standard deviation of truth and members, and the ensemble mean's rms error; each ``(check,)``."""
        truth, ensemble = self.truth / self.columns, self.ensemble / self.members
        return {
            "truth_mean": truth,
            "truth_std": np.sqrt(np.maximum(self.truth_squares / self.columns - truth**2, 0.0)),
            "members_mean": ensemble,
            "members_std": np.sqrt(np.maximum(self.ensemble_squares / self.members - ensemble**2, 0.0)),
            "rmse": np.sqrt(self.squared_error / self.columns),
        }

    def table(self, variables: ColumnVariables) -> dict[str, dict[str, float]]:
        """Check -> statistic -> value, in the units of :data:`CHECKS`; NaN where masses are unknown."""
        checks = checks_of(variables)
        found = self.statistics() if checks else {}
        return {check: {name: float(values[i]) for name, values in found.items()} for i, check in enumerate(checks)}
