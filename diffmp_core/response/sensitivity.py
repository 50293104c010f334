"""What an emulator answers when its inputs are changed (Section 4.3, Figures 12 and 13 of the paper).

Baseline and perturbed columns are answered with common random numbers, so that the difference is a response.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffmp_core.columns.domain import TrainingDomain
from diffmp_core.models.base import Emulator
from diffmp_core.physics.column_integrals import Change, compare
from diffmp_core.physics.perturbation import Perturbation, perturb
from diffmp_core.response.cautions import NO_SPREAD, Cautions, find_cautions
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.sampling.live import LiveEmulator

Array = NDArray[np.float64]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles of the members in :class:`Profiles`."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """Statistics over the members of the mean over the columns, each ``(output, level)`` in physical units.

    Attributes:
        mean: mean.
        spread: standard deviation (ddof 1).
        quantiles: ``(quantile, output, level)`` at :data:`QUANTILES`.
    """

    mean: Array
    spread: Array
    quantiles: Array


def profiles(ensemble: NDArray) -> Profiles:
    """Statistics per level of an ensemble ``(column, member, output, level)``; of many columns, those of their mean."""
    composite = np.asarray(ensemble, dtype=np.float64).mean(axis=0)
    spread = composite.std(axis=0, ddof=1) if len(composite) > 1 else np.full_like(composite[0], np.nan)
    return Profiles(composite.mean(axis=0), spread, np.quantile(composite, QUANTILES, axis=0))


@dataclass(frozen=True, eq=False)
class Response:
    """Answer of an emulator to a perturbation, of one column or a composite of many.

    Attributes:
        perturbation: what was changed.
        inputs, perturbed_inputs: ``(column, input, level)``.
        baseline, perturbed: statistics of both ensembles.
        changes: column integrals, single values and their paired difference.
        members: of the ensemble of each column.
        cautions: what to bear in mind with it: training data left, association and effect, what the columns are.
    """

    perturbation: Perturbation
    inputs: NDArray[np.float32]
    perturbed_inputs: NDArray[np.float32]
    baseline: Profiles
    perturbed: Profiles
    changes: tuple[Change, ...]
    members: int
    cautions: Cautions


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
    notes: Sequence[str] = (),
) -> Response:
    """Draw ensembles for the inputs as they are and perturbed, with common random numbers, and compare them.

    Args:
        emulator: a live one keeps the baseline for the next perturbation, and brings its training domain.
        inputs: those of the emulator, ``(column, input, level)`` in physical units; several columns are a composite.
        perturbation: what to change.
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.
        members, steps, guidance, seed: see :func:`diffmp_core.sampling.draw.draw_ensemble`.
        domain: training domain; that of a live emulator if not given.
        notes: sentences about the columns, for the cautions.

    Raises:
        DiffmpError: arrays whose shapes do not fit each other or the emulator.
    """
    schema = emulator.schema
    perturbed_inputs = perturb(inputs, perturbation, channels=schema.inputs, pressure=pressure, layer_mass=layer_mass)
    inputs = np.asarray(inputs, dtype=np.float32)

    def draw(values: NDArray) -> NDArray[np.float32]:
        if isinstance(emulator, LiveEmulator):
            return emulator.answer(values, members=members, steps=steps, guidance=guidance, seed=seed)
        return draw_ensemble(emulator, values, members=members, steps=steps, guidance=guidance, seed=seed)

    baseline = draw(inputs)
    perturbed = baseline if perturbation.changes_nothing else draw(perturbed_inputs)
    if domain is None and isinstance(emulator, LiveEmulator):
        domain = emulator.domain
    alike = members > 1 and bool((perturbed == perturbed[:, :1]).all())
    return Response(
        perturbation=perturbation,
        inputs=inputs,
        perturbed_inputs=perturbed_inputs,
        baseline=profiles(baseline),
        perturbed=profiles(perturbed),
        changes=compare(baseline, perturbed, layer_mass, schema.outputs),
        members=baseline.shape[1],
        cautions=find_cautions(
            inputs,
            domain,
            perturbation,
            channels=schema.inputs,
            pressure=pressure,
            layer_mass=layer_mass,
            notes=(*notes, *([NO_SPREAD] if alike else [])),
        ),
    )
