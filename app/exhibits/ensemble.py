"""One column: members of its ensemble beside the truth (Figure 11 of the paper)."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import variables_attrs, variables_of
from diffmp_core.variables import Channels, ColumnVariables, Variable

from ..data.axes import LevelAxis, title_of
from ..data.catalog import Catalog
from ..data.target import Target
from ..figures.output_panel import along_levels, level_axis_of
from ..figures.profile import LINES, EnsemblePanel, InputPanel, chosen_lines, ensemble_words, fan, inside, surface_line
from ..figures.theme import LIGHT
from .exhibit import LIVE_STEPS, Rows, level_coordinates, levels_of, quantity, table_quantity
from .live_column import LiveColumn
from .paper import level_panel, zero_line

IN_A_ROW = 3
"""Panels in a row of a figure."""


@dataclass(frozen=True, kw_only=True)
class Ensemble(LiveColumn):
    """The ensemble of a column for every output, the truth, and what the emulator read.

    ``drawing`` is ``members``, one line each, ``fan``, quantile bands, or ``single``, one ``member`` alone.
    """

    drawing: str = "members"
    member: int = 0
    what: ClassVar[str] = "profiles"
    size: ClassVar[tuple[float, float]] = (9.5, 7.0)

    def ask(self, catalog: Catalog, key: Hashable) -> Future[NDArray]:
        """Put the question to the emulator; ``key`` names who asks.

        Raises:
            DiffmpError: no columns, an emulator without weights, or one that reads what they lack.
        """
        columns, live = self.columns(catalog), catalog.live(self.experiment, self.emulator)
        inputs = columns.read_by(live.schema.inputs)
        return live.submit(key, inputs, members=self.members, steps=LIVE_STEPS, seed=self.seed)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Members ``(member, level)`` and truth ``(level,)`` of each output, and the inputs of the column.

        Single values have no level.
        """
        return self.arrange(catalog, self.ask(catalog, uuid.uuid4()).result())

    def arrange(self, catalog: Catalog, answer: NDArray | None) -> xr.Dataset:
        """What :meth:`gather` gives, from the answer ``(column, member, output, level)`` of the emulator.

        Without an answer there are no members; an output that the emulator does not give is NaN.
        """
        columns = self.columns(catalog)
        inputs, given = self._channels(catalog, columns)
        chosen = ColumnVariables(inputs, columns.variables.outputs)
        truth = columns.truth.mean(axis=0)
        none = np.empty((0, len(given), truth.shape[-1]), dtype=np.float32)
        ensemble = none if answer is None else np.asarray(answer).mean(axis=0)
        lacking = np.full((len(ensemble), truth.shape[-1]), np.nan, dtype=np.float32)
        data: dict[str, Any] = {}
        for entry, true in zip(chosen.outputs, truth, strict=True):
            members = ensemble[:, given.channel(entry.name)] if entry.name in given else lacking
            axis = catalog.value_axis(self.experiment, self.emulator, entry.name, self.units)
            along: tuple[str, ...] = ("level",) if entry.profile else ()
            of_members, of_truth = (
                (values if entry.profile else values[..., 0]) * axis.factor for values in (members, true)
            )
            words = f"{entry.long_name}, member of the ensemble"
            data[entry.name] = quantity(("member", *along), of_members, axis.label, words)
            data[f"{entry.name}_truth"] = quantity(along, of_truth, axis.label, f"{entry.long_name}, truth")
        for entry in inputs:
            read = columns.inputs[:, columns.variables.inputs.channel(entry.name)].mean(axis=0)
            name = chosen.stored_input(entry.name)
            data[name] = table_quantity("level", read, entry) if entry.profile else table_quantity((), read[0], entry)
        drawn = catalog.drawn(self.experiment, self.emulator, members=self.members, steps=LIVE_STEPS)
        words = "whether members differ; else there is no coverage"
        data["has_spread"] = quantity((), np.int8(drawn.has_spread), "1", words)
        found = xr.Dataset(
            data,
            coords=level_coordinates(catalog, self.experiment)
            | {
                "member": ("member", np.arange(len(ensemble)), {"standard_name": "realization", "units": "1"}),
            },
            attrs=variables_attrs(chosen),
        )
        truth_words = ", black: truth" + (", ×: truth outside all members" if drawn.has_spread else "")
        said = ensemble_words(self.drawing, self.member, spread=drawn.has_spread)
        where = " · ".join(filter(None, (columns.rule, singles_line(found, chosen), said)))
        return found.assign_attrs(
            rule=columns.rule,
            title=f"{self.emulator}: {drawn.size}{' and the truth' if columns.has_truth else ''}",
            subtitle=f"{where}{truth_words if columns.has_truth else ''}",
            **(self.cautions(catalog, columns) if len(ensemble) else {"cautions": "", "out_of_range": 0}),
        )

    def _channels(self, catalog: Catalog, columns: Target) -> tuple[Channels, Channels]:
        """Inputs that the emulator reads and outputs that it gives; all inputs and no output of one without weights."""
        try:
            schema = catalog.live(self.experiment, self.emulator).schema
        except DiffmpError:
            return columns.variables.inputs, Channels()
        return Channels(v for v in schema.inputs if v.name in columns.variables.inputs), schema.outputs

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The outputs, then the profiles among the inputs."""
        levels, variables = levels_of(data, self.vertical), variables_of(data)
        outputs, inputs = variables.outputs, dict(input_profiles(variables))
        rows = -(-(len(outputs) + len(inputs)) // IN_A_ROW)
        panels = figure.subplots(rows, IN_A_ROW, squeeze=False).ravel()
        for place, (axes, entry) in enumerate(zip(panels, outputs, strict=False)):
            draw_output(axes, data, entry, levels, drawing=self.drawing, member=self.member)
            name_output(axes, data, entry, levels, title=title_of(entry), left=place % IN_A_ROW == 0)
        for place, (axes, (name, entry)) in enumerate(zip(panels[len(outputs) :], inputs.items(), strict=False)):
            axes.plot(data[name], levels.values, color=LIGHT.truth)
            title, left = f"Input: {title_of(entry).lower()}", (len(outputs) + place) % IN_A_ROW == 0
            level_panel(axes, levels, title=title, label=data[name].axis_label, left=left)
        for axes in panels[len(outputs) + len(inputs) :]:
            axes.set_axis_off()

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        levels = levels_of(data, self.vertical)
        y_range = Range1d(start=levels.start, end=levels.end)
        figures: list[UIElement] = []
        for entry in variables_of(data).outputs:
            panel = EnsemblePanel(entry, y_range)
            panel.show(data, levels=levels, drawing=self.drawing, member=self.member)
            panel.paint(False)
            figures.append(panel.figure)
        for name, entry in input_profiles(variables_of(data)):
            read = InputPanel(y_range, title=f"Input: {title_of(entry).lower()}", compares=False)
            show_input(read, data, name, levels)
            read.paint(False)
            figures.append(read.figure)
        return [figures[first : first + IN_A_ROW] for first in range(0, len(figures), IN_A_ROW)]


def input_profiles(variables: ColumnVariables) -> Iterator[tuple[str, Variable]]:
    """The inputs on levels among the variables of a dataset, and their names there."""
    return ((variables.stored_input(entry.name), entry) for entry in variables.inputs.profiles)


def show_input(panel: InputPanel, data: xr.Dataset, name: str, levels: LevelAxis) -> None:
    """Draw an input of a dataset over all levels."""
    ends = levels.start, levels.end
    panel.show(data[name].values, levels=levels, label=data[name].axis_label, visible=ends)


def singles_line(data: xr.Dataset, variables: ColumnVariables) -> str:
    """The single values among the inputs of a dataset of these variables, in words."""
    singles = variables.inputs.singles
    return surface_line((entry, data[variables.stored_input(entry.name)].item()) for entry in singles)


def draw_output(
    axes: Axes, data: xr.Dataset, output: Variable, levels: LevelAxis, *, drawing: str, member: int
) -> None:
    """Members of one output as lines or as a fan, their mean, the truth, and crosses where it is outside."""
    members, truth = data[output.name].values, data[f"{output.name}_truth"].values
    heights, along = level_axis_of(output, levels).values, along_levels(truth, output)
    zero_line(axes)
    if np.isfinite(members).any():
        shown = fan(along_levels(members, output))
        if drawing == "fan":
            for low, high, alpha in (("q05", "q95", 0.25), ("q25", "q75", 0.35)):
                axes.fill_betweenx(heights, shown[low], shown[high], color=LIGHT.emulator, alpha=alpha, linewidth=0)
        else:
            width, alpha = LINES[drawing]
            shown_alone = along_levels(chosen_lines(members, drawing, member), output)
            axes.plot(shown_alone.T, heights, color=LIGHT.emulator, alpha=alpha, linewidth=0.6 * width)
        axes.plot(shown["mean"], heights, color=LIGHT.emulator, linestyle="--")
        if data["has_spread"]:
            missed = along_levels(np.where(inside(members, truth), np.nan, truth), output)
            axes.scatter(missed, heights, 22, LIGHT.perturbed, marker="x", zorder=3)
    axes.plot(along, heights, color=LIGHT.truth)


def name_output(axes: Axes, data: xr.Dataset, output: Variable, levels: LevelAxis, *, title: str, left: bool) -> None:
    """Name and bound the panel of an output; that of a single value has nothing upward to be read."""
    label = data[output.name].axis_label
    level_panel(axes, level_axis_of(output, levels), title=title, label=label, left=left and output.profile)
    if not output.profile:
        axes.set_yticks([])
