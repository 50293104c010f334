import numpy as np
import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.physics import coarse_grain
from diffmp_core.physics.coarse_grain import (
    flux_tendency,
    gather,
    horizontal_mean,
    points_of_cell,
    subgrid_heating,
    subgrid_moistening,
    subgrid_vertical_flux,
)


def test_mean_and_flux_of_two_points_by_hand():
    a = np.array([[1.0], [3.0]])  # primes -1, 1
    w = np.array([[0.5], [2.5]])  # primes -1, 1
    np.testing.assert_allclose(horizontal_mean(a), [2.0])
    np.testing.assert_allclose(subgrid_vertical_flux(a, w), [1.0])
    np.testing.assert_allclose(subgrid_vertical_flux(a, -w), [-1.0])


def test_flux_of_a_constant_field_is_zero():
    w = np.random.default_rng(0).standard_normal((5, 9, 4))
    np.testing.assert_allclose(subgrid_vertical_flux(np.full((5, 9, 4), 280.0), w), 0.0, atol=1e-12)


def test_flux_does_not_see_the_means():
    generator = np.random.default_rng(1)
    a, w = generator.standard_normal((2, 6, 9, 4))
    np.testing.assert_allclose(subgrid_vertical_flux(a + 300.0, w - 2.0), subgrid_vertical_flux(a, w), atol=1e-12)


def test_tendency_of_a_linear_flux_is_minus_its_slope_on_uneven_heights():
    heights = np.array([0.0, 100.0, 300.0, 700.0])
    flux = 5.0 - 0.02 * heights
    np.testing.assert_allclose(flux_tendency(flux, heights), 0.02)
    np.testing.assert_allclose(flux_tendency(flux, heights, staggered=True), 0.02)
    np.testing.assert_allclose(flux_tendency(np.ones(4), heights), 0.0, atol=1e-15)


def test_density_form_by_hand():
    heights, density, flux = np.array([0.0, 100.0, 200.0]), np.array([1.2, 1.0, 0.8]), np.array([0.0, 2.0, 0.0])
    # rho F = 0, 2, 0; layers rho 1.1 and 0.9: -(2 / 100) / 1.1 and +(2 / 100) / 0.9
    np.testing.assert_allclose(flux_tendency(flux, heights, density, staggered=True), [-0.02 / 1.1, 0.02 / 0.9])
    np.testing.assert_allclose(flux_tendency(flux, heights, density)[1], 0.0, atol=1e-15)


def test_density_form_conserves_the_column_and_the_letter_of_the_paper_does_not():
    generator = np.random.default_rng(2)
    heights = np.concatenate([[0.0], np.cumsum(generator.uniform(100, 900, 30))])
    density = 1.2 * np.exp(-heights / 8000.0)
    flux = generator.standard_normal((7, 31))
    flux[:, [0, -1]] = 0.0
    layer_density = 0.5 * (density[1:] + density[:-1])
    mass = layer_density * np.diff(heights)
    tendency = flux_tendency(flux, heights, density, layer_density=layer_density, staggered=True)
    np.testing.assert_allclose((mass * tendency).sum(axis=-1), 0.0, atol=1e-12)
    assert np.abs((mass * flux_tendency(flux, heights, staggered=True)).sum(axis=-1)).max() > 1e-2


def test_equations_4_and_5_add_microphysics_and_flux():
    assert subgrid_moistening(np.float64(1.0), np.float64(-3.0)) == -2.0
    assert subgrid_heating(np.float64(2.0), np.float64(0.5)) == 2.5


def test_a_mesh_given_as_a_map_equals_the_loop_over_cells():
    generator = np.random.default_rng(3)
    cell_of_point = np.array([2, 0, 0, -1, 1, 2, 2, 0, 1])
    a, w = generator.standard_normal((2, 4, 9, 5))
    table = points_of_cell(cell_of_point)
    assert table.tolist() == [[1, 2, 7], [4, 8, -1], [0, 5, 6]]
    where = table >= 0
    flux = subgrid_vertical_flux(gather(a, table), gather(w, table), where=where)
    mean = horizontal_mean(gather(a, table), where=where)
    for cell in range(3):
        points = np.flatnonzero(cell_of_point == cell)
        np.testing.assert_allclose(mean[:, cell], a[:, points].mean(axis=1))
        covariance = (a[:, points] * w[:, points]).mean(axis=1) - a[:, points].mean(axis=1) * w[:, points].mean(axis=1)
        np.testing.assert_allclose(flux[:, cell], covariance, atol=1e-14)


def test_padding_that_is_not_kept_out_shows_as_nan():
    table = np.array([[0, 1], [2, -1]])
    assert np.isnan(horizontal_mean(gather(np.ones((3, 2)), table))[1]).all()


def test_mistakes_raise_one_sentence():
    with pytest.raises(DiffmpError, match="heights"):
        flux_tendency(np.zeros(5), np.arange(4.0))
    with pytest.raises(DiffmpError, match="points below"):
        gather(np.zeros((3, 2)), np.array([[0, 3]]))
    with pytest.raises(DiffmpError, match="none"):
        points_of_cell(np.array([-1, -1]))


def test_docstrings_name_their_equations():
    for number, name in enumerate(
        ("horizontal_mean", "subgrid_vertical_flux", "flux_tendency", "subgrid_moistening", "subgrid_heating"), start=1
    ):
        assert f"Equation {number}:" in getattr(coarse_grain, name).__doc__
