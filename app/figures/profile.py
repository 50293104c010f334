"""Vertical profiles of one column: its inputs, the members of an ensemble beside the truth, ranks of the truth.

Figure 11 of the paper (doi:10.20944/preprints202409.1262.v1) is the model of the ensemble panels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.models.annotations import Span
from numpy.typing import ArrayLike, NDArray

from diffmp_core.variables import Variable

from ..data.axes import LevelAxis, title_of
from .axes import padded_range, profile_figure, separated, set_range, set_title
from .output_panel import OutputPanel, along_levels, level_axis_of
from .theme import colours, style

SAID = {
    "members": "thin: members, dashed: their mean",
    "fan": "bands: 50 and 90 % of the members, dashed: their mean",
    "single": "thin: member {number} alone, dashed: mean of all",
}
"""What is drawn of an ensemble, by ``drawing``."""
QUANTILES = {"q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}
"""Edges of the two bands of a fan."""
LINES: Mapping[str, tuple[float, float]] = {"members": (1, 0.35), "single": (2, 1.0), "fan": (1, 0.35)}
"""Width and opacity of the lines of members, by how an ensemble is drawn."""
INPUT_TOP = 4000.0
"""Inputs that are changed are drawn up to the top of the changed layer, and at least to this height [m]."""


def inside(members: ArrayLike, truth: ArrayLike) -> NDArray[np.bool_]:
    """Whether the truth (level,) lies between the smallest and the largest member (member, level), (level,).

    Single values are one dimension less.
    """
    members, truth = np.asarray(members), np.asarray(truth)
    return (members.min(axis=0) <= truth) & (truth <= members.max(axis=0))


def chosen_lines(members: NDArray, drawing: str, member: int) -> NDArray:
    """Those of the members (member, level) that are drawn as lines: all, none of a fan, or one alone."""
    if drawing == "single":
        return members[[min(member, len(members) - 1)]]
    return members[:0] if drawing == "fan" else members


def ensemble_words(drawing: str, member: int, *, spread: bool) -> str:
    """What is drawn of an ensemble, in words; ``member`` counts from 0, ``spread`` says whether members differ."""
    return SAID[drawing].format(number=member + 1) if spread else "thin: the one answer"


def fan(members: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Mean and quantiles of an ensemble (member, level) at each level."""
    members = np.asarray(members, dtype=float)
    quantiles = np.quantile(members, list(QUANTILES.values()), axis=0)
    return {"mean": members.mean(axis=0), **dict(zip(QUANTILES, quantiles, strict=True))}


def lock(*panels: EnsemblePanel) -> None:
    """Give panels of one output the same value axis, wide enough for all of them."""
    low, high = zip(*(panel.extent for panel in panels), strict=True)
    for panel in panels:
        set_range(panel.x_range, (min(low), max(high)))


