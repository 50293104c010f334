"""An experiment for the clock: a globe of as many cells as wanted with random scores, which say nothing.

Maps ask a score store for its shapes only; no columns are there, and no emulator has weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
import yaml

from diffmp_core.scores.histograms import bin_edges
from diffmp_core.stores import write_store
from diffmp_core.variables import PAPER, PAPER_LEVELS

TIMES = 2
GOLDEN_ANGLE = 137.50776
PER_COLUMN = {"mse": np.float32, "spread": np.float32, "crps_fair": np.float32, "bias": np.float32, "covered": np.int8}
PER_CELL = ("mse", "crps_fair", "bias", "coverage_ratio")


def make_globe(folder: Path, cells: int) -> Path:
    """Write the experiment folder ``globe-CELLS`` in ``folder`` and return it."""
    rng, shape = np.random.default_rng(0), (len(PAPER.outputs.names), PAPER_LEVELS, cells)
    dims = ("variable", "level", "cell")
    turn = np.arange(cells) + 0.5
    height = np.linspace(50.0, 20_000.0, PAPER_LEVELS)

    def draw(*sizes: int) -> np.ndarray:
        return rng.random(sizes, dtype=np.float32)

    fields = {
        f"column_{name}": (("time", *dims), draw(TIMES, *shape).astype(kind)) for name, kind in PER_COLUMN.items()
    }
    fields |= {f"cell_{name}": (dims, draw(*shape)) for name in PER_CELL}
    scores = xr.Dataset(
        fields
        | {
            "truth_std": ("variable", np.ones(len(PAPER.outputs.names))),
            "bin_edges": (("variable", "bin_edge"), bin_edges(PAPER.outputs)),
            "rank_histogram": (("variable", "level", "rank"), np.ones((len(PAPER.outputs.names), PAPER_LEVELS, 33))),
        },
        coords={
            "variable": list(PAPER.outputs.names),
            "time": np.datetime64("2005-07-01T00:00", "ns") + np.arange(TIMES) * np.timedelta64(12, "h"),
            "lat": ("cell", np.degrees(np.arcsin(1 - 2 * turn / cells))),
            "lon": ("cell", (turn * GOLDEN_ANGLE) % 360 - 180),
            "area": ("cell", np.full(cells, 4 * np.pi / cells)),
            "height": ("level", height),
            "pressure": ("level", 1e5 * np.exp(-height / 7400.0)),
        },
        attrs={"diffmp_kind": "scores", "members": 32},
    )
    made = folder / f"globe-{cells}"
    write_store(scores, made / "scores.nc")
    about = {"title": f"Random scores of {cells} cells", "columns": "columns.nc", "columns_from": "nowhere"}
    emulators = [{"name": "Random", "scores": "scores.nc"}]
    (made / "experiment.yaml").write_text(yaml.safe_dump(about | {"split": "all", "emulators": emulators}))
    return made
