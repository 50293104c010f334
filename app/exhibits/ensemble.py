"""One column: members of its ensemble beside the truth (Figure 11 of the paper)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffmp_core.variables import INPUTS, OUTPUTS

from ..data.axes import TITLES, LevelAxis, ValueAxis
from ..data.catalog import Catalog
from ..figures.profile import LINES, EnsemblePanel, InputPanel, chosen_lines, ensemble_words, fan, inside, surface_line
from ..figures.theme import LIGHT
from .exhibit import STEPS, Rows, level_coordinates, levels_of, quantity, table_quantity
from .live_column import LiveColumn
from .paper import level_panel, zero_line

PROFILES = ("T", "qv")
"""Inputs drawn as profiles."""


@dataclass(frozen=True, kw_only=True)
class Ensemble(LiveColumn):
    """The ensemble of a column for the four outputs, the truth, and the profiles that the emulator read.

    ``drawing`` is ``members``, one line each, ``fan``, quantile bands, or ``single``, one ``member`` alone.
    """

    drawing: str = "members"
    member: int = 0
    what: ClassVar[str] = "profiles"
    size: ClassVar[tuple[float, float]] = (9.5, 7.0)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Members ``(member, level)`` and truth ``(level,)`` of each output, and the inputs of the column."""
        columns, live = self.columns(catalog), catalog.live(self.experiment, self.emulator)
        question = live.submit(uuid.uuid4(), columns.inputs, members=self.members, steps=STEPS, seed=self.seed)
        ensemble, truth, read = question.result().mean(axis=0), columns.truth.mean(axis=0), columns.inputs.mean(axis=0)
        variables = {}
        for channel, entry in enumerate(OUTPUTS):
            axis = catalog.value_axis(self.experiment, self.emulator, entry.name, self.units)
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
            variables[entry.name] = table_quantity(dims, shown, entry)
        drawn = catalog.drawn(self.experiment, self.emulator, members=self.members, steps=STEPS)
        words = "whether members differ; else there is no coverage"
        variables["has_spread"] = quantity((), np.int8(drawn.has_spread), "1", words)
        truth_words = ", black: truth" + (", ×: truth outside all members" if drawn.has_spread else "")
        said = ensemble_words(self.drawing, self.member, spread=drawn.has_spread)
        surface = surface_line({v.name: float(x[0]) for v, x in zip(INPUTS, read, strict=True) if not v.profile})
        return xr.Dataset(
            variables,
            coords=level_coordinates(catalog, self.experiment)
            | {
                "member": ("member", np.arange(self.members), {"standard_name": "realization", "units": "1"}),
            },
            attrs={
                "rule": columns.rule,
                "title": f"{self.emulator}: {drawn.size}{' and the truth' if columns.has_truth else ''}",
                "subtitle": f"{columns.rule} · {surface} · {said}{truth_words if columns.has_truth else ''}",
                "cautions": self.cautions(catalog, columns),
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """Four outputs, then the two input profiles."""
        levels, panels = levels_of(data, self.vertical), figure.subplots(2, 3, sharey=True).ravel()
        for place, (axes, entry) in enumerate(zip(panels, OUTPUTS, strict=False)):
            draw_output(axes, data, entry.name, levels, drawing=self.drawing, member=self.member)
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
            panel.show(
                data[entry.name].values,
                truth,
                levels=levels,
                values=shown,
                drawing=self.drawing,
                member=self.member,
                spread=bool(data["has_spread"]),
            )
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


def draw_output(axes: Axes, data: xr.Dataset, name: str, levels: LevelAxis, *, drawing: str, member: int) -> None:
    """Members of one output as lines or as a fan, their mean, the truth, and crosses where it is outside."""
    members, truth = data[name].values, data[f"{name}_truth"].values
    shown = fan(members)
    zero_line(axes)
    if drawing == "fan":
        for low, high, alpha in (("q05", "q95", 0.25), ("q25", "q75", 0.35)):
            axes.fill_betweenx(levels.values, shown[low], shown[high], color=LIGHT.emulator, alpha=alpha, linewidth=0)
    else:
        width, alpha = LINES[drawing]
        shown_alone = chosen_lines(members, drawing, member)
        axes.plot(shown_alone.T, levels.values, color=LIGHT.emulator, alpha=alpha, linewidth=0.6 * width)
    axes.plot(shown["mean"], levels.values, color=LIGHT.emulator, linestyle="--")
    axes.plot(truth, levels.values, color=LIGHT.truth)
    if data["has_spread"]:
        missed = np.where(inside(members, truth), np.nan, truth)
        axes.scatter(missed, levels.values, 22, LIGHT.perturbed, marker="x", zorder=3)
