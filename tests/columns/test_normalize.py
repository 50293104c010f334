"""Equations (6) and (7), the calibrated normalisation, the > 3 rule, and normalization.json."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from diffmp_core.columns.normalization_file import from_json, load_normalization, save_normalization, to_json
from diffmp_core.columns.normalize import (
    LEAST_RELATIVE_STD,
    Normalization,
    fit,
    normalize_by_quantile,
    normalize_by_range,
    replace_abnormal,
)
from diffmp_core.errors import DiffmpError
from diffmp_core.models.normalizer import Normalizer
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs, stack_outputs
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

COLUMNS = make_columns(cells=60, times=5)
X, Y = stack_inputs(COLUMNS), stack_outputs(COLUMNS)


def fitted(method="calibrated") -> Normalization:
    return fit(X, Y, schema=schema_of(COLUMNS), method=method)


def applied(name: str):
    """A method of the network's normaliser on numpy arrays."""
    return lambda n, values: getattr(Normalizer(n), name)(torch.from_numpy(np.asarray(values, np.float32))).numpy()


normalise_inputs, normalise_outputs = applied("normalise_inputs"), applied("normalise_outputs")
physical_outputs, zero_traces, winsorise = applied("physical_outputs"), applied("zero_traces"), applied("winsorise")


def test_equation_6_maps_the_5_and_95_percent_quantiles_to_0_and_1():
    values = np.arange(101.0) * 2 + 200  # quantiles 210 and 390
    assert normalize_by_range(values) == (210.0, 180.0)


def test_equation_7_divides_by_the_95_percent_quantile_of_the_size():
    values = np.arange(101.0)
    assert normalize_by_quantile(values) == (0.0, 95.0)
    assert normalize_by_quantile(-values) == (0.0, 95.0)


def test_equation_7_of_thin_cloud_takes_the_quantile_of_the_cloudy_values():
    values = np.concatenate([np.zeros(10_000), np.arange(101.0)[1:]])
    assert normalize_by_quantile(values)[1] == pytest.approx(95.05)
    assert normalize_by_quantile(np.zeros(5))[1] == 1.0


def test_paper_method_uses_equation_6_for_temperature_and_pressure_and_7_for_the_rest():
    n = fitted("paper")
    for channel, variable in enumerate(PAPER.inputs):
        low, high = np.quantile(X[:, channel], (0.05, 0.95))
        offset, scale = (
            (low, high - low) if variable.name in ("T", "Ps") else (0.0, np.quantile(abs(X[:, channel]), 0.95))
        )
        np.testing.assert_allclose(n.input_offset[channel], offset, rtol=1e-6)
        np.testing.assert_allclose(n.input_scale[channel], scale, rtol=1e-6)
    assert (n.output_offset == 0).all()
    assert np.quantile(np.abs(normalise_outputs(n, Y)[:, 0]), 0.95) == pytest.approx(1.0, rel=1e-5)
    assert n.winsorise_limit is None


def test_calibrated_profiles_have_zero_mean_and_unit_spread_at_every_level():
    norm = normalise_inputs(fitted(), X)
    np.testing.assert_allclose(norm[:, :2].mean(axis=0), 0.0, atol=2e-3)
    np.testing.assert_allclose(norm[:, :2].std(axis=0), 1.0, rtol=2e-3)
    np.testing.assert_allclose(norm[:, 2:].mean(axis=(0, 2)), 0.0, atol=2e-3)


def test_calibrated_outputs_have_the_root_of_their_relative_spread_and_keep_zero():
    n = fitted()
    norm = normalise_outputs(n, Y).astype(float)
    for channel in range(4):
        relative = Y[:, channel].std(axis=0, dtype=float) / Y[:, channel].std(dtype=float)
        alive = relative > LEAST_RELATIVE_STD
        np.testing.assert_allclose(norm[:, channel].std(axis=0)[alive], np.sqrt(relative[alive]), rtol=1e-4)
        assert (norm[:, channel].std(axis=0)[~alive] <= np.sqrt(LEAST_RELATIVE_STD)).all()
    assert (normalise_outputs(n, np.zeros_like(Y[:1])) == 0).all()


def test_a_variable_without_spread_is_guarded():
    flat = X.copy()
    flat[:, 5] = 0.0
    flat[:, 0, 3] = 280.0
    n = fit(flat, np.zeros_like(Y), schema=schema_of(COLUMNS))
    assert np.isfinite(normalise_inputs(n, flat)).all()
    assert np.isfinite(normalise_outputs(n, Y)).all()
    assert not n.cloud_possible[2:].any()


@pytest.mark.parametrize("method", ["paper", "calibrated"])
def test_inversion_undoes_normalisation(method):
    n = fitted(method)
    np.testing.assert_allclose(physical_outputs(n, normalise_outputs(n, Y)), Y, rtol=1e-6, atol=1e-14)


