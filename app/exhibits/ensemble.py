"""One column: members of its ensemble beside the truth (Figure 11 of the paper); ranks of the truth."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from app.catalog import Catalog
from app.exhibits.exhibit import (
    STEPS,
    Exhibit,
    OfSelection,
    Rows,
    drawn_words,
    level_coordinates,
    levels_of,
    quantity,
    score_store,
    scored_words,
    table_quantity,
)
from app.exhibits.paper import level_panel
from app.figures.axes import TITLES, LevelAxis, ValueAxis, value_axis
from app.figures.profile import EnsemblePanel, InputPanel, RankPanel, fan, inside, relative_frequency, surface_line
from app.theme import LIGHT
from app.views.target import take_target
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import INPUTS, OUTPUTS

if TYPE_CHECKING:
    from diffmp_core.sampling.live import LiveEmulator

PROFILES = ("T", "qv")
"""Inputs drawn as profiles."""


def live_emulator(catalog: Catalog, experiment: str, emulator: str) -> LiveEmulator:
    """The emulator ready to answer.

    Raises:
        DiffmpError: a reference without weights.
    """
    live = catalog.live(experiment, emulator)
    if live is None:
        raise DiffmpError(
            f"expected an emulator with weights, found {emulator!r}, a reference without; choose another emulator"
        )
    return live


@dataclass(frozen=True, kw_only=True)
class Ensemble(OfSelection):
    """The ensemble of a column for the four outputs, the truth, and the profiles that the emulator read.

    Attributes:
        time, cell: indices of the column; target: ``column``, or ``composite`` for means over region and regime.
        own: the reader's own column, for the target ``own``.
        members, seed: of the ensemble.
        drawing: ``members``, one line each, or ``fan``, quantile bands.
    """

    emulator: str
    time: int
    cell: int
    target: str = "column"
    own: str = ""
    members: int = 32
    seed: int = 0
    units: str = "physical"
    vertical: str = "height"
    drawing: str = "members"
    what: ClassVar[str] = "profiles"
    size: ClassVar[tuple[float, float]] = (9.5, 7.0)

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensemble drawn here."""
        return drawn_words(self.emulator, self.members, self.seed)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Members ``(member, level)`` and truth ``(level,)`` of each output, and the inputs of the column."""
        columns, rule = take_target(self.choices, catalog)
        if columns is None:
            raise DiffmpError(f"expected columns, found none: {rule}; choose another selection or time")
        live = live_emulator(catalog, self.experiment, self.emulator)
        question = live.submit(uuid.uuid4(), columns.inputs, members=self.members, steps=STEPS, seed=self.seed)
        ensemble, truth, read = question.result().mean(axis=0), columns.truth.mean(axis=0), columns.inputs.mean(axis=0)
        variables = {}
        for channel, entry in enumerate(OUTPUTS):
            std = catalog.truth_std(self.experiment, self.emulator, entry.name)
            axis = value_axis(entry.name, self.units, truth_std=std)
            name = entry.long_name
            members = ensemble[:, channel] * axis.factor
            variables[entry.name] = quantity(
                ("member", "level"), members, axis.label, f"{name}, member of the ensemble"
            )
            variables[f"{entry.name}_truth"] = quantity(
                "level", truth[channel] * axis.factor, axis.label, f"{name}, truth"
            )
        for values, entry in zip(read, INPUTS, strict=True):
            dims, shown = ("level", values) if entry.profile else ((), values[0])
            variables[entry.name] = table_quantity(dims, shown, entry.name)
        surface = surface_line({v.name: float(x[0]) for v, x in zip(INPUTS, read, strict=True) if not v.profile})
        return xr.Dataset(
            variables,
            coords=level_coordinates(catalog, self.experiment)
            | {
                "member": ("member", np.arange(self.members), {"standard_name": "realization", "units": "1"}),
            },
            attrs={
                "rule": rule,
                "title": f"{self.emulator}: {self.members} members{' and the truth' if columns.has_truth else ''}",
                "subtitle": f"{rule} · {surface} · dashed: mean of the members"
                f"{', black: truth, ×: truth outside all members' if columns.has_truth else ''}",
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """Four outputs, then the two input profiles."""
        levels, panels = levels_of(data, self.vertical), figure.subplots(2, 3, sharey=True).ravel()
        for place, (axes, entry) in enumerate(zip(panels, OUTPUTS, strict=False)):
            draw_output(axes, data, entry.name, levels, as_fan=self.drawing == "fan")
            level_panel(axes, levels, title=TITLES[entry.name], label=data[entry.name].axis_label, left=place % 3 == 0)
        for axes, name in zip(panels[len(OUTPUTS) :], PROFILES, strict=True):
            axes.plot(data[name], levels.values, color=LIGHT.truth)
            level_panel(axes, levels, title=f"Input: {TITLES[name].lower()}", label=data[name].axis_label, left=False)

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        levels = levels_of(data, self.vertical)
        y_range = Range1d(start=levels.start, end=levels.end)
        outputs: list[UIElement] = []
        for entry in OUTPUTS:
            panel = EnsemblePanel(entry.name, y_range)
            shown = ValueAxis(1.0, data[entry.name].axis_label)
            truth = data[f"{entry.name}_truth"].values
            panel.show(data[entry.name].values, truth, levels=levels, values=shown, as_fan=self.drawing == "fan")
            panel.paint(False)
            outputs.append(panel.figure)
        for name in PROFILES:
            read = InputPanel(y_range, title=TITLES[name], compares=False)
            read.show(
                data[name].values,
                title=f"Input: {TITLES[name].lower()}",
                levels=levels,
                label=data[name].axis_label,
                visible=(levels.start, levels.end),
            )
            read.paint(False)
            outputs.append(read.figure)
        return [outputs[:3], outputs[3:]]


def draw_output(axes: Axes, data: xr.Dataset, name: str, levels: LevelAxis, *, as_fan: bool) -> None:
    """Members of one output as lines or as a fan, their mean, the truth, and crosses where it is outside."""
    members, truth = data[name].values, data[f"{name}_truth"].values
    shown = fan(members)
    axes.axvline(0, color=LIGHT.muted, linewidth=0.6, linestyle=":")
    if as_fan:
        for low, high, alpha in (("q05", "q95", 0.25), ("q25", "q75", 0.35)):
            axes.fill_betweenx(levels.values, shown[low], shown[high], color=LIGHT.emulator, alpha=alpha, linewidth=0)
    else:
        axes.plot(members.T, levels.values, color=LIGHT.emulator, alpha=0.3, linewidth=0.6)
    axes.plot(shown["mean"], levels.values, color=LIGHT.emulator, linestyle="--")
    axes.plot(truth, levels.values, color=LIGHT.truth)
    missed = np.where(inside(members, truth), np.nan, truth)
    axes.scatter(missed, levels.values, 22, LIGHT.perturbed, marker="x", zorder=3)


@dataclass(frozen=True, kw_only=True)
class Ranks(Exhibit):
    """How often the truth has each rank among the members, over all levels and columns scored."""

    emulator: str
    what: ClassVar[str] = "ranks"
    size: ClassVar[tuple[float, float]] = (9.0, 3.2)

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensemble that was scored."""
        return scored_words(catalog, self.experiment, self.emulator)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Counts and relative frequencies ``(rank,)`` of each output."""
        scores = score_store(catalog, self.experiment, self.emulator)
        counts: dict[str, NDArray] = {
            entry.name: scores["rank_histogram"].sel(variable=entry.name).sum("level").values for entry in OUTPUTS
        }
        variables = {f"{name}_count": quantity("rank", found, "1", f"truths, {name}") for name, found in counts.items()}
        variables |= {
            f"{name}_frequency": quantity(
                "rank", relative_frequency(found), "1", f"share of truths over that of a flat histogram, {name}"
            )
            for name, found in counts.items()
        }
        size = scores.sizes["rank"]
        return xr.Dataset(
            variables,
            coords={"rank": ("rank", np.arange(size), {"long_name": "members below the truth", "units": "1"})},
            attrs={
                "title": f"Rank of the truth among {size - 1} members, {self.emulator}",
                "subtitle": "All levels of all columns scored · flat is right, a valley means too little spread, "
                "a hill too much, a slope a bias",
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One panel an output."""
        for place, (axes, entry) in enumerate(zip(figure.subplots(1, len(OUTPUTS), sharey=True), OUTPUTS, strict=True)):
            axes.bar(data["rank"], data[f"{entry.name}_frequency"], width=0.85, color=LIGHT.emulator, alpha=0.7)
            axes.axhline(1, color=LIGHT.truth, linestyle="--", linewidth=1)
            axes.set(title=TITLES[entry.name], xlabel="members below the truth")
            if place == 0:
                axes.set_ylabel("relative frequency")

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        row: list[UIElement] = []
        for entry in OUTPUTS:
            panel = RankPanel(entry.name)
            panel.show(data[f"{entry.name}_count"].values, title=TITLES[entry.name])
            panel.paint(False)
            row.append(panel.figure)
        return [row]
