"""Cautions: what to bear in mind with an answer of an emulator, for the page, the report, exports and Python alike.

Inputs that leave the training data and the settings that lead there, association and effect, means over many columns,
and what is to be said of the columns themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffmp_core.columns.domain import FarthestInput, TrainingDomain
from diffmp_core.physics.perturbation import Perturbation, perturb
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.response.verdict import ASSOCIATION
from diffmp_core.variables import Channels

NO_SPREAD = "All members are alike: an error of 0 over the draw says nothing of how sure this emulator can be."
NO_DOMAIN = (
    "This emulator came without a summary of its training data: nobody knows whether these inputs lie within them."
)


def outside_words(outside: int, of: int) -> str:
    """How many of some columns lie outside the training data; '' where none does."""
    return (
        f"{outside} of {of} columns {'lies' if outside == 1 else 'lie'} outside the training data." if outside else ""
    )


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
    """Where inputs ``(column, input, level)`` lie within the training domain."""
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
        setting: name of its slider.
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
    inputs: NDArray,
    perturbation: Perturbation,
    domain: TrainingDomain,
    *,
    channels: Channels,
    pressure: NDArray,
    layer_mass: NDArray,
) -> tuple[SettingRange, ...]:
    """Settings that carry inputs ``(column, input, level)`` far from the training data, by themselves or with others.

    A setting counts by itself if with it alone more columns are out of range than without any, or the columns lie
    farther out than without and than 99 % of the training columns. Where the whole perturbation is out of range and no
    setting is by itself, those count without which fewer columns would be.

    Args:
        channels, pressure, layer_mass: as in :func:`diffmp_core.physics.perturbation.perturb`.
    """
    names = perturbation.settings
    if not names:
        return ()

    def changed(change: Perturbation) -> NDArray[np.float32]:
        return perturb(inputs, change, channels=channels, pressure=pressure, layer_mass=layer_mass)

    def only(kept: Iterable[str]) -> NDArray[np.float32]:
        settings = {name: perturbation[name] for name in kept}
        return changed(Perturbation(top_level=perturbation.top_level, **settings))

    alone = {name: only([name]) for name in names}
    without = {name: only(other for other in names if other != name) for name in names}
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
class Cautions:
    """What to bear in mind with the answer to one question.

    Attributes:
        columns: how many the answer is a mean over.
        inputs: what the emulator reads.
        pressure: of the levels (level,) [Pa], to say where.
        perturbation: what was changed, if anything.
        before, range: where the columns lie within the training data, as they are and as the emulator read them; None
            for an emulator without a domain.
        settings: what in the perturbation carries them far from it.
        notes: sentences about the columns themselves.
    """

    columns: int
    inputs: Channels
    pressure: NDArray[np.float64]
    perturbation: Perturbation
    before: Range | None
    range: Range | None
    settings: tuple[SettingRange, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_out_of_range(self) -> bool:
        """Whether any column lies outside the training data."""
        return self.range is not None and self.range.out_of_range > 0

    def range_words(self) -> str:
        """How many columns lie outside the training data, how far, and which input is farthest out; '' for none."""
        found, before = self.range, self.before
        if found is None or not self.is_out_of_range:
            return ""
        far, entry = found.farthest, self.inputs.named(found.farthest.variable)
        value, low, high = (x * entry.display_factor for x in (far.value, far.low, far.high))
        lie = "lies" if found.out_of_range == 1 else "lie"
        which = "This input lies" if found.columns == 1 else f"{found.out_of_range} of {found.columns} columns {lie}"
        farther = "farther out" if found.columns == 1 else "on the mean they are farther out"
        already = ""
        if before is not None and before.out_of_range and not self.perturbation.changes_nothing:
            already = " It does so unchanged." if found.columns == 1 else f" Unchanged, {before.out_of_range} do."
        return (
            f"{which} outside the training data ({farther} than {found.percentile:.1f} % of it). Farthest: "
            f"{entry.long_name}{self._where(far)}, {value:.3g} {entry.display_unit}, "
            f"{abs(far.deviations):.1f} standard deviations from the mean; in training {low:.3g} to "
            f"{high:.3g}.{already}"
        )

    def setting_words(self, found: SettingRange) -> str:
        """Why one setting carries the inputs far from the training data."""
        far, entry = found.farthest, self.inputs.named(found.farthest.variable)
        value, low, high = (x * entry.display_factor for x in (far.value, far.low, far.high))
        beyond = f"{entry.long_name}{self._where(far)} is {value:.3g} {entry.display_unit}"
        if far.is_outside:
            beyond += f", in training {low:.3g} to {high:.3g}"
        if found.only_together:
            return f"Out of range together with other settings: {beyond}"
        if found.out_of_range and found.columns > 1:
            return f"{found.out_of_range} of {found.columns} columns out of range: {beyond}"
        if found.out_of_range:
            return (
                f"Out of range: {beyond}"
                if far.is_outside
                else f"Out of range, beyond {found.percentile:.1f} % of training"
            )
        return f"Far out: beyond {found.percentile:.1f} % of the training columns"

    @property
    def meaning(self) -> tuple[str, ...]:
        """What the answer can and cannot mean, wherever the inputs lie."""
        said = list(self.notes)
        if self.range is None:
            said.append(NO_DOMAIN)
        if self.columns > 1:
            said.append(f"A mean over {self.columns} columns: single ones may answer otherwise.")
        if not self.perturbation.changes_nothing:
            said.append(ASSOCIATION)
            told = (SLIDERS[name].also_tells for name in self.perturbation.settings)
            said += dict.fromkeys(filter(None, told))
        return tuple(said)

    def sentences(self) -> tuple[str, ...]:
        """All of it, what is gravest first."""
        settings = (f"{SLIDERS[part.setting].gerund}: {self.setting_words(part)}." for part in self.settings)
        return tuple(filter(None, (self.range_words(), *settings, *self.meaning)))

    def _where(self, far: FarthestInput) -> str:
        return "" if far.level is None else f" at level {far.level}, {self.pressure[far.level] / 100:.0f} hPa"


def find_cautions(
    inputs: NDArray,
    domain: TrainingDomain | None,
    perturbation: Perturbation | None = None,
    *,
    channels: Channels,
    pressure: NDArray,
    layer_mass: NDArray,
    notes: Sequence[str] = (),
) -> Cautions:
    """What to bear in mind with an emulator's answer for inputs, changed or as they are.

    Args:
        inputs: ``(column, input, level)`` in physical units, as they are.
        domain: of the emulator's training, None where it is not known.
        perturbation: what is changed, if anything.
        channels, pressure, layer_mass: as in :func:`diffmp_core.physics.perturbation.perturb`.
        notes: sentences about the columns.
    """
    change, before, after, settings = perturbation or Perturbation(), None, None, tuple[SettingRange, ...]()
    if domain is not None:
        before = after = check_range(inputs, domain)
        if not change.changes_nothing:
            changed = perturb(inputs, change, channels=channels, pressure=pressure, layer_mass=layer_mass)
            after = check_range(changed, domain)
            settings = check_settings(
                inputs, change, domain, channels=channels, pressure=pressure, layer_mass=layer_mass
            )
    middle = np.asarray(pressure, dtype=float).reshape(-1, np.shape(inputs)[-1]).mean(axis=0)
    return Cautions(len(inputs), channels, middle, change, before, after, settings, tuple(notes))