class EnsemblePanel(OutputPanel):
    """Members of an ensemble as thin lines, a fan or one alone, their mean, the truth, crosses where it is outside."""

    def __init__(self, variable: Variable, y_range: Range1d, *, height: int = 380) -> None:
        super().__init__(variable, y_range, height=height, about="members of the ensemble, their mean and the truth")
        self.lines = ColumnDataSource(data={"x": [], "y": []})
        columns = ("y", "truth", "missed", "mean", *QUANTILES)
        self.levels = ColumnDataSource(data={name: [] for name in columns})
        self.extent, plot = (-1.0, 1.0), self.figure
        self.bands = [
            plot.harea(y="y", x1=low, x2=high, source=self.levels, fill_alpha=alpha, visible=False)
            for low, high, alpha in (("q05", "q95", 0.25), ("q25", "q75", 0.35))
        ]
        self.thin = plot.line("x", "y", source=self.lines, line_width=1, line_alpha=0.35)
        self.mean = plot.line("mean", "y", source=self.levels, line_width=2.5, line_dash="dashed")
        self.truth = plot.line("truth", "y", source=self.levels, line_width=2.5)
        self.missed = plot.scatter("missed", "y", source=self.levels, marker="x", size=9, line_width=2.5)
        rows = [
            ("truth", "@truth{0.000}"),
            ("mean of members", "@mean{0.000}"),
            ("5 to 95 % of members", "@q05{0.000} to @q95{0.000}"),
            *([("at", "@y{0.00}")] if variable.profile else []),
        ]
        plot.add_tools(HoverTool(renderers=[self.mean], tooltips=rows, mode="hline"))

    def show(self, data: xr.Dataset, *, levels: LevelAxis, drawing: str = "members", member: int = 0) -> int | None:
        """Draw the ensemble and the truth that a dataset has of the output.

        Args:
            data: members ``NAME (member, level)``, none or NaN while there is no emulator, ``NAME_truth (level,)``, of
                a single value ``(member,)`` and ``()``; ``has_spread``: where members can't differ, the truth is
                neither inside nor outside.
            levels: vertical axis of profiles.
            drawing: ``members``, a line each, ``fan``, quantile bands, or ``single``, one member alone.
            member: which one that is.

        Returns:
            Number of levels where the truth is inside the ensemble, of a single value 0 or 1; None without members or
            spread.
        """
        variable, spread = self.variable, bool(data["has_spread"])
        stored = data[variable.name]
        members, truth = stored.values, data[f"{variable.name}_truth"].values
        levels, shown_truth = level_axis_of(variable, levels), along_levels(truth, variable)
        nothing = np.full(levels.values.shape, np.nan)
        x = y = np.empty(0, dtype=np.float32)
        shown: dict[str, NDArray] = {"y": levels.values, "truth": shown_truth, "missed": nothing}
        covered = None
        if not np.isfinite(members).any():
            shown |= dict.fromkeys(("mean", *QUANTILES), nothing)
            extent = padded_range(truth)
        else:
            within, bands = inside(members, truth), fan(along_levels(members, variable))
            covered = int(np.sum(within)) if spread else None
            missed = along_levels(np.where(within, np.nan, truth), variable) if spread else nothing
            if not variable.profile:
                missed = np.where(levels.values == levels.values.mean(), missed, np.nan)  # one cross is enough
            shown |= bands | {"missed": missed}
            drawn = along_levels(chosen_lines(members, drawing, member), variable)
            if len(drawn):
                x, y = separated(drawn, levels.values)
            extent = padded_range(truth, *((bands["q05"], bands["q95"]) if drawing == "fan" else (members,)))
        self.levels.data = shown
        self.lines.data = {"x": x, "y": y}
        for band in self.bands:
            band.visible = drawing == "fan"
        width, alpha = LINES[drawing]
        self.thin.glyph.update(line_width=width, line_alpha=alpha)
        self.extent = extent
        set_range(self.x_range, extent)
        self.label(stored.axis_label, levels)
        return covered

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        super().paint(dark)
        chosen = colours(dark)
        for band in self.bands:
            band.glyph.fill_color = chosen.emulator
        self.thin.glyph.line_color = self.mean.glyph.line_color = chosen.emulator
        self.truth.glyph.line_color = chosen.truth
        self.missed.glyph.line_color = chosen.perturbed


