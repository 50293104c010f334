"""Small meshes and runs of other models, written as these models write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
import yaml

from diffmp_core.crm.icosahedral import bisect, icosahedron

HEIGHTS = 250.0 + 500.0 * np.arange(40)
"""Middles of 40 layers of 500 m [m]."""


def icosahedral_triangles(bisections: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners ``(corner, 3)`` and triangles ``(face, 3)``: 20 x 4^bisections of them, a corner at each pole."""
    corners, triangles = icosahedron()
    for _ in range(bisections):
        corners, triangles = bisect(corners, triangles)
    return corners, triangles


def write_icon_mesh(path: Path, bisections: int = 0) -> int:
    """Triangles as an ICON grid file (radians, counted from 1); gives their number."""
    corners, triangles = icosahedral_triangles(bisections)
    edges, of_cell = _edges(triangles)
    cells_of_edge = [np.flatnonzero((of_cell == edge).any(axis=1)) for edge in range(len(edges))]
    adjacent = np.array(cells_of_edge)
    neighbours = np.array(
        [[adjacent[edge][adjacent[edge] != cell][0] for edge in of_cell[cell]] for cell in range(len(triangles))]
    )
    places = {"v": corners, "c": _middle(corners[triangles]), "e": _middle(corners[edges])}
    dims = {"v": "vertex", "c": "cell", "e": "edge"}
    coordinates = {}
    for letter, direction in places.items():
        lat, lon = _radians(direction)
        coordinates |= {f"{letter}lat": (dims[letter], lat), f"{letter}lon": (dims[letter], lon)}
    xr.Dataset(
        {
            "vertex_of_cell": (("nv", "cell"), triangles.T.astype(np.int32) + 1),
            "edge_of_cell": (("nv", "cell"), of_cell.T.astype(np.int32) + 1),
            "neighbor_cell_index": (("nv", "cell"), neighbours.T.astype(np.int32) + 1),
            "adjacent_cell_of_edge": (("nc", "edge"), adjacent.T.astype(np.int32) + 1),
            "edge_vertices": (("nc", "edge"), edges.T.astype(np.int32) + 1),
        },
        coords=coordinates,
    ).to_netcdf(path)
    return len(triangles)


def write_mpas_mesh(path: Path, bisections: int = 0) -> int:
    """The duals of the triangles, pentagons and hexagons, as an MPAS grid file; gives their number."""
    centres, triangles = icosahedral_triangles(bisections)
    vertices = _middle(centres[triangles])
    around = [_in_order(np.flatnonzero((triangles == cell).any(axis=1)), centres[cell], vertices)
              for cell in range(len(centres))]  # fmt: skip
    table = np.zeros((len(centres), 6), np.int32)
    for cell, ring in enumerate(around):
        table[cell, : len(ring)] = ring + 1
    (lat_cell, lon_cell), (lat_vertex, lon_vertex) = _radians(centres), _radians(vertices)
    xr.Dataset(
        {
            "verticesOnCell": (("nCells", "maxEdges"), table),
            "nEdgesOnCell": ("nCells", np.array([len(ring) for ring in around], np.int32)),
            "cellsOnVertex": (("nVertices", "vertexDegree"), triangles.astype(np.int32) + 1),
            "latCell": ("nCells", lat_cell),
            "lonCell": ("nCells", lon_cell % (2 * np.pi)),
            "latVertex": ("nVertices", lat_vertex),
            "lonVertex": ("nVertices", lon_vertex % (2 * np.pi)),
        },
        attrs={"sphere_radius": 6371229.0, "on_a_sphere": "YES"},
    ).to_netcdf(path)
    return len(centres)


