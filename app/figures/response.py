"""Response of the emulator to a change of its inputs: two profiles with bands for each output.

Figures 12 and 13 of the paper (doi:10.20944/preprints202409.1262.v1) are the model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span
from numpy.typing import ArrayLike, NDArray

from app.figures.axes import TITLES, LevelAxis, ValueAxis, padded_range, profile_figure, set_range, steady_range
from app.theme import colours, style


@dataclass(frozen=True)
class Band:
    """A profile and the band about it, each (level,), stored unit."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def band(profiles: ArrayLike, *, coverage: float = 0.8) -> Band:
    """Mean over the members (member, level) and the central range that holds the share ``coverage`` of them."""
    profiles = np.asarray(profiles, dtype=float)
    low, high = np.quantile(profiles, [0.5 - coverage / 2, 0.5 + coverage / 2], axis=0)
    return Band(profiles.mean(axis=0), low, high)


class ResponsePanel:
    """One output before (solid) and after (dashed) the change, each with the band of its ensemble."""

    def __init__(self, variable: str, y_range: Range1d, *, height: int = 380) -> None:
        self.variable = variable
        columns = [f"{which}_{part}" for which in ("first", "second") for part in ("mean", "low", "high")]
        self.source = ColumnDataSource(data={name: [] for name in ("y", "change", *columns)})
        self.x_range = Range1d(start=-1, end=1)
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
        if (target, values.label) != self.scale:
            self.scale = (target, values.label)
            set_range(self.x_range, wanted)
        else:
            set_range(self.x_range, steady_range((self.x_range.start, self.x_range.end), wanted))
        self.figure.xaxis.axis_label = values.label
        self.figure.yaxis.axis_label = levels.label

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        style(self.figure, dark=dark)
        for which, colour in (("first", chosen.emulator), ("second", chosen.perturbed)):
            self.areas[which].glyph.fill_color = colour
            self.means[which].glyph.line_color = colour
        self.zero.line_color = chosen.muted
