"""Studies on synthetic columns: shapes of the stores, what wins that must win, and going on after a stop."""

import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from diffmp_core.errors import DiffmpError, DivergedError
from diffmp_core.models.folder import load_emulator
from diffmp_core.schema import variables_attrs, variables_of
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.score import SCORES
from diffmp_core.stores import open_columns, select_split, write_store
from diffmp_core.studies import cases
from diffmp_core.studies.guidance import GuidancePreset
from diffmp_core.studies.models import ModelsPreset
from diffmp_core.studies.preset import SMOKE_SIZE
from diffmp_core.studies.result import open_study
from diffmp_core.studies.run import run_study
from diffmp_core.studies.samplers import SamplersPreset
from diffmp_core.studies.steps import StepsPreset
from diffmp_core.studies.study import STUDIES
from diffmp_core.variables import PAPER, Channels, ColumnVariables
from tests.synthetic import make_columns

TINY = {"members": 4, "limit": 16}
BRIEF = SMOKE_SIZE.model_copy(update={"max_minutes": None, "batch": 12, "filters": 4, "layers": 2})


@pytest.fixture(scope="module")
def guidance(column_store, emulator, tmp_path_factory) -> xr.Dataset:
    out = tmp_path_factory.mktemp("guidance") / "guidance.nc"
    preset = GuidancePreset(**TINY, guidance=(0.0, 1.0))
    run_study("guidance", [column_store], out, preset=preset, emulators=[emulator])
    return open_study(out)


def test_every_study_has_the_three_presets():
    assert {frozenset(study.plan().presets) for study in STUDIES.values()} == {frozenset({"default", "paper", "smoke"})}


@pytest.fixture(scope="module")
def fixed_and_continuous(column_store, tmp_path_factory) -> Path:
    """Folder with ``steps.nc``."""
    folder = tmp_path_factory.mktemp("steps")
    run_study(
        "steps", [column_store], folder / "steps.nc", preset=StepsPreset(**TINY, steps=(5, 2), seeds=1, size=BRIEF)
    )
    return folder


def test_steps_trains_on_each_fixed_number_and_once_on_all_levels(fixed_and_continuous):
    study = open_study(fixed_and_continuous / "steps.nc")
    assert dict(study["mse"].sizes) == {"training": 2, "steps": 2, "seed": 1, "variable": 4}
    assert np.isfinite(study["mse"]).all()
    assert {path.name.rsplit("-", 1)[0] for path in (fixed_and_continuous / "steps" / "emulators").iterdir()} == {
        f"{name}-seed0" for name in ("fixed-5", "fixed-2", "continuous")
    }
    assert (study["network_evaluations"].transpose(..., "steps").values == [5, 2]).all()
    assert study.attrs["study"] == "steps"


def test_a_fixed_steps_emulator_cannot_be_sampled_by_any_number(column_store, fixed_and_continuous, tmp_path):
    folder = next((fixed_and_continuous / "steps" / "emulators").glob("fixed-2*"))
    assert load_emulator(folder).config.schedule == "paper_fixed_2"
    with pytest.raises(DiffmpError, match="takes any number of steps"):
        run_study("samplers", [column_store], tmp_path / "samplers.nc", emulators=[folder])


def test_models_ranks_analogues_before_climatology(column_store, tmp_path):
    preset = ModelsPreset(members=8, limit=64, models=("regression", "cgan"), seeds=2, size=BRIEF)
    study = run_study("models", [column_store], tmp_path / "models.nc", preset=preset)
    assert set(SCORES) <= set(study.data_vars)
    assert study["crps_fair"].dims == ("spacing_km", "model", "seed", "variable")
    assert list(study["model"].values) == ["regression", "cgan", "analogue", "climatology"]
    crps = study["crps_fair"].isel(spacing_km=0)
    assert (crps.sel(model="analogue", seed=0) < crps.sel(model="climatology", seed=0)).all()
    assert crps.sel(model="analogue", seed=1).isnull().all()
    trained = study["mse"].sel(model=["regression", "cgan"])
    assert (trained.sel(seed=0) != trained.sel(seed=1)).all()
    assert study.attrs["training_seeds"] == [0, 1]
    assert len(list((tmp_path / "models" / "emulators").iterdir())) == 4  # the GAN's regressions are those of the study
    assert study.attrs["report"] == "test columns of Synthetic test columns"


