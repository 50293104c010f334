"""Column integrals and single values of outputs, and their paired change between two ensembles of common noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from diffmp_core.constants import SECONDS_PER_DAY, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import Channels

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Integral:
    """A column integral of an output, ``factor * sum(output * layer_mass)``, or a single value, ``factor * output``."""

    name: str
    output: str
    factor: float
    unit: str


INTEGRALS = (
    Integral("heating", "tend_T_sgs", SPECIFIC_HEAT_DRY_AIR, "W/m²"),
    Integral("moistening", "tend_qv_sgs", SECONDS_PER_DAY, "mm/day"),
    Integral("moistening", "tend_q_sgs", SECONDS_PER_DAY, "mm/day"),
    Integral("liquid water path", "qc", 1e3, "g/m²"),
    Integral("ice water path", "qi", 1e3, "g/m²"),
)
"""Column integrals: heating ``c_p sum(dT/dt m)``, moistening ``sum(dqv/dt m)`` or ``sum(dq/dt m)`` (1 kg m-2 is 1 mm),
paths of cloud."""


def integrals_of(outputs: Channels) -> tuple[Integral, ...]:
    """What these outputs add up to: the column integrals they have, heating first, then their single values."""
    found: dict[str, Integral] = {}
    for entry in INTEGRALS:
        if entry.output in outputs:
            found.setdefault(entry.name, entry)
    return (*found.values(), *(Integral(v.name, v.name, v.display_factor, v.display_unit) for v in outputs.singles))


def integrate(ensemble: NDArray, layer_mass: NDArray, outputs: Channels) -> dict[str, Array]:
    """Column integrals and single values ``(column, member)`` by name, in the units of :func:`integrals_of`.

    Args:
        ensemble: ``(column, member, output, level)`` in physical units.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.
        outputs: of the ensemble.
    """
    values = np.asarray(ensemble, dtype=np.float64)
    mass = np.broadcast_to(np.asarray(layer_mass, dtype=np.float64), (len(values), values.shape[-1]))
    sums = np.einsum("cmvl,cl->vcm", values, mass)
    found = {}
    for entry in integrals_of(outputs):
        channel = outputs.channel(entry.output)
        found[entry.name] = entry.factor * (sums[channel] if outputs[channel].profile else values[:, :, channel, 0])
    return found


class PairedChange(NamedTuple):
    """Means over columns and members before and after, their change and its two standard errors; each of shape (...).

    baseline, perturbed, change: in the unit of what was compared.
    standard_error: of ``change`` as an estimate for these columns: how much another draw of members would move it.
        Baseline and perturbed members are paired. NaN for a single member.
    standard_error_columns: of ``change`` as an estimate for columns like these; NaN for a single column.
    """

    baseline: Array
    perturbed: Array
    change: Array
    standard_error: Array
    standard_error_columns: Array


def paired_change(baseline: NDArray, perturbed: NDArray) -> PairedChange:
    """Change between two ensembles ``(column, member, ...)`` whose members are pairs.

    Raises:
        DiffmpError: ensembles of different shapes.
    """
    if np.shape(baseline) != np.shape(perturbed):
        shapes = f"{np.shape(baseline)} and {np.shape(perturbed)}"
        raise DiffmpError(f"expected two ensembles of one shape, found {shapes}; draw both alike")
    before, after = np.asarray(baseline, dtype=np.float64), np.asarray(perturbed, dtype=np.float64)
    difference = after - before
    columns, members = difference.shape[:2]
    per_column = difference.mean(axis=1)
    unknown = np.full(difference.shape[2:], np.nan)
    return PairedChange(
        before.mean(axis=(0, 1)),
        after.mean(axis=(0, 1)),
        difference.mean(axis=(0, 1)),
        np.sqrt(difference.var(axis=1, ddof=1).sum(axis=0) / members) / columns if members > 1 else unknown,
        per_column.std(axis=0, ddof=1) / columns**0.5 if columns > 1 else unknown,
    )


@dataclass(frozen=True)
class Change:
    """A column integral or single value before and after, as in :class:`PairedChange`, in ``unit``."""

    name: str
    unit: str
    baseline: float
    perturbed: float
    change: float
    standard_error: float
    standard_error_columns: float

    @property
    def error(self) -> float:
        """The larger of both standard errors, which is the one to show; NaN where neither is known."""
        return float(larger_error(self.standard_error, self.standard_error_columns))

    @property
    def error_of(self) -> str:
        """What ``error`` is over: ``draw``, ``columns``, or nothing where neither is known."""
        if not np.isfinite(self.error):
            return ""
        return "columns" if self.error == self.standard_error_columns else "draw"


def larger_error(by_draw: ArrayLike, by_columns: ArrayLike) -> Array:
    """The larger of both standard errors of a change; NaN only where neither is known."""
    return np.fmax(np.asarray(by_draw, dtype=np.float64), np.asarray(by_columns, dtype=np.float64))


def chance(change: ArrayLike, standard_error: ArrayLike, *, degrees: ArrayLike) -> Array:
    """Probability of a change at least so large where there is none: two-sided t test with ``degrees`` of freedom.

    1 where the change is exactly zero or its error unknown; 0 where it has no error.
    """
    change, standard_error = (np.asarray(part, dtype=np.float64) for part in (change, standard_error))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(change) / standard_error
    unknown = np.isnan(t) | (change == 0)
    return np.where(unknown, 1.0, 2 * stdtr(np.maximum(degrees, 1), -np.nan_to_num(t)))


def compare(baseline: NDArray, perturbed: NDArray, layer_mass: NDArray, outputs: Channels) -> tuple[Change, ...]:
    """Column integrals of two ensembles drawn with common random numbers, and their paired difference.

    Args:
        baseline, perturbed: ``(column, member, output, level)`` in physical units.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.
        outputs: of the ensembles.

    Raises:
        DiffmpError: ensembles of different shapes.
    """
    before, after = (integrate(ensemble, layer_mass, outputs) for ensemble in (baseline, perturbed))
    return tuple(
        Change(entry.name, entry.unit, *map(float, paired_change(before[entry.name], after[entry.name])))
        for entry in integrals_of(outputs)
    )
