"""Make the shipped demo from prepared simulator stores: ``python data/make_demo.py TEST_COLUMNS TRAINING_COLUMNS``.

Writes ``data/demo``: test columns at a few times, the scores of the emulators ``assets/emulators/simulator-*`` on
them, and of the reference ensembles made of the training columns. The whole way is in ``data/README.md``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import xarray as xr

from diffmp_core.experiments import add_to_experiment, load_experiment, write_experiment
from diffmp_core.identity import with_digests
from diffmp_core.models.references import AnalogueEnsemble, ClimatologicalEnsemble
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.maps import column_fields
from diffmp_core.scores.table import markdown_table
from diffmp_core.stores import open_columns, select_split, write_store
from diffmp_core.training.card import write_card
from diffmp_core.variables import PAPER

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "data" / "demo"
SHIPPED = ROOT / "assets" / "emulators"
CALIBRATED, REGRESSION = SHIPPED / "simulator-120km-calibrated", SHIPPED / "simulator-120km-regression"
ONE_STEP = SHIPPED / "simulator-120km-one-step"
EMULATORS = {
    "DIFF-MP one step": ONE_STEP,
    "DIFF-MP calibrated": CALIBRATED,
    "DIFF-MP paper": SHIPPED / "simulator-120km-paper",
    "CVAE-MP": SHIPPED / "simulator-120km-cvae",
    "CGAN-MP": SHIPPED / "simulator-120km-cgan",
    "Gaussian regression": SHIPPED / "simulator-120km-gaussian",
    "Deterministic regression": REGRESSION,
}
"""In the order of the dashboard, which opens on the first."""

FIELDS = {
    "DIFF-MP one step": column_fields(),
    "Gaussian regression": (),
    "Deterministic regression": (),
}
"""What is kept column by column, for maps."""

MSE_AND_COVERAGE = ("column_mse", "column_covered")
"""What is kept of all others: Figures 8 and 9 of the paper."""

DESCRIPTION = (
    "Idealised superparameterised columns: one two-dimensional cloud-resolving model in each cell of a global "
    "icosahedral grid. Not GRIST, and no reproduction of the paper's data."
)


def finer_emulator(spacing_km: int) -> Path:
    """Where the calibrated emulator of narrower columns is shipped."""
    return SHIPPED / f"simulator-{spacing_km}km-calibrated"


def write_test_columns(columns: xr.Dataset, times: int, path: Path) -> Path:
    """Write ``times`` test times, evenly spread, as one compressed netCDF file."""
    test = select_split(columns, "test")
    chosen = np.unique(np.linspace(0, test.sizes["time"] - 1, times).round().astype(int))
    test = with_digests(test.isel(time=chosen).load().drop_encoding())
    encoding = {v.name: {"zlib": True, "complevel": 6, "shuffle": True} for v in PAPER.inputs + PAPER.outputs}
    return write_store(test, path, encoding=encoding)


def make_demo(test_columns: Path, training_columns: Path, *, times: int = 4, members: int = 32, steps: int = 5) -> None:
    """Write the demo experiment and print its table of scores.

    Args:
        test_columns: store of which test times are shipped.
        training_columns: store on which the emulators were trained; the reference ensembles draw from it.
        times: test times to ship.
        members, steps: of the sampling.
    """
    shipped = write_test_columns(open_columns(test_columns), times, DEMO / "columns.nc")
    store = open_columns(training_columns)
    results = {}
    for name, folder in EMULATORS.items():
        if folder.is_dir():
            results[name] = evaluate(
                folder,
                shipped,
                DEMO,
                members=members,
                steps=steps,
                split="all",
                name=name,
                fields=FIELDS.get(name, MSE_AND_COVERAGE),
            )
    train = select_split(store, "train")
    for name, reference in (
        ("Analogue ensemble", AnalogueEnsemble.from_columns(train)),
        ("Climatological ensemble", ClimatologicalEnsemble.from_columns(train)),
    ):
        results[name] = evaluate(reference, shipped, members=members, steps=steps, split="all", name=name)
        add_to_experiment(DEMO, name, results[name])
    experiment = load_experiment(DEMO).model_copy(
        update={
            "title": "Simulated globe, 120 km",
            "description": DESCRIPTION,
            "provenance": {
                "simulator": str(store.attrs["source"]),
                "made by": "data/make_demo.py",
                "licence": "Apache-2.0",
            },
        }
    )
    write_experiment(DEMO, experiment)
    write_cards(DEMO)
    print(markdown_table([(name, result.table()) for name, result in results.items()]))


def write_cards(folder: Path) -> None:
    """Write the model card of each emulator of an experiment, with its scores there."""
    for entry in load_experiment(folder).emulators:
        if entry.folder is not None and entry.table is not None:
            write_card(entry.folder, scores=entry.table)


def demo_figures(demo: Path) -> dict[str, float]:
    """Mean and standard deviation of the test columns of a demo, and its CRPS; empty if there is none."""
    figures: dict[str, float] = {}
    if not (demo / "columns.nc").is_file():
        return figures
    with xr.open_dataset(demo / "columns.nc") as columns:
        for variable in PAPER.inputs + PAPER.outputs:
            values = columns[variable.name].values.astype(float)
            figures |= {f"{variable.name} mean": values.mean(), f"{variable.name} standard deviation": values.std()}
    for path in sorted(demo.glob("*.json")):
        for variable, scores in json.loads(path.read_text())["scores"].items():
            figures[f"{path.stem} {variable} crps_fair"] = scores["crps_fair"]
    return figures


def main(
    test_columns: Annotated[Path, typer.Argument(help="Column store whose test times are shipped.")],
    training_columns: Annotated[Path, typer.Argument(help="Column store on which the emulators were trained.")],
    times: Annotated[int, typer.Option(help="Test times to ship.")] = 4,
) -> None:
    """Write the demo experiment and print its table of scores."""
    make_demo(test_columns, training_columns, times=times)


if __name__ == "__main__":
    typer.run(main)