def test_models_makes_the_one_step_emulator_from_the_calibrated_one_of_its_seed(column_store, tmp_path):
    preset = ModelsPreset(**TINY, models=("one_step", "calibrated"), references=(), seeds=1, size=BRIEF)
    study = run_study("models", [column_store], tmp_path / "models.nc", preset=preset)
    assert list(study["model"].values) == ["one_step", "calibrated"]
    assert study["network_evaluations"].sel(model=["one_step", "calibrated"]).values.ravel().tolist() == [1, 5]
    assert len(list((tmp_path / "models" / "emulators").iterdir())) == 2


def test_models_takes_given_emulators_in_place_of_trainings(column_store, emulator, tmp_path):
    preset = ModelsPreset(**TINY, references=(), size=BRIEF)
    study = run_study("models", [column_store], tmp_path / "models.nc", preset=preset, emulators=[emulator])
    assert list(study["model"].values) == ["calibrated"]
    assert not (tmp_path / "models" / "emulators").exists()
    result = evaluate(emulator, column_store, members=4, limit=16, split="test")
    assert variables_of(study) == PAPER
    for name in PAPER.outputs.names:
        assert float(study["mse"].sel(variable=name).item()) == pytest.approx(result.scores[name]["mse"])


def test_models_scores_given_emulators_on_columns_without_training_times(column_store, emulator, tmp_path):
    test = select_split(open_columns(column_store), "test").load().drop_encoding()
    shipped = write_store(test, tmp_path / "test.nc")
    preset = ModelsPreset(**TINY, size=BRIEF)
    study = run_study("models", [shipped], tmp_path / "models.nc", preset=preset, emulators=[emulator])
    assert list(study["model"].values) == ["calibrated"]
    assert np.isfinite(study["crps_fair"]).all()


def test_models_compares_resolutions_each_on_its_own_columns(column_store, tmp_path):
    coarse, fine = (make_columns(cells=cells, seed=cells).assign_attrs(spacing_km=60) for cells in (40, 50))
    learn = write_store(coarse, tmp_path / "60.zarr")
    report = write_store(fine.drop_vars("split"), tmp_path / "60-test.zarr")
    preset = ModelsPreset(members=4, limit=None, models=(), references=("climatology",))
    study = run_study("models", [column_store, learn], tmp_path / "models.nc", preset=preset, test=[report])
    assert study["spacing_km"].values.tolist() == [120, 60]
    assert study["columns"].values.ravel().tolist() == [128, 300]  # test times of the one, all of the other


def test_columns_of_other_outputs_are_no_study_together(column_store, tmp_path):
    coarse = make_columns(cells=40).assign_attrs(spacing_km=60)
    dry = ColumnVariables(PAPER.inputs, Channels(PAPER.outputs[:2]))
    other = write_store(coarse.assign_attrs(variables_attrs(dry)), tmp_path / "60.zarr")
    preset = ModelsPreset(members=4, limit=None, models=(), references=("climatology",))
    with pytest.raises(
        DiffmpError, match="tend_qv_sgs, qc, qi. in all columns of a study, found tend_T_sgs, tend_qv_sgs in"
    ):
        run_study("models", [column_store, other], tmp_path / "models.nc", preset=preset)


def test_two_emulators_in_one_place_are_refused(column_store, emulator, tmp_path):
    twin = shutil.copytree(emulator, tmp_path / "twin")
    with pytest.raises(DiffmpError, match="one emulator of spacing_km 120, model calibrated, seed 0, found 2"):
        run_study("models", [column_store], tmp_path / "models.nc", emulators=[emulator, twin])


def test_samplers_need_several_evaluations_for_spread(column_store, emulator, tmp_path):
    preset = SamplersPreset(**TINY, samplers=("dpm_solver_pp_2m", "dpm_solver_pp_2m_sde"), steps=(1, 8))
    study = run_study("samplers", [column_store], tmp_path / "samplers.nc", preset=preset, emulators=[emulator])
    assert dict(study["mse"].sizes) == {"emulator": 1, "sampler": 2, "steps": 2, "variable": 4}
    one, eight = (study["spread_skill_ratio"].sel(steps=steps) for steps in (1, 8))
    assert (one < eight).all()
    assert (study["network_evaluations"].sel(steps=8) == 8).all()
    assert (study["seconds_per_column"].sel(steps=8) > study["seconds_per_column"].sel(steps=1)).all()
    equal = study["mse"].sel(steps=1)
    assert (equal.isel(sampler=0) == equal.isel(sampler=1)).all()  # one step: both give the denoised profile


