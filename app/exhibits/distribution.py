"""How often each value occurs at each level, in the truth and in emulators (Figure 10 of the paper)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.distributions import log_ratio, shares, wasserstein, wasserstein_floor

from ..data.axes import LevelAxis, ValueAxis, title_of
from ..data.catalog import Catalog
from ..figures.distribution import BETWEEN, RATIO_LABELS, RATIO_LIMIT, DistributionPanels
from ..figures.heatmap import (
    Histograms,
    edges_of,
    hollow,
    least_share,
    occupied,
    ratio_between,
    ratio_colours,
    ratios_of,
    share_colours,
    shares_of,
)
from ..figures.histogram import HistogramPanels
from ..figures.theme import LIGHT
from .exhibit import Exhibit, Rows, level_coordinates, levels_of, quantity, score_store, scored_words
from .paper import colour_bar, finite, level_panel

HISTOGRAMS = ("bin_edges", "histogram_truth", "histogram_members")
"""Fields of a score store that distributions are made of."""
LINES = (LIGHT.emulator, LIGHT.perturbed, LIGHT.reference)


def read_histograms(catalog: Catalog, experiment: str, emulators: Sequence[str], variable: str) -> Histograms:
    """Counts of one output from the score stores; the truth is that of the first emulator.

    Raises:
        DiffmpError: an emulator without a score store, or a store without histograms of this output.
    """
    if not emulators:
        raise DiffmpError("expected an emulator with a score store, found none; run 'diffmp score' or choose another")
    output = catalog.schema(experiment).outputs.named(variable)
    levels = slice(None) if output.profile else slice(1)

    def counts(store: xr.Dataset, field: str) -> np.ndarray:
        return np.asarray(store[field].transpose("level", "bin")[levels], dtype=float)

    chosen = {
        name: score_store(catalog, experiment, name, *HISTOGRAMS, variable=variable).sel(variable=variable)
        for name in emulators
    }
    first = chosen[emulators[0]]
    return Histograms(
        edges=np.asarray(first["bin_edges"], dtype=float),
        truth=counts(first, "histogram_truth"),
        members={name: counts(store, "histogram_members") for name, store in chosen.items()},
        ensemble_size={name: catalog.members(experiment, name) for name in chosen},
    )


def arrange_histograms(found: Histograms, axis: ValueAxis, *, title: str, profile: bool, minus: bool) -> xr.Dataset:
    """Counts, shares and ratios ``([emulator,] level, value)``, distances ``([emulator,] level)``.

    Args:
        found: counts.
        axis: value axis; its factor is shown unit per standard deviation of the truth.
        title: what the output is called.
        profile: on levels; of a single value there is no dimension ``level``.
        minus: the first of two emulators is held against the second, too.
    """
    names, edges = list(found.members), found.edges * axis.factor
    unit, truth, each = axis.label, ("level", "value"), ("emulator", "level", "value")
    members = np.stack([found.members[name] for name in names])
    distances = np.stack([wasserstein(found.truth, counts, edges) for counts in members])
    floor = wasserstein_floor(found.truth, edges, members=max(found.ensemble_size.values()))
    ratios = np.stack([log_ratio(found.truth, counts) for counts in members])
    noise = "missing where counting noise explains it"
    data = xr.Dataset(
        {
            "truth_count": quantity(truth, found.truth, "1", "true values in the bin"),
            "truth_share": quantity(truth, shares(found.truth), "1", "share of the true values of the level"),
            "count": quantity(each, members, "1", "values of all members in the bin"),
            "share": quantity(each, shares(members), "1", "share of the members' values of the level"),
            "log2_ratio": quantity(each, ratios, "1", f"log2 of share over share in the truth, {noise}"),
            "distance": quantity(each[:-1], distances, unit, "Wasserstein-1 distance from the truth: mean shift"),
            "distance_perfect": quantity("level", floor, unit, "distance of a perfect emulator"),
        },
        coords={
            "emulator": ("emulator", names),
            "ensemble_size": ("emulator", [found.ensemble_size[name] for name in names]),
            "value": quantity(
                "value",
                0.5 * (edges[1:] + edges[:-1]),
                unit,
                f"{title.lower()}, middle of the bin; the outermost bins hold all beyond",
                bounds="value_bounds",
            ),
            "value_bounds": (("value", "bound"), np.stack([edges[:-1], edges[1:]], axis=1)),
        },
    )
    if minus:
        first, second = names
        words = f"log2 of the share of {first} over that of {second}, {noise}"
        data["log2_ratio_between"] = quantity(truth, ratio_between(found, first, second), "1", words)
        distance = wasserstein(found.members[first], found.members[second], edges)
        words = f"Wasserstein-1 distance of {first} from {second}: mean shift"
        data["distance_between"] = quantity("level", distance, unit, words)
    return data if profile else data.isel(level=0)


def distribution_panels(
    data: xr.Dataset, *, compact: bool = False, on_level: Callable[[float], None] | None = None
) -> DistributionPanels | HistogramPanels:
    """Empty figures for a dataset: heatmaps of what is on levels, histograms of a single value."""
    emulators, minus = [str(name) for name in data["emulator"].values], "log2_ratio_between" in data
    if "level" in data.dims:
        return DistributionPanels(emulators, compact=compact, minus=minus, on_level=on_level)
    return HistogramPanels(emulators, compact=compact, minus=minus)


@dataclass(frozen=True, kw_only=True)
class Distribution(Exhibit):
    """Truth beside ``emulators``, their ratios, their distances, and one ``level``; ``variable`` is an output.

    ``compare="difference"``: the ratio of the first of two emulators to the second, and their distance.
    """

    emulators: tuple[str, ...]
    variable: str
    level: int
    units: str = "physical"
    vertical: str = "height"
    compare: str = "none"
    what: ClassVar[str] = "distribution"
    size: ClassVar[tuple[float, float]] = (9.5, 9.0)

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensembles that were scored."""
        return "; ".join(scored_words(catalog, self.experiment, name) for name in self.emulators)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Counts, shares and ratios ``([emulator,] level, value)``, distances ``([emulator,] level)``.

        A single value has no dimension ``level``. Nothing depends on ``level``, which is only drawn.
        """
        key = ("histograms", self.experiment, self.emulators, self.variable)
        read = catalog.keep(key, lambda: read_histograms(catalog, self.experiment, self.emulators, self.variable))
        output = catalog.schema(self.experiment).outputs.named(self.variable)
        truth_std = catalog.truth_std(self.experiment, self.emulators[0], self.variable)
        shown = catalog.value_axis(self.experiment, self.emulators[0], self.variable, self.units)
        axis, title = ValueAxis(shown.factor * truth_std, shown.label), title_of(output)
        data = arrange_histograms(read, axis, title=title, profile=output.profile, minus=self.minus)
        if output.profile:
            data = data.assign_coords(level_coordinates(catalog, self.experiment))
        rare, frequent = ("rarer", "more frequent") if self.minus else ("too rare", "too frequent")
        colours = f"ratio: blue {rare}, yellow {frequent}, blank" if output.profile else "ratio: left out"
        return data.assign_attrs(
            title=f"Distribution of {title.lower()}: truth beside {' and '.join(self.emulators)}",
            subtitle=f"{int(read.truth.sum(axis=-1).max()):,} columns · share of the values"
            f"{' of each level' if output.profile else ''}; {colours} where counting noise explains it",
        )

    @property
    def minus(self) -> bool:
        """Whether two emulators are held against each other."""
        return self.compare == "difference" and len(self.emulators) == 2

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """Truth and shares above, distance and ratios in the middle, one level below.

        Of a single value shares and ratios.
        """
        if "level" not in data.dims:
            shares, ratios = figure.subplots(2, 1, height_ratios=(1.6, 1))
            self._draw_shares(data, shares, "")
            self._draw_ratios(data, ratios)
            return
        edges, levels, least = edges_of(data), levels_of(data, self.vertical), least_share(data["truth_count"])
        label, (left, right) = data["value"].axis_label, occupied(data)
        cells = figure.add_gridspec(3, 1 + len(self.emulators), height_ratios=(1, 1, 0.75))
        colours, norm = ListedColormap(share_colours(False)), LogNorm(0.7 * least, 1)
        for column, (name, share) in enumerate(shares_of(data).items()):
            axes = figure.add_subplot(cells[0, column])
            shown = finite(hollow(share, least))
            mesh = axes.pcolormesh(edges, levels.edges, shown, cmap=colours, norm=norm, rasterized=True)
            level_panel(axes, levels, title="Truth" if column == 0 else name, label=label, left=column == 0)
            axes.set_xlim(left, right)
            axes.axhline(levels.values[self.level], color=LIGHT.muted, linewidth=0.7, linestyle="--")
            colour_bar(figure, axes, mesh, "share of values", {})
        self._draw_distances(data, figure.add_subplot(cells[1, 0]), levels)
        over = self.emulators[-1] if self.minus else "truth"
        for column, ratio in enumerate(ratios_of(data).values(), start=1):
            axes = figure.add_subplot(cells[1, column])
            mesh = axes.pcolormesh(
                edges,
                levels.edges,
                finite(ratio),
                cmap=ListedColormap(ratio_colours(False)),
                norm=Normalize(-RATIO_LIMIT, RATIO_LIMIT),
                rasterized=True,
            )
            level_panel(axes, levels, title=f"Ratio to {over}", label=label, left=False)
            axes.set_xlim(left, right)
            colour_bar(figure, axes, mesh, f"times the share in {over}", RATIO_LABELS)
        at = data.isel(level=self.level)
        self._draw_shares(at, figure.add_subplot(cells[2, :]), f"At {levels.describe(self.level)}", occupied(data))

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        panels = distribution_panels(data)
        panels.show(data, vertical=self.vertical, level=self.level)
        panels.paint(False)
        return [[panels.figures[key] for key in row] for row in panels.rows]

    def _draw_shares(self, data: xr.Dataset, axes: Axes, title: str, limits: tuple[float, float] | None = None) -> None:
        """Shares of the values of one level, or of a single value."""
        for (name, share), colour in zip(shares_of(data).items(), (LIGHT.truth, *LINES), strict=False):
            shown = np.where(share > 0, share, np.nan)
            axes.stairs(shown, edges_of(data), color=colour, label=name, baseline=None)
        label = data["value"].axis_label
        axes.set(yscale="log", xlim=limits or occupied(data), xlabel=label, ylabel="share of the values in a bin")
        axes.set_title(title)
        axes.legend(loc="upper right")

    def _draw_ratios(self, data: xr.Dataset, axes: Axes) -> None:
        """Ratios of the shares of a single value."""
        for (name, ratio), colour in zip(ratios_of(data).items(), LINES, strict=False):
            axes.stairs(ratio, edges_of(data), fill=True, alpha=0.55, color=colour, label=name)
        axes.axhline(0, color=LIGHT.muted, linewidth=0.6, linestyle=":")
        axes.set(ylim=(-RATIO_LIMIT, RATIO_LIMIT), xlim=occupied(data), xlabel=data["value"].axis_label)
        axes.set_yticks(list(RATIO_LABELS), list(RATIO_LABELS.values()))
        axes.set_ylabel(f"times the share in {self.emulators[-1] if self.minus else 'truth'}")

    def _draw_distances(self, data: xr.Dataset, axes: Axes, levels: LevelAxis) -> None:
        for name, colour in zip(self.emulators, LINES, strict=False):
            axes.plot(data["distance"].sel(emulator=name), levels.values, color=colour, label=name)
        if self.minus:
            axes.plot(data["distance_between"], levels.values, color=LIGHT.reference, label=BETWEEN)
        axes.plot(data["distance_perfect"], levels.values, color=LIGHT.muted, linestyle=":", label="perfect emulator")
        level_panel(
            axes, levels, title="Distance from the truth", label=f"mean shift [{data['value'].axis_label}]", left=True
        )
        axes.set_xlim(left=0)
        axes.legend(loc="best")
