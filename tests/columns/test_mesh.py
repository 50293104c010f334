"""Meshes whose areas and neighbours are known by hand, poles and date line included."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from diffmp_core.columns.mesh import direction_of, place_of, polygon_mesh, read_mesh, regular_mesh
from diffmp_core.errors import DiffmpError
from tests.columns.foreign_files import write_icon_mesh, write_mpas_mesh, write_ugrid_mesh


def neighbours_of(mesh, point):
    return {int(other) for other in mesh.neighbours[point] if other >= 0}


def test_the_icosahedron_of_an_icon_file_has_20_equal_faces_of_3_neighbours(tmp_path):
    write_icon_mesh(tmp_path / "icon.nc")
    mesh = read_mesh(tmp_path / "icon.nc")
    np.testing.assert_allclose(mesh.area, 4 * np.pi / 20, rtol=1e-12)
    assert [len(neighbours_of(mesh, point)) for point in range(20)] == [3] * 20
    for point in range(20):  # centres of neighbouring faces of an icosahedron: 41.81 degrees apart
        other = mesh.direction[list(neighbours_of(mesh, point))]
        np.testing.assert_allclose(np.degrees(np.arccos(other @ mesh.direction[point])), 41.8103, atol=1e-3)


def test_the_dodecahedron_of_an_mpas_file_has_12_equal_faces_of_5_neighbours_and_one_at_each_pole(tmp_path):
    write_mpas_mesh(tmp_path / "mpas.nc")
    mesh = read_mesh(tmp_path / "mpas.nc")
    np.testing.assert_allclose(mesh.area, 4 * np.pi / 12, rtol=1e-12)
    assert [len(neighbours_of(mesh, point)) for point in range(12)] == [5] * 12
    np.testing.assert_allclose(place_of(mesh.direction)[0][[0, 11]], [90, -90], atol=1e-6)
    assert neighbours_of(mesh, 0) == {1, 2, 3, 4, 5}


def test_hexagons_of_an_mpas_file_cover_the_sphere(tmp_path):
    assert write_mpas_mesh(tmp_path / "mpas.nc", 2) == 162
    mesh = read_mesh(tmp_path / "mpas.nc")
    assert mesh.area.sum() == pytest.approx(4 * np.pi, rel=1e-12)
    assert sorted({len(neighbours_of(mesh, point)) for point in range(162)}) == [5, 6]


def test_faces_of_a_ugrid_file_touch_across_the_date_line_and_around_the_pole(tmp_path):
    write_ugrid_mesh(tmp_path / "ugrid.nc", rows=4, boxes=6)
    mesh = read_mesh(tmp_path / "ugrid.nc")
    assert mesh.area.sum() == pytest.approx(4 * np.pi, rel=1e-12)
    assert neighbours_of(mesh, 6) == {0, 7, 11, 12}  # first box of the second row; 11 lies across the date line
    assert neighbours_of(mesh, 0) == {1, 5, 6}  # touches no box beyond the pole
    # a box at the pole is the triangle pole, (45 S, 0), (45 S, 60 E): its area by l'Huilier's theorem
    a, b = np.radians(45), 2 * np.arcsin(np.cos(np.radians(45)) * np.sin(np.radians(30)))
    s = a + b / 2
    excess = np.tan(s / 2) * np.tan((s - a) / 2) ** 2 * np.tan((s - b) / 2)
    assert mesh.area[0] == pytest.approx(4 * np.arctan(np.sqrt(excess)), rel=1e-12)


def test_boxes_of_a_regular_grid_by_hand():
    mesh = regular_mesh(np.array([60.0, 0.0, -60.0]), np.array([0.0, 90.0, 180.0, 270.0]), where="grid")
    assert mesh.area.sum() == pytest.approx(4 * np.pi, rel=1e-12)
    assert mesh.area[4] == pytest.approx(2 * 0.5 * np.pi / 2)  # 30 S to 30 N, a quarter of the way round
    assert neighbours_of(mesh, 0) == {1, 3, 4}
    assert neighbours_of(mesh, 7) == {3, 4, 6, 11}
    np.testing.assert_allclose(place_of(mesh.direction[7]), [0, -90], atol=1e-12)


def test_a_part_of_the_globe_has_an_east_and_a_west_end():
    mesh = regular_mesh(np.array([-1.0, 0.0, 1.0]), np.array([179.0, 180.0, 181.0]), where="grid")
    assert neighbours_of(mesh, 3) == {0, 4, 6}
    assert mesh.area.sum() == pytest.approx(np.radians(3) * 2 * np.sin(np.radians(1.5)))


def test_places_come_back_from_directions():
    lat, lon = np.array([-90.0, -30.0, 0.0, 89.0]), np.array([0.0, 179.0, -120.0, 45.0])
    np.testing.assert_allclose(place_of(3.0 * direction_of(lat, lon)), [lat, lon], atol=1e-12)


@pytest.mark.parametrize(
    ("lat", "lon", "message"),
    [
        ([0.0, 2.0, 1.0], [0.0, 1.0], "latitudes that rise or fall"),
        ([0.0, 100.0], [0.0, 1.0], "lat of -90 to 90 degree in grid, found 100 at index 1"),
        ([0.0, 1.0], [0.0, 1.0, 3.0], "evenly spaced longitudes"),
        ([0.0, 1.0], [0.0, 90.0, 180.0, 270.0, 360.0], "each meridian once"),
        ([0.0, 1.0], [[0.0, 1.0], [0.0, 1.0]], "each along a dimension of its own"),
        ([0.0], [0.0, 1.0], "2 or more latitudes"),
    ],
)
def test_irregular_grids_are_refused(lat, lon, message):
    with pytest.raises(DiffmpError, match=message):
        regular_mesh(np.array(lat), np.array(lon), where="grid")


def test_polygons_that_are_none_are_refused():
    lat, lon = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    with pytest.raises(DiffmpError, match="3 or more of the 3 corners"):
        polygon_mesh(lat, lon, np.array([[0, 1, 3]]), where="mesh")
    with pytest.raises(DiffmpError, match="3 or more of the 3 corners"):
        polygon_mesh(lat, lon, np.array([[0, 1, -1]]), where="mesh")
    with pytest.raises(DiffmpError, match="faces with an area"):
        polygon_mesh(lat, lon, np.array([[0, 1, 1]]), where="mesh")


def test_files_without_a_mesh_are_refused(tmp_path):
    with pytest.raises(DiffmpError, match="a mesh file at .* found nothing"):
        read_mesh(tmp_path / "none.nc")
    (tmp_path / "notes.nc").write_text("hello")
    with pytest.raises(DiffmpError, match="UGRID, MPAS or ICON mesh in notes.nc"):
        read_mesh(tmp_path / "notes.nc")


def test_without_uxarray_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    write_mpas_mesh(tmp_path / "mpas.nc")
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "uxarray":
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DiffmpError, match=r"pip install 'diffmp\[mesh\]'"):
        read_mesh(tmp_path / "mpas.nc")


def test_corners_are_whole_numbers_of_any_type():
    lat, lon = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    whole = polygon_mesh(lat, lon, np.array([[0, 1, 2, 3], [0, 1, 2, -1]]), where="mesh")
    stored = polygon_mesh(lat, lon, np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, np.nan]]), where="mesh")
    np.testing.assert_array_equal(stored.area, whole.area)
    with pytest.raises(DiffmpError, match="expected whole numbers of corners in mesh, found 1.5"):
        polygon_mesh(lat, lon, np.array([[0.0, 1.5, 2.0]]), where="mesh")
    with pytest.raises(DiffmpError, match="expected faces of 3 or more"):
        polygon_mesh(lat, lon, np.array([[0.0, 1.0, np.inf]]), where="mesh")
