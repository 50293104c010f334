"""Interpretability experiments (Section 4.3, Figures 12 and 13 of the paper): change the inputs, compare the answers.

Below a chosen level the stratification of temperature or vapour is neutralised as mixing would do it, conserving the
enthalpy and the water of the layer; the boundary layer is warmed or moistened; surface fluxes and radiation are scaled.
Baseline and perturbed columns are answered with common random numbers, so that the difference is a response.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from diffmp_core.columns.domain import FarthestInput, TrainingDomain
from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, REFERENCE_PRESSURE, SECONDS_PER_DAY, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import Emulator
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.sampling.live import LiveEmulator
from diffmp_core.variables import INPUT_NAMES, LEVELS, OUTPUT_NAMES

Array = NDArray[np.float64]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles of the members in :class:`Profiles`."""

_BOUNDS = {
    "neutralise_T": (0.0, 1.0),
    "neutralise_qv": (0.0, 1.0),
    "warming": (-30.0, 30.0),
    "moistening": (-1.0, 1.0),
    "scale_SHF": (0.0, 2.0),
    "scale_LHF": (0.0, 2.0),
    "scale_SOLIN": (0.0, 2.0),
}


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """A change of the inputs of a column; the defaults change nothing.

    Attributes:
        top_level: the layer that is changed has the levels 0 to ``top_level - 1``.
        neutralise_T: share of the stratification of temperature that is mixed away there, 0 to 1.
        neutralise_qv: the same of the vapour.
        warming: temperature added there [K].
        moistening: relative change of the vapour there, -0.2 takes a fifth away.
        scale_SHF, scale_LHF, scale_SOLIN: factors on the fluxes and the radiation, 0 to 2.

    Raises:
        DiffmpError: a value out of its bounds.
    """

    top_level: int = 11
    neutralise_T: float = 0.0
    neutralise_qv: float = 0.0
    warming: float = 0.0
    moistening: float = 0.0
    scale_SHF: float = 1.0
    scale_LHF: float = 1.0
    scale_SOLIN: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.top_level <= LEVELS:
            raise DiffmpError(f"expected top_level from 1 to {LEVELS}, found {self.top_level}; choose one")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise DiffmpError(f"expected {name} from {low:g} to {high:g}, found {value!r}; choose one between")

    @property
    def changes_nothing(self) -> bool:
        """Whether the inputs stay as they are."""
        return all(getattr(self, field.name) == field.default for field in fields(self) if field.name != "top_level")


def exner(pressure: NDArray) -> Array:
    """Exner function ``(p / p_0)^(R_d / c_p)`` [1] of pressure [Pa]."""
    kappa = GAS_CONSTANT_DRY_AIR / SPECIFIC_HEAT_DRY_AIR
    return (np.asarray(pressure, dtype=np.float64) / REFERENCE_PRESSURE) ** kappa


def potential_temperature(temperature: NDArray, pressure: NDArray) -> Array:
    """Potential temperature ``T (p_0 / p)^(R_d / c_p)`` [K] of temperature [K] and pressure [Pa]."""
    return np.asarray(temperature, dtype=np.float64) / exner(pressure)


def neutralise_temperature(temperature: NDArray, pressure: NDArray, layer_mass: NDArray, share: float) -> Array:
    """Temperature of a layer ``(column, level)`` blended toward uniform potential temperature.

    ``theta = sum(m T) / sum(m Pi)`` is the uniform potential temperature of the same enthalpy ``sum(m c_p T)``, as in
    dry convective adjustment (Manabe and Strickler 1964, doi:10.1175/1520-0469(1964)021<0361:TEOTAW>2.0.CO;2); a blend
    of both profiles keeps the enthalpy, too.

    Args:
        temperature: [K].
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: m [kg m-2], ``(level,)`` or ``(column, level)``.
        share: 0 keeps the profile, 1 gives the neutral one.
    """
    temperature = np.asarray(temperature, dtype=np.float64)
    factor = np.broadcast_to(exner(pressure), temperature.shape)
    mass = np.broadcast_to(np.asarray(layer_mass, dtype=np.float64), temperature.shape)
    theta = (mass * temperature).sum(-1, keepdims=True) / (mass * factor).sum(-1, keepdims=True)
    return temperature + share * (theta * factor - temperature)


def neutralise_vapour(vapour: NDArray, layer_mass: NDArray, share: float) -> Array:
    """Vapour of a layer ``(column, level)`` [kg kg-1] blended toward its mass-weighted mean; keeps ``sum(m qv)``."""
    vapour = np.asarray(vapour, dtype=np.float64)
    mass = np.broadcast_to(np.asarray(layer_mass, dtype=np.float64), vapour.shape)
    mean = (mass * vapour).sum(-1, keepdims=True) / mass.sum(-1, keepdims=True)
    return vapour + share * (mean - vapour)


