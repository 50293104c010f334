"""Response of the cloud-resolving model, and of an emulator, to the page's experiments, over one composite of columns.

Columns are picked by their inputs (diffmp_core/physics/regimes.py), as the page picks them. Run:
    python benchmarks/reference_response.py [COLUMNS] [--emulator FOLDER] [--regime NAME] [--time 0] [--hours 6]
prints the rows of the second table in docs/sensitivity.md, and the time of one response. COLUMNS: those of the demo, or
others made from a simulator run at 120 km.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import xarray as xr
from diffmp_app.state.presets import PRESETS

from data.make_demo import DEMO
from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.crm.origin import departure, find_origin, spun_up
from diffmp_core.crm.response import composite, hourly_ensemble, reference_response
from diffmp_core.experiments import load_experiment
from diffmp_core.models.folder import load_emulator
from diffmp_core.physics.column_integrals import PairedChange, integrate, paired_change
from diffmp_core.physics.perturbation import Perturbation, perturb
from diffmp_core.physics.regimes import REGIMES, column_facts, represent
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.stores import open_columns, stack_inputs
from diffmp_core.variables import PAPER

MEMBERS = 8
DRAWN = 32


def row(name: str, change: PairedChange) -> str:
    """One row of the table, W m-2."""
    numbers = [float(value) for value in change]
    return (
        f"| {name} | {numbers[0]:.0f} | {numbers[1]:.0f} | {numbers[2]:+.0f} +- {numbers[3]:.0f} +- {numbers[4]:.0f} |"
    )


def emulator_answer(emulator, columns: xr.Dataset, change: Perturbation) -> PairedChange:
    """The emulator's change of the column heating [W m-2] in these columns."""
    channels, outputs = emulator.schema.inputs, emulator.schema.outputs
    inputs, mass = stack_inputs(columns, channels), columns["layer_mass"].transpose("cell", "level").values
    changed = perturb(inputs, change, channels=channels, pressure=columns["pressure"].values, layer_mass=mass)
    drawn = (draw_ensemble(emulator, values, members=DRAWN) for values in (inputs, changed))
    return paired_change(*(integrate(ensemble, mass, outputs)["heating"] for ensemble in drawn))


def hourly_heating(response: xr.Dataset) -> np.ndarray:
    """Column heating [W m-2] by run, member and hour of a response."""
    mass = response["layer_mass"].values
    ensembles = (hourly_ensemble(response, run) for run in response["run"].values)
    return np.stack([integrate(ensemble, mass, PAPER.outputs)["heating"].T for ensemble in ensembles])


def main() -> None:
    """Measure and print."""
    experiment = load_experiment(DEMO)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("columns", type=Path, nargs="?", default=experiment.columns)
    parser.add_argument("--emulator", type=Path, default=experiment.emulators[0].folder)
    parser.add_argument("--regime", choices=REGIMES, default="deep convection")
    parser.add_argument("--time", type=int, default=0, help="index of the time")
    parser.add_argument("--cells", type=int, default=40, help="columns of the composite, at most")
    parser.add_argument("--hours", type=int, default=6, help="how long the model runs on, 1 to 12")
    options = parser.parse_args()
    store = open_columns(options.columns).load()
    cells = represent(REGIMES[options.regime].mask(column_facts(store))[options.time])[: options.cells]
    origins = [find_origin(store, time=options.time, cell=int(cell)) for cell in cells]
    columns, emulator = store.isel(time=[options.time], cell=cells), load_emulator(options.emulator)
    away = [departure(origin, values) for origin, values in zip(origins, columns["T"].values[0], strict=True)]
    print(f"{len(cells)} columns of {options.regime}, {store['time'].values[options.time]}; "
          f"reproduced within {max(away):.1g} K")  # fmt: skip
    spun_up.cache_clear()
    begun, used = time.perf_counter(), time.process_time()
    reference_response(origins[0], Perturbation(scale_LHF=0.6), hours=options.hours, members=MEMBERS)
    print(f"one response: {time.perf_counter() - begun:.2f} s, {time.process_time() - used:.2f} CPU-s")
    print("| column heating, W/m2 | before | after | change +- draw +- columns |")
    print("|---|---|---|---|")
    for name, settings in PRESETS.items():
        change = Perturbation(**settings)
        print(row(f"{name}, emulator", emulator_answer(emulator, columns, change)))
        responses = [reference_response(origin, change, hours=options.hours, members=MEMBERS) for origin in origins]
        heating = np.stack([hourly_heating(response) for response in responses], axis=1)  # run, cell, member, hour
        for last in (1, options.hours):
            hours = "hour 1" if last == 1 else f"hours 1-{last}"
            print(row(f"{name}, model, {hours}", paired_change(*heating[..., :last].mean(axis=-1))))
        rain = SECONDS_PER_DAY * composite(responses)["precipitation"]
        print(f"  {name}: rain mm/day by hour, {rain.sel(statistic='baseline').values.round(2)} control, "
              f"{rain.sel(statistic='perturbed').values.round(2)} changed", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