def test_guidance_chooses_on_validation_and_reports_on_test(guidance):
    assert guidance["mse"].dims == ("emulator", "guidance", "variable")
    assert guidance["report_mse"].dims == ("emulator", "criterion", "variable")
    best = guidance["best_guidance"].isel(emulator=0)
    assert best.sel(criterion="none").values.tolist() == [0, 0, 0, 0]
    assert best.sel(criterion="paper").values.tolist() == [0.5, 0.5, 0, 0]
    crps = guidance["crps_fair"].isel(emulator=0)
    assert (crps.sel(guidance=best.sel(criterion="crps_fair")) == crps.min("guidance")).all()
    assert guidance["network_evaluations"].values.tolist() == [[5, 10]]
    assert (guidance["report_mse"].sel(criterion="none") != guidance["mse"].sel(guidance=0)).all()


def test_a_stopped_study_goes_on_and_does_nothing_twice(column_store, emulator, tmp_path, monkeypatch):
    preset = SamplersPreset(**TINY, samplers=("ddim",), steps=(1, 2, 3))
    scored = []

    def counted(*arguments, steps, **options):
        if steps == 3 and len(scored) == 2:
            scored.append("stopped")
            raise KeyboardInterrupt
        scored.append(steps)
        return evaluate(*arguments, steps=steps, **options)

    monkeypatch.setattr(cases, "evaluate", counted)
    arguments = ("samplers", [column_store], tmp_path / "samplers.nc")
    with pytest.raises(KeyboardInterrupt):
        run_study(*arguments, preset=preset, emulators=[emulator])
    assert not (tmp_path / "samplers.nc").exists()
    first = run_study(*arguments, preset=preset, emulators=[emulator])
    assert scored == [1, 2, "stopped", 3]
    again = run_study(*arguments, preset=preset, emulators=[emulator])
    assert scored == [1, 2, "stopped", 3]
    xr.testing.assert_identical(first, again)
    other = preset.model_copy(update={"seed": 1})
    run_study(*arguments, preset=other, emulators=[emulator])
    assert scored[4:] == [1, 2, 3]


def test_samples_that_are_not_finite_are_a_result(column_store, emulator, tmp_path, monkeypatch):
    def diverge(*args, **options):
        raise DivergedError("expected finite samples, found NaN")

    monkeypatch.setattr(cases, "evaluate", diverge)
    preset = SamplersPreset(**TINY, steps=(2,))
    run_study("samplers", [column_store], tmp_path / "samplers.nc", preset=preset, emulators=[emulator])
    study = open_study(tmp_path / "samplers.nc")
    assert (study["columns"] == 0).all()
    assert np.isnan(study["crps_fair"]).all()


def test_each_case_is_shown(column_store, emulator, tmp_path):
    shown = []

    def watch(description):
        shown.append(description)
        return nullcontext(lambda done, total: None)

    preset = SamplersPreset(**TINY, samplers=("ddim",), steps=(1, 2))
    run_study("samplers", [column_store], tmp_path / "s.nc", preset=preset, emulators=[emulator], watch=watch)
    assert shown == [f"{i}/2 emulator small, sampler ddim, steps {i}" for i in (1, 2)]


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("colours", {}, "expected a study among"),
        ("steps", {"preset": "large"}, "expected a preset among"),
        ("guidance", {"seeds": 3}, "expected a study that trains"),
        ("guidance", {}, "expected trained emulators for study 'guidance'"),
        ("steps", {"test": ["columns"]}, "expected no test columns for study 'steps'"),
        ("samplers", {"out": "samplers.zarr"}, "expected a name ending in .nc"),
        ("steps", {"emulators": ["emulator"]}, "expected no emulators for study 'steps'"),
        ("guidance", {"emulators": ["emulator", "emulator"]}, "found 'small' twice"),
        ("models", {"columns": ["columns", "columns"]}, "expected one column store of 120 km"),
    ],
)
def test_what_does_not_fit_gives_one_sentence(name, options, sentence, column_store, emulator, tmp_path):
    known = {"emulator": emulator, "columns": column_store}
    chosen = {
        key: [known[part] for part in value] if isinstance(value, list) else value for key, value in options.items()
    }
    stores, out = chosen.pop("columns", [column_store]), tmp_path / chosen.pop("out", "study.nc")
    with pytest.raises(DiffmpError, match=sentence):
        run_study(name, stores, out, **chosen)


def test_another_store_is_not_overwritten(column_store, emulator, tmp_path):
    xr.Dataset(attrs={"diffmp_kind": "scores"}).to_netcdf(tmp_path / "scores.nc")
    with pytest.raises(DiffmpError, match="found another store"):
        run_study("guidance", [column_store], tmp_path / "scores.nc", emulators=[emulator])
    with pytest.raises(DiffmpError, match="expected a study, found a store of kind 'scores'"):
        open_study(tmp_path / "scores.nc")
