"""One file for a host model answers as the package does, for the same noise, at any number of columns and members."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.errors import DiffmpError
from diffmp_core.export import ABOUT, EmulatorProgram, export_emulator
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import load_emulator, save_emulator
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs, stack_outputs
from diffmp_core.variables import PAPER, PAPER_LEVELS, choose_variables
from tests.synthetic import make_columns

SMALL = {"filters": 8, "layers": 2}
DIFFUSION = {**SMALL, "kind": "diffusion", "guidance": (0.5, 0.0, 0.2, 0.0)}
AS_IN_PAPER = {"prediction": "epsilon", "schedule": "paper", "sampler": "ancestral", "film_path": "noised"}
CASES: dict[str, tuple[dict[str, Any], tuple[int, ...] | None]] = {
    "calibrated": (DIFFUSION, (1, 4, PAPER_LEVELS)),
    "fresh noise": (DIFFUSION | {"sampler": "dpm_solver_pp_2m_sde"}, (3, 4, PAPER_LEVELS)),
    "paper": (DIFFUSION | AS_IN_PAPER | {"zero_traces": False, "normalization": "paper"}, (3, 4, PAPER_LEVELS)),
    "cvae": ({**SMALL, "kind": "cvae", "latent": 5}, (1, 5)),
    "cgan": ({**SMALL, "kind": "cgan", "latent": 5, "pretrained": {**SMALL, "kind": "regression"}}, (1, 5)),
    "one step": ({**SMALL, "kind": "one_step"}, (1, 4, PAPER_LEVELS)),
    "gaussian": ({**SMALL, "kind": "gaussian"}, (1, 4, PAPER_LEVELS)),
    "regression": ({**SMALL, "kind": "regression"}, None),
}
STEPS = 3
ROUNDING = 5e-5
"""Largest difference from the package's own samples, of an output's standard deviation: float32 rounding of sums in
another order. TorchScript calls the same kernels and differs not at all."""

DOCS = (Path(__file__).parents[1] / "docs" / "coupling.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def inputs() -> torch.Tensor:
    return torch.from_numpy(stack_inputs(make_columns(cells=5, times=3)))


@pytest.fixture(scope="module")
def normalizations() -> dict[str, Normalization]:
    store = make_columns(cells=12, times=6)
    levels = {"schema": schema_of(store)}
    arrays = stack_inputs(store), stack_outputs(store)
    return {method: fit(*arrays, method=method, **levels) for method in ("calibrated", "paper")}


@pytest.fixture(scope="module")
def folders(normalizations: dict[str, Normalization], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An emulator folder of random weights for each case."""
    made = {}
    for name, (model, _) in CASES.items():
        torch.manual_seed(0)
        emulator = build_emulator(model, normalizations[model.get("normalization", "calibrated")])
        with torch.no_grad():
            for parameter in emulator.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        made[name] = save_emulator(emulator, tmp_path_factory.mktemp("emulators") / name.replace(" ", "-"))
    return made


def columns_of(inputs: torch.Tensor) -> dict[str, np.ndarray]:
    """Inputs as the file takes them."""
    arrays = inputs.numpy()
    return {v.name: arrays[:, c] if v.profile else arrays[:, c, 0] for c, v in enumerate(PAPER.inputs)}


def own_samples(folder: Path, inputs: torch.Tensor, members: int) -> np.ndarray:
    """Samples of the package in float32, (column, member, 4, level)."""
    emulator = load_emulator(folder, precision="float32")
    guidance = getattr(emulator.config, "guidance", (0.0,) * 4)
    generator = torch.Generator().manual_seed(3)
    return emulator.sample(inputs, members, generator=generator, steps=STEPS, guidance=guidance).numpy()


def same_noise(shape: tuple[int, ...] | None, columns: int, members: int) -> list[torch.Tensor]:
    """What :func:`own_samples` draws, as the file takes it."""
    if shape is None:
        return []
    generator = torch.Generator().manual_seed(3)
    return [torch.stack([torch.randn(columns, members, *shape[1:], generator=generator) for _ in range(shape[0])])]


def assert_alike(found: list[np.ndarray], own: np.ndarray, share: float) -> None:
    for channel, name in enumerate(PAPER.outputs.names):
        expected = own[:, :, channel]
        assert found[channel].shape == expected.shape
        assert np.abs(found[channel] - expected).max() <= share * own[:, :, channel].std(), name


