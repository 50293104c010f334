"""Column integrals and paired standard errors, by hand."""

import numpy as np
import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.column_integrals import compare, integrals_of, integrate, paired_change
from diffmp_core.variables import CLIMSIM_V1, PAPER, choose_variables

CP, DAY = 1004.64, 86400.0


def test_integrals_by_hand():
    """1 K/day over 1000 kg m-2 is 11.6 W/m2; 1 g/kg/day over 1000 kg m-2 is 1 mm/day."""
    ensemble = np.zeros((1, 2, 4, 2))
    ensemble[0, :, 0] = 1 / DAY
    ensemble[0, 1, 1] = -1e-3 / DAY
    ensemble[0, 0, 2] = [1e-4, 0]
    ensemble[0, 0, 3] = [0, 2e-5]
    found = integrate(ensemble, np.array([400.0, 600.0]), PAPER.outputs)
    np.testing.assert_allclose(found["heating"], [[CP * 1000 / DAY] * 2])
    np.testing.assert_allclose(found["moistening"], [[0.0, -1.0]])
    np.testing.assert_allclose(found["liquid water path"], [[40.0, 0.0]])
    np.testing.assert_allclose(found["ice water path"], [[12.0, 0.0]])


def test_single_values_and_moistening_of_specific_humidity_by_hand():
    """1 g/kg/day over 1000 kg m-2 is 1 mm/day whichever humidity it is; 1e-8 m/s of rain are 0.864 mm/day."""
    ensemble = np.zeros((1, 1, len(CLIMSIM_V1.outputs), 2))
    ensemble[0, 0] = np.array([0.0, -1e-3 / DAY, 1e-8, 250.0, 330.0])[:, None]
    found = integrate(ensemble, np.array([400.0, 600.0]), CLIMSIM_V1.outputs)
    assert list(found) == ["heating", "moistening", "PRECC", "NETSW", "FLWDS"]
    np.testing.assert_allclose([values.item() for values in found.values()], [0.0, -1.0, 0.864, 250.0, 330.0])


def test_outputs_that_add_up_to_nothing_have_no_integral():
    outputs = choose_variables(("T",), ("qi", "tend_qv_sgs", "tend_q_sgs")).outputs
    assert [(entry.name, entry.output) for entry in integrals_of(outputs)] == [
        ("moistening", "tend_qv_sgs"),
        ("ice water path", "qi"),
    ]


def test_paired_standard_errors_by_hand():
    """Differences of heating of two columns x two members: (1, 3) and (5, 5), times c_p."""
    baseline = np.zeros((2, 2, 4, 1))
    baseline[:, :, 0, 0] = [[100.0, -50.0], [7.0, 80.0]]
    perturbed = baseline.copy()
    perturbed[:, :, 0, 0] += [[1.0, 3.0], [5.0, 5.0]]
    heating = compare(baseline, perturbed, np.ones((2, 1)), PAPER.outputs)[0]
    assert (heating.name, heating.unit) == ("heating", "W/m²")
    assert heating.change == pytest.approx(3.5 * CP)
    assert heating.perturbed - heating.baseline == pytest.approx(3.5 * CP)
    assert heating.standard_error == pytest.approx(CP * np.sqrt(2.0 / 2 + 0.0) / 2)
    assert heating.standard_error_columns == pytest.approx(CP * np.std([2.0, 5.0], ddof=1) / np.sqrt(2))
    assert (heating.error, heating.error_of) == (heating.standard_error_columns, "columns")
    one = compare(baseline[:1], perturbed[:1], np.ones(1), PAPER.outputs)[0]
    assert (one.error, one.error_of) == (one.standard_error, "draw")
    single = compare(baseline[:1, :1], perturbed[:1, :1], np.ones(1), PAPER.outputs)[0]
    assert np.isnan(single.standard_error)
    assert np.isnan(single.standard_error_columns)
    assert np.isnan(single.error)
    assert single.error_of == ""


def test_the_error_shown_is_the_larger_also_where_columns_happen_to_agree():
    """Two columns whose members differ by 20 but whose means are both 10: no error over columns, 7.1 over the draw."""
    baseline = np.zeros((2, 2, 4, 1))
    perturbed = baseline.copy()
    perturbed[:, :, 0, 0] = [[0.0, 20.0], [20.0, 0.0]]
    heating = compare(baseline, perturbed, np.ones((2, 1)), PAPER.outputs)[0]
    assert heating.standard_error_columns == 0.0
    assert heating.error == pytest.approx(CP * np.sqrt(200.0 / 2 * 2) / 2)
    assert heating.error_of == "draw"


def test_pairs_of_profiles_keep_their_dims():
    """Two columns x three members x two levels: the level that does not change has no error."""
    baseline = np.random.default_rng(0).normal(size=(2, 3, 2))
    perturbed = baseline + np.array([1.0, 0.0])
    found = paired_change(baseline, perturbed)
    np.testing.assert_allclose(found.change, [1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(found.standard_error, 0.0, atol=1e-15)
    np.testing.assert_allclose(found.baseline, baseline.mean(axis=(0, 1)))


def test_ensembles_of_different_shapes_are_refused():
    with pytest.raises(DiffmpError, match="expected two ensembles of one shape"):
        paired_change(np.zeros((1, 2, 4)), np.zeros((1, 3, 4)))
