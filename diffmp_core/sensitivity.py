"""What an emulator answers when its inputs are changed (Section 4.3, Figures 12 and 13 of the paper).

Baseline and perturbed columns are answered with common random numbers, so that the difference is a response.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from diffmp_core.column_integrals import Change, compare
from diffmp_core.columns.domain import FarthestInput, TrainingDomain
from diffmp_core.models.base import Emulator
from diffmp_core.perturbation import Perturbation, perturb
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.sampling.live import LiveEmulator

Array = NDArray[np.float64]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles of the members in :class:`Profiles`."""


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


CAUTION_PERCENTILE = 99.0
"""A setting that carries columns farther out than this share of the training columns [%] is told of."""


@dataclass(frozen=True)
class SettingRange:
    """How far one setting of a perturbation carries columns from the training data, if it carries them far.

    Attributes:
        setting: its name in :class:`diffmp_core.perturbation.Perturbation`.
        percentile: share of the training columns that are nearer than the columns with this setting alone, mean [%].
        out_of_range: how many of the columns are out of range with this setting alone.
        columns: of how many.
        farthest: of the inputs that the setting changes, the one farthest out in the column that is farthest out.
        only_together: in range alone, but without it fewer columns of the whole perturbation would be out of range.
    """

    setting: str
    percentile: float
    out_of_range: int
    columns: int
    farthest: FarthestInput
    only_together: bool


def check_settings(
    inputs: NDArray, perturbation: Perturbation, domain: TrainingDomain, *, pressure: NDArray, layer_mass: NDArray
) -> tuple[SettingRange, ...]:
    """Settings that carry inputs ``(column, 6, level)`` far from the training data, by themselves or with the others.

    A setting counts by itself if with it alone more columns are out of range than without any, or the columns lie
    farther out than without and than 99 % of the training columns. Where the whole perturbation is out of range and no
    setting is by itself, those count without which fewer columns would be.

    Args:
        pressure, layer_mass: as in :func:`diffmp_core.perturbation.perturb`.
    """
    names = perturbation.settings
    if not names:
        return ()

    def changed(change: Perturbation) -> NDArray[np.float32]:
        return perturb(inputs, change, pressure=pressure, layer_mass=layer_mass)

    settings, none = asdict(perturbation), asdict(Perturbation(top_level=perturbation.top_level))
    alone = {name: changed(Perturbation(**none | {name: settings[name]})) for name in names}
    without = {name: changed(Perturbation(**settings | {name: none[name]})) for name in names}
    unchanged = np.asarray(inputs, dtype=np.float32)
    every = np.stack([unchanged, changed(perturbation), *alone.values(), *without.values()])
    flat = every.reshape(-1, *every.shape[2:])
    distance = domain.distance(flat).reshape(every.shape[:2])
    percentile = domain.percentile(distance).mean(axis=1)
    out = domain.is_out_of_range(flat).reshape(every.shape[:2]).sum(axis=1)
    places = {name: (2 + i, 2 + len(names) + i) for i, name in enumerate(names)}
    together = out[1] > out[0] and all(out[by_itself] <= out[0] for by_itself, _ in places.values())
    found = []
    for name, (by_itself, left_out) in places.items():
        far = percentile[by_itself] > max(percentile[0], CAUTION_PERCENTILE) or out[by_itself] > out[0]
        needed = bool(together and out[left_out] < out[1])
        if far or needed:
            worst = int(np.argmax(distance[by_itself]))
            farthest = domain.farthest_input(alone[name][worst], unlike=unchanged[worst])
            numbers = float(percentile[by_itself]), int(out[by_itself]), len(unchanged)
            found.append(SettingRange(name, *numbers, farthest, needed))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Response:
    """Answer of an emulator to a perturbation, of one column or a composite of many.

    Attributes:
        perturbation: what was changed.
        inputs, perturbed_inputs: ``(column, 6, level)``.
        baseline, perturbed: statistics of both ensembles.
        changes: column integrals and their paired difference.
        range: where the perturbed inputs lie within the training data, None for an emulator without a domain.
        settings: what in the perturbation carries them far from it.
    """

    perturbation: Perturbation
    inputs: NDArray[np.float32]
    perturbed_inputs: NDArray[np.float32]
    baseline: Profiles
    perturbed: Profiles
    changes: tuple[Change, ...]
    range: Range | None
    settings: tuple[SettingRange, ...] = ()


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
        settings=()
        if domain is None
        else check_settings(inputs, perturbation, domain, pressure=pressure, layer_mass=layer_mass),
    )