def test_values_below_the_floor_hold_a_thousandth_of_the_cloud_at_most():
    n = fitted()
    for channel in (2, 3):
        cloud = Y[:, channel].astype(float)
        share = cloud[cloud <= n.output_floor[channel]].sum() / cloud.sum()
        assert 0 < share <= 1e-3
    assert (n.output_floor[:2] == 0).all()


def test_settled_clouds_have_no_drizzle_of_noise_and_none_where_truth_has_none():
    n = fitted()
    assert not n.cloud_possible[3, 0]  # the synthetic ice stays aloft
    sampled = Y.copy()
    sampled[:, 2:] += 0.5 * n.output_floor[2:, None].astype(np.float32)
    sampled[:, 3, 0] = 1e-3
    sampled[0, 2, 5] = -1e-4
    settled = zero_traces(n, sampled)
    assert (settled[:, 3, 0] == 0).all()
    assert settled[0, 2, 5] == 0
    assert (settled[:, 2][Y[:, 2] == 0] == 0).all()
    np.testing.assert_array_equal(settled[:, :2], sampled[:, :2])
    assert settled.dtype == np.float32


def test_winsorising_only_touches_values_far_out():
    n = fitted()
    values = np.array([-50.0, -29.0, 0.0, 31.0], dtype=np.float32)
    np.testing.assert_array_equal(winsorise(n, values), [-30, -29, 0, 30])
    np.testing.assert_array_equal(winsorise(fitted("paper"), values), values)


def test_abnormal_columns_are_replaced_by_the_nearest_one_within():
    outputs = np.zeros((6, 4, 30))
    outputs[0, 1, 2] = 3.1
    outputs[3, 0, 0] = -3.1
    outputs[4, 3, 29] = 7.0
    outputs[5, 2, 1] = 3.0
    assert replace_abnormal(outputs).tolist() == [1, 1, 2, 2, 5, 5]
    with pytest.raises(DiffmpError, match="within 3, found none"):
        replace_abnormal(np.full((2, 4, 30), 9.0))


def test_levels_of_other_columns_are_refused():
    n = fitted()
    n.schema.check_levels(COLUMNS)
    with pytest.raises(DiffmpError, match="expected levels at .* m .*, found levels at"):
        n.schema.check_levels(COLUMNS.assign_coords(height=COLUMNS["height"] * 1.02))
    with pytest.raises(DiffmpError, match="Pa .lowest"):
        n.schema.check_levels(COLUMNS.assign_coords(pressure=COLUMNS["pressure"] * 1.02))
    with pytest.raises(DiffmpError, match="expected 30 levels in the column store, found 29"):
        n.schema.check_levels(COLUMNS.isel(level=slice(1, None)))


def test_training_values_that_are_not_finite_are_refused():
    broken = Y.copy()
    broken[3, 2, 1] = np.nan
    with pytest.raises(DiffmpError, match="finite training values of qc"):
        fit(X, broken, schema=schema_of(COLUMNS))
    with pytest.raises(DiffmpError, match="shape .column, 4, 30., found"):
        fit(X, Y[:, :3], schema=schema_of(COLUMNS))


@pytest.mark.parametrize("method", ["paper", "calibrated"])
def test_json_round_trip_is_bit_exact(method, tmp_path):
    n = fitted(method)
    again = load_normalization(save_normalization(n, tmp_path / "normalization.json"))
    assert again.schema.variables == n.schema.variables
    for name, value in {**vars(n), **vars(n.schema)}.items():
        if name not in ("schema", "variables"):
            np.testing.assert_array_equal(getattr(again, name, getattr(again.schema, name, None)), value, err_msg=name)
    assert to_json(again) == to_json(n)
    assert [path.name for path in tmp_path.iterdir()] == ["normalization.json"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "expected a whole JSON file"),
        (lambda text: "{}", "expected a normalisation file, found 'Field required' at diffmp_kind"),
        (lambda text: text.replace('"normalization"', '"scores"', 1), "at diffmp_kind"),
        (lambda text: text.replace('"tend_T_sgs"', '"heating"', 1), "expected numbers of"),
        (lambda text: json.dumps(edited(text, lambda file: file["inputs"]["T"]["scale"].pop())), "expected 30 numbers"),
        (lambda text: json.dumps(edited(text, lambda file: file["inputs"]["T"]["scale"].__setitem__(3, 0.0))),
         "inputs.T.scale.3"),
        (lambda text: json.dumps(edited(text, lambda file: file["outputs"]["qc"].__setitem__("floor", -1.0))),
         "outputs.qc.floor"),
        (lambda text: text.replace('"floor": 0.0', '"floor": NaN', 1), "outputs.tend_T_sgs.floor"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_in_one_sentence(damage, message):
    with pytest.raises(DiffmpError, match=message):
        from_json(damage(to_json(fitted())))


def edited(text: str, edit) -> dict:
    file = json.loads(text)
    edit(file)
    return file


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DiffmpError, match="expected a normalisation file"):
        load_normalization(tmp_path / "normalization.json")
