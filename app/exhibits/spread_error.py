"""Error of the ensemble mean against the spread, over the columns of a region and regime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from diffmp_core.scores.spread_error import SpreadError, spread_against_error
from diffmp_core.variables import Variable

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..data.composites import selection_words
from ..figures.study_chart import Chart, ChartPlot, Series, legend
from .exhibit import OfSelection, Rows, quantity, score_store, scored_words
from .paper import draw_page
from .study_paper import draw_charts

FIELDS = ("column_mse", "column_spread")
"""Fields of a score store that it is made of."""
HEIGHT = 260
COLUMNS = 4
"""Charts beside each other on paper and in a report."""


@dataclass(frozen=True, kw_only=True)
class SpreadAgainstError(OfSelection):
    """Error by spread of the selected emulator and, where one is compared, of the pinned one."""

    emulator: str
    compare: str = "none"
    pinned_emulator: str = ""
    units: str = "physical"
    what: ClassVar[str] = "spread-error"
    size: ClassVar[tuple[float, float]] = (9.5, 3.4)

    def emulators(self, catalog: Catalog) -> tuple[str, ...]:
        """Those drawn: the pinned one where its store has what it takes."""
        pinned = (self.pinned_emulator,) if self.compare != "none" and self.pinned_emulator else ()
        known = [name for name in pinned if not catalog.lacks(self.experiment, name, *FIELDS)]
        return tuple(dict.fromkeys((self.emulator, *known)))

    def drawn_by(self, catalog: Catalog) -> str:
        """The ensembles that were scored."""
        return "; ".join(scored_words(catalog, self.experiment, name) for name in self.emulators(catalog))

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Spread, error and count of each output that all give ``(emulator, bin)``, in the unit shown."""
        emulators = self.emulators(catalog)
        parts: dict[str, tuple] = {}
        outputs = [
            output
            for output in catalog.outputs(self.experiment, self.emulator)
            if all(not catalog.lacks(self.experiment, emulator, variable=output.name) for emulator in emulators)
        ]
        for output in outputs:
            name = output.name
            axis = catalog.value_axis(self.experiment, self.emulator, name, self.units)
            unit = axis.factor * catalog.truth_std(self.experiment, self.emulator, name)
            found = [self._found(catalog, emulator, output) for emulator in emulators]
            dims = ("emulator", "bin")
            for what, words in (("spread", "spread of the members"), ("error", "error of their mean")):
                values = np.array([getattr(each, what) for each in found]) * unit
                parts[f"{name}_{what}"] = quantity(dims, values, axis.label, f"root mean square {words}, {name}")
            parts[f"{name}_count"] = quantity(dims, [each.count for each in found], "1", f"values, {name}")
        names = ("emulator", list(emulators), {"long_name": "emulator"})
        called = {"title": ("variable", [title_of(output) for output in outputs], {"long_name": "what it is called"})}
        return xr.Dataset(
            parts,
            coords={"emulator": names, "variable": [output.name for output in outputs], **called},
            attrs={
                "title": f"Error of the mean against the spread, {' and '.join(emulators)}",
                "subtitle": f"All levels and times of {selection_words(self.choices)} · bins of spread · dashed: a "
                "perfect ensemble",
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """A chart an output."""
        draw_charts(self.charts(data), figure, columns=min(data.sizes["variable"], COLUMNS))

    def paper(self, data: xr.Dataset) -> Figure:
        """The figure on a page that has room for its charts."""
        width, height = self.size
        return draw_page(self.draw, data, (width, height * -(-data.sizes["variable"] // COLUMNS)))

    def screen(self, data: xr.Dataset) -> Rows:
        """The charts as the page draws them, the legend above."""
        charts = self.charts(data)
        plots = [ChartPlot(chart, dark=False, height=HEIGHT).figure for chart in charts]
        return [
            [legend(charts, dark=False)],
            *(plots[first : first + COLUMNS] for first in range(0, len(plots), COLUMNS)),
        ]

    def charts(self, data: xr.Dataset) -> list[Chart]:
        """Error against spread, a chart an output, a curve an emulator."""
        return [
            Chart(
                title=title,
                x_label=f"spread [{data[f'{name}_spread'].axis_label}]",
                y_label=f"error of the mean [{data[f'{name}_error'].axis_label}]",
                series=tuple(
                    _curve(str(emulator), number, data[f"{name}_spread"].values[number], data[f"{name}_error"].values)
                    for number, emulator in enumerate(data["emulator"].values)
                ),
                logarithmic=(True, True),
                diagonal=True,
                description=f"{title}: error of the ensemble mean against the spread of the members",
            )
            for name, title in zip(map(str, data["variable"].values), map(str, data["title"].values), strict=True)
        ]

    def _found(self, catalog: Catalog, emulator: str, output: Variable) -> SpreadError:
        """Of one emulator and output; kept, because a store is read as a whole for it."""
        name, levels = output.name, slice(None) if output.profile else slice(1)
        store, mask = score_store(catalog, self.experiment, emulator, *FIELDS), catalog.mask(self.choices)
        key = ("spread-error", self.experiment, emulator, name, None if mask is None else mask.tobytes())

        def read() -> SpreadError:
            fields = [store[field].sel(variable=name).transpose("time", "level", "cell") for field in FIELDS]

            def part(time: int) -> tuple[np.ndarray, np.ndarray]:
                cells = slice(None) if mask is None else mask[time]
                mse, spread = (field[time, levels].values[:, cells] for field in fields)
                return mse, spread

            parts = map(part, range(store.sizes["time"]))
            return spread_against_error(parts, members=catalog.members(self.experiment, emulator))

        return catalog.keep(key, read)


def _curve(name: str, number: int, spread: np.ndarray, error: np.ndarray) -> Series:
    return Series(name, number, spread, error[number], np.full_like(spread, np.nan))
