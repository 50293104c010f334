"""The table of docs/sensitivity.md, from the shipped demo: ``python -m docs.measured.sensitivity``."""

from __future__ import annotations

import numpy as np

from data.make_demo import DEMO
from diffmp_core.column_integrals import integrate
from diffmp_core.experiments import load_experiment
from diffmp_core.models.folder import load_emulator
from diffmp_core.perturbation import Perturbation
from diffmp_core.sensitivity import respond
from diffmp_core.stores import open_columns, stack_channels
from diffmp_core.variables import INPUTS, OUTPUTS

from .style import markdown

TROPICS = 20.0  # degrees
COLUMNS = 40
CHANGES = {
    "none": Perturbation(),
    "both surface fluxes x 0.6": Perturbation(scale_SHF=0.6, scale_LHF=0.6),
    "both surface fluxes x 0.3": Perturbation(scale_SHF=0.3, scale_LHF=0.3),
    "both surface fluxes x 1.5": Perturbation(scale_SHF=1.5, scale_LHF=1.5),
    "T neutralised below level 11": Perturbation(neutralise_T=1.0),
    "qv neutralised below level 11": Perturbation(neutralise_qv=1.0),
    "lowest 11 levels 2 K colder": Perturbation(warming=-2.0),
    "lowest 11 levels 20 % drier": Perturbation(moistening=-0.2),
}


def main() -> None:
    """Print the response of the tropical test columns with the strongest heating to each change."""
    experiment = load_experiment(DEMO)
    columns = open_columns(experiment.columns).load()
    inputs, outputs = stack_channels(columns, INPUTS), stack_channels(columns, OUTPUTS)
    times = columns.sizes["time"]
    mass = np.tile(columns["layer_mass"].transpose("cell", "level").values, (times, 1))
    heating = integrate(outputs[:, None], mass)["heating"][:, 0]
    tropical = np.tile(np.abs(columns["lat"].values) < TROPICS, times)
    chosen = np.argsort(np.where(tropical, heating, -np.inf))[::-1][:COLUMNS]
    emulator = load_emulator(experiment.emulators[0].folder)
    rows = []
    for name, change in CHANGES.items():
        answer = respond(
            emulator, inputs[chosen], change, pressure=columns["pressure"].values, layer_mass=mass[chosen]
        ).changes[0]
        shown = "" if change.changes_nothing else f"{answer.change:+.0f} +- {answer.standard_error:.0f}"
        rows.append([name, f"{answer.perturbed:.0f}", shown])
    print(f"{COLUMNS} columns, truth {heating[chosen].mean():.0f} W/m2\n")
    print(markdown(["change", "heating [W/m2]", "change"], rows))


if __name__ == "__main__":
    main()
