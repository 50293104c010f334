"""Ranks of the truth among the members: of all columns scored, or of columns drawn live from a region and regime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError
from diffmp_core.response.cautions import NO_DOMAIN, outside_words
from diffmp_core.schema import variables_attrs, variables_of
from diffmp_core.stores import stack_inputs, stack_outputs
from diffmp_core.variables import Channels, ColumnVariables

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..data.composites import selection_words
from ..figures.profile import RankPanel
from ..figures.theme import LIGHT
from ..state.choices import LIVE_STEPS
from .exhibit import Exhibit, OfSelection, Progress, Rows, drawn_words, quantity, score_store, scored_words

RANK_HISTOGRAM = "rank_histogram"
"""Field of a score store that ranks are drawn from."""
MOST, AT_ONCE = 256, 32
"""Columns of a selection that are drawn, at most; columns in one question to the emulator."""
HOW_TO_READ = "flat is right, a valley means too little spread, a hill too much, a slope a bias"


@dataclass(frozen=True, kw_only=True)
class RankHistogram(Exhibit):
    """How often the truth has each rank among the members, a panel an output."""

    emulator: str
    size: ClassVar[tuple[float, float]] = (9.0, 3.2)

    def title(self, members: int) -> str:
        """What the figure is called."""
        return f"Rank of the truth among {members} members, {self.emulator}"

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One panel an output."""
        outputs = variables_of(data).outputs
        panels = figure.subplots(1, len(outputs), sharey=True, squeeze=False).ravel()
        for place, (axes, entry) in enumerate(zip(panels, outputs, strict=True)):
            error = data.get(f"{entry.name}_error")
            axes.bar(
                data["rank"], data[f"{entry.name}_frequency"], width=0.85, color=LIGHT.emulator, alpha=0.7,
                yerr=error, error_kw={"elinewidth": 0.7, "ecolor": LIGHT.text},
            )  # fmt: skip
            axes.axhline(1, color=LIGHT.truth, linestyle="--", linewidth=1)
            axes.set(title=title_of(entry), xlabel="members below the truth")
            if place == 0:
                axes.set_ylabel("relative frequency")

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        panels = {entry.name: RankPanel(entry) for entry in variables_of(data).outputs}
        show_ranks(data, panels)
        row: list[UIElement] = []
        for panel in panels.values():
            panel.paint(False)
            row.append(panel.figure)
        return [row]


def show_ranks(data: xr.Dataset | None, panels: Mapping[str, RankPanel]) -> None:
    """Draw into the panels of the page, by output; those that there are no ranks of are hidden."""
    for name, panel in panels.items():
        panel.figure.visible = data is not None and f"{name}_frequency" in data
        if data is not None and panel.figure.visible:
            panel.show(data[f"{name}_frequency"].values, error=data.get(f"{name}_error"))


@dataclass(frozen=True, kw_only=True)
class Ranks(RankHistogram):
    """Ranks over all levels of all columns scored."""

    what: ClassVar[str] = "ranks"

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensemble that was scored."""
        return scored_words(catalog, self.experiment, self.emulator)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Counts and relative frequencies ``(rank,)`` of each output."""
        stored = score_store(catalog, self.experiment, self.emulator, RANK_HISTOGRAM)[RANK_HISTOGRAM]
        schema, scored = catalog.schema(self.experiment), stored["variable"].values
        outputs, counts = Channels(entry for entry in schema.outputs if entry.name in scored), {}
        for entry in outputs:
            found = stored.sel(variable=entry.name)
            counts[entry.name] = (found.sum("level") if entry.profile else found.isel(level=0)).values
        columns = round(float(stored.sum("rank").max()))
        return rank_data(
            {name: found / max(found.sum(), 1.0) for name, found in counts.items()},
            variables=ColumnVariables(schema.inputs, outputs),
            title=self.title(stored.sizes["rank"] - 1),
            subtitle=f"All levels of all {columns:,} columns scored · {HOW_TO_READ}",
        ).assign({f"{name}_count": quantity("rank", found, "1", f"truths, {name}") for name, found in counts.items()})


