"""Response of the emulator to a change of its inputs: two profiles with bands for each output.

Figures 12 and 13 of the paper (doi:10.20944/preprints202409.1262.v1) are the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d, SingleIntervalTicker
from bokeh.models.annotations import Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from diffmp_core.variables import Channels, Variable

from ..data.axes import TITLES, LevelAxis, title_of
from .axes import padded_range, profile_figure, set_range, steady_range
from .theme import colours, style

if TYPE_CHECKING:
    from diffmp_core.physics.column_integrals import Change

MODEL_LINES = {"control": "dotted", "changed": "dashdot"}
"""Lines of the cloud-resolving model on the panels of an emulator, in black or white."""
WHICH, PARTS = ("first", "second"), ("mean", "low", "high")
"""Columns of a source are named after both, ``first_mean``."""

BAND = (0.1, 0.9)
"""Quantiles of the members between which the bands lie."""


@dataclass(frozen=True)
class Band:
    """A profile (level,) or a single value (), and the band about it, in the unit shown."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def _columns(before: Band, after: Band) -> dict[str, NDArray]:
    """Both as columns of a source."""
    return {
        f"{which}_{part}": getattr(band, part)
        for which, band in zip(WHICH, (before, after), strict=True)
        for part in PARTS
    }


class BeforeAfter:
    """Two profiles or series with bands on one figure: before a change (solid) and after it (dashed)."""

    def __init__(self, plot: figure, *, along: Literal["x", "y"], coordinate: str, extra: Sequence[str] = ()) -> None:
        """``coordinate`` names the column of the source that runs ``along`` an axis of the figure."""
        columns = [f"{which}_{part}" for which in WHICH for part in PARTS]
        self.source = ColumnDataSource(data={name: [] for name in (coordinate, *extra, *columns)})
        self.zero = Span(location=0, dimension="height" if along == "y" else "width", line_width=1, line_dash="dotted")
        plot.add_layout(self.zero)
        fill, across = (plot.harea, "x") if along == "y" else (plot.varea, "y")
        self.areas = {
            which: fill(
                **{along: coordinate, f"{across}1": f"{which}_low", f"{across}2": f"{which}_high"},
                source=self.source,
                fill_alpha=0.2,
            )
            for which in WHICH
        }
        self.means = {
            which: plot.line(
                **{along: coordinate, across: f"{which}_mean"}, source=self.source, line_width=2.5, line_dash=dash
            )
            for which, dash in zip(WHICH, ("solid", "dashed"), strict=True)
        }

    def compare(self, differ: bool) -> None:
        """Show both, or the first alone where nothing has changed and the second would hide it."""
        self.areas["second"].visible = self.means["second"].visible = differ

    def clear(self) -> None:
        """Draw nothing."""
        self.source.data = {name: [] for name in self.source.data}

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        for which, colour in zip(WHICH, (chosen.emulator, chosen.perturbed), strict=True):
            self.areas[which].glyph.fill_color = colour
            self.means[which].glyph.line_color = colour
        self.zero.line_color = chosen.muted