@pytest.mark.parametrize("case", CASES)
def test_torchscript_answers_as_the_package_for_the_same_noise(
    case: str, folders: dict[str, Path], inputs: torch.Tensor, tmp_path: Path
) -> None:
    noise_shape = CASES[case][1]
    program = export_emulator(folders[case], tmp_path / "emulator.pt", format="torchscript", steps=STEPS)
    assert program.noise_shape == (None if noise_shape is None else (noise_shape[0], 1, 1, *noise_shape[1:]))
    loaded = torch.jit.load(tmp_path / "emulator.pt")
    for columns, members in ((15, 4), (1, 1)):
        members = 1 if noise_shape is None else members
        arrays = [torch.from_numpy(values.copy()) for values in columns_of(inputs[:columns]).values()]
        found = loaded(*arrays, *same_noise(noise_shape, columns, members))
        assert_alike([value.numpy() for value in found], own_samples(folders[case], inputs[:columns], members), 0.0)


@pytest.mark.parametrize("case", ["calibrated", "paper", "cvae", "regression"])  # the others differ in no operator
def test_onnx_answers_as_the_package_for_the_same_noise(
    case: str, folders: dict[str, Path], inputs: torch.Tensor, tmp_path: Path
) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="the extras export and dev are not installed")
    noise_shape = CASES[case][1]
    export_emulator(folders[case], tmp_path / "emulator.onnx", format="onnx", steps=STEPS)
    session = runtime.InferenceSession(tmp_path / "emulator.onnx")
    assert [value.name for value in session.get_outputs()] == list(PAPER.outputs.names)
    for columns, members in ((15, 4), (1, 1)):
        members = 1 if noise_shape is None else members
        feed = columns_of(inputs[:columns])
        feed |= dict(zip(["noise"], [n.numpy() for n in same_noise(noise_shape, columns, members)], strict=False))
        found = session.run(None, feed)
        assert_alike(found, own_samples(folders[case], inputs[:columns], members), ROUNDING)


def test_a_file_says_what_it_takes_and_gives(folders: dict[str, Path], tmp_path: Path) -> None:
    export_emulator(folders["fresh noise"], tmp_path / "emulator.pt", format="torchscript", steps=STEPS)
    extra = {ABOUT: ""}
    torch.jit.load(tmp_path / "emulator.pt", _extra_files=extra)
    about = json.loads(extra[ABOUT])
    assert [entry["name"] for entry in about["inputs"]] == [*PAPER.inputs.names, "noise"]
    assert about["inputs"][0] == {"name": "T", "dims": ["column", "level"], "units": "K"}
    assert about["inputs"][-1]["dims"] == [STEPS, "column", "member", 4, PAPER_LEVELS]
    assert about["outputs"][1]["units"] == "kg kg-1 s-1"
    assert about["height"]["values"][0] < about["height"]["values"][-1]
    assert about["guidance"] == [0.5, 0.0, 0.2, 0.0]


@pytest.fixture(params=["torchscript", "onnx"])
def language(request: pytest.FixtureRequest) -> Any:
    if request.param == "onnx":
        pytest.importorskip("onnxruntime", reason="the extras export and dev are not installed")
    return request.param


def answers(case: str, language: Any, folders: dict[str, Path], tmp_path: Path) -> Callable[..., list[np.ndarray]]:
    """An exported emulator as a function of inputs by name and of noise, which it is given if it takes any."""
    file = tmp_path / "emulator"
    program = export_emulator(folders[case], file, format=language, steps=STEPS)

    if language == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(file)
    else:
        loaded = torch.jit.load(file)

    def ask(columns: dict[str, np.ndarray], noise: list[torch.Tensor]) -> list[np.ndarray]:
        given = columns | ({} if program.noise_shape is None else {"noise": noise[0].numpy()})
        if language == "onnx":
            return session.run(None, given)
        return [value.numpy() for value in loaded(*map(torch.from_numpy, given.values()))]

    return ask


@pytest.mark.parametrize("case", CASES)
def test_no_columns_in_are_no_columns_out(
    case: str, language: Any, folders: dict[str, Path], inputs: torch.Tensor, tmp_path: Path
) -> None:
    shape = CASES[case][1]
    found = answers(case, language, folders, tmp_path)(columns_of(inputs[:0]), same_noise(shape, 0, 3))
    assert [value.shape for value in found] == [(0, 1 if shape is None else 3, PAPER_LEVELS)] * len(PAPER.outputs)


@pytest.mark.parametrize("case", CASES)
def test_of_a_column_that_is_not_finite_nothing_is_known(
    case: str, language: Any, folders: dict[str, Path], inputs: torch.Tensor, tmp_path: Path
) -> None:
    """NaN, plus and minus infinity in each input, at one level of a profile; the columns between answer as ever."""
    ask, noise = answers(case, language, folders, tmp_path), same_noise(CASES[case][1], 15, 3)
    whole = columns_of(inputs.clone())
    expected = ask(whole, noise)
    for number, name in enumerate(PAPER.inputs.names):
        broken = {key: values.copy() for key, values in whole.items()}
        for column, value in ((0, np.nan), (4, np.inf), (9 + number, -np.inf)):
            broken[name][(column, 7) if broken[name].ndim == 2 else column] = value
        found = ask(broken, noise)
        left = [column for column in range(15) if column not in (0, 4, 9 + number)]
        for output, before in zip(found, expected, strict=True):
            assert np.isnan(output[[0, 4, 9 + number]]).all(), name
            np.testing.assert_array_equal(output[left], before[left])
            assert np.isfinite(output[left]).all()


