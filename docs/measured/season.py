"""One run of a season, reduced block by block of cells to what the figures need: memory does not hold its profiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import LATENT_HEAT_VAPORISATION, SECONDS_PER_DAY
from diffmp_core.crm import climate
from diffmp_core.crm.output_store import is_complete
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.regimes import Mask, stability
from diffmp_core.stores import open_store
from diffmp_core.variables import PAPER

from .weather import WEATHER

TENDENCIES = ("tend_T_mp", "tend_qv_mp", "tend_T_flux", "tend_qv_flux")
NEEDED = ("T", "qv", "qc", "qi", *TENDENCIES, "SHF", "LHF", "precipitation", "w_max", "layer_mass")
FINEST = "15km"
BLOCK_VALUES = 2**21
"""Values of a profile that are read at a time: 8 MB of each variable."""

MOST_COLUMNS = 200_000
"""Columns of one weather and season whose profiles are kept, at random where there are more: 24 MB each target."""


@dataclass(frozen=True)
class Season:
    """A run after its spin-up.

    Attributes:
        start: its first day, YYYY-MM-DD.
        grid: name of its grid.
        run, finest: its columns of 120 km and its finest segments, on disk.
        fields: (time, cell) in memory: ``rain``, ``rain_around`` and ``evaporation`` (mm/day), ``LHF``, ``SHF`` and
            ``heating`` (W m-2), ``w_max`` (m s-1), ``LWP``, ``IWP`` and ``low_liquid`` (g m-2), ``vapour`` (kg m-2),
            ``stability`` (K), ``low_cloud`` and ``fog`` of the finest segments.
    """

    start: str
    grid: str
    run: xr.Dataset
    finest: xr.Dataset
    fields: xr.Dataset

    @property
    def land(self) -> xr.DataArray:
        """Cells of land, (cell,) bool."""
        return self.fields["land_fraction"] >= 0.5


def read_season(path: Path, spin_up_hours: int) -> Season:
    """Open a store of ``diffmp simulate`` and reduce it, one pass over the disk.

    Raises:
        DiffmpError: no such store, cells that are missing, or a run that is not longer than its spin-up.
    """
    whole, finest = open_store(path), open_store(path / FINEST)
    if not is_complete(path):
        raise DiffmpError(f"expected a finished run, found cells missing in {path}; simulate it to its end")
    run = climate.after_spin_up(whole[list(NEEDED)], spin_up_hours)
    finest = climate.after_spin_up(finest[["qc", "layer_mass"]], spin_up_hours)
    reduced = []
    for cells in blocks(run):
        part = run.isel(cell=cells).load()
        reduced.append(_fields(part, finest.isel(cell=cells).load()))
    return Season(
        start=whole.attrs["start"],
        grid=whole.attrs["grid"],
        run=run,
        finest=finest,
        fields=xr.concat(reduced, "cell", data_vars="all", coords="minimal", compat="override"),
    )


def blocks(run: xr.Dataset) -> Iterator[slice]:
    """Neighbouring cells that are read together: whole chunks of the store, about ``BLOCK_VALUES`` of a profile."""
    chunk = run["T"].encoding.get("chunks", (0, 1))[1]
    values = run.sizes["time"] * run.sizes["level"] * chunk
    size = chunk * max(1, BLOCK_VALUES // values)
    for first in range(0, run.sizes["cell"], size):
        yield slice(first, first + size)


def _fields(run: xr.Dataset, finest: xr.Dataset) -> xr.Dataset:
    levels_last = run["T"].transpose("time", "cell", "level")
    stable = levels_last.isel(level=0).copy(data=stability(levels_last.values, run["height"].values))
    found = {
        "rain": run["precipitation"] * SECONDS_PER_DAY,
        "rain_around": climate.rain_around(run) * SECONDS_PER_DAY,
        "evaporation": run["LHF"] * (SECONDS_PER_DAY / LATENT_HEAT_VAPORISATION),
        "LHF": run["LHF"],
        "SHF": run["SHF"],
        "w_max": run["w_max"],
        "LWP": 1e3 * climate.water_path(run["qc"], run),
        "IWP": 1e3 * climate.water_path(run["qi"], run),
        "low_liquid": 1e3 * climate.water_path(run["qc"], run, below=climate.LOW_CLOUD_TOP),
        "vapour": climate.water_path(run["qv"], run),
        "heating": climate.column_heating(run),
        "stability": stable,
        "low_cloud": climate.cloudy(finest),
        "fog": climate.foggy(finest),
    }
    names = ("lat", "lon", "area", "land_fraction", "time")
    plain = {name: (field.dims, field.values) for name, field in found.items()}
    return xr.Dataset(plain, coords={name: (run[name].dims, run[name].values) for name in names})


def profiles(season: Season, names: Iterable[str], *, seed: int = 0) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Targets of columns by weather, SI, one more pass over the disk: name in ``WEATHER`` -> target -> (column, level).

    seed: of which columns are kept where there are more than ``MOST_COLUMNS``.
    """
    generator = np.random.default_rng(seed)
    masks = {name: _thinned(WEATHER[name](season.fields), generator) for name in names}
    found: dict[str, dict[str, list[NDArray]]] = {
        name: {target: [] for target in PAPER.outputs.names} for name in masks
    }
    for cells in blocks(season.run):
        targets = climate.targets(season.run[["qc", "qi", *TENDENCIES]].isel(cell=cells).load())
        for name, mask in masks.items():
            for target in PAPER.outputs.names:
                found[name][target].append(targets[target].transpose("time", "cell", "level").values[mask[:, cells]])
    return {
        name: {target: np.concatenate(parts) for target, parts in targets.items()} for name, targets in found.items()
    }


def _thinned(mask: Mask, generator: np.random.Generator) -> Mask:
    chosen = np.flatnonzero(mask)
    if chosen.size <= MOST_COLUMNS:
        return mask
    kept = np.zeros(mask.size, dtype=bool)
    kept[generator.choice(chosen, MOST_COLUMNS, replace=False)] = True
    return kept.reshape(mask.shape)
