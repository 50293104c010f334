"""The emulator folder: what is written comes back, and what does not fit is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.errors import DiffmpError, DivergedError
from diffmp_core.models.base import NetworkEmulator, build_emulator
from diffmp_core.models.folder import inference_dtype, load_config, load_emulator, save_emulator
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs, stack_outputs
from tests.synthetic import make_columns

MODEL = {"kind": "diffusion", "filters": 8, "layers": 2}


@pytest.fixture(scope="module")
def inputs() -> torch.Tensor:
    return torch.from_numpy(stack_inputs(make_columns(cells=12, times=6)))


@pytest.fixture(scope="module")
def normalization() -> Normalization:
    store = make_columns(cells=12, times=6)
    levels = {"schema": schema_of(store)}
    return fit(stack_inputs(store), stack_outputs(store), **levels)


@pytest.fixture
def folder(tmp_path: Path, normalization: Normalization) -> Path:
    torch.manual_seed(0)
    return save_emulator(build_emulator(MODEL, normalization), tmp_path / "emulator", {"training": {"batch": 8}})


def sample(emulator: NetworkEmulator, inputs: torch.Tensor) -> torch.Tensor:
    return emulator.sample(inputs[:2], 4, generator=torch.Generator().manual_seed(0), steps=3)


@pytest.mark.parametrize("kind", ["diffusion", "regression"])
def test_an_emulator_comes_back_as_it_was(
    tmp_path: Path, normalization: Normalization, inputs: torch.Tensor, kind: str
) -> None:
    torch.manual_seed(1)
    emulator = build_emulator({**MODEL, "kind": kind}, normalization)
    loaded = load_emulator(save_emulator(emulator, tmp_path), precision="float32")
    assert loaded.kind == kind
    assert loaded.config == emulator.config
    assert not any(p.requires_grad for p in loaded.parameters())
    assert torch.equal(sample(emulator, inputs), sample(loaded, inputs))


def test_the_config_keeps_what_the_training_adds(folder: Path) -> None:
    config = load_config(folder)
    assert config["training"] == {"batch": 8}
    assert config["model"] | MODEL == config["model"]
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["config.yaml", "normalization.json", "weights.safetensors"]


def test_bfloat16_changes_samples_by_its_rounding_only(folder: Path, inputs: torch.Tensor) -> None:
    exact = sample(load_emulator(folder, precision="float32"), inputs)
    rounded = sample(load_emulator(folder, precision="bfloat16"), inputs)
    assert rounded.dtype == torch.float32
    assert ((rounded - exact)[:, :, :2].std() / exact[:, :, :2].std()) < 0.03


def test_auto_precision_is_what_the_processor_is_fast_in(folder: Path) -> None:
    emulator = load_emulator(folder)
    assert next(emulator.parameters()).dtype == inference_dtype(torch.device("cpu"))


def test_sample_refuses_columns_of_another_shape(folder: Path, inputs: torch.Tensor) -> None:
    emulator = load_emulator(folder)
    with pytest.raises(DiffmpError, match=r"expected inputs of shape \(column, 6, 30\), found \(2, 6, 29\)"):
        sample(emulator, inputs[:, :, :29])


@pytest.mark.parametrize(
    "options", [{"members": 0}, {"steps": 0}, {"guidance": (0.0, 0.0)}], ids=["members", "steps", "guidance"]
)
def test_sample_refuses_options_out_of_range(folder: Path, inputs: torch.Tensor, options: dict) -> None:
    emulator = load_emulator(folder)
    arguments = {"members": 2, "steps": 2, "guidance": (0.0, 0.0, 0.0, 0.0), **options}
    with pytest.raises(DiffmpError, match="expected members >= 1, steps >= 1 and 4 guidance strengths"):
        emulator.sample(inputs[:1], generator=torch.Generator(), **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "gan"}, r"expected model.kind among \[.*'diffusion', .*\], found 'gan'"),
        ({"filters": 7}, "model.filters, found 7"),
        ({"colour": "red"}, "model.colour, found 'red'"),
        ({"normalization": "paper"}, "expected a normalisation of method 'paper'"),
    ],
)
def test_options_that_do_not_fit_are_refused(normalization: Normalization, change: dict, message: str) -> None:
    with pytest.raises(DiffmpError, match=message):
        build_emulator({**MODEL, **change}, normalization)


def test_a_folder_without_an_emulator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiffmpError, match="expected an emulator folder with config.yaml, found none"):
        load_emulator(tmp_path)


@pytest.mark.parametrize("text", ["a: [", "just words", "model: 3"])
def test_a_foreign_config_is_refused(folder: Path, text: str) -> None:
    (folder / "config.yaml").write_text(text)
    with pytest.raises(DiffmpError, match=r"^expected .*config\.yaml"):
        load_emulator(folder)


def test_missing_weights_are_refused(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    with pytest.raises(DiffmpError, match="expected weights at .*, found none"):
        load_emulator(folder)


@pytest.mark.parametrize("keep", [0, 5, 100, 3000])
def test_truncated_weights_are_refused(folder: Path, keep: int) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DiffmpError, match="expected a whole safetensors file"):
        load_emulator(folder)


def test_a_pickle_is_not_opened(folder: Path) -> None:
    torch.save({"a": torch.zeros(2)}, folder / "weights.safetensors")
    with pytest.raises(DiffmpError, match="expected a whole safetensors file"):
        load_emulator(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"filters": 16}, "of shape"), ({"layers": 3}, "found no "), ({"layers": 1}, "an unknown ")],
    ids=["shape", "missing", "unknown"],
)
def test_weights_of_another_network_are_refused(folder: Path, change: dict, message: str) -> None:
    config = load_config(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": config["model"] | change}))
    with pytest.raises(DiffmpError, match=message):
        load_emulator(folder)


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    weights["denoiser.read_in.bias"][0] = torch.nan
    save_file(weights, folder / "weights.safetensors")
    with pytest.raises(DiffmpError, match=r"NaN or infinity in denoiser\.read_in\.bias"):
        load_emulator(folder)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path, normalization: Normalization) -> None:
    (tmp_path / "file").write_text("in the way")
    emulator = build_emulator(MODEL, normalization)
    with pytest.raises(DiffmpError, match="expected a folder at .*file to write weights.safetensors in, found a file"):
        save_emulator(emulator, tmp_path / "file" / "emulator")


def change_one_weight(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    weights["denoiser.read_in.bias"][0] += 1e-3
    save_file(weights, folder / "weights.safetensors")


def test_weights_that_were_changed_since_are_refused(folder: Path) -> None:
    load_emulator(folder)
    change_one_weight(folder)
    with pytest.raises(DiffmpError, match=r"expected weights\.safetensors as it was written .* copy the whole folder"):
        load_emulator(folder)


def test_a_normalisation_of_another_emulator_is_refused(folder: Path) -> None:
    path = folder / "normalization.json"
    path.write_text(path.read_text().replace('"winsorise_limit": 30.0', '"winsorise_limit": 29.0'))
    with pytest.raises(DiffmpError, match=r"expected normalization\.json as it was written"):
        load_emulator(folder)


def test_a_folder_from_before_there_were_seals_opens(folder: Path) -> None:
    config = load_config(folder)
    del config["seal"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    change_one_weight(folder)
    assert load_emulator(folder).kind == "diffusion"


def test_a_folder_of_a_later_format_names_its_version(folder: Path) -> None:
    config = load_config(folder)
    config["seal"] |= {"format": 2, "written_by": "9.1"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(DiffmpError, match=r"found format 2, written by diffmp 9\.1"):
        load_emulator(folder)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_inputs_that_are_not_finite_get_no_answer(folder: Path, inputs: torch.Tensor, value: float) -> None:
    broken = inputs[:2].clone()
    broken[1, 0, 3] = value
    with pytest.raises(DiffmpError, match=r"values of T, found NaN or infinity in 1 of 2 columns .first: column 1"):
        sample(load_emulator(folder), broken)


def test_samples_that_are_not_finite_are_no_samples(folder: Path, inputs: torch.Tensor) -> None:
    emulator = load_emulator(folder)
    emulator.denoiser.head.dense.bias.fill_(torch.nan)
    with pytest.raises(DivergedError, match="expected finite samples, found NaN or infinity in 2 of 2 columns"):
        sample(emulator, inputs[:2])


def test_clouds_are_never_negative_however_configured(normalization: Normalization, inputs: torch.Tensor) -> None:
    torch.manual_seed(0)
    emulator = build_emulator({**MODEL, "zero_traces": False}, normalization)
    clouds = sample(emulator, inputs)[:, :, 2:]
    assert (clouds >= 0).all()
    assert (clouds == 0).any()


def test_weights_in_bfloat16_take_half_the_room_and_answer_alike_in_bfloat16(
    tmp_path: Path, normalization: Normalization, inputs: torch.Tensor
) -> None:
    torch.manual_seed(3)
    emulator = build_emulator({**MODEL, "filters": 64}, normalization)
    for parameter in emulator.denoiser.head.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    full = save_emulator(emulator, tmp_path / "full")
    half = save_emulator(emulator, tmp_path / "half", weights=torch.bfloat16)
    sizes = [(folder / "weights.safetensors").stat().st_size for folder in (full, half)]
    assert sizes[1] < 0.52 * sizes[0]
    first, second = (sample(load_emulator(folder, precision="bfloat16"), inputs) for folder in (full, half))
    assert first.std() > 0
    assert torch.equal(first, second)


@pytest.mark.parametrize("filters", [24, 56, 100])
def test_filters_that_crash_a_library_are_refused(normalization: Normalization, filters: int) -> None:
    with pytest.raises(DiffmpError, match="model.filters.*a multiple of 16"):
        build_emulator({**MODEL, "filters": filters}, normalization)
