"""Composite response of the cloud-resolving model, and of an emulator, to weaker fluxes and a cooled boundary layer.

Convecting tropical columns of one time of a simulator run: 15 S to 15 N, more than 5 mm/day in the hour before. Run:
    diffmp simulate RUN.zarr --grid G2 --hours 72
    python benchmarks/reference_response.py RUN.zarr [--emulator FOLDER] [--hour 72] [--cells 12] [--hours 6]
prints the rows of the table in docs/sensitivity.md, and the time of one response.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.column_integrals import PairedChange, paired_change
from diffmp_core.columns.sources import crm
from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.crm.origin import departure, find_origin, spun_up
from diffmp_core.crm.response import composite, layer_mean, reference_response
from diffmp_core.perturbation import Perturbation, perturb
from diffmp_core.stores import stack_channels
from diffmp_core.variables import INPUTS

TROPICS, LEAST_RAIN = 15.0, 5.0  # degrees, mm/day
LOW, HIGH = 3000.0, 9000.0  # m
MEMBERS = 8


def convecting(raw: xr.Dataset, time_index: int, most: int) -> np.ndarray:
    """Cells of the composite, spread evenly over those that meet the rule."""
    rain = SECONDS_PER_DAY * raw["precipitation"].isel(time=time_index).values
    found = np.flatnonzero((np.abs(raw["lat"].values) < TROPICS) & (rain > LEAST_RAIN))
    return found[np.unique(np.linspace(0, found.size - 1, min(most, found.size)).round().astype(int))]


def row(name: str, change: PairedChange, spread: float) -> str:
    """One row of the table, K/day."""
    numbers = [SECONDS_PER_DAY * float(value) for value in change]
    return (
        f"| {name} | {numbers[0]:.2f} | {numbers[1]:.2f} | {numbers[2]:+.2f} | {numbers[3]:.2f} | {numbers[4]:.2f} "
        f"| {SECONDS_PER_DAY * spread:.2f} |"
    )


def of_composite(before: np.ndarray, after: np.ndarray) -> tuple[PairedChange, float]:
    """Paired change of members (cell, member), and the spread of the composite's change among the members."""
    return paired_change(before, after), float((after - before).mean(axis=0).std(ddof=1))


def emulator_answer(folder: Path, columns: xr.Dataset, change: Perturbation) -> tuple[PairedChange, float]:
    """The emulator's own response of the same quantity in the same columns."""
    from diffmp_core.models.folder import load_emulator
    from diffmp_core.sampling.draw import draw_ensemble

    emulator, inputs = load_emulator(folder), stack_channels(columns, INPUTS)
    mass = np.broadcast_to(columns["layer_mass"].values, (len(inputs), columns.sizes["level"]))
    changed = perturb(inputs, change, pressure=columns["pressure"].values, layer_mass=mass)
    inside = (columns["height"].values >= LOW) & (columns["height"].values <= HIGH)
    before, after = (
        np.einsum("cml,cl->cm", draw_ensemble(emulator, values, members=32)[:, :, 0, inside], mass[:, inside])
        / mass[:, inside].sum(axis=1, keepdims=True)
        for values in (inputs, changed)
    )
    return of_composite(before, after)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--emulator", type=Path)
    parser.add_argument("--hour", type=int, default=72)
    parser.add_argument("--cells", type=int, default=12)
    parser.add_argument("--hours", type=int, default=6, help="how long the model runs on, 2 to 12")
    parser.add_argument("--top-level", type=int, default=6, help="levels of the boundary layer that is cooled")
    options = parser.parse_args()
    raw = xr.open_zarr(options.run)
    moment = options.hour - 1
    cells = convecting(raw, moment, options.cells)
    origins = [find_origin(raw, time=moment, cell=int(cell)) for cell in cells]
    away = [departure(origin, raw["T"][moment, cell].values) for origin, cell in zip(origins, cells, strict=True)]
    print(f"{len(cells)} cells, hour {options.hour}; reproduced within {max(away):.1g} K")
    spun_up.cache_clear()
    begun, used = time.perf_counter(), time.process_time()
    reference_response(origins[0], Perturbation(scale_SHF=0.6, scale_LHF=0.6), hours=options.hours, members=MEMBERS)
    print(f"one response: {time.perf_counter() - begun:.2f} s, {time.process_time() - used:.2f} CPU-s")
    changes = {
        "fluxes x 0.6": Perturbation(scale_SHF=0.6, scale_LHF=0.6),
        "fluxes x 0.3": Perturbation(scale_SHF=0.3, scale_LHF=0.3),
        f"lowest {options.top_level} levels 1.5 K colder": Perturbation(warming=-1.5, top_level=options.top_level),
    }
    columns = None
    if options.emulator is not None:
        columns = crm.read(options.run, spacing_km=120)
        columns = columns.sel(time=[raw["time"].values[moment]]).isel(cell=cells).compute()
    print("| heating 3-9 km, K/day | control | changed | change | +- draw | +- cells | spread of members |")
    print("|---|---|---|---|---|---|---|")
    for name, change in changes.items():
        responses = [reference_response(origin, change, hours=options.hours, members=MEMBERS) for origin in origins]
        layers = [layer_mean(response, LOW, HIGH)["tend_T_sgs"] for response in responses]
        values = np.stack([layer.transpose("run", "member", "hour").values for layer in layers], axis=1)
        for first in (0, options.hours // 2):
            heating = values[..., first:].mean(axis=-1)
            print(row(f"{name}, model, hours {first + 1}-{options.hours}", *of_composite(*heating)))
        if columns is not None:
            print(row(f"{name}, emulator", *emulator_answer(options.emulator, columns, change)))
        rain = SECONDS_PER_DAY * composite(responses)["precipitation"]
        print(f"  {name}: rain mm/day by hour, {rain.sel(statistic='baseline').values.round(2)} control, "
              f"{rain.sel(statistic='perturbed').values.round(2)} changed")  # fmt: skip


if __name__ == "__main__":
    main()
