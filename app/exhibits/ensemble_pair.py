"""Two ensembles: of two emulators for one column, or of two columns; beside each other, or their difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.significance import RATE
from diffmp_core.variables import OUTPUTS

from ..data.axes import TITLES, ValueAxis
from ..data.catalog import Catalog
from ..figures.profile import EnsemblePanel, lock
from ..figures.profile_difference import DifferencePanel, MeanDifference, mean_difference
from ..figures.theme import LIGHT
from ..state.pinned import differs, nothing_pinned, pinned
from .ensemble import Ensemble, draw_output
from .exhibit import Rows, drawn_words, levels_of
from .live_column import together
from .paper import level_panel, zero_line

SIDES = ("selected", "pinned")


@dataclass(frozen=True, kw_only=True)
class EnsemblePair(Ensemble):
    """The ensemble of what is selected and of what is pinned, as in :class:`Ensemble`.

    Attributes:
        compare: ``difference`` draws that of the means, all else one above the other on the same axes.
        pinned_emulator, pinned_cell, pinned_time: what is pinned; '' and -1 are as selected.
    """

    compare: str = "side by side"
    pinned_emulator: str = ""
    pinned_cell: int = -1
    pinned_time: int = -1
    what: ClassVar[str] = "pair"

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensembles drawn here."""
        names = dict.fromkeys((self.emulator, pinned(self.choices).emulator))
        return "; ".join(
            drawn_words(catalog, self.experiment, name, members=self.members, seed=self.seed) for name in names
        )

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Members ``(side, member, level)`` and truths ``(side, level)`` of each output, inputs, and differences."""
        other = pinned(self.choices)
        if not differs(self.choices):
            raise DiffmpError(f"expected two ensembles, found one. {nothing_pinned(column=True)}")
        alone = [Ensemble.of(choices).gather(catalog) for choices in (self.choices, other)]
        along = xr.DataArray(list(SIDES), dims="side", name="side", attrs={"long_name": "what is selected or pinned"})
        known = [str(name) for name in alone[0].data_vars]
        data = xr.concat(alone, along, data_vars=known, coords="minimal", compat="override", combine_attrs="override")
        for entry in OUTPUTS:
            found = mean_difference(*data[entry.name].values, *data[f"{entry.name}_truth"].values)
            attrs = data[entry.name].attrs
            for part, values in (("", found.mean), ("_low", found.low), ("_high", found.high), ("_truth", found.truth)):
                name = f"{entry.long_name}, selected minus pinned{', ' * bool(part)}{part.lstrip('_')}"
                data[f"{entry.name}_difference{part}"] = ("level", values, attrs | {"long_name": name})
            words = {"units": "1", "long_name": f"whether the difference is significant at a rate of {RATE:g}"}
            data[f"{entry.name}_significant"] = ("level", found.significant.astype(np.int8), words)
        names = [choices.emulator for choices in (self.choices, other)]
        rules = [str(part.attrs["rule"]) for part in alone]
        titles = [f"{name}, {rule}" if rules[0] != rules[1] else name for name, rule in zip(names, rules, strict=True)]
        place = "" if rules[0] != rules[1] else f"{rules[0]} · "
        how = (
            "dashed: difference of the means with its 95 % interval, from paired members; dots: significant at a false "
            f"discovery rate of {RATE:.0%}; black: difference of the truths"
            if self.compare == "difference"
            else "above: selected, below: pinned, same axes · black: truth, dashed: mean, ×: truth outside all members"
        )
        return data.assign_coords(ensemble=("side", titles)).assign_attrs(
            title=(" − " if self.compare == "difference" else " and ").join(titles),
            subtitle=f"{place}{self.members} members each · {how}",
            cautions=together(
                {side: str(part.attrs["cautions"]) for side, part in zip(("Selected", "Pinned"), alone, strict=True)}
            ),
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One column an output."""
        levels, size = levels_of(data, self.vertical), len(OUTPUTS)
        if self.compare == "difference":
            places = figure.subplots(2, 2, sharey=True).ravel()
            for place, (axes, entry) in enumerate(zip(places, OUTPUTS, strict=True)):
                found = _difference(data, entry.name)
                zero_line(axes)
                axes.fill_betweenx(levels.values, found.low, found.high, color=LIGHT.emulator, alpha=0.3, linewidth=0)
                axes.plot(found.mean, levels.values, color=LIGHT.emulator, linestyle="--")
                dots = np.where(found.significant, found.mean, np.nan)
                axes.scatter(dots, levels.values, 14, LIGHT.emulator, zorder=3)
                axes.plot(found.truth, levels.values, color=LIGHT.truth)
                label = data[entry.name].axis_label
                level_panel(axes, levels, title=TITLES[entry.name], label=label, left=place % 2 == 0)
            return
        panels = figure.subplots(len(SIDES), size, sharey=True, sharex="col")
        for row, side in zip(panels, SIDES, strict=True):
            for place, (axes, entry) in enumerate(zip(row, OUTPUTS, strict=True)):
                draw_output(axes, data.sel(side=side), entry.name, levels, drawing=self.drawing, member=self.member)
                title = f"{TITLES[entry.name]}, {side}"
                level_panel(axes, levels, title=title, label=data[entry.name].axis_label, left=place == 0)

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        levels = levels_of(data, self.vertical)
        y_range = Range1d(start=levels.start, end=levels.end)
        if self.compare == "difference":
            row: list[UIElement | str] = []
            for entry in OUTPUTS:
                drawn, values = DifferencePanel(entry.name, y_range), ValueAxis(1.0, data[entry.name].axis_label)
                drawn.show(_difference(data, entry.name), levels=levels, values=values)
                drawn.paint(False)
                row.append(drawn.figure)
            return [row]
        rows: list[list[EnsemblePanel]] = []
        for side in SIDES:
            rows.append([EnsemblePanel(entry.name, y_range, height=300) for entry in OUTPUTS])
            for panel in rows[-1]:
                shown = data.sel(side=side)
                panel.show(
                    shown[panel.variable].values,
                    shown[f"{panel.variable}_truth"].values,
                    levels=levels,
                    values=ValueAxis(1.0, shown[panel.variable].axis_label),
                    drawing=self.drawing,
                    member=self.member,
                    spread=bool(shown["has_spread"]),
                )
                panel.paint(False)
        for above, below in zip(*rows, strict=True):
            lock(above, below)
        return [[panel.figure for panel in row] for row in rows]


def _difference(data: xr.Dataset, name: str) -> MeanDifference:
    """The difference that a dataset holds."""
    mean, low, high, truth = (data[f"{name}_difference{part}"].values for part in ("", "_low", "_high", "_truth"))
    significant = data[f"{name}_significant"].values == 1
    return MeanDifference(mean=mean, low=low, high=high, truth=truth, significant=significant)
