"""Physical checks: columns whose water, energy and vapour are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from diffmp_core.constants import LATENT_HEAT_VAPORISATION, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.scores.physical import CHECKS, HOST_STEP, PhysicalChecks, checks_of, column_checks
from diffmp_core.variables import CLIMSIM_V1, PAPER, choose_variables

INPUTS, OUTPUTS, LEVELS = PAPER.inputs, PAPER.outputs, 30

MASS = np.full((1, LEVELS), 100.0)


def outputs(heating: np.ndarray, drying: np.ndarray) -> np.ndarray:
    """One column (1, 4, level) without clouds."""
    made = np.zeros((1, len(OUTPUTS), LEVELS))
    made[0, 0], made[0, 1] = heating, drying
    return made


def checks(vapour: float, heating: np.ndarray, drying: np.ndarray) -> dict[str, float]:
    inputs = np.zeros((1, len(INPUTS), LEVELS))
    inputs[:, INPUTS.channel("qv")] = vapour
    found = column_checks(inputs, outputs(heating, drying), MASS, PAPER)
    return dict(zip(CHECKS, found[0], strict=True))


def test_condensation_that_heats_by_its_latent_heat_leaves_no_residual():
    rain = np.linspace(0, 1e-8, LEVELS)
    found = checks(0.01, LATENT_HEAT_VAPORISATION / SPECIFIC_HEAT_DRY_AIR * rain, -rain)
    assert found["moistening"] == pytest.approx(-100.0 * rain.sum())
    assert found["energy_residual"] == pytest.approx(0, abs=1e-9)
    assert found["overdried_share"] == found["overdried_vapour"] == 0


def test_an_eddy_flux_moves_heat_and_vapour_and_makes_none():
    moved = np.zeros(LEVELS)
    moved[[3, 10]] = 1e-4, -1e-4
    found = checks(0.01, moved, -1e-4 * moved)
    assert found["moistening"] == pytest.approx(0, abs=1e-15)
    assert found["energy_residual"] == pytest.approx(0, abs=1e-9)


def test_heating_from_nowhere_is_the_residual():
    found = checks(0.01, np.full(LEVELS, 1e-5), np.zeros(LEVELS))
    assert found["energy_residual"] == pytest.approx(SPECIFIC_HEAT_DRY_AIR * 1e-5 * 100.0 * LEVELS)


def test_drying_beyond_the_vapour_is_counted_and_weighed():
    drying = np.zeros(LEVELS)
    drying[:3] = -1e-3 / HOST_STEP * np.array([0.5, 1.5, 2.0])
    found = checks(1e-3, np.zeros(LEVELS), drying)
    assert found["overdried_share"] == pytest.approx(2 / LEVELS)
    assert found["overdried_vapour"] == pytest.approx(100.0 * (0.5e-3 + 1e-3))


def test_statistics_are_those_of_all_columns_and_members_however_they_come():
    rng = np.random.default_rng(0)
    inputs = np.abs(rng.normal(0, 1e-3, (6, len(INPUTS), LEVELS)))
    truth, members = (rng.normal(0, 1e-6, (6, *more, len(OUTPUTS), LEVELS)) for more in ((), (5,)))
    mass = rng.uniform(50, 200, (6, LEVELS))
    together = PhysicalChecks.of(inputs, truth, members, mass, PAPER)
    parts = [PhysicalChecks.of(inputs[s], truth[s], members[s], mass[s], PAPER) for s in (slice(2), slice(2, 6))]
    added = PhysicalChecks.none() + parts[0] + parts[1]
    for name, values in together.statistics().items():
        np.testing.assert_allclose(added.statistics()[name], values, rtol=1e-12)

    def residual(values: np.ndarray) -> np.ndarray:  # of heat and latent heat [W m-2], from the tendencies
        heat, vapour = (np.einsum("c...l,cl->c...", values[..., i, :], mass) for i in (0, 1))
        return 1004.64 * heat + 2.501e6 * vapour

    true, drawn = residual(truth), residual(members)
    found = together.table(PAPER)["energy_residual"]
    assert found["truth_std"] == pytest.approx(true.std())
    assert found["members_std"] == pytest.approx(drawn.std())
    assert found["rmse"] == pytest.approx(np.sqrt(((drawn.mean(axis=1) - true) ** 2).mean()))


def test_columns_without_masses_have_no_budgets_but_shares():
    shapes = ((6,), (4,), (3, 4))
    found = PhysicalChecks.of(*(np.zeros((2, *s, LEVELS)) for s in shapes), np.full((2, LEVELS), np.nan), PAPER)
    assert np.isnan(found.table(PAPER)["moistening"]["truth_mean"])
    assert found.table(PAPER)["overdried_share"]["members_mean"] == 0


def test_specific_humidity_is_overdried_where_it_would_be_negative():
    """Of 1 g/kg, drying of 1.1 g/kg in a step lacks 0.1 g/kg in each of three layers of 100 kg m-2."""
    inputs = np.zeros((1, len(CLIMSIM_V1.inputs), 60))
    inputs[:, CLIMSIM_V1.inputs.channel("q")] = 1e-3
    made = np.zeros((1, len(CLIMSIM_V1.outputs), 60))
    made[0, CLIMSIM_V1.outputs.channel("tend_q_sgs"), :3] = -1.1e-3 / HOST_STEP
    found = dict(zip(CHECKS, column_checks(inputs, made, np.full((1, 60), 100.0), CLIMSIM_V1)[0], strict=True))
    assert found["moistening"] == pytest.approx(-3 * 100 * 1.1e-3 / 1200)
    assert found["overdried_share"] == pytest.approx(3 / 60)
    assert found["overdried_vapour"] == pytest.approx(3 * 100 * 1e-4)


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        (("T", "qv"), ("qc", "tend_qv_sgs", "tend_T_sgs"), tuple(CHECKS)),
        (("T", "RH"), ("tend_T_sgs", "tend_q_sgs"), ("moistening", "energy_residual")),
        (("T", "q"), ("tend_q_sgs",), ("moistening", "overdried_share", "overdried_vapour")),
        (("T", "q"), ("tend_T_sgs", "PRECC"), ()),
    ],
)
def test_checks_are_those_that_the_variables_allow(inputs, outputs, expected):
    variables = choose_variables(inputs, outputs)
    assert checks_of(variables) == expected
    if expected:
        shapes = ((len(inputs),), (len(outputs),), (3, len(outputs)))
        found = PhysicalChecks.of(*(np.full((2, *s, 5), 0.01) for s in shapes), np.ones((2, 5)), variables)
        assert tuple(found.table(variables)) == expected
    else:
        assert PhysicalChecks.none().table(variables) == {}
