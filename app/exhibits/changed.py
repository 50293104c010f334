"""What exhibits of a change have in common: the change, two answers with bands, and column integrals of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.axes import Axes

from diffmp_core.crm.answers import ModelAnswer
from diffmp_core.physics.column_integrals import Change
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.variables import OUTPUTS

from ..data.axes import TITLES, ValueAxis
from ..data.catalog import Catalog
from ..figures.axes import plain_number
from ..figures.response import BAND, Band, ResponsePanel, band
from ..figures.theme import LIGHT
from .exhibit import OfSelection, levels_of, quantity
from .live_column import LiveColumn
from .paper import level_panel, zero_line

if TYPE_CHECKING:
    from diffmp_core.response.sensitivity import Profiles

BOTH = {"baseline": (LIGHT.emulator, "-"), "perturbed": (LIGHT.perturbed, "--")}
"""Colour and line of both answers."""
MODEL = {"control": ":", "changed": "-."}
"""Lines of the cloud-resolving model beside an emulator's answer, black."""
PARTS = ("mean", "low", "high")
NUMBERS = ("baseline", "perturbed", "change", "standard_error", "standard_error_columns")


Settings: Any = make_dataclass(
    "Settings",
    [
        ("top_level", int, field(default=Perturbation().top_level)),
        *((name, float, field(default=slider.neutral)) for name, slider in SLIDERS.items()),
    ],
    frozen=True,
    kw_only=True,
)
"""The changed layer and a field for every slider."""


@dataclass(frozen=True, kw_only=True)
class Changed(OfSelection, Settings):
    """A change of the inputs of a column or of many, by the names of the sliders, and two answers.

    Raises:
        DiffmpError: a setting out of its bounds.
    """

    time: int
    cell: int
    units: str = "physical"
    vertical: str = "height"
    size: ClassVar[tuple[float, float]] = (9.5, 7.0)

    def __post_init__(self) -> None:
        _ = self.perturbation  # refuses what is out of bounds

    @property
    def perturbation(self) -> Perturbation:
        """The change."""
        return Perturbation(**{field.name: getattr(self, field.name) for field in fields(Settings)})

    @property
    def change_words(self) -> str:
        """The change in words, only what differs from none."""
        return self.perturbation.words

    def column_words(self, catalog: Catalog) -> str:
        """Which column it is, where and when."""
        grid = catalog.grid(self.experiment)
        return f"Column {self.cell}, {grid.place(self.cell)}, {grid.times[self.time]}"

    def answers(self, catalog: Catalog, emulator: str, first: Profiles, second: Profiles) -> dict[str, tuple]:
        """Mean and band ``(level,)`` of both answers and their difference, for each output."""
        found = {}
        for channel, entry in enumerate(OUTPUTS):
            axis = catalog.value_axis(self.experiment, emulator, entry.name, self.units)
            for which, profiles in zip(BOTH, (first, second), strict=True):
                shown = band(profiles, channel)
                for part in PARTS:
                    quantile = "mean" if part == "mean" else f"{BAND[PARTS.index(part) - 1]:.0%} quantile"
                    name = f"{entry.long_name}, {which}, {quantile} of the members"
                    found[f"{entry.name}_{which}_{part}"] = quantity(
                        "level", getattr(shown, part) * axis.factor, axis.label, name
                    )
            difference = (second.mean[channel] - first.mean[channel]) * axis.factor
            name = f"{entry.long_name}, perturbed minus baseline"
            found[f"{entry.name}_change"] = quantity("level", difference, axis.label, name)
        return found

    def model_answers(self, catalog: Catalog, emulator: str, answer: ModelAnswer) -> dict[str, tuple]:
        """The cloud-resolving model's own profiles ``(level,)`` before and after the change, for each output."""
        found = {}
        for channel, entry in enumerate(OUTPUTS):
            axis = catalog.value_axis(self.experiment, emulator, entry.name, self.units)
            for which, values in zip(MODEL, answer.profiles[:, channel], strict=True):
                name = f"{entry.long_name}, cloud-resolving model, {which}, mean of {len(answer.hourly)} h"
                found[f"{entry.name}_model_{which}"] = quantity("level", values * axis.factor, axis.label, name)
        return found

    def draw_outputs(self, data: xr.Dataset, panels: Sequence[Axes], *, row: int) -> None:
        """Both answers of the four outputs, ``row`` panels in a row."""
        levels = levels_of(data, self.vertical)
        for place, (axes, entry) in enumerate(zip(panels, OUTPUTS, strict=True)):
            zero_line(axes)
            for which, (colour, line) in BOTH.items():
                mean, low, high = (data[f"{entry.name}_{which}_{part}"].values for part in PARTS)
                axes.fill_betweenx(levels.values, low, high, color=colour, alpha=0.2, linewidth=0)
                axes.plot(mean, levels.values, color=colour, linestyle=line, label=which)
            for which, line in MODEL.items() if f"{entry.name}_model_control" in data else ():
                shown = data[f"{entry.name}_model_{which}"].values
                axes.plot(
                    shown, levels.values, color=LIGHT.truth, linestyle=line, linewidth=1.2, label=f"model, {which}"
                )
            label = data[f"{entry.name}_change"].axis_label
            level_panel(axes, levels, title=TITLES[entry.name], label=label, left=place % row == 0)
        panels[0].legend(loc="best")

    def screen_outputs(self, data: xr.Dataset) -> list[UIElement]:
        """Both answers of the four outputs as the page draws them."""
        levels, made = levels_of(data, self.vertical), list[UIElement]()
        y_range = Range1d(start=levels.start, end=levels.end)
        for entry in OUTPUTS:
            panel, axis = ResponsePanel(entry.name, y_range), ValueAxis(1.0, data[f"{entry.name}_change"].axis_label)
            before, after = (Band(*(data[f"{entry.name}_{which}_{part}"].values for part in PARTS)) for which in BOTH)
            names = [f"{entry.name}_model_{which}" for which in MODEL]
            model = np.stack([data[name].values for name in names]) if names[0] in data else None
            panel.show(before, after, levels=levels, values=axis, model=model)
            panel.paint(False)
            made.append(panel.figure)
        return made