def perturb(
    inputs: NDArray, perturbation: Perturbation, *, pressure: NDArray, layer_mass: NDArray
) -> NDArray[np.float32]:
    """Perturbed inputs (Figures 12 and 13): neutralised, then warmed and moistened, fluxes scaled; vapour stays >= 0.

    Args:
        inputs: ``(column, 6, level)`` in physical units.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.

    Returns:
        ``(column, 6, level)`` float32; the inputs themselves are not touched.

    Raises:
        DiffmpError: arrays whose shapes do not fit.
    """
    inputs = np.asarray(inputs)
    if inputs.ndim != 3 or inputs.shape[1] != len(INPUT_NAMES) or perturbation.top_level > inputs.shape[2]:
        raise DiffmpError(
            f"expected inputs (column, {len(INPUT_NAMES)}, level) with at least {perturbation.top_level} levels, "
            f"found {inputs.shape}; stack the channels of a column store"
        )
    columns, _, levels = inputs.shape
    for name, values in (("pressure", pressure), ("layer_mass", layer_mass)):
        if np.shape(values) not in ((levels,), (columns, levels)):
            raise DiffmpError(
                f"expected {name} ({levels},) or ({columns}, {levels}), found {np.shape(values)}; take the columns'"
            )
    layer = np.s_[..., : perturbation.top_level]
    mass, air = np.asarray(layer_mass)[layer], np.asarray(pressure)[layer]
    changed = inputs.astype(np.float64)
    temperature, vapour = changed[:, INPUT_NAMES.index("T")][layer], changed[:, INPUT_NAMES.index("qv")][layer]
    temperature[:] = neutralise_temperature(temperature, air, mass, perturbation.neutralise_T) + perturbation.warming
    vapour[:] = neutralise_vapour(vapour, mass, perturbation.neutralise_qv) * (1.0 + perturbation.moistening)
    for name in ("SHF", "LHF", "SOLIN"):
        changed[:, INPUT_NAMES.index(name)] *= getattr(perturbation, f"scale_{name}")
    np.maximum(vapour, 0.0, out=vapour)
    return changed.astype(np.float32)


@dataclass(frozen=True)
class Integral:
    """A column integral of one output: ``factor * sum(output * layer_mass)``."""

    name: str
    output: str
    factor: float
    unit: str


INTEGRALS = (
    Integral("heating", "tend_T_sgs", SPECIFIC_HEAT_DRY_AIR, "W/m²"),
    Integral("moistening", "tend_qv_sgs", SECONDS_PER_DAY, "mm/day"),
    Integral("liquid water path", "qc", 1e3, "g/m²"),
    Integral("ice water path", "qi", 1e3, "g/m²"),
)
"""Column integrals: heating ``c_p sum(dT/dt m)``, moistening ``sum(dqv/dt m)`` (1 kg m-2 is 1 mm), paths of cloud."""


def integrate(ensemble: NDArray, layer_mass: NDArray) -> dict[str, Array]:
    """Column integrals ``(column, member)`` by name, in the units of :data:`INTEGRALS`.

    Args:
        ensemble: ``(column, member, 4, level)`` in physical units.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.
    """
    mass = np.broadcast_to(np.asarray(layer_mass, dtype=np.float64), (len(ensemble), np.shape(ensemble)[-1]))
    sums = np.einsum("cmvl,cl->vcm", np.asarray(ensemble, dtype=np.float64), mass)
    return {entry.name: entry.factor * sums[OUTPUT_NAMES.index(entry.output)] for entry in INTEGRALS}


@dataclass(frozen=True)
class Change:
    """A column integral before and after, means over columns and members, in ``unit``.

    Attributes:
        standard_error: of ``change`` as an estimate for these columns: how much another draw of members would move it.
            Baseline and perturbed members are paired. NaN for a single member.
        standard_error_columns: of ``change`` as an estimate for columns like these; NaN for a single column.
    """

    name: str
    unit: str
    baseline: float
    perturbed: float
    change: float
    standard_error: float
    standard_error_columns: float


def compare(baseline: NDArray, perturbed: NDArray, layer_mass: NDArray) -> tuple[Change, ...]:
    """Column integrals of two ensembles drawn with common random numbers, and their paired difference.

    Args:
        baseline, perturbed: ``(column, member, 4, level)`` in physical units.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.

    Raises:
        DiffmpError: ensembles of different shapes.
    """
    if np.shape(baseline) != np.shape(perturbed):
        shapes = f"{np.shape(baseline)} and {np.shape(perturbed)}"
        raise DiffmpError(f"expected two ensembles of one shape, found {shapes}; draw both alike")
    before, after = integrate(baseline, layer_mass), integrate(perturbed, layer_mass)
    columns, members = np.shape(baseline)[:2]
    changes = []
    for entry in INTEGRALS:
        difference = after[entry.name] - before[entry.name]
        per_column = difference.mean(axis=1)
        variance = difference.var(axis=1, ddof=1) if members > 1 else np.full(columns, np.nan)
        changes.append(
            Change(
                name=entry.name,
                unit=entry.unit,
                baseline=float(before[entry.name].mean()),
                perturbed=float(after[entry.name].mean()),
                change=float(difference.mean()),
                standard_error=float(np.sqrt(variance.sum() / members) / columns),
                standard_error_columns=float(per_column.std(ddof=1) / columns**0.5) if columns > 1 else float("nan"),
            )
        )
    return tuple(changes)


