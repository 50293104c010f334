"""Response of the emulator to a change of its inputs: two profiles with bands for each output.

Figures 12 and 13 of the paper (doi:10.20944/preprints202409.1262.v1) are the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.models.annotations import Span
from numpy.typing import NDArray

from app.figures.axes import TITLES, LevelAxis, ValueAxis, padded_range, profile_figure, set_range, steady_range
from app.theme import colours, style

if TYPE_CHECKING:
    from diffmp_core.sensitivity import Change


@dataclass(frozen=True)
class Band:
    """A profile and the band about it, each (level,), stored unit."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class ResponsePanel:
    """One output before (solid) and after (dashed) the change, each with the band of its ensemble."""

    def __init__(self, variable: str, y_range: Range1d, *, height: int = 380) -> None:
        self.variable = variable
        columns = [f"{which}_{part}" for which in ("first", "second") for part in ("mean", "low", "high")]
        self.source = ColumnDataSource(data={name: [] for name in ("y", "change", *columns)})
        self.x_range = Range1d(start=-1, end=1)
        self.extent = (-1.0, 1.0)
        self.scale: tuple[str, str] | None = None
        self.figure = plot = profile_figure(
            title=TITLES[variable], height=height, x_range=self.x_range, y_range=y_range
        )
        self.zero = Span(location=0, dimension="height", line_width=1, line_dash="dotted")
        plot.add_layout(self.zero)
        self.areas = {
            which: plot.harea(y="y", x1=f"{which}_low", x2=f"{which}_high", source=self.source, fill_alpha=0.2)
            for which in ("first", "second")
        }
        self.means = {
            which: plot.line(f"{which}_mean", "y", source=self.source, line_width=2.5, line_dash=dash)
            for which, dash in (("first", "solid"), ("second", "dashed"))
        }
        plot.add_tools(
            HoverTool(
                renderers=[self.means["first"]],
                mode="hline",
                tooltips=[
                    ("baseline", "@first_mean{0.000} (@first_low{0.00} to @first_high{0.00})"),
                    ("perturbed", "@second_mean{0.000} (@second_low{0.00} to @second_high{0.00})"),
                    ("change", "@change{+0.000}"),
                    ("at", "@y{0.00}"),
                ],
            )
        )

    def show(self, baseline: Band, perturbed: Band, *, levels: LevelAxis, values: ValueAxis, target: str = "") -> None:
        """Draw both; the value axis stays where it is as long as ``target`` (what is perturbed) is the same."""
        data: dict[str, NDArray] = {"y": levels.values}
        for which, profile in (("first", baseline), ("second", perturbed)):
            data |= {
                f"{which}_{part}": np.asarray(getattr(profile, part)) * values.factor
                for part in ("mean", "low", "high")
            }
        data["change"] = data["second_mean"] - data["first_mean"]
        self.source.data = data
        wanted = padded_range(*(data[name] for name in data if name not in ("y", "change")))
        same = (target, values.label) == self.scale
        self.extent = steady_range(self.extent, wanted) if same else wanted
        self.scale = (target, values.label)
        set_range(self.x_range, self.extent)
        self.figure.xaxis.axis_label = values.label
        self.figure.yaxis.axis_label = levels.label

    def clear(self) -> None:
        """Draw nothing."""
        self.source.data = {name: [] for name in self.source.data}

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        style(self.figure, dark=dark)
        for which, colour in (("first", chosen.emulator), ("second", chosen.perturbed)):
            self.areas[which].glyph.fill_color = colour
            self.means[which].glyph.line_color = colour
        self.zero.line_color = chosen.muted


def response_table(changes: Sequence[Change]) -> str:
    """Column integrals before and after as an HTML table; a second error only where there are several columns."""
    many = any(math.isfinite(change.standard_error_columns) for change in changes)
    heads = ["integral", "baseline", "perturbed", "change", "± draw", *(["± columns"] if many else [])]
    rows = []
    for change in changes:
        numbers = [change.baseline, change.perturbed, change.change, change.standard_error]
        numbers += [change.standard_error_columns] if many else []
        digits = _digits(max(abs(change.baseline), abs(change.perturbed)))
        cells = [_number(number, digits, sign="+" if place == 2 else "-") for place, number in enumerate(numbers)]
        rows.append(
            f"<tr><th>{change.name} [{change.unit}]</th>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        )
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"{TABLE_STYLE}<table class='response'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


TABLE_STYLE = """<style>
table.response {border-collapse: collapse; width: 100%; font-size: 13px; white-space: nowrap;
  font-variant-numeric: tabular-nums}
table.response th {font-weight: 500; text-align: left; padding: 3px 6px 3px 0}
table.response thead th {opacity: 0.7}
table.response td, table.response thead th:not(:first-child) {text-align: right; padding: 3px 0 3px 6px}
table.response td:nth-child(4) {font-weight: 700}
table.response tr {border-bottom: 1px solid rgba(128, 128, 128, 0.3)}
</style>"""


def _digits(size: float) -> int:
    """Decimals that show four figures of a number of this size, at most three."""
    return 3 if size < 1e-9 else min(max(3 - math.floor(math.log10(size)), 0), 3)


def _number(number: float, digits: int, *, sign: str) -> str:
    """A number with a true minus sign, or a dash where there is none."""
    return f"{number:{sign}.{digits}f}".replace("-", "−") if math.isfinite(number) else "–"
