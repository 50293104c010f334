"""Sweeps: an emulator's response along one or two settings of a perturbation, all with the same random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.columns.domain import TrainingDomain
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import Emulator
from diffmp_core.physics.column_integrals import (
    PairedChange,
    chance,
    integrals_of,
    integrate,
    larger_error,
    paired_change,
)
from diffmp_core.physics.perturbation import Perturbation, perturb
from diffmp_core.response.cautions import find_cautions
from diffmp_core.response.sensitivity import QUANTILES
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.sampling.live import LiveEmulator
from diffmp_core.scores.significance import discoveries

Progress = Callable[[int, int], None]
"""Called with the points done and the points in all; what it raises ends the sweep."""


@dataclass(frozen=True, kw_only=True)
class SweepAxis:
    """Values ``(point,)`` that settings of a :class:`Perturbation` take together; ``name`` is that of the dimension."""

    name: str
    settings: tuple[str, ...]
    values: tuple[float, ...]


def sweep(
    emulator: Emulator | LiveEmulator,
    inputs: NDArray,
    perturbation: Perturbation,
    axes: Sequence[SweepAxis],
    *,
    pressure: NDArray,
    layer_mass: NDArray,
    members: int = 32,
    steps: int = 5,
    guidance: tuple[float, ...] | None = None,
    seed: int = 0,
    domain: TrainingDomain | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> xr.Dataset:
    """Column integrals of the emulator's answer at every point of one or two axes, against the unchanged inputs.

    All points and the baseline have common random numbers. A live emulator answers point by point, each behind whatever
    else it is asked meanwhile (:meth:`LiveEmulator.answer_patiently`), so call this from a thread of its own.

    Args:
        emulator: a live one keeps its answers, and brings its training domain.
        inputs: those of the emulator, ``(column, input, level)`` in physical units; several columns are a composite.
        perturbation: the settings that no axis sweeps.
        axes: one or two.
        pressure: [Pa], ``(level,)`` or ``(column, level)``.
        layer_mass: [kg m-2], ``(level,)`` or ``(column, level)``.
        members, steps, guidance, seed: see :func:`diffmp_core.sampling.draw.draw_ensemble`.
        domain: training domain; that of a live emulator if not given.
        notes: sentences about the columns, for the cautions.
        progress: told before each point and at the end.

    Returns:
        Dims ``integral`` (those of the emulator's outputs, single values too, with the coordinate ``unit``), one for
        each axis, and ``quantile``: the fields of :class:`PairedChange`; ``quantiles`` of the members' means over the
        columns; ``significant`` (see :func:`significant`); ``out_of_range``, share of the columns, NaN without a
        domain. The attribute ``cautions`` says what to bear in mind at the point that is farthest out.

    Raises:
        DiffmpError: no or more than two axes, one without values, a setting that is unknown, swept twice or out of its
            bounds, arrays whose shapes do not fit.
    """
    points = _points(perturbation, axes)
    inputs = np.asarray(inputs, dtype=np.float32)
    if domain is None and isinstance(emulator, LiveEmulator):
        domain = emulator.domain

    def draw(values: NDArray) -> NDArray[np.float32]:
        if isinstance(emulator, LiveEmulator):
            return emulator.answer_patiently(values, members=members, steps=steps, guidance=guidance, seed=seed)
        return draw_ensemble(emulator, values, members=members, steps=steps, guidance=guidance, seed=seed)

    channels, outputs = emulator.schema.inputs, emulator.schema.outputs
    integrals = integrals_of(outputs)
    names = [integral.name for integral in integrals]
    shape = tuple(len(axis.values) for axis in axes)
    compared = {name: np.empty((len(names), len(points))) for name in PairedChange._fields}
    quantiles = np.empty((len(QUANTILES), len(names), len(points)))
    outside = np.full(len(points), np.nan)
    before: dict[str, NDArray] | None = None
    for place, point in enumerate(points):
        if progress:
            progress(place, len(points))
        changed = perturb(inputs, point, channels=channels, pressure=pressure, layer_mass=layer_mass)
        if before is None:
            before = integrate(draw(inputs), layer_mass, outputs)
        after = before if point.changes_nothing else integrate(draw(changed), layer_mass, outputs)
        for row, name in enumerate(names):
            for field, value in zip(PairedChange._fields, paired_change(before[name], after[name]), strict=True):
                compared[field][row, place] = value
            quantiles[:, row, place] = np.quantile(after[name].mean(axis=0), QUANTILES)
        if domain is not None:
            outside[place] = domain.is_out_of_range(changed).mean()
    if progress:
        progress(len(points), len(points))
    error = larger_error(compared["standard_error"], compared["standard_error_columns"])
    sure = significant(compared["change"], error, samples=len(inputs) if len(inputs) > 1 else members)
    dims = tuple(axis.name for axis in axes)
    worst = max(range(len(points)), key=lambda place: (np.nan_to_num(outside)[place], len(points[place].settings)))
    cautions = find_cautions(
        inputs, domain, points[worst], channels=channels, pressure=pressure, layer_mass=layer_mass, notes=notes
    ).sentences()
    count = int((outside > 0).sum())
    left = f"{count} of {len(points)} points of the sweep have columns outside the training data; at the farthest:"
    return xr.Dataset(
        {name: (("integral", *dims), values.reshape(-1, *shape)) for name, values in compared.items()}
        | {
            "quantiles": (("quantile", "integral", *dims), quantiles.reshape(*quantiles.shape[:2], *shape)),
            "significant": (("integral", *dims), sure.reshape(-1, *shape)),
            "out_of_range": (dims, outside.reshape(shape)),
        },
        coords={axis.name: np.asarray(axis.values) for axis in axes}
        | {"integral": names, "unit": ("integral", [i.unit for i in integrals]), "quantile": list(QUANTILES)},
        attrs={"cautions": " ".join((*([left] if count else []), *cautions))},
    )


def significant(change: NDArray, standard_error: NDArray, *, samples: int) -> NDArray[np.bool_]:
    """Where changes ``(quantity, point)`` are not zero by chance, each quantity judged over all its points.

    Two-sided t test of a mean of ``samples``, with the false discovery rate of
    :func:`diffmp_core.scores.significance.discoveries`. A change that is exactly zero, or whose error is unknown, never
    is.
    """
    return np.stack([discoveries(row) for row in chance(change, standard_error, degrees=samples - 1)])


def _points(perturbation: Perturbation, axes: Sequence[SweepAxis]) -> list[Perturbation]:
    """The perturbation of every point, the last axis fastest."""
    known = set(perturbation.as_dict())
    swept = [setting for axis in axes for setting in axis.settings]
    if not 1 <= len(axes) <= 2 or not all(axis.values and axis.settings for axis in axes):
        raise DiffmpError(f"expected one or two axes with settings and values, found {len(axes)}; name a setting")
    if len(set(swept)) < len(swept) or not set(swept) <= known or len({axis.name for axis in axes}) < len(axes):
        raise DiffmpError(
            f"expected different settings among {', '.join(sorted(known))} to sweep, found {', '.join(swept)}; "
            "choose others"
        )
    kept, points = perturbation.as_dict(), list[Perturbation]()
    for values in product(*(axis.values for axis in axes)):
        pairs = zip(axes, values, strict=True)
        settings: dict[str, Any] = kept | {name: value for axis, value in pairs for name in axis.settings}
        points.append(Perturbation(**settings))
    return points
