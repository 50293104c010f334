import numpy as np

from diffmp_core.crm.advection import advect_momentum, advect_scalars, mass_fluxes
from diffmp_core.crm.column import QV, S, U, W
from diffmp_core.crm.dynamics import accelerate, courant_number, filter_x
from diffmp_core.crm.pressure import divergence, project
from diffmp_core.crm.vertical_grid import DX, NX, NZ

from .conftest import make_column


def dry_step(column, dt, x_first):
    """Advection, buoyancy and projection alone."""
    state, base, work = column.state, column.base, column.work
    mass_fluxes(state[U], state[W], base, dt, work.flux_x, work.flux_z)
    advect_scalars(state, S, S + 1, base, x_first, work)
    advect_momentum(state[U], state[W], base, x_first, work)
    accelerate(state, base, dt, work)
    project(state[U], state[W], base, work)


def random_flow(column, amplitude, seed=1):
    generator = np.random.default_rng(seed)
    column.state[U, :NZ] = amplitude * generator.standard_normal((NZ, NX))
    column.state[W, 1:NZ] = 0.2 * amplitude * generator.standard_normal((NZ - 1, NX))
    project(column.state[U], column.state[W], column.base, column.work)


def test_projection_leaves_no_divergence(tropical_column):
    random_flow(tropical_column, 10.0)
    out = np.zeros((NZ, NX))
    divergence(tropical_column.state[U], tropical_column.state[W], tropical_column.base, out)
    assert np.abs(out / tropical_column.base.density[:, None]).max() < 1e-12  # 1/s, winds of 10 m/s over 5 km


def test_projection_keeps_a_nondivergent_flow(tropical_column):
    random_flow(tropical_column, 5.0)
    before = tropical_column.state[:2].copy()
    project(tropical_column.state[U], tropical_column.state[W], tropical_column.base, tropical_column.work)
    np.testing.assert_allclose(tropical_column.state[:2], before, atol=1e-11)


def test_a_constant_stays_constant_and_tracer_mass_is_kept_in_any_nondivergent_flow(tropical_column):
    column = tropical_column
    random_flow(column, 5.0)
    state, base, work = column.state, column.base, column.work
    state[QV, :NZ] = np.random.default_rng(2).uniform(0, 1, (NZ, NX))
    state[S, :NZ] = 7.0
    mass = (base.mass[:, None] * state[QV, :NZ]).sum()
    for n in range(50):
        mass_fluxes(state[U], state[W], base, 10.0, work.flux_x, work.flux_z)
        advect_scalars(state, S, QV + 1, base, n % 2 == 0, work)
        assert state[QV, :NZ].min() >= 0.0
        assert state[QV, :NZ].max() <= 1.0 + 1e-12
    np.testing.assert_allclose(state[S, :NZ], 7.0, rtol=1e-11)
    np.testing.assert_allclose((base.mass[:, None] * state[QV, :NZ]).sum(), mass, rtol=1e-13)


def test_a_tracer_comes_round_once_with_a_small_error(tropical_column):
    column = tropical_column
    state, base, work = column.state, column.base, column.work
    state[W] = 0.0
    state[U, :NZ] = 10.0
    shape = np.exp(-(((np.arange(NX) - 12) / 6.0) ** 2))
    state[QV, :NZ] = shape
    dt = 125.0
    for n in range(round(NX * DX / 10.0 / dt)):
        mass_fluxes(state[U], state[W], base, dt, work.flux_x, work.flux_z)
        advect_scalars(state, QV, QV + 1, base, n % 2 == 0, work)
    error = np.abs(state[QV, :NZ] - shape).max()
    assert error < 0.1
    assert error > 1e-6  # it did move


def test_a_neutral_layer_stays_at_rest(neutral_column):
    for n in range(20):
        dry_step(neutral_column, 10.0, n % 2 == 0)
    assert np.abs(neutral_column.state[W]).max() < 1e-10
    assert np.abs(neutral_column.state[U]).max() < 1e-10


def test_a_warm_bubble_rises_and_stays_symmetric(neutral_column):
    column = neutral_column
    distance = (np.arange(NX)[None, :] - 12) * DX / 12000.0
    height = (column.base.height[:, None] - 2000.0) / 1500.0
    column.state[S, :NZ] += 2000.0 * np.exp(-(distance**2) - height**2)
    centre = height_of_warmth(column)
    for n in range(60):
        dry_step(column, 10.0, n % 2 == 0)
    assert height_of_warmth(column) > centre + 100.0
    w = column.state[W]
    assert w[:, 12].max() > 0.5
    mirror = np.roll(w[:, ::-1], 1, axis=1)  # point i to 24 - i
    np.testing.assert_allclose(w, mirror, atol=1e-9)


def height_of_warmth(column):
    excess = column.base.mass[:, None] * (column.state[S, :NZ] - column.state[S, :NZ].min(axis=1, keepdims=True))
    return (excess * column.base.height[:, None]).sum() / excess.sum()


def test_filter_keeps_the_mean_and_damps_the_shortest_wave(tropical_column):
    field = np.tile(3.0 + (-1.0) ** np.arange(NX), (NZ + 1, 1))
    filter_x(field, NZ, 0.01, tropical_column.work)
    np.testing.assert_allclose(field[0], 3.0 + (1 - 0.16) * (-1.0) ** np.arange(NX))


def test_courant_number_is_the_worst_of_all_points(tropical_column):
    column = tropical_column
    column.state[:2] = 0.0
    column.state[W, 5, 3] = 2.0
    thinnest = min(column.base.thickness[4], column.base.thickness[5])
    np.testing.assert_allclose(courant_number(column.state[U], column.state[W], column.base, 30.0), 60.0 / thinnest)
    column.state[U, 2, 2] = np.nan
    assert np.isnan(courant_number(column.state[U], column.state[W], column.base, 30.0))


def test_columns_of_one_seed_are_equal_and_of_another_differ():
    assert (make_column(3.0, 4.0, 1).state == make_column(3.0, 4.0, 1).state).all()
    assert (make_column(3.0, 4.0, 1).state != make_column(3.0, 4.0, 2).state).any()


def test_a_low_cloud_is_advected_as_if_all_rows_were(tropical_column):
    from diffmp_core.crm.advection import advect, prepare
    from diffmp_core.crm.column import QC

    column = tropical_column
    random_flow(column, 5.0)
    state, base, work = column.state, column.base, column.work
    state[QC, 2:7] = np.random.default_rng(4).uniform(0, 1e-3, (5, NX))
    whole = state[QC].copy()
    mass_fluxes(state[U], state[W], base, 10.0, work.flux_x, work.flux_z)
    for x_first in (True, False):
        advect_scalars(state, QC, QC + 1, base, x_first, work)
        prepare(base.mass, work.flux_x, work.flux_z, NZ, x_first, work.padded, work.flat)
        advect(whole, NZ, True, base.slope_below, base.slope_above, x_first, work.padded, work.flat)
    assert (state[QC] == whole).all()
    assert whole[8].max() > 0.0
