"""Two ensembles: of two emulators for one column, or of two columns; beside each other, or their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import variables_of
from diffmp_core.scores.significance import RATE

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..figures.output_panel import along_levels, level_axis_of
from ..figures.profile import EnsemblePanel, lock
from ..figures.profile_difference import DifferencePanel, difference_of, mean_difference
from ..figures.theme import LIGHT
from ..state.pinned import differs, nothing_pinned, pinned
from .ensemble import Ensemble, draw_output, name_output
from .exhibit import Rows, drawn_words, levels_of
from .live_column import together
from .paper import zero_line

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
        """Members ``(side, member, level)`` and truths ``(side, level)`` of each output, inputs, and differences.

        Single values have no level.
        """
        if not differs(self.choices):
            raise DiffmpError(f"expected two ensembles, found one. {nothing_pinned(column=True)}")
        return self.combine([part.gather(catalog) for part in self.parts])

    @property
    def parts(self) -> tuple[Ensemble, Ensemble]:
        """The ensemble of what is selected and that of what is pinned."""
        return Ensemble.of(self.choices), Ensemble.of(pinned(self.choices))

    def combine(self, alone: Sequence[xr.Dataset]) -> xr.Dataset:
        """What :meth:`gather` gives, from what the two ensembles give; differences only where both have members."""
        along = xr.DataArray(list(SIDES), dims="side", name="side", attrs={"long_name": "what is selected or pinned"})
        known = [str(name) for name in alone[0].data_vars if name in alone[1]]
        data = xr.concat(
            [part[known] for part in alone],
            along,
            data_vars=known,
            coords="minimal",
            compat="override",
            combine_attrs="override",
        )
        found: dict[str, tuple] = {}
        for entry in variables_of(data).outputs:
            (first, second), truths = (data[f"{entry.name}{part}"].values for part in ("", "_truth"))
            dims, attrs = ("level",) if entry.profile else (), data[entry.name].attrs
            minus = mean_difference(first, second, *truths)
            for part, values in (("", minus.mean), ("_low", minus.low), ("_high", minus.high), ("_truth", minus.truth)):
                name = f"{entry.long_name}, selected minus pinned{', ' * bool(part)}{part.lstrip('_')}"
                found[f"{entry.name}_difference{part}"] = (dims, values, attrs | {"long_name": name})
            words = {"units": "1", "long_name": f"whether the difference is significant at a rate of {RATE:g}"}
            found[f"{entry.name}_significant"] = (dims, minus.significant.astype(np.int8), words)
        other = pinned(self.choices)
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
        return (
            data.assign(found)
            .assign_coords(ensemble=("side", titles))
            .assign_attrs(
                title=(" − " if self.compare == "difference" else " and ").join(titles),
                subtitle=f"{place}{self.members} members each · {how}",
                cautions=together(
                    {
                        side: str(part.attrs["cautions"])
                        for side, part in zip(("Selected", "Pinned"), alone, strict=True)
                    }
                ),
            )
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One column an output."""
        levels, outputs = levels_of(data, self.vertical), variables_of(data).outputs
        if self.compare == "difference":
            places = figure.subplots(-(-len(outputs) // 2), 2, squeeze=False).ravel()
            for place, (axes, entry) in enumerate(zip(places, outputs, strict=False)):
                found, heights = difference_of(data, entry), level_axis_of(entry, levels).values
                mean, low, high, truth = (
                    along_levels(part, entry) for part in (found.mean, found.low, found.high, found.truth)
                )
                zero_line(axes)
                axes.fill_betweenx(heights, low, high, color=LIGHT.emulator, alpha=0.3, linewidth=0)
                axes.plot(mean, heights, color=LIGHT.emulator, linestyle="--")
                dots = np.where(along_levels(found.significant, entry), mean, np.nan)
                axes.scatter(dots, heights, 14, LIGHT.emulator, zorder=3)
                axes.plot(truth, heights, color=LIGHT.truth)
                name_output(axes, data, entry, levels, title=title_of(entry), left=place % 2 == 0)
            for axes in places[len(outputs) :]:
                axes.set_axis_off()
            return
        panels = figure.subplots(len(SIDES), len(outputs), sharex="col", squeeze=False)
        for row, side in zip(panels, SIDES, strict=True):
            for place, (axes, entry) in enumerate(zip(row, outputs, strict=True)):
                draw_output(axes, data.sel(side=side), entry, levels, drawing=self.drawing, member=self.member)
                name_output(axes, data, entry, levels, title=f"{title_of(entry)}, {side}", left=place == 0)

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        levels, outputs = levels_of(data, self.vertical), variables_of(data).outputs
        y_range = Range1d(start=levels.start, end=levels.end)
        if self.compare == "difference":
            row: list[UIElement | str] = []
            for entry in outputs:
                drawn = DifferencePanel(entry, y_range)
                drawn.show(data, levels=levels)
                drawn.paint(False)
                row.append(drawn.figure)
            return [row]
        rows: list[list[EnsemblePanel]] = []
        for side in SIDES:
            rows.append([EnsemblePanel(entry, y_range, height=300) for entry in outputs])
            for panel in rows[-1]:
                panel.show(data.sel(side=side), levels=levels, drawing=self.drawing, member=self.member)
                panel.paint(False)
        for above, below in zip(*rows, strict=True):
            lock(above, below)
        return [[panel.figure for panel in row] for row in rows]