def write_ugrid_mesh(path: Path, rows: int, boxes: int) -> int:
    """Boxes from pole to pole whose corners are listed twice at the date line, and once for each box at the poles."""
    lon, lat = np.meshgrid(np.linspace(-180, 180, boxes + 1), np.linspace(-90, 90, rows + 1))
    corner = np.arange(lat.size).reshape(lat.shape)
    faces = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], axis=-1).reshape(-1, 4)
    topology = {
        "cf_role": "mesh_topology",
        "topology_dimension": 2,
        "node_coordinates": "node_lon node_lat",
        "face_node_connectivity": "face_nodes",
    }
    xr.Dataset(
        {
            "mesh": ((), 0, topology),
            "face_nodes": (("face", "four"), faces, {"cf_role": "face_node_connectivity", "start_index": 0}),
        },
        coords={
            "node_lon": ("node", lon.ravel(), {"standard_name": "longitude", "units": "degrees_east"}),
            "node_lat": ("node", lat.ravel(), {"standard_name": "latitude", "units": "degrees_north"}),
        },
    ).to_netcdf(path)
    return len(faces)


def make_run(sign: np.ndarray, *, times: int = 2) -> xr.Dataset:
    """Fields (time, z, point) with w' = sign, T' = sign z/1000 K and qv' = sign z^2 1e-12.

    The fluxes of a group are then its variance of sign times z/1000 and z^2 1e-12: with the 0.0 of their means, heating
    is the microphysics' -variance/1000 K/s and moistening -2e-12 variance z.
    """
    z = HEIGHTS[:, None]
    number = np.arange(len(sign))
    profiles = {
        "T": 300.0 - 0.005 * z + sign * z / 1000.0,
        "qv": 3e-3 + 0.012 * np.exp(-z / 3000.0) + 1e-12 * sign * z**2,
        "w": 0.25 + sign + 0.0 * z,
        "tend_T_mp": 1e-6 * number + 0.0 * z,
        "tend_qv_mp": 1e-10 * number + 0.0 * z,
        "qc": 1e-8 * number + 0.0 * z,
        "qi": np.zeros((len(HEIGHTS), len(sign))),
    }
    surface = {"Ps": 1e5 + number, "SHF": 1.0 * number, "LHF": 100.0 + number, "SOLIN": np.full(len(sign), 300.0)}
    shape = (times, len(HEIGHTS), len(sign))
    return xr.Dataset(
        {name: (("time", "z", "point"), np.broadcast_to(value, shape).copy()) for name, value in profiles.items()}
        | {name: (("time", "point"), np.broadcast_to(value, shape[::2]).copy()) for name, value in surface.items()},
        coords={
            "time": np.datetime64("2016-08-01", "ns") + np.arange(times) * np.timedelta64(1, "h"),
            "z": ("z", HEIGHTS, {"units": "m"}),
        },
        attrs={"title": "A run", "source": "model"},
    )


def on_grid(run: xr.Dataset, lat: np.ndarray, lon: np.ndarray) -> xr.Dataset:
    """The same fields on a regular grid, points in the order (lat, lon)."""

    def unfold(array: xr.DataArray) -> xr.DataArray:
        if "point" not in array.dims:
            return array
        values = array.values.reshape(*array.shape[:-1], len(lat), len(lon))
        return xr.DataArray(values, dims=(*array.dims[:-1], "lat", "lon"), attrs=array.attrs)

    return xr.Dataset(
        {name: unfold(array) for name, array in run.data_vars.items()}, run.coords, run.attrs
    ).assign_coords(lat=lat, lon=lon)


def write_yaml(path: Path, **options: object) -> Path:
    """A description of a run."""
    path.write_text(yaml.safe_dump(options))
    return path


def _edges(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, number = np.unique(pairs, axis=0, return_inverse=True)
    return edges, number.reshape(-1, 3)


def _middle(direction: np.ndarray) -> np.ndarray:
    total = direction.sum(axis=1)
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def _radians(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.arcsin(direction[:, 2].clip(-1, 1)), np.arctan2(direction[:, 1], direction[:, 0])


def _in_order(ring: np.ndarray, centre: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    east = np.cross([0.0, 0.0, 1.0], centre) if abs(centre[2]) < 0.9 else np.cross([1.0, 0.0, 0.0], centre)
    north = np.cross(centre, east)
    return ring[np.argsort(np.arctan2(vertices[ring] @ north, vertices[ring] @ east))]