@pytest.mark.parametrize("case", [case for case, (_, shape) in CASES.items() if shape is not None])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_of_a_member_with_noise_that_is_not_finite_nothing_is_known(
    case: str, value: float, language: Any, folders: dict[str, Path], inputs: torch.Tensor, tmp_path: Path
) -> None:
    ask, noise = answers(case, language, folders, tmp_path), same_noise(CASES[case][1], 2, 3)
    noise[0][-1, 1, 2].view(-1)[3] = value
    known = np.ones((2, 3), dtype=bool)
    known[1, 2] = False
    for output in ask(columns_of(inputs[:2].clone()), noise):
        assert (np.isfinite(output).all(axis=2) == known).all()
        assert np.isnan(output[1, 2]).all()


def test_inputs_of_the_file_are_in_the_order_of_the_schema(folders: dict[str, Path]) -> None:
    emulator = load_emulator(folders["calibrated"], precision="float32")
    program = EmulatorProgram(emulator, steps=STEPS, guidance=(0.0,) * 4)
    assert program.input_names == ("T", "qv", "Ps", "SHF", "LHF", "SOLIN", "noise")
    assert [value.shape[1:] for value in program.example()[:3]] == [(PAPER_LEVELS,), (PAPER_LEVELS,), ()]


def test_an_input_called_after_an_output_is_told_from_it(tmp_path: Path) -> None:
    """Cloud water before and after, and a single value: the file has each under a name of its own, on its own dims."""
    variables = choose_variables(("T", "qc", "Ps"), ("tend_T_sgs", "qc", "PRECC"))
    store = make_columns(cells=12, times=6, variables=variables, levels=9)
    torch.manual_seed(0)
    emulator = build_emulator(
        {**SMALL, "kind": "diffusion"}, fit(stack_inputs(store), stack_outputs(store), schema=schema_of(store))
    )
    folder = save_emulator(emulator, tmp_path / "emulator")
    export_emulator(folder, tmp_path / "a.onnx", format="onnx", steps=2)
    runtime = pytest.importorskip("onnxruntime", reason="the extras export and dev are not installed")
    session = runtime.InferenceSession(tmp_path / "a.onnx")
    assert [value.name for value in session.get_inputs()] == ["T", "input_qc", "Ps", "noise"]
    inputs = torch.from_numpy(stack_inputs(store)[:3])
    noise = torch.randn(1, 3, 5, 3, 9, generator=torch.Generator().manual_seed(3))
    given = {"T": inputs[:, 0], "input_qc": inputs[:, 1], "Ps": inputs[:, 2, 0], "noise": noise}
    found = session.run(None, {name: value.numpy() for name, value in given.items()})
    assert [value.shape for value in found] == [(3, 5, 9), (3, 5, 9), (3, 5)]
    loaded = load_emulator(folder, precision="float32")
    drawn = loaded.sample_drawn(inputs, 5, draw=lambda shape: noise[0], steps=2, guidance=(0.0,) * 3).numpy()
    for channel, values in enumerate(found):
        expected = drawn[:, :, channel] if values.ndim == 3 else drawn[:, :, channel, 0]
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_what_cannot_be_exported_is_one_sentence(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DiffmpError, match="expected an emulator folder"):
        export_emulator(tmp_path / "nowhere", tmp_path / "out.pt", format="torchscript")
    with pytest.raises(DiffmpError, match="expected the name of a file to write, found a folder"):
        export_emulator(folders["cvae"], tmp_path, format="torchscript")
    with pytest.raises(DiffmpError, match="expected steps >= 1"):
        export_emulator(folders["cvae"], tmp_path / "out.pt", format="torchscript", steps=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("language", ["onnx", "torchscript"])
def test_the_python_of_the_page_runs(
    language: str, folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/coupling.md, as written, in a folder with the file that its command makes."""
    if language == "onnx":
        pytest.importorskip("onnxruntime", reason="the extras export and dev are not installed")
    (code,) = re.findall(rf"<!-- {language} -->\n```python\n(.*?)```", DOCS, re.DOTALL)
    file = tmp_path / f"emulator.{'onnx' if language == 'onnx' else 'pt'}"
    export_emulator(folders["calibrated"], file, format=language)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(textwrap.dedent(code), names)
    assert tuple(names["tend_T_sgs"].shape) == (100, 32, PAPER_LEVELS)
    assert np.isfinite(np.asarray(names["tend_T_sgs"])).all()
    assert np.asarray(names["tend_T_sgs"]).std() > 0
