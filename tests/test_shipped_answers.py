"""What is shipped goes on answering as it did: the same bits from every emulator, the same values in every store.

``shipped_answers.json`` was recorded before the columns got tables of their own. The last bits of a network depend on
the build of torch and on what the processor can do, so digests are kept by machine; on another one some values of each
answer are held to a tolerance. ``python -m tests.test_shipped_answers`` adds the digests of the machine that it runs
on, and never replaces any: only answers that are known to be right may be recorded.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
import yaml

from diffmp_core.crm.answers import read_answers
from diffmp_core.experiments import load_experiment
from diffmp_core.export import export_emulator
from diffmp_core.models.base import NetworkEmulator
from diffmp_core.models.folder import Precision, load_emulator
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.scores.stored import true_store, true_table
from diffmp_core.stores import open_columns, open_store, stack_inputs
from diffmp_core.studies.result import open_study
from diffmp_core.variables import PAPER

ROOT = Path(__file__).parents[1]
RECORD = Path(__file__).with_name("shipped_answers.json")
EMULATORS = sorted(path.parent for path in (ROOT / "assets" / "emulators").glob("*/config.yaml"))
EXPERIMENTS = sorted(path.parent for path in (ROOT / "data").glob("*/experiment.yaml"))
EXPORTED = ("simulator-120km-calibrated", "climsim-lowres-regression")

COLUMNS, MEMBERS = 4, 3
MANY = {"columns": 33, "members": 32, "steps": 2}
"""More columns than pass through a network together, with as many members as are scored."""
OWN: dict[str, dict[str, Any]] = {"own": {}, "many": MANY}
DENOISING: dict[str, dict[str, Any]] = OWN | {
    "one step": {"steps": 1},
    "unguided": {"guidance": (0.0,) * 4},
    "guided": {"guidance": (0.5, 0.3, 0.2, 0.1)},
}
"""Draws of an emulator, and of one that denoises: options that are not as they are by default."""

Tolerance = dict[str, float]

TOLERANCE: dict[Precision, Tolerance] = {
    "float32": {"values": 1e-4, "spread": 1e-4},
    "bfloat16": {"values": 0.5, "spread": 0.03},
}
"""Largest difference on another machine, of the standard deviation of an output. Without bfloat16 in its instructions
(AVX2, AVX-512 alone) this one gave single values up to 0.22 apart and standard deviations up to 0.009, and the same
float32."""


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return json.loads(RECORD.read_text(encoding="utf-8"))


def this_machine() -> str:
    """What the last bits of a network depend on: kernels, and the caches that their blocks are made to fit."""
    can = torch.cpu.get_capabilities()
    fast = [name for name in ("avx512_bf16", "amx_bf16") if can.get(name)]
    caches = f"caches of {can.get('l1d_cache_size')} and {can.get('l2_cache_size')} bytes"
    return ", ".join([f"torch {torch.__version__}", torch.backends.cpu.get_cpu_capability(), *fast, caches])


def digest(values: np.ndarray) -> str:
    """SHA-256 of the bytes of an array."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def draws_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Draws that are recorded of an emulator."""
    kind = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))["model"]["kind"]
    return DENOISING if kind == "diffusion" else OWN


def inputs_of(folder: Path, count: int) -> np.ndarray:
    """Inputs (column, 6, level): columns of the demo; of ClimSim, which may not be shipped, made-up ones."""
    if folder.name.startswith("climsim"):
        return made_up_inputs(folder, count)
    with open_columns(ROOT / "data" / "demo" / "columns.nc") as columns:
        step = columns.sizes["cell"] // count
        return stack_inputs(columns.isel(time=[0], cell=slice(0, count * step, step)))


def made_up_inputs(folder: Path, count: int) -> np.ndarray:
    """Inputs within 0.4 standard deviations of the mean training column, as parabolas over the levels."""
    normalization = json.loads((folder / "normalization.json").read_text(encoding="utf-8"))["inputs"]
    column = np.linspace(-1.0, 1.0, count)[:, None]
    made = []
    for number, variable in enumerate(PAPER.inputs):
        offset, scale = (np.array(normalization[variable.name][key]) for key in ("offset", "scale"))
        place = np.linspace(-1.0, 1.0, offset.size) if variable.profile else np.zeros(offset.size)
        pattern = column * (0.4 - 0.1 * (number % 3)) * (1.0 - 2.0 * (place - 0.3 * column) ** 2 / 3.38)
        made.append(offset + scale * pattern)
    return np.stack(made, axis=1).astype(np.float32)


