import numpy as np
import pytest

from diffmp_core.crm import surface_map
from diffmp_core.crm.icosahedral import cell_count, icosahedral_grid
from diffmp_core.crm.vertical_grid import N_LEVELS, NZ, interface_heights, layer_heights
from diffmp_core.errors import DiffmpError


@pytest.mark.parametrize("level", range(5))
def test_grid_has_the_cells_and_the_area_of_the_sphere(level):
    grid = icosahedral_grid(f"G{level}")
    assert grid.lat.size == cell_count(level) == 10 * 4**level + 2
    np.testing.assert_allclose(grid.area.sum(), 4 * np.pi, rtol=1e-12)
    assert grid.area.min() > 0.6 * grid.area.max()
    assert np.unique(np.round(np.stack([grid.lat, grid.lon]), 6), axis=1).shape[1] == grid.lat.size
    assert (np.abs(grid.lat) <= 90).all()
    assert (np.abs(grid.lon) <= 180).all()


def test_areas_of_the_icosahedron_are_equal():
    np.testing.assert_allclose(icosahedral_grid("G0").area, 4 * np.pi / 12, rtol=1e-9)


def test_a_smooth_field_integrates_to_its_mean():
    grid = icosahedral_grid("G4")
    np.testing.assert_allclose((grid.area * np.sin(np.radians(grid.lat)) ** 2).sum() / (4 * np.pi), 1 / 3, rtol=2e-3)


def test_wrong_grid_raises():
    with pytest.raises(DiffmpError, match="G7"):
        icosahedral_grid("G7")


def test_layers_fill_twenty_kilometres_and_the_sponge():
    heights = interface_heights()
    assert heights[0] == 0.0
    np.testing.assert_allclose(heights[[1, 2, N_LEVELS, NZ]], [110, 291, 20000, 26000], atol=1.0)
    assert (np.diff(heights) > 0).all()
    assert layer_heights().size == NZ


def test_land_looks_like_the_earth():
    places = {
        (0, 22): 1,
        (-5, -60): 1,
        (50, 100): 1,
        (-25, 135): 1,
        (40, -100): 1,
        (-88, 0): 1,
        (66, 178): 1,
        (0, 160): 0,
        (0, -140): 0,
        (30, -40): 0,
        (-60, 30): 0,
        (85, 0): 0,
        (-10, 75): 0,
    }
    lat, lon = np.array(list(places)).T
    assert surface_map.is_land(lat, lon).astype(int).tolist() == list(places.values())
    grid = icosahedral_grid("G4")
    fraction = (grid.area * surface_map.is_land(grid.lat, grid.lon)).sum() / (4 * np.pi)
    assert 0.25 < fraction < 0.33  # the Earth's is 0.29
    assert surface_map.is_desert(np.array([23.0]), np.array([10.0]))[0]


def test_sea_is_warmest_near_the_equator_and_follows_the_season():
    lat, lon = np.linspace(-80, 80, 161), np.full(161, -40.0)
    july, january = (surface_map.sea_surface_temperature(lat, lon, day) for day in (220, 30))
    assert lat[july.argmax()] > lat[january.argmax()]
    assert 299.0 < july.max() < 304.0
    assert july.min() >= 273.0
