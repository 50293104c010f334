"""A score over the globe as one image of nearest cells.

Which cell each pixel shows goes to the browser once for each projection, as runs of pixels of one cell (0.2 MB for
10,242 cells). An update sends one number a cell (10 KB for 2,562 cells) and the browser gathers the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS, CustomJSHover, DataRange1d, HoverTool
from bokeh.plotting import figure

from .colouring import ColouredImage, add_coloured_image, number_hover
from .globe import Globe, Raster
from .theme import MAP_ASPECT, colours, make_figure, name_figure, style

CROSS = 6
"""Pixels of the raster that a cross is wide."""
GATHER = """
if (!runs.data.shape.length) return;
const value = values.data.value, [of, count, shape] = ["cell", "count", "shape"].map((name) => runs.data[name][0]);
let image = pixels.data.image[0], cell = pixels.data.cell[0];
const unpacked = image.length == shape[0] * shape[1];
if (unpacked && cb_obj != values) return;
if (!unpacked) {
  image = pixels.data.image[0] = new image.constructor(shape[0] * shape[1], [...shape]);
  cell = pixels.data.cell[0] = new cell.constructor(shape[0] * shape[1], [...shape]);
  for (let run = 0, at = 0; run < of.length; at += count[run++]) cell.fill(of[run], at, at + count[run]);
}
for (let i = 0; i < cell.length; i++) image[i] = cell[i] < value.length ? value[cell[i]] : NaN;
pixels.change.emit();
"""
"""Runs when values or pixels come, and when the figure finds its range: nothing comes after a page that has them."""


@dataclass(frozen=True)
class MapImage:
    """The figure and the data sources that an update changes."""

    figure: figure
    pixels: ColumnDataSource
    runs: ColumnDataSource
    values: ColumnDataSource
    places: ColumnDataSource
    missed: ColumnDataSource
    selected: ColumnDataSource
    pinned: ColumnDataSource
    lines: dict[str, ColumnDataSource]
    coloured: ColouredImage

    def project(self, view: Globe, raster: Raster, values: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> None:
        """Change the projection or the grid: runs of pixels, lines and places anew."""
        x0, y0, x1, y1 = view.bounds
        cell, count = pack(raster.pixel)
        self.places.data = {
            "lat": np.round(10 * lat[raster.cells]).astype(np.int16),
            "lon": np.round(10 * lon[raster.cells]).astype(np.int16),
            "index": raster.cells.astype(_smallest(raster.cells)),
        }
        self.values.data = {"value": values[raster.cells].astype(np.float32)}
        self.runs.data = {"cell": [cell], "count": [count], "shape": [np.array(raster.pixel.shape, np.int32)]}
        seed = {"image": [np.full((1, 1), np.nan, np.float32)], "cell": [np.zeros((1, 1), cell.dtype)]}
        self.pixels.data = seed | {"x": [x0], "y": [y0], "dw": [x1 - x0], "dh": [y1 - y0]}
        for name, source in self.lines.items():
            x, y = getattr(view, name).astype(np.float32)
            source.data = {"x": x, "y": y}

    def show(self, values: np.ndarray, raster: Raster, missed: np.ndarray) -> None:
        """Change the values ``(cell,)`` and which cells are marked as missed ``(cell,)`` bool."""
        self.values.data = {"value": values[raster.cells].astype(np.float32)}
        x, y = thinned(raster, missed)
        self.missed.data = {"x": x.astype(np.float32), "y": y.astype(np.float32)}

    def select(self, raster: Raster, cell: int, pinned: int = -1) -> None:
        """Mark the selected column with a ring and the pinned one with a square; -1 is none."""
        for source, marked in ((self.selected, cell), (self.pinned, pinned)):
            at = [marked] if marked >= 0 and np.isfinite(raster.x[marked]) else []
            source.data = {"x": raster.x[at].tolist(), "y": raster.y[at].tolist()}

    def name(self, words: str) -> None:
        """Write above the map whose it is; '' leaves no room for it."""
        name_figure(self.figure, words)

    def restyle(self, *, dark: bool) -> None:
        """Follow the page when it turns light or dark."""
        style(self.figure, dark=dark)
        chosen = colours(dark)
        looks = {
            "graticule": (chosen.coast, 0.18, 0.7),
            "outline": (chosen.muted, 0.9, 1.0),
            "coastline": ("#ffffff", 0.55, 2.2),
        }
        for renderer in self.figure.renderers:
            if renderer.name in looks:
                colour, alpha, width = looks[renderer.name]
                renderer.glyph.update(line_color=colour, line_alpha=alpha, line_width=width)


def gather(seen: np.ndarray, raster: Raster) -> np.ndarray:
    """Image ``(row, column)`` float32 of the values of the cells that are seen; NaN outside the globe."""
    return np.where(raster.pixel < 0, np.float32(np.nan), seen[np.maximum(raster.pixel, 0)])


def thinned(raster: Raster, marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where crosses of the cells marked ``(cell,)`` bool go: of crosses that would cover one another, one."""
    x, y = (centre[marked & np.isfinite(raster.x)] for centre in (raster.x, raster.y))
    if not x.size:
        return x, y
    rows, columns = raster.pixel.shape
    wide, high = (np.ptp(centre[np.isfinite(centre)]) for centre in (raster.x, raster.y))
    patch = (y // (CROSS * high / rows)) * 2 * columns + x // (CROSS * wide / columns)
    first = np.sort(np.unique(patch, return_index=True)[1])
    return x[first], y[first]


def pack(pixel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells ``(run,)`` and numbers of pixels ``(run,)`` of a raster of cells ``(row, column)``, row by row.

    Pixels outside the globe (negative) have the largest number that the kind of the cells can hold.
    """
    kind = _smallest(pixel)
    flat = np.where(pixel < 0, np.iinfo(kind).max, pixel).astype(kind).ravel()
    first = np.flatnonzero(np.append(True, flat[1:] != flat[:-1]))
    count = np.diff(first, append=flat.size)
    return flat[first], count.astype(np.uint16 if count.max() <= np.iinfo(np.uint16).max else np.uint32)


def _smallest(numbers: np.ndarray) -> type[np.unsignedinteger]:
    """The smallest kind of integer that holds these and one more; the browser takes no 64 bits."""
    return np.uint16 if numbers.max() < np.iinfo(np.uint16).max else np.uint32


def make_map(*, dark: bool) -> MapImage:
    """An empty map; :meth:`MapImage.project` and :meth:`MapImage.show` fill it."""
    plot = make_figure(
        dark=dark,
        height=None,
        aspect_ratio=MAP_ASPECT,
        match_aspect=True,
        tools="pan,wheel_zoom,box_zoom,reset,save",
        x_range=DataRange1d(range_padding=0.01),
        y_range=DataRange1d(range_padding=0.01),
        x_axis_location=None,
        y_axis_location=None,
        min_border=4,
        description="Map of the score; a click selects the column nearest to it",
    )
    plot.grid.visible = False
    pixels = ColumnDataSource({"image": [], "cell": [], "x": [], "y": [], "dw": [], "dh": []})
    values = ColumnDataSource({"value": np.empty(0, np.float32)})
    places = ColumnDataSource({"lat": [], "lon": [], "index": []})
    coloured = add_coloured_image(plot, pixels, dark=dark)
    runs = ColumnDataSource({"cell": [], "count": [], "shape": []})
    callback = CustomJS(args={"values": values, "pixels": pixels, "runs": runs}, code=GATHER)
    for source in (values, pixels):
        source.js_on_change("data", callback)
    plot.x_range.js_on_change("start", callback)
    lines = {name: ColumnDataSource({"x": [], "y": []}) for name in ("graticule", "coastline", "outline")}
    plot.line("x", "y", source=lines["graticule"], name="graticule")
    plot.line("x", "y", source=lines["coastline"], name="coastline")
    plot.line("x", "y", source=lines["coastline"], line_color="#111111", line_width=1.0)
    plot.line("x", "y", source=lines["outline"], name="outline")
    missed = ColumnDataSource({"x": [], "y": []})
    plot.scatter("x", "y", source=missed, marker="x", size=7, line_color="#000000", line_width=3.0)
    plot.scatter("x", "y", source=missed, marker="x", size=6, line_color="#ffffff", line_width=1.3)
    selected, pinned = (ColumnDataSource({"x": [], "y": []}) for _ in range(2))
    for source, marker in ((pinned, "square"), (selected, "circle")):
        for colour, width in (("#ffffff", 5), ("#d55e00", 2.5)):
            plot.scatter(
                "x", "y", source=source, marker=marker, size=17, fill_color=None, line_color=colour, line_width=width
            )
    plot.add_tools(
        HoverTool(
            renderers=coloured.images,
            tooltips=[
                ("value", "@image{number}"),
                ("latitude", "@cell{lat}"),
                ("longitude", "@cell{lon}"),
                ("column", "@cell{index}"),
            ],
            formatters={
                "@image": number_hover(),
                "@cell": CustomJSHover(
                    args={"places": places},
                    code="""
            const column = places.data[format];
            if (!column || value >= column.length) return "";
            return format == "index" ? String(column[value]) : (column[value] / 10).toFixed(1) + "°";""",
                ),
            },
        )
    )
    made = MapImage(plot, pixels, runs, values, places, missed, selected, pinned, lines, coloured)
    made.restyle(dark=dark)
    return made
