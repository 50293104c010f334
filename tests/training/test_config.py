"""Shipped configurations hold what they are named for; bad ones get one sentence."""

from pathlib import Path

import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.training.config import load_config, shipped_configs


def test_every_shipped_configuration_loads():
    assert {"calibrated", "paper", "regression"} <= set(shipped_configs())
    for name in shipped_configs():
        assert load_config(name).name == name


def test_paper_configuration_is_the_papers():
    paper = load_config("paper")
    assert (paper.model.filters, paper.model.layers) == (128, 6)
    assert (paper.model.schedule, paper.model.prediction, paper.model.sampler) == ("paper", "epsilon", "ancestral")
    assert (paper.model.film_path, paper.model.normalization, paper.model.p_uncond) == ("noised", "paper", 0.1)
    assert paper.model.guidance == (0.5, 0.5, 0.0, 0.0)
    assert (paper.optimizer, paper.schedule, paper.batch, paper.epochs) == ("adam", "cyclical", 8000, 5)
    assert (paper.lowest_learning_rate, paper.learning_rate) == (1e-4, 1e-3)
    assert paper.replace_abnormal
    assert (paper.winsorise, paper.ema_decay, paper.gradient_clip, paper.keep) == (None, None, None, "last")


def test_calibrated_configuration_ends_in_noise_and_is_the_default_size():
    calibrated = load_config("calibrated")
    assert (calibrated.model.schedule, calibrated.model.prediction) == ("zero_terminal_snr", "v")
    assert (calibrated.model.sampler, calibrated.model.film_path) == ("dpm_solver_pp_2m", "condition")
    assert (calibrated.model.filters, calibrated.optimizer, calibrated.schedule) == (64, "adamw", "cosine")
    assert calibrated.model.guidance == (0.0,) * 4
    assert not calibrated.replace_abnormal


def test_file_that_extends_changes_only_what_it_says(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("extends: paper\nepochs: 7\nmodel: {filters: 32}\n")
    small, paper = load_config(path), load_config("paper")
    assert (small.name, small.epochs, small.model.filters) == ("small", 7, 32)
    assert small.model.model_copy(update={"filters": 128}) == paper.model
    assert small.model_copy(update={"name": "paper", "epochs": 5, "model": paper.model}) == paper


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: calibrated\nepoch: 3\n", "unknown key at epoch"),
        ("extends: calibrated\nepochs: 0\n", "found 0 at epochs"),
        ("extends: calibrated\nlearning_rate: .nan\n", "at learning_rate"),
        ("extends: calibrated\nlowest_learning_rate: 0.5\n", "lowest_learning_rate is above"),
        ("extends: calibrated\nmodel: {filters: three}\n", "found 'three' at model.filters"),
        ("extends: nothing\n", "expected 'extends' among"),
        ("model: {kind: horoscope}\n", "kind"),
        ("- 1\n", "expected options"),
        ("{", "expected YAML"),
    ],
)
def test_bad_configuration_is_one_sentence(tmp_path, text, words):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(DiffmpError) as caught:
        load_config(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_name_lists_the_shipped_ones():
    with pytest.raises(DiffmpError, match="calibrated.*paper.*regression.*'nonesuch'"):
        load_config("nonesuch")


def test_the_benchmarks_configuration_is_the_papers_in_bf16():
    found = load_config(Path(__file__).parents[2] / "benchmarks" / "paper_on_a_gpu.yaml").model_dump()
    differs = {key for key, value in load_config("paper").model_dump().items() if found[key] != value}
    assert differs == {"name", "precision", "micro_batch"}
    assert found["precision"] == "bf16"
