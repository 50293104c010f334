"""What exhibits of a change have in common: the change, two answers with bands, and column integrals of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffmp_core.crm.answers import ModelAnswer
from diffmp_core.physics.column_integrals import Change
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.schema import variables_of
from diffmp_core.variables import Channels, Variable

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..data.model_answers import MODEL_OUTPUTS
from ..figures.axes import plain_number, set_range
from ..figures.response import BAND, Band, ResponsePanel, SingleResponsePanel, response_panels
from ..figures.theme import LIGHT
from .exhibit import OfSelection, levels_of, quantity
from .live_column import LiveColumn
from .paper import level_panel, zero_line

if TYPE_CHECKING:
    from diffmp_core.response.sensitivity import Profiles

OutputPanels: TypeAlias = Mapping[str, ResponsePanel | SingleResponsePanel]
"""Panels of the outputs by name."""

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

    ``emulator`` answers, or only names the unit of normalised values.

    Raises:
        DiffmpError: a setting out of its bounds.
    """

    emulator: str
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

    def answers(self, catalog: Catalog, outputs: Channels, first: Profiles, second: Profiles) -> dict[str, tuple]:
        """Mean and band of both answers for each output, ``(level,)``, or ``()`` of a single value.

        Of outputs on levels their difference, too; that of a single value is among the column integrals.
        """
        from diffmp_core.response.sensitivity import QUANTILES  # torch takes a second: only when there is an answer

        rows = [QUANTILES.index(quantile) for quantile in BAND]
        found = {}
        for channel, entry in enumerate(outputs):
            axis = catalog.value_axis(self.experiment, self.emulator, entry.name, self.units)
            dims, of = ("level", slice(None)) if entry.profile else ((), 0)
            means = []
            for which, profiles in zip(BOTH, (first, second), strict=True):
                shown = (profiles.mean[channel], *(profiles.quantiles[row, channel] for row in rows))
                means.append(shown[0][of] * axis.factor)
                for place, (part, values) in enumerate(zip(PARTS, shown, strict=True)):
                    quantile = "mean" if part == "mean" else f"{BAND[place - 1]:.0%} quantile"
                    name = f"{entry.long_name}, {which}, {quantile} of the members"
                    found[f"{entry.name}_{which}_{part}"] = quantity(dims, values[of] * axis.factor, axis.label, name)
            if entry.profile:
                name = f"{entry.long_name}, perturbed minus baseline"
                found[f"{entry.name}_change"] = quantity("level", means[1] - means[0], axis.label, name)
        return found

    def model_answers(self, catalog: Catalog, outputs: Channels, answer: ModelAnswer) -> dict[str, tuple]:
        """The cloud-resolving model's own profiles ``(level,)`` before and after the change, of outputs it has too."""
        found = {}
        for entry in (entry for entry in outputs if entry.name in MODEL_OUTPUTS):
            axis = catalog.value_axis(self.experiment, self.emulator, entry.name, self.units)
            shown = answer.profiles[:, MODEL_OUTPUTS.channel(entry.name)]
            for which, values in zip(MODEL, shown, strict=True):
                name = f"{entry.long_name}, cloud-resolving model, {which}, mean of {len(answer.hourly)} h"
                found[f"{entry.name}_model_{which}"] = quantity("level", values * axis.factor, axis.label, name)
        return found

    def draw_outputs(self, data: xr.Dataset, panels: Iterable[Axes], *, row: int) -> None:
        """Both answers of all outputs, each on one of the ``panels``, of which ``row`` stand in a row."""
        for place, (axes, entry) in enumerate(zip(panels, variables_of(data).outputs, strict=True)):
            draw = self._draw_profile if entry.profile else self._draw_single
            draw(data, axes, entry, left=place % row == 0)
            if place == 0:
                axes.legend(loc="best")

    def _draw_profile(self, data: xr.Dataset, axes: Axes, entry: Variable, *, left: bool) -> None:
        levels = levels_of(data, self.vertical)
        zero_line(axes)
        for which, (colour, line) in BOTH.items():
            mean, low, high = (data[f"{entry.name}_{which}_{part}"].values for part in PARTS)
            axes.fill_betweenx(levels.values, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(mean, levels.values, color=colour, linestyle=line, label=which)
        for which, line in MODEL.items() if f"{entry.name}_model_control" in data else ():
            shown = data[f"{entry.name}_model_{which}"].values
            axes.plot(shown, levels.values, color=LIGHT.truth, linestyle=line, linewidth=1.2, label=f"model, {which}")
        label = data[f"{entry.name}_change"].axis_label
        level_panel(axes, levels, title=title_of(entry), label=label, left=left)

    def _draw_single(self, data: xr.Dataset, axes: Axes, entry: Variable, *, left: bool) -> None:
        for place, (which, (colour, _)) in enumerate(BOTH.items()):
            mean, low, high = (float(data[f"{entry.name}_{which}_{part}"]) for part in PARTS)
            axes.vlines(place, low, high, color=colour, alpha=0.3, linewidth=8)
            axes.plot([place], [mean], color=colour, marker="oD"[place], linestyle="none", label=which)
        axes.set_xticks([0, 1], ["as it is", "changed"])
        axes.set(title=title_of(entry), xlim=(-0.6, 1.6), ylabel=data[f"{entry.name}_baseline_mean"].axis_label)

    def show_outputs(
        self, data: xr.Dataset, panels: OutputPanels, y_range: Range1d, *, target: str = "", differ: bool = True
    ) -> None:
        """Draw into the panels of the page; ``target`` and ``differ`` as in :class:`ResponsePanel`."""
        levels, found = levels_of(data, self.vertical), data.variables
        set_range(y_range, (levels.start, levels.end))
        for name, panel in panels.items():
            label = found[f"{name}_baseline_mean"].attrs["axis_label"]
            before, after = (Band(*(found[f"{name}_{which}_{part}"].values for part in PARTS)) for which in BOTH)
            if isinstance(panel, SingleResponsePanel):
                panel.show(before, after, label=label, target=target, differ=differ)
                continue
            model = [found[key].values for which in MODEL if (key := f"{name}_model_{which}") in found]
            panel.show(
                before,
                after,
                change=found[f"{name}_change"].values,
                levels=levels,
                label=label,
                target=target,
                differ=differ,
                model=model,
            )

    def screen_outputs(self, data: xr.Dataset, *, differ: bool = True) -> list[UIElement]:
        """Both answers of the outputs as the page draws them."""
        y_range = Range1d(start=0, end=1)
        panels = response_panels(variables_of(data).outputs, y_range)
        self.show_outputs(data, panels, y_range, differ=differ)
        for panel in panels.values():
            panel.paint(False)
        return [panel.figure for panel in panels.values()]


@dataclass(frozen=True, kw_only=True)
class Asked(Changed, LiveColumn):
    """A change that is put to an emulator, with ensembles of the same random numbers before and after it."""

    def outputs(self, catalog: Catalog) -> Channels:
        """What the emulator answers."""
        return catalog.live(self.experiment, self.emulator).schema.outputs


def panels_in_rows(figure: Figure, count: int, *, row: int) -> list[Axes]:
    """So many empty panels of one size, ``row`` in each row."""
    every = figure.subplots(-(-count // row), row, squeeze=False).ravel()
    for spare in every[count:]:
        spare.remove()
    return list(every[:count])


def change_variables(changes: Sequence[Change]) -> dict[str, tuple]:
    """Column integrals, and changes of single values, as variables without dimensions."""
    found = {}
    for change in changes:
        key, name = integral_key(change.name), f"{change.name} of the column"
        for number in NUMBERS:
            words = f"{name}, {number.replace('_', ' ')}"
            found[f"{key}_{number}"] = quantity((), getattr(change, number), change.unit, words, integral=change.name)
        words = f"{name}, larger standard error"
        found[f"{key}_error"] = quantity((), change.error, change.unit, words, over=change.error_of)
    return found


def integral_key(name: str) -> str:
    """A column integral's name as part of a variable's."""
    return name.replace(" ", "_")


def changes_of(data: xr.Dataset) -> tuple[Change, ...]:
    """The column integrals that :func:`change_variables` keeps."""
    ending, found = f"_{NUMBERS[-1]}", data.variables
    keys = [name.removesuffix(ending) for name in map(str, found) if name.endswith(ending)]
    return tuple(
        Change(
            found[f"{key}{ending}"].attrs["integral"],
            found[f"{key}{ending}"].attrs["axis_label"],
            *(float(found[f"{key}_{number}"].values) for number in NUMBERS),
        )
        for key in keys
    )


def integral_words(changes: Sequence[Change]) -> str:
    """The first two integrals in words: change, its larger standard error, and what that is over."""
    return " · ".join(
        f"{change.name} {'+' if change.change > 0 else ''}{plain_number(change.change)} "
        f"± {plain_number(change.error, figures=2)} {change.unit}"
        f"{f' ({change.error_of})' if change.error_of else ''}"
        for change in changes[:2]
    )
