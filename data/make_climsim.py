"""Make the shipped ClimSim experiment, scores without columns: ``python data/make_climsim.py COLUMNS``.

COLUMNS is a store that ``diffmp prepare`` made of the ClimSim excerpt, on whose training times the emulators
``assets/emulators/climsim-lowres-*`` were trained. ``data/climsim`` gets the scores of the emulators and of the
reference ensembles on its test times. The columns themselves are CC-BY-4.0 and stay out: a reader fetches them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

sys.path.insert(0, str(Path(__file__).parent))
from make_demo import write_cards

from diffmp_core.experiments import add_to_experiment, leave_columns_out, load_experiment, write_experiment
from diffmp_core.models.references import AnalogueEnsemble, ClimatologicalEnsemble
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.maps import column_fields
from diffmp_core.scores.table import markdown_table
from diffmp_core.stores import open_columns, select_split

ROOT = Path(__file__).parents[1]
CLIMSIM = ROOT / "data" / "climsim"
EMULATORS = {
    "DIFF-MP one step": ROOT / "assets" / "emulators" / "climsim-lowres-one-step",
    "DIFF-MP calibrated": ROOT / "assets" / "emulators" / "climsim-lowres-calibrated",
    "Deterministic regression": ROOT / "assets" / "emulators" / "climsim-lowres-regression",
}
FIELDS = {"DIFF-MP one step": column_fields()}
"""What is kept column by column, for maps; of all others nothing."""

TITLE = "ClimSim, E3SM-MMF"
DESCRIPTION = (
    "Columns of E3SM-MMF, a superparameterised climate model: all column physics, radiation included, real geography, "
    "grid ne4pg2. The test times are more than a day from any time of training."
)
COLUMNS_FROM = (
    "diffmp fetch climsim runs/climsim --times-of data/climsim/scores.nc && "
    "diffmp prepare runs/climsim data/climsim/columns.nc --split 0,0,1"
)
PROVENANCE = {
    "data set": "LEAP/ClimSim_low-res, Yu et al. 2023, arXiv:2306.08754, doi:10.57967/hf/0740",
    "made by": "data/make_climsim.py",
    "licence": "scores and weights follow from data under CC-BY-4.0",
}


def make_climsim(columns: Path, *, folder: Path = CLIMSIM, members: int = 32, steps: int = 5) -> None:
    """Write the experiment and print its table of scores.

    Args:
        columns: prepared store with training and test times.
        folder: experiment to write.
        members, steps: of the sampling.
    """
    train = select_split(open_columns(columns), "train")
    results = {}
    for name, emulator in EMULATORS.items():
        results[name] = evaluate(
            emulator,
            columns,
            folder,
            members=members,
            steps=steps,
            split="test",
            name=name,
            fields=FIELDS.get(name, ()),
        )
    for name, reference in (
        ("Analogue ensemble", AnalogueEnsemble.from_columns(train)),
        ("Climatological ensemble", ClimatologicalEnsemble.from_columns(train)),
    ):
        results[name] = evaluate(reference, columns, members=members, steps=steps, split="test", name=name)
        add_to_experiment(folder, name, results[name])
    described = {"title": TITLE, "description": DESCRIPTION, "provenance": PROVENANCE}
    write_experiment(folder, load_experiment(folder).model_copy(update=described))
    leave_columns_out(folder, columns_from=COLUMNS_FROM)
    write_cards(folder)
    print(markdown_table([(name, result.table()) for name, result in results.items()]))


def main(columns: Annotated[Path, typer.Argument(help="Column store made of the ClimSim excerpt.")]) -> None:
    """Write the experiment and print its table of scores."""
    make_climsim(columns)


if __name__ == "__main__":
    typer.run(main)
