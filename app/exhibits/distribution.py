"""How often each value occurs at each level, in the truth and in emulators (Figure 10 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.distributions import log_ratio, shares, wasserstein, wasserstein_floor

from ..data.axes import TITLES, LevelAxis, ValueAxis
from ..data.catalog import Catalog
from ..figures.distribution import BETWEEN, RATIO_LABELS, RATIO_LIMIT, DistributionPanels
from ..figures.heatmap import Histograms, hollow, occupied, ratio_between, ratio_colours, share_colours
from ..figures.theme import LIGHT
from .exhibit import Exhibit, Rows, level_coordinates, levels_of, quantity, score_store, scored_words
from .paper import colour_bar, finite, level_panel

HISTOGRAMS = ("bin_edges", "histogram_truth", "histogram_members")
"""Fields of a score store that distributions are made of."""
LINES = (LIGHT.emulator, LIGHT.perturbed, LIGHT.reference)


def read_histograms(catalog: Catalog, experiment: str, emulators: Sequence[str], variable: str) -> Histograms:
    """Counts of one output from the score stores; the truth is that of the first emulator.

    Raises:
        DiffmpError: an emulator without a score store, or a store without histograms.
    """
    chosen = {}
    if not emulators:
        raise DiffmpError("expected an emulator with a score store, found none; run 'diffmp score' or choose another")
    for name in emulators:
        chosen[name] = score_store(catalog, experiment, name, *HISTOGRAMS).sel(variable=variable)
    first = chosen[emulators[0]]
    return Histograms(
        edges=np.asarray(first["bin_edges"], dtype=float),
        truth=np.asarray(first["histogram_truth"].transpose("level", "bin"), dtype=float),
        members={
            name: np.asarray(store["histogram_members"].transpose("level", "bin"), dtype=float)
            for name, store in chosen.items()
        },
        ensemble_size={name: catalog.members(experiment, name) for name in chosen},
    )


def distribution_axes(
    catalog: Catalog, experiment: str, emulator: str, variable: str, *, units: str, vertical: str
) -> tuple[LevelAxis, ValueAxis]:
    """Vertical axis, and value axis whose factor is the shown unit per standard deviation of the truth."""
    cells, truth_std = catalog.grid(experiment), catalog.truth_std(experiment, emulator, variable)
    shown = catalog.value_axis(experiment, emulator, variable, units)
    return cells.levels(vertical), ValueAxis(shown.factor * truth_std, shown.label)


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
        """Counts, shares and ratios ``([emulator,] level, value)``, distances ``([emulator,] level)``."""
        found = read_histograms(catalog, self.experiment, self.emulators, self.variable)
        levels, axis = distribution_axes(
            catalog, self.experiment, self.emulators[0], self.variable, units=self.units, vertical=self.vertical
        )
        edges, members = found.edges * axis.factor, [found.members[name] for name in self.emulators]
        distances = [wasserstein(found.truth, counts, edges) for counts in members]
        floor = wasserstein_floor(found.truth, edges, members=max(found.ensemble_size.values()))
        title, truth, each = TITLES[self.variable], ("level", "value"), ("emulator", "level", "value")
        first, second = self.emulators[0], self.emulators[-1]
        names = f"{title.lower()}: truth beside {' and '.join(self.emulators)}"
        data = xr.Dataset(
            {
                "truth_count": quantity(truth, found.truth, "1", "true values in the bin"),
                "truth_share": quantity(truth, shares(found.truth), "1", "share of the true values of the level"),
                "count": quantity(each, members, "1", "values of all members in the bin"),
                "share": quantity(each, [shares(c) for c in members], "1", "share of the members' values of the level"),
                "log2_ratio": quantity(
                    each,
                    [log_ratio(found.truth, c) for c in members],
                    "1",
                    "log2 of share over share in the truth, missing where counting noise explains it",
                ),
                "distance": quantity(
                    each[:2], distances, axis.label, "Wasserstein-1 distance from the truth: mean shift"
                ),
                "distance_perfect": quantity("level", floor, axis.label, "distance of a perfect emulator"),
            },
            coords=level_coordinates(catalog, self.experiment)
            | {
                "emulator": ("emulator", list(self.emulators)),
                "ensemble_size": ("emulator", [found.ensemble_size[name] for name in self.emulators]),
                "value": quantity(
                    "value",
                    0.5 * (edges[1:] + edges[:-1]),
                    axis.label,
                    f"{title.lower()}, middle of the bin; the outermost bins hold all beyond",
                    bounds="value_bounds",
                ),
                "value_bounds": (("value", "bound"), np.stack([edges[:-1], edges[1:]], axis=1)),
            },
            attrs={
                "title": f"Distribution of {names}",
                "subtitle": f"{int(found.truth.sum(axis=-1).max()):,} columns · share of the values of each level; "
                f"ratio: blue {'rarer' if self.minus else 'too rare'}, yellow "
                f"{'more' if self.minus else 'too'} frequent, blank where counting noise explains it",
                "level_words": levels.describe(self.level),
            },
        )
        if self.minus:
            name = f"log2 of the share of {first} over that of {second}, missing where counting noise explains it"
            data["log2_ratio_between"] = quantity(truth, ratio_between(found, first, second), "1", name)
            distance = wasserstein(found.members[first], found.members[second], edges)
            name = f"Wasserstein-1 distance of {first} from {second}: mean shift"
            data["distance_between"] = quantity("level", distance, axis.label, name)
        return data

    @property
    def minus(self) -> bool:
        """Whether two emulators are held against each other."""
        return self.compare == "difference" and len(self.emulators) == 2

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """Truth and shares above, distance and ratios in the middle, one level below."""
        found, levels = _histograms(data), levels_of(data, self.vertical)
        label, left, right = data["value"].axis_label, *occupied(found)
        count = 1 + len(self.emulators)
        cells = figure.add_gridspec(3, count, height_ratios=(1, 1, 0.75))
        least = found.least_share
        colours, norm = ListedColormap(share_colours(False)), LogNorm(0.7 * least, 1)
        for column, (title, counts) in enumerate((("Truth", found.truth), *found.members.items())):
            axes = figure.add_subplot(cells[0, column])
            shown = finite(hollow(counts, least))
            mesh = axes.pcolormesh(found.edges, levels.edges, shown, cmap=colours, norm=norm, rasterized=True)
            level_panel(axes, levels, title=title, label=label, left=column == 0)
            axes.set_xlim(left, right)
            axes.axhline(levels.values[self.level], color=LIGHT.muted, linewidth=0.7, linestyle="--")
            colour_bar(figure, axes, mesh, "share of values", {})
        self._draw_distances(data, figure.add_subplot(cells[1, 0]), levels)
        over = self.emulators[-1] if self.minus else "truth"
        for column, name in enumerate(self.emulators[: 1 if self.minus else None], start=1):
            axes = figure.add_subplot(cells[1, column])
            ratio = data["log2_ratio_between"] if self.minus else data["log2_ratio"].sel(emulator=name)
            mesh = axes.pcolormesh(
                found.edges,
                levels.edges,
                finite(ratio),
                cmap=ListedColormap(ratio_colours(False)),
                norm=Normalize(-RATIO_LIMIT, RATIO_LIMIT),
                rasterized=True,
            )
            level_panel(axes, levels, title=f"Ratio to {over}", label=label, left=False)
            axes.set_xlim(left, right)
            colour_bar(figure, axes, mesh, f"times the share in {over}", RATIO_LABELS)
        axes = figure.add_subplot(cells[2, :])
        for name, colour in zip(("truth", *self.emulators), (LIGHT.truth, *LINES), strict=False):
            share = (data["truth_share"] if name == "truth" else data["share"].sel(emulator=name)).values[self.level]
            axes.stairs(np.where(share > 0, share, np.nan), found.edges, color=colour, label=name, baseline=None)
        axes.set(yscale="log", xlim=(left, right), xlabel=label, ylabel="share of the values in a bin")
        axes.set_title(f"At {data.attrs['level_words']}")
        axes.legend(loc="upper right")

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        panels = DistributionPanels(self.emulators, minus=self.minus)
        values = ValueAxis(1.0, data["value"].axis_label)
        panels.show(_histograms(data), levels=levels_of(data, self.vertical), values=values, level=self.level)
        panels.paint(False)
        keys = (
            ["truth", *(f"share {name}" for name in self.emulators)],
            ["distance", *(f"ratio {name}" for name in self.emulators if f"ratio {name}" in panels.figures)],
            ["density"],
        )
        return [[panels.figures[key] for key in row] for row in keys]

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


def _histograms(data: xr.Dataset) -> Histograms:
    """The counts of a dataset, with edges in the unit shown."""
    bounds, names = data["value_bounds"].values, [str(name) for name in data["emulator"].values]
    return Histograms(
        edges=np.append(bounds[:, 0], bounds[-1, 1]),
        truth=data["truth_count"].values,
        members={name: data["count"].sel(emulator=name).values for name in names},
        ensemble_size=dict(zip(names, map(int, data["ensemble_size"].values), strict=True)),
    )