class ResponsePanel:
    """One output before (solid) and after (dashed) the change, each with the band of its ensemble.

    Where it is known, the cloud-resolving model's own answer stands on the same axes, as two thin lines.
    """

    def __init__(self, variable: Variable, y_range: Range1d, *, height: int = 380) -> None:
        self.x_range = Range1d(start=-1, end=1)
        self.extent = (-1.0, 1.0)
        self.scale: tuple[str, str] | None = None
        self.figure = profile_figure(title=title_of(variable), height=height, x_range=self.x_range, y_range=y_range)
        self.pair = BeforeAfter(self.figure, along="y", coordinate="y", extra=["change"])
        self.model = ColumnDataSource(data={name: [] for name in ("y", *MODEL_LINES)})
        self.model_lines = [
            self.figure.line(x=name, y="y", source=self.model, line_width=1.6, line_dash=dash)
            for name, dash in MODEL_LINES.items()
        ]
        self.figure.add_tools(
            HoverTool(
                renderers=[self.pair.means["first"]],
                mode="hline",
                tooltips=[
                    ("baseline", "@first_mean{0.000} (@first_low{0.00} to @first_high{0.00})"),
                    ("perturbed", "@second_mean{0.000} (@second_low{0.00} to @second_high{0.00})"),
                    ("change", "@change{+0.000}"),
                    ("at", "@y{0.00}"),
                ],
            )
        )

    def show(
        self,
        before: Band,
        after: Band,
        *,
        change: NDArray,
        levels: LevelAxis,
        label: str,
        target: str = "",
        differ: bool = True,
        model: Sequence[NDArray] = (),
    ) -> None:
        """Draw profiles in the unit of ``label``: both, or the first alone where they do not ``differ``.

        The value axis stays where it is as long as ``target`` (what is perturbed) is the same. ``change``: of the means
        (level,). ``model``: control and changed (level,) of the cloud-resolving model, where they are known.
        """
        bands = _columns(before, after)
        self.pair.source.data = {"y": levels.values, **bands, "change": change}
        self.pair.compare(differ)
        if model:
            self.model.data = {"y": levels.values, **dict(zip(MODEL_LINES, model, strict=True))}
        elif len(self.model.data["y"]):
            self._clear_model()
        wanted = padded_range(*bands.values(), *model)
        same = (target, label) == self.scale
        self.extent = steady_range(self.extent, wanted) if same else wanted
        self.scale = (target, label)
        set_range(self.x_range, self.extent)
        self.figure.xaxis.axis_label = label
        self.figure.yaxis.axis_label = levels.label

    def clear(self) -> None:
        """Draw nothing."""
        self.pair.clear()
        self._clear_model()

    def _clear_model(self) -> None:
        self.model.data = {name: [] for name in self.model.data}

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        style(self.figure, dark=dark)
        self.pair.paint(dark)
        for line in self.model_lines:
            line.glyph.line_color = colours(dark).truth


class SingleResponsePanel:
    """An output of a single value before and after the change: the mean of the members, and a bar that holds 80 %."""

    def __init__(self, variable: Variable, *, height: int = 230) -> None:
        self.y_range = Range1d(start=0, end=1)
        self.extent = (0.0, 1.0)
        self.scale: tuple[str, str] | None = None
        self.figure = plot = profile_figure(
            title=title_of(variable), height=height, x_range=Range1d(start=-0.6, end=1.6), y_range=self.y_range
        )
        plot.xaxis.ticker = FixedTicker(ticks=[0, 1])
        plot.xaxis.major_label_overrides = {0: "as it is", 1: "changed"}
        self.sources = {which: ColumnDataSource(data={name: [] for name in ("x", *PARTS)}) for which in WHICH}
        self.bars = {
            which: plot.segment(x0="x", x1="x", y0="low", y1="high", source=source, line_width=8, line_alpha=0.3)
            for which, source in self.sources.items()
        }
        self.means = {
            which: plot.scatter("x", "mean", source=source, marker=marker, size=10)
            for (which, source), marker in zip(self.sources.items(), ("circle", "diamond"), strict=True)
        }
        tips = [("mean", "@mean{0.000} (@low{0.00} to @high{0.00})")]
        plot.add_tools(HoverTool(renderers=list(self.means.values()), tooltips=tips))

    def show(self, before: Band, after: Band, *, label: str, target: str = "", differ: bool = True) -> None:
        """Draw single values in the unit of ``label``; ``target`` and ``differ`` as in :class:`ResponsePanel`."""
        for place, (which, value) in enumerate(zip(WHICH, (before, after), strict=True)):
            shown = {"x": [place]} | {part: np.atleast_1d(getattr(value, part)) for part in PARTS}
            self.sources[which].data = shown if differ or which == WHICH[0] else {name: [] for name in shown}
        wanted = padded_range(*(getattr(value, part) for value in (before, after) for part in PARTS))
        same = (target, label) == self.scale
        self.extent = steady_range(self.extent, wanted) if same else wanted
        self.scale = (target, label)
        set_range(self.y_range, self.extent)
        self.figure.yaxis.axis_label = label

    def clear(self) -> None:
        """Draw nothing."""
        for source in self.sources.values():
            source.data = {name: [] for name in source.data}

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        style(self.figure, dark=dark)
        for which, colour in zip(WHICH, (chosen.emulator, chosen.perturbed), strict=True):
            self.bars[which].glyph.line_color = colour
            self.means[which].glyph.update(fill_color=colour, line_color=colour)