@dataclass(frozen=True, kw_only=True)
class SelectionRanks(RankHistogram, OfSelection):
    """Ranks over all levels of columns of a region and regime at any time, for ensembles drawn live."""

    members: int = 32
    seed: int = 0
    what: ClassVar[str] = "ranks-selection"

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensembles drawn here."""
        return drawn_words(catalog, self.experiment, self.emulator, members=self.members, seed=self.seed)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Relative frequencies ``(rank,)`` of each output and twice their standard errors."""
        return self.counted(catalog)

    def counted(self, catalog: Catalog, progress: Progress | None = None) -> xr.Dataset:
        """What :meth:`gather` gives; ``progress`` is told of the columns done, and what it raises ends the work.

        To be called from a thread that may wait: other questions to the emulator go first.

        Raises:
            DiffmpError: no such columns or emulator, or one whose members are all alike.
        """
        from diffmp_core.scores.ensemble import reduce_members  # numba: only when it is asked for
        from diffmp_core.scores.histograms import column_ranks

        if not catalog.drawn(self.experiment, self.emulator, members=self.members, steps=LIVE_STEPS).has_spread:
            raise DiffmpError(
                f"expected an ensemble, found {self.emulator}, which gives one answer for each column: no truth has a "
                "rank among them; choose another emulator"
            )
        live, mask = catalog.live(self.experiment, self.emulator), catalog.mask(self.choices)
        grid, schema = catalog.grid(self.experiment), live.schema
        where = np.flatnonzero(np.ones((len(grid.times), grid.lat.size), bool) if mask is None else mask)
        if not len(where):
            raise DiffmpError(
                f"expected columns, found none of {selection_words(self.choices)}; choose another region or regime"
            )
        drawn = np.sort(np.random.default_rng(self.seed).permutation(where)[:MOST])
        shares, outside = list[NDArray](), 0
        for number, (time, cells) in enumerate(_questions(drawn, grid.lat.size)):
            columns = catalog.columns(self.experiment).isel(time=[time], cell=cells)
            inputs = stack_inputs(columns, schema.inputs)
            outside += 0 if live.domain is None else int(live.domain.is_out_of_range(inputs).sum())
            members = live.answer_patiently(inputs, members=self.members, steps=LIVE_STEPS, seed=self.seed + number)
            truth = stack_outputs(columns, schema.outputs)
            ensemble = reduce_members(truth, members, np.ones(len(schema.outputs)))
            shares.append(column_ranks(ensemble.below, ensemble.equal, members=self.members))
            if progress is not None:
                progress(sum(map(len, shares)), len(drawn))
        found = np.concatenate(shares)
        mean, error = found.mean(axis=0), 2 * found.std(axis=0, ddof=min(1, len(found) - 1)) / np.sqrt(len(found))
        some = f"{len(drawn)} of the {len(where):,}" if len(drawn) < len(where) else f"All {len(where)}"
        return rank_data(
            dict(zip(schema.outputs.names, mean, strict=True)),
            errors=dict(zip(schema.outputs.names, error, strict=True)),
            variables=schema.variables,
            title=self.title(self.members),
            subtitle=f"{some} columns of {selection_words(self.choices)}, all times and levels · whiskers: two "
            f"standard errors over columns · {HOW_TO_READ}",
        ).assign_attrs(cautions=NO_DOMAIN if live.domain is None else outside_words(outside, len(drawn)))


def rank_data(
    shares: dict[str, NDArray],
    *,
    variables: ColumnVariables,
    title: str,
    subtitle: str,
    errors: dict[str, NDArray] | None = None,
) -> xr.Dataset:
    """Dataset of the relative frequencies ``(rank,)`` of shares that add up to 1, and of their errors, by output.

    ``variables``: their outputs are those that there are shares of.
    """
    size = len(next(iter(shares.values())))
    words = "share of truths over that of a flat histogram"
    found = {f"{name}_frequency": quantity("rank", size * s, "1", f"{words}, {name}") for name, s in shares.items()}
    for name, error in (errors or {}).items():
        found[f"{name}_error"] = quantity("rank", size * error, "1", f"two standard errors of the {words}, {name}")
    return xr.Dataset(
        found,
        coords={"rank": ("rank", np.arange(size), {"long_name": "members below the truth", "units": "1"})},
        attrs=variables_attrs(variables) | {"title": title, "subtitle": subtitle},
    )


def _questions(drawn: NDArray[np.int64], cells: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Columns at flat places ``time * cells + cell`` (column,), as many of one time as are asked for at once."""
    times = drawn // cells
    for time in np.unique(times):
        here = drawn[times == time] % cells
        for first in range(0, len(here), AT_ONCE):
            yield int(time), here[first : first + AT_ONCE]