@dataclass(frozen=True, kw_only=True)
class Asked(Changed, LiveColumn):
    """A change that is put to an emulator, with ensembles of the same random numbers before and after it."""


def change_variables(changes: Sequence[Change]) -> dict[str, tuple]:
    """Column integrals as variables without dimensions."""
    return {
        f"{change.name.replace(' ', '_')}_{number}": quantity(
            (), getattr(change, number), change.unit, f"{change.name} of the column, {number.replace('_', ' ')}"
        )
        for change in changes
        for number in NUMBERS
    } | {
        f"{change.name.replace(' ', '_')}_error": quantity(
            (), change.error, change.unit, f"{change.name} of the column, larger standard error", over=change.error_of
        )
        for change in changes
    }


def changes_of(data: xr.Dataset) -> tuple[Change, ...]:
    """The column integrals that :func:`change_variables` keeps."""
    ending = "_standard_error_columns"
    names = [name.removesuffix(ending) for name in map(str, data) if name.endswith(ending)]
    return tuple(
        Change(
            name.replace("_", " "),
            data[f"{name}_change"].axis_label,
            *(float(data[f"{name}_{number}"]) for number in NUMBERS),
        )
        for name in names
    )


def integral_words(changes: Sequence[Change]) -> str:
    """The first two integrals in words: change, its larger standard error, and what that is over."""
    return " · ".join(
        f"{change.name} {'+' if change.change > 0 else ''}{plain_number(change.change)} "
        f"± {plain_number(change.error, figures=2)} {change.unit}"
        f"{f' ({change.error_of})' if change.error_of else ''}"
        for change in changes[:2]
    )