def draw(
    emulator: NetworkEmulator, folder: Path, *, columns: int = COLUMNS, members: int = MEMBERS, **options: Any
) -> np.ndarray:
    """Ensemble (column, member, 4, level) float32 of inputs that are always the same."""
    found = draw_ensemble(emulator, inputs_of(folder, columns), members=members, seed=7, **options)
    assert found.dtype == np.float32
    assert found.shape[0] == columns
    return found


def draw_all(folder: Path, precision: Precision) -> dict[str, np.ndarray]:
    """All recorded draws of an emulator by their names in the record."""
    emulator = load_emulator(folder, precision=precision)
    return {
        f"{folder.name}, {precision}, {name}": draw(emulator, folder, **options)
        for name, options in draws_of(folder).items()
    }


def export_answer(name: str, file: Path) -> np.ndarray:
    """Outputs (4, column, member, level) of an emulator exported to TorchScript."""
    folder = ROOT / "assets" / "emulators" / name
    program = export_emulator(folder, file, format="torchscript")
    inputs = torch.from_numpy(inputs_of(folder, COLUMNS))
    given = [inputs[:, number] if v.profile else inputs[:, number, 0] for number, v in enumerate(PAPER.inputs)]
    if program.noise_shape is not None:
        count, _, _, *rest = program.noise_shape
        given.append(torch.randn(count, COLUMNS, MEMBERS, *rest, generator=torch.Generator().manual_seed(7)))
    return torch.stack(torch.jit.load(file)(*given)).numpy()


def sample_values(answer: np.ndarray, axis: int) -> dict[str, list[list[float]]]:
    """Some values of each output of an answer, and its standard deviation: what another machine is held to."""
    outputs = np.moveaxis(answer, axis, 0)
    rows = np.linspace(0, outputs[0, ..., 0].size - 1, 3).astype(int)
    chosen = [output.reshape(-1, output.shape[-1])[rows, ::6] for output in outputs]
    return {
        "values": [[float(f"{value:.6g}") for value in values.ravel()] for values in chosen],
        "spread": [[float(f"{output.std(dtype=float):.6g}")] for output in outputs],
    }


def assert_close(answer: np.ndarray, axis: int, kept: dict[str, Any], tolerance: Tolerance, name: str) -> None:
    """Hold the values of an answer to those kept, to shares of the standard deviation of each output."""
    found = sample_values(answer, axis)
    for what, limit in tolerance.items():
        apart = np.abs(np.array(found[what]) - np.array(kept[what])) / np.array(kept["spread"])
        assert apart.max() <= limit, f"{name}: {what} are {apart.max():.2g} standard deviations from those recorded"


def assert_as_recorded(answers: dict[str, np.ndarray], record: dict[str, Any], axis: int, tolerance: Tolerance) -> None:
    """Hold answers to their digests, or, on a machine of which none are kept, to their values."""
    digests = record["digests"].get(this_machine())
    if digests is not None:
        changed = [name for name, answer in answers.items() if digest(answer) != digests[name]]
        assert changed == [], "these answers are not the same to the last bit"
    for name, answer in answers.items():
        assert_close(answer, axis, record["values"][name], tolerance, name)


def test_every_shipped_emulator_is_recorded(record: dict[str, Any]) -> None:
    expected = {
        f"{folder.name}, {precision}, {name}"
        for folder in EMULATORS
        for precision in TOLERANCE
        for name in draws_of(folder)
    } | {f"{name}, TorchScript" for name in EXPORTED}
    assert len(EMULATORS) == 13
    assert set(record["values"]) == expected
    assert all(set(digests) == expected for digests in record["digests"].values())


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("folder", EMULATORS, ids=lambda folder: folder.name)
def test_a_shipped_emulator_answers_as_ever(folder: Path, precision: Precision, record: dict[str, Any]) -> None:
    assert_as_recorded(draw_all(folder, precision), record, 2, TOLERANCE[precision])


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_emulator_answers_as_ever(name: str, record: dict[str, Any], tmp_path: Path) -> None:
    answers = {f"{name}, TorchScript": export_answer(name, tmp_path / "emulator.pt")}
    assert_as_recorded(answers, record, 0, TOLERANCE["float32"])


