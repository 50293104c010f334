"""The first table of docs/sensitivity.md, from the shipped demo: ``python -m docs.measured.sensitivity``."""

from __future__ import annotations

import numpy as np
from diffmp_app.state.presets import PRESETS

from data.make_demo import DEMO
from diffmp_core.experiments import load_experiment, scored_columns
from diffmp_core.models.folder import load_emulator
from diffmp_core.physics.column_integrals import integrate
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.physics.regimes import REGIMES, column_facts, represent
from diffmp_core.response.sensitivity import respond
from diffmp_core.stores import stack_inputs, stack_outputs

from .style import markdown

REGIME, TIME = "deep convection", 0
CHANGES = {"none": {}, **PRESETS, "Fluxes +50 %": {"scale_SHF": 1.5, "scale_LHF": 1.5}}


def main() -> None:
    """Print the response of a composite of deep convection, as the page makes it, to each change."""
    experiment = load_experiment(DEMO)
    columns = scored_columns(experiment).load()
    selected = REGIMES[REGIME].mask(column_facts(columns))[TIME]
    cells = represent(selected)
    chosen = columns.isel(time=[TIME], cell=cells)
    mass = chosen["layer_mass"].transpose("cell", "level").values
    emulator = load_emulator(experiment.emulators[0].folder)
    outputs = emulator.schema.outputs
    heating = integrate(stack_outputs(chosen, outputs)[:, None], mass, outputs)["heating"]
    rows = []
    for name, settings in CHANGES.items():
        answer = respond(
            emulator, stack_inputs(chosen, emulator.schema.inputs), Perturbation(**settings),
            pressure=columns["pressure"].values, layer_mass=mass,
        ).changes[0]  # fmt: skip
        errors = f"{answer.standard_error:.0f} +- {answer.standard_error_columns:.0f}"
        shown = f"{answer.change:+.0f} +- {errors}" if settings else ""
        rows.append([name, f"{answer.perturbed:.0f}", shown])
    spread = heating.std(ddof=1) / np.sqrt(len(cells))
    print(f"{len(cells)} of {selected.sum()} columns, truth {heating.mean():.0f} +- {spread:.0f} W/m2\n")
    print(markdown(["change", "heating [W/m2]", "change +- draw +- columns"], rows))


if __name__ == "__main__":
    main()