def response_panels(
    outputs: Channels, y_range: Range1d, *, height: int = 380
) -> dict[str, ResponsePanel | SingleResponsePanel]:
    """An empty panel for each output, by name: those on levels share ``y_range``, single values have one of their own.

    Those on levels come first.
    """
    profiles = {v.name: ResponsePanel(v, y_range, height=height) for v in outputs.profiles}
    return profiles | {v.name: SingleResponsePanel(v) for v in outputs.singles}


class HourlyPanel:
    """One number hour by hour, unchanged (solid) and changed (dashed), each with the band of its members."""

    def __init__(self, title: str, unit: str, *, height: int = 230) -> None:
        self.x_range, self.y_range = Range1d(start=0.5, end=6.5), Range1d(start=0, end=1)
        self.figure = plot = profile_figure(
            title=title,
            height=height,
            x_range=self.x_range,
            y_range=self.y_range,
            description=f"{title} of the cloud-resolving model by hour",
        )
        plot.xaxis.axis_label, plot.yaxis.axis_label = "hours since the change", unit
        plot.xaxis.ticker = SingleIntervalTicker(interval=1)
        self.pair = BeforeAfter(plot, along="x", coordinate="hour")
        tips = [("control", "@first_mean{0.0}"), ("perturbed", "@second_mean{0.0}"), ("hour", "@hour")]
        plot.add_tools(HoverTool(renderers=[self.pair.means["first"]], mode="vline", tooltips=tips))

    def show(self, hours: NDArray, control: Band, perturbed: Band) -> None:
        """Draw the mean and the band of both runs (hour,)."""
        bands = _columns(control, perturbed)
        self.pair.source.data = {"hour": hours, **bands}
        set_range(self.x_range, (hours[0] - 0.25, hours[-1] + 0.25))
        set_range(self.y_range, padded_range(*bands.values(), [0.0]))

    def clear(self) -> None:
        """Draw nothing."""
        self.pair.clear()

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        style(self.figure, dark=dark)
        self.pair.paint(dark)


def response_table(changes: Sequence[Change], *, differ: bool = True) -> str:
    """Column integrals before and after as an HTML table, with the larger standard error and what it is over.

    Where nothing was changed (not ``differ``) the baseline stands alone.
    """
    rows = []
    for change in changes:
        numbers = [change.baseline, change.perturbed, change.change, change.error]
        numbers = numbers if differ else [change.baseline, *[math.nan] * (len(numbers) - 1)]
        digits = _digits(max(abs(change.baseline), abs(change.perturbed) if differ else 0.0))
        cells = [_number(number, digits, sign="+" if place == 2 else "-") for place, number in enumerate(numbers)]
        rows.append(
            f"<tr><th>{TITLES.get(change.name, change.name).lower()} [{change.unit}]</th>"
            + "".join(f"<td>{cell}</td>" for cell in [*cells, change.error_of if differ else ""])
            + "</tr>"
        )
    head = "".join(f"<th>{name}</th>" for name in ("integral", "baseline", "perturbed", "change", "±", "over"))
    return f"{TABLE_STYLE}<table class='response'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


TABLE_STYLE = """<style>
table.response {border-collapse: collapse; width: 100%; font-size: 0.82rem; white-space: nowrap;
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
