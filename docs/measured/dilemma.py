"""The table on the forecaster's dilemma in docs/scores.md, from the demo: ``python -m docs.measured.dilemma``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from data.make_demo import DEMO
from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.experiments import load_experiment, scored_columns
from diffmp_core.models.folder import load_emulator
from diffmp_core.physics.column_integrals import integrate
from diffmp_core.physics.regimes import MIDDLE, REGIMES, Mask, between, column_facts, top_share
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.scores.ensemble import reduce_members
from diffmp_core.stores import stack_inputs, stack_outputs

from .style import markdown

MEMBERS = 17
TRUTHS = 6
"""Members that are the truth in turn."""


def main() -> None:
    """Print bias and coverage of the emulator, and of itself where a member is the truth, by how columns are picked."""
    experiment = load_experiment(DEMO)
    columns = scored_columns(experiment).load()
    facts = column_facts(columns)
    zone = between(facts.lat, 0, 20)
    inside = zone.ravel()
    emulator = load_emulator(experiment.emulators[0].folder)
    outputs = emulator.schema.outputs
    inputs = stack_inputs(columns, emulator.schema.inputs)[inside]
    truth = stack_outputs(columns, outputs)[inside]
    mass = np.tile(columns["layer_mass"].transpose("cell", "level").values, (columns.sizes["time"], 1))[inside]
    drawn = draw_ensemble(emulator, inputs, members=MEMBERS + 1)
    middle = (columns["height"].values >= MIDDLE[0]) & (columns["height"].values < MIDDLE[1])
    by_inputs = REGIMES["deep convection"].mask(facts)[zone]

    def strongest(values: NDArray) -> Mask:
        heating = integrate(values[:, None], mass, outputs)["heating"][:, 0]
        return top_share(heating, 0.1, among=np.ones(len(heating), bool))

    picks: dict[str, Callable[[NDArray, NDArray], Mask]] = {
        "all within 20° of the equator": lambda happened, members: np.ones(len(mass), bool),
        "deep convection, by inputs": lambda happened, members: by_inputs,
        "the tenth with most heating, by what happened": lambda happened, members: strongest(happened),
        "the tenth with most heating, by the ensemble's own mean": lambda happened, members: strongest(members.mean(1)),
    }
    rows = []
    for name, pick in picks.items():
        cases = [(truth, drawn[:, :MEMBERS])]
        cases += [(drawn[:, each], np.delete(drawn, each, axis=1)) for each in range(TRUTHS)]
        found = [_bias_and_coverage(*case, pick(*case), middle) for case in cases]
        real, perfect = found[0], np.mean(found[1:], axis=0)
        rows.append([name, *(f"{value:+.2f}, {covered:.3f}" for value, covered in (perfect, real))])
    print(f"{len(mass)} columns, {MEMBERS} members; perfect coverage {(MEMBERS - 1) / (MEMBERS + 1):.3f}\n")
    print(markdown(["columns", "a member as truth", "the truth"], rows))
    heating = integrate(truth[by_inputs][:, None], mass[by_inputs], outputs)["heating"]
    median, tenth = np.quantile(heating, (0.5, 0.9))
    print(f"\nHeating of deep convection by inputs: mean {heating.mean():.0f}, median {median:.0f}, "
          f"a tenth above {tenth:.0f} W/m2")  # fmt: skip


def _bias_and_coverage(truth: NDArray, members: NDArray, mask: Mask, levels: Mask) -> tuple[float, float]:
    """Bias of the heating at some levels [K/day] and its coverage, ties split, at all levels."""
    found = reduce_members(truth[mask], members[mask], np.ones(truth.shape[1]))
    return float(found.error[:, 0, levels].mean() * SECONDS_PER_DAY), float(found.covered_ties[:, 0].mean())


if __name__ == "__main__":
    main()
