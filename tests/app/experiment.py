"""A synthetic experiment folder: columns, two emulators and a reference, scored by ``evaluate``."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
import xarray as xr
import yaml

from diffmp_core.columns.domain import DOMAIN_FILE, fit_domain
from diffmp_core.columns.normalize import fit
from diffmp_core.experiments import EmulatorEntry, load_experiment, write_experiment
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.models.references import AnalogueEnsemble
from diffmp_core.schema import schema_of, variables_of
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.stores import SPLITS, open_columns, select_split, stack_inputs, stack_outputs, write_store
from diffmp_core.variables import PAPER, PAPER_LEVELS, ColumnVariables
from tests.synthetic import make_columns

MEMBERS, STEPS = 16, 5


class NoisyTruth:
    """An emulator that knows the answers, and errs and spreads by a share of their size.

    Args:
        columns: columns whose truth it knows; it answers no others.
        error: size of its error and of its spread, relative to the truth.
    """

    kind = "diffusion"

    def __init__(self, columns: xr.Dataset, error: float) -> None:
        self.schema = schema_of(columns)
        self.truth = torch.from_numpy(stack_outputs(columns))
        self.size = error * (self.truth.abs() + 0.1 * self.truth.abs().mean(dim=0))
        self.rows = {column.tobytes(): row for row, column in enumerate(stack_inputs(columns))}

    def sample(
        self,
        inputs: torch.Tensor,
        members: int,
        *,
        generator: torch.Generator,
        steps: int,
        guidance: tuple[float, ...],
    ) -> torch.Tensor:
        rows = [self.rows[column.tobytes()] for column in inputs.numpy()]
        outputs = self.schema.outputs
        noise = torch.randn(len(rows), members + 1, *self.truth.shape[1:], generator=generator)
        single = torch.tensor([not output.profile for output in outputs])
        noise[:, :, single] = noise[:, :, single, :1]
        answers = self.truth[rows, None] + self.size[rows, None] * (noise[:, :1] + noise[:, 1:])
        never_negative = torch.tensor([output.non_negative for output in outputs])
        return torch.where(never_negative[:, None], answers.clamp(min=0), answers)


def make_experiment(
    folder: Path,
    *,
    cells: int = 642,
    times: int = 4,
    title: str = "Synthetic globe",
    variables: ColumnVariables = PAPER,
    levels: int = PAPER_LEVELS,
) -> Path:
    """Write the folder and return it: what was scored once is copied."""
    return Path(shutil.copytree(_scored(cells, times, title, variables, levels).name, folder, dirs_exist_ok=True))


@cache
def _scored(
    cells: int, times: int, title: str, variables: ColumnVariables, levels: int
) -> tempfile.TemporaryDirectory[str]:
    made = tempfile.TemporaryDirectory()
    columns = experiment_columns(cells=cells, times=times, variables=variables, levels=levels)
    score_columns(Path(made.name), columns.assign_attrs(title=title))
    return made


def experiment_columns(
    *, cells: int, times: int, variables: ColumnVariables = PAPER, levels: int = PAPER_LEVELS
) -> xr.Dataset:
    """Columns of one time of training, a gap, and ``times`` of testing."""
    columns = make_columns(cells=cells, times=times + 2, variables=variables, levels=levels)
    split = np.full(times + 2, SPLITS.index("test"), dtype=np.int8)
    split[:2] = (SPLITS.index("train"), SPLITS.index("gap"))
    columns["split"] = ("time", split, columns["split"].attrs)
    return columns


def score_columns(folder: Path, columns: xr.Dataset) -> Path:
    """Write the columns into a folder and make it an experiment: all emulators scored on their test times.

    Two emulators have a score store, and a folder without weights; the analogue ensemble has a table only.
    """
    store = write_store(columns, folder / "columns.nc")
    test = select_split(columns, "test")
    for name, error in (("DIFF-MP calibrated", 0.3), ("DIFF-MP paper", 0.45)):
        evaluate(NoisyTruth(test, error), store, folder, name=name, members=MEMBERS, steps=STEPS)
    cells, table = columns.sizes["cell"], folder / "analogue.json"
    reference = AnalogueEnsemble.from_columns(select_split(columns, "train"))
    evaluate(reference, store, json_path=table, name="Analogue ensemble", members=min(MEMBERS, cells))
    experiment = load_experiment(folder)
    for entry in experiment.emulators:
        entry.folder = folder / entry.name.rsplit(" ", 1)[-1]
        entry.folder.mkdir()
        (entry.folder / "config.yaml").write_text(
            yaml.safe_dump(
                {
                    "model": {"kind": "diffusion", "filters": 128, "layers": 6},
                    "training": {"steps": 4000, "batch": 512},
                    "data": {"title": experiment.title, "columns": cells},
                }
            )
        )
    experiment.emulators.append(EmulatorEntry(name="Analogue ensemble", table=table))
    write_experiment(folder, experiment)
    return folder


def add_networks(folder: Path) -> None:
    """Put small, untrained networks with a training domain into the emulator folders of an experiment."""
    columns = open_columns(folder / "columns.nc")
    inputs, outputs = stack_inputs(columns), stack_outputs(columns)
    normalization = fit(inputs, outputs, schema=schema_of(columns))
    for seed, entry in enumerate(yaml.safe_load((folder / "experiment.yaml").read_text())["emulators"]):
        if "folder" in entry:
            torch.manual_seed(seed)
            emulator = build_emulator({"kind": "diffusion", "filters": 8, "layers": 2}, normalization)
            for parameter in emulator.parameters():
                torch.nn.init.normal_(parameter, std=0.1)
            save_emulator(emulator, folder / entry["folder"])
            fit_domain(inputs, channels=variables_of(columns).inputs, generator=np.random.default_rng(0)).save(
                folder / entry["folder"] / DOMAIN_FILE
            )