@dataclass(frozen=True, eq=False)
class Profiles:
    """Statistics over the members of the mean over the columns, each ``(4, level)`` in physical units.

    Attributes:
        mean: mean.
        spread: standard deviation (ddof 1).
        quantiles: ``(quantile, 4, level)`` at :data:`QUANTILES`.
    """

    mean: Array
    spread: Array
    quantiles: Array


def profiles(ensemble: NDArray) -> Profiles:
    """Statistics per level of an ensemble ``(column, member, 4, level)``; of many columns, those of their mean."""
    composite = np.asarray(ensemble, dtype=np.float64).mean(axis=0)
    spread = composite.std(axis=0, ddof=1) if len(composite) > 1 else np.full_like(composite[0], np.nan)
    return Profiles(composite.mean(axis=0), spread, np.quantile(composite, QUANTILES, axis=0))


@dataclass(frozen=True)
class Range:
    """How far inputs lie from the training data.

    Attributes:
        percentile: share of the training columns that are nearer than these columns, their mean [%].
        out_of_range: how many of the columns are out of range.
        columns: of how many.
        farthest: the input farthest out in the column that is farthest out.
    """

    percentile: float
    out_of_range: int
    columns: int
    farthest: FarthestInput


def check_range(inputs: NDArray, domain: TrainingDomain) -> Range:
    """Where inputs ``(column, 6, level)`` lie within the training domain."""
    distance = domain.distance(inputs)
    return Range(
        percentile=float(domain.percentile(distance).mean()),
        out_of_range=int(domain.is_out_of_range(inputs).sum()),
        columns=len(inputs),
        farthest=domain.farthest_input(inputs[int(np.argmax(distance))]),
    )


@dataclass(frozen=True, eq=False)
class Response:
    """Answer of an emulator to a perturbation, of one column or a composite of many.

    Attributes:
        perturbation: what was changed.
        inputs, perturbed_inputs: ``(column, 6, level)``.
        baseline, perturbed: statistics of both ensembles.
        changes: column integrals and their paired difference.
        range: where the perturbed inputs lie within the training data, None for an emulator without a domain.
    """

    perturbation: Perturbation
    inputs: NDArray[np.float32]
    perturbed_inputs: NDArray[np.float32]
    baseline: Profiles
    perturbed: Profiles
    changes: tuple[Change, ...]
    range: Range | None


def respond(
    emulator: Emulator | LiveEmulator,
    inputs: NDArray,
    perturbation: Perturbation,
    *,
    pressure: NDArray,
    layer_mass: NDArray,
    members: int = 32,
    steps: int = 5,
    guidance: tuple[float, ...] | None = None,
    seed: int = 0,
    domain: TrainingDomain | None = None,
) -> Response:
    """Draw ensembles for the inputs as they are and perturbed, with common random numbers, and compare them.

    Args:
        emulator: a live one keeps the baseline for the next perturbation, and brings its training domain.
        inputs: ``(column, 6, level)`` in physical units; several columns are a composite.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.
        members, steps, guidance, seed: see :func:`diffmp_core.sampling.draw.draw_ensemble`.
        domain: training domain; that of a live emulator if not given.

    Raises:
        DiffmpError: arrays whose shapes do not fit each other or the emulator.
    """
    perturbed_inputs = perturb(inputs, perturbation, pressure=pressure, layer_mass=layer_mass)
    inputs = np.asarray(inputs, dtype=np.float32)

    def draw(values: NDArray) -> NDArray[np.float32]:
        if isinstance(emulator, LiveEmulator):
            return emulator.answer(values, members=members, steps=steps, guidance=guidance, seed=seed)
        return draw_ensemble(emulator, values, members=members, steps=steps, guidance=guidance, seed=seed)

    baseline = draw(inputs)
    perturbed = baseline if perturbation.changes_nothing else draw(perturbed_inputs)
    if domain is None and isinstance(emulator, LiveEmulator):
        domain = emulator.domain
    return Response(
        perturbation=perturbation,
        inputs=inputs,
        perturbed_inputs=perturbed_inputs,
        baseline=profiles(baseline),
        perturbed=profiles(perturbed),
        changes=compare(baseline, perturbed, layer_mass),
        range=None if domain is None else check_range(perturbed_inputs, domain),
    )