def test_a_weight_that_changes_by_a_ten_thousandth_changes_the_digest() -> None:
    folder = EMULATORS[0]
    emulator = load_emulator(folder, precision="float32")
    before = draw(emulator, folder)
    assert digest(draw(emulator, folder)) == digest(before)
    weight = max(emulator.parameters(), key=torch.numel)
    weight.mul_(1.0001)
    assert digest(draw(emulator, folder)) != digest(before)


def test_an_answer_that_changes_by_a_hundredth_is_noticed_on_another_machine(record: dict[str, Any]) -> None:
    folder = EMULATORS[0]
    answer = draw(load_emulator(folder, precision="float32"), folder)
    name = f"{folder.name}, float32, own"
    assert_as_recorded({name: answer}, record | {"digests": {}}, 2, TOLERANCE["float32"])
    with pytest.raises(AssertionError, match="standard deviations from those recorded"):
        assert_as_recorded({name: 1.01 * answer}, record | {"digests": {}}, 2, TOLERANCE["float32"])


def shipped_files() -> dict[str, Path]:
    """Stores and tables of the experiments, by path in the repository."""
    found = [path for folder in EXPERIMENTS for path in folder.rglob("*") if path.suffix in (".nc", ".json")]
    return {path.relative_to(ROOT).as_posix(): path for path in sorted(found)}


def store_digest(store: xr.Dataset) -> str:
    """Digest of the values of all variables and coordinates, whatever they are called."""
    parts = []
    for variable in store.variables.values():
        values = variable.values
        if values.dtype.kind in "OU":
            values = np.array([str(value) for value in values.ravel()], dtype=np.bytes_)
        parts.append(f"{variable.shape} {values.dtype.str} {digest(values)}")
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Digest of what a store or a table holds, read as the dashboard reads it."""
    if path.suffix == ".json":
        table = true_table(json.loads(path.read_text(encoding="utf-8")), kind=None)
        return hashlib.sha256(json.dumps(table["scores"], sort_keys=True).encode()).hexdigest()
    if path.name == "answers.nc":
        read_answers(path)
    if path.name == "columns.nc":
        store = open_columns(path)
    else:
        store = open_study(path) if path.parent.name == "studies" else true_store(open_store(path))
    with store:
        return store_digest(store)


@pytest.mark.parametrize("name", shipped_files())
def test_a_shipped_file_holds_what_it_held(name: str, record: dict[str, Any]) -> None:
    assert file_digest(shipped_files()[name]) == record["files"][name]


def test_the_shipped_experiments_name_what_is_recorded(record: dict[str, Any]) -> None:
    named = {
        path.relative_to(ROOT).as_posix()
        for folder in EXPERIMENTS
        for entry in load_experiment(folder).emulators
        for path in (entry.scores, entry.table)
        if path is not None
    }
    assert len(EXPERIMENTS) == 2
    assert named <= set(record["files"]) == set(shipped_files())


def main() -> None:
    """Record the answers of this machine; what is recorded stays."""
    torch.set_num_threads(1)
    kept, machine = json.loads(RECORD.read_text(encoding="utf-8")), this_machine()
    if machine in kept["digests"]:
        raise SystemExit(f"expected a machine that is not in {RECORD.name}, found {machine!r}; remove its entry first")
    answers = {name: (2, a) for folder in EMULATORS for p in TOLERANCE for name, a in draw_all(folder, p).items()}
    with tempfile.TemporaryDirectory() as folder:
        answers |= {f"{name}, TorchScript": (0, export_answer(name, Path(folder) / "out.pt")) for name in EXPORTED}
    kept["digests"][machine] = {name: digest(answer) for name, (_, answer) in answers.items()}
    kept["values"] = {name: sample_values(answer, axis) for name, (axis, answer) in answers.items()} | kept["values"]
    kept["files"] = {name: file_digest(path) for name, path in shipped_files().items()} | kept["files"]
    lines = re.sub(r"\n {3,}|\n  (?=})", "", json.dumps(kept, indent=1))  # an answer a line
    RECORD.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