class InputPanel:
    """One profile that the emulator reads, as it is and, where it ``compares``, as it is perturbed."""

    def __init__(self, y_range: Range1d, *, title: str, compares: bool, height: int = 380) -> None:
        self.compares = compares
        self.source = ColumnDataSource(data={"y": [], "first": [], "second": []})
        self.x_range = Range1d(start=0, end=1)
        self.figure = plot = profile_figure(title=title, height=height, x_range=self.x_range, y_range=y_range)
        self.first = plot.line("first", "y", source=self.source, line_width=2.5)
        self.second = plot.line("second", "y", source=self.source, line_width=2.5, line_dash="dashed")
        plot.add_tools(
            HoverTool(
                renderers=[self.first],
                mode="hline",
                tooltips=[
                    ("as it is", "@first{0.00}"),
                    *([("perturbed", "@second{0.00}")] if compares else []),
                    ("at", "@y{0.00}"),
                ],
            )
        )

    def show(
        self,
        first: ArrayLike,
        second: ArrayLike | None = None,
        *,
        title: str = "",
        levels: LevelAxis,
        label: str,
        visible: tuple[float, float],
    ) -> None:
        """Draw profiles (level,) in the unit of ``label``; the value axis is fitted to levels within ``visible``.

        Without a ``title`` it stays as it is.
        """
        first = np.asarray(first, dtype=float)
        other = np.full_like(first, np.nan) if second is None else np.asarray(second, dtype=float)
        self.source.data = {"y": levels.values, "first": first, "second": other}
        low, high = sorted(visible)
        seen = (levels.values >= low) & (levels.values <= high)
        set_range(self.x_range, padded_range(first[seen], other[seen]))
        if title:
            set_title(self.figure, title)
        self.figure.xaxis.axis_label = label
        self.figure.yaxis.axis_label = levels.label

    def clear(self) -> None:
        """Draw nothing."""
        self.source.data = {name: [] for name in self.source.data}

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        style(self.figure, dark=dark)
        self.first.glyph.line_color = chosen.emulator if self.compares else chosen.truth
        self.second.glyph.line_color = chosen.perturbed


class RankPanel:
    """How often the truth has each rank among the members, relative to a flat histogram."""

    def __init__(self, variable: Variable, *, height: int = 190) -> None:
        self.source = ColumnDataSource(data={"rank": [], "relative": [], "share": [], "low": [], "high": []})
        self.x_range, self.y_range = Range1d(start=-0.5, end=32.5), Range1d(start=0, end=2)
        self.figure = plot = profile_figure(
            title=title_of(variable),
            height=height,
            x_range=self.x_range,
            y_range=self.y_range,
            x_axis_label="members below the truth",
            y_axis_label="relative frequency",
            description=f"{title_of(variable)}: how often the truth has each rank among the members",
        )
        self.bars = plot.vbar(x="rank", top="relative", width=0.85, source=self.source, fill_alpha=0.7, line_color=None)
        self.whiskers = plot.segment(x0="rank", x1="rank", y0="low", y1="high", source=self.source)
        self.flat = Span(location=1, dimension="width", line_width=2, line_dash="dashed")
        plot.add_layout(self.flat)
        plot.add_tools(
            HoverTool(
                renderers=[self.bars],
                tooltips=[
                    ("members below the truth", "@rank"),
                    ("share of truths", "@share{0.0 %}"),
                    ("times the flat share", "@relative{0.00}"),
                ],
            )
        )

    def show(self, relative: ArrayLike, *, error: ArrayLike | None = None) -> None:
        """Draw frequencies of ranks (rank,) relative to a flat histogram's; rank 0 is a truth below all members.

        ``error``: half the length of the whiskers, none where it is not given.
        """
        relative = np.asarray(relative, dtype=float)
        half = np.zeros(relative.size) if error is None else np.asarray(error, dtype=float)
        self.source.data = {
            "rank": np.arange(relative.size),
            "relative": relative,
            "share": relative / relative.size,
            "low": np.maximum(relative - half, 0.0),
            "high": relative + half,
        }
        set_range(self.x_range, (-0.6, relative.size - 0.4))
        set_range(self.y_range, (0.0, max(2.0, 1.08 * float((relative + half).max()))))

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        style(self.figure, dark=dark)
        self.bars.glyph.fill_color = colours(dark).emulator
        self.flat.line_color = self.whiskers.glyph.line_color = colours(dark).truth


def surface_line(values: Iterable[tuple[Variable, float]]) -> str:
    """Single values of a column in words, ``surface pressure 1008 hPa · ...``; values in the unit shown."""
    return " · ".join(f"{title_of(variable).lower()} {_with_unit(value, variable)}" for variable, value in values)


def _with_unit(value: float, variable: Variable) -> str:
    return f"{value:.2f}" if variable.display_unit == "1" else f"{value:,.0f} {variable.display_unit}"
