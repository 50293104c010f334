"""Runs of other models in their own names and layout, with answers known by hand or by brute force."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from diffmp_core.columns import coarse_fields
from diffmp_core.columns.grouping import form_groups
from diffmp_core.columns.mesh import read_mesh
from diffmp_core.columns.prepare import prepare
from diffmp_core.columns.sources import foreign_run
from diffmp_core.columns.sources.foreign_fields import load_foreign_fields
from diffmp_core.columns.sources.highres import read
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import open_columns
from tests.columns.foreign_files import HEIGHTS, make_run, on_grid, write_icon_mesh, write_mpas_mesh, write_yaml

SIGN = np.array([1.0, -1.0, 1.0, -1.0, 0.0, -1.0, 1.0, -1.0, 1.0])
"""Of a group of nine: mean 0, variance 8/9."""


def columns_of(folder, run, **options):
    run.to_netcdf(folder / "run.nc")
    return read(folder / "run.nc", spacing_km=0, fields=write_yaml(folder / "run.yaml", points=9, **options)).load()


@pytest.mark.parametrize(
    ("lat", "lon", "centre"),
    [
        ([-1.0, 0.0, 1.0], [179.0, 180.0, 181.0], (0.0, 180.0)),
        ([1.0, 0.0, -1.0], [-1.0, 0.0, 1.0], (0.0, 0.0)),
        ([87.0, 88.0, 89.0], [-60.0, 60.0, 180.0], (90.0, None)),
        ([-89.0, -88.0, -87.0], [0.0, 120.0, 240.0], (-90.0, None)),
    ],
    ids=["date line", "north first", "north pole", "south pole"],
)
def test_nine_boxes_are_one_column_worked_out_by_hand(tmp_path, lat, lon, centre):
    columns = columns_of(tmp_path, on_grid(make_run(SIGN), np.array(lat), np.array(lon)))
    height = columns["height"].values
    assert columns.sizes["cell"] == 1
    assert columns["lat"].item() == pytest.approx(centre[0], abs=1e-4)
    if centre[1] is not None:
        assert abs(columns["lon"].item()) == pytest.approx(centre[1], abs=1e-4)
    np.testing.assert_allclose(columns["T"][0, 0], 300 - 0.005 * height, rtol=1e-6)
    np.testing.assert_allclose(columns["SHF"], 4.0)  # mean of 0 ... 8
    np.testing.assert_allclose(columns["tend_T_sgs"][1, 0], 4e-6 - 8 / 9 * 1e-3, rtol=1e-4)
    inner = height[1:-1]  # centred differences of z^2 are exact inside
    np.testing.assert_allclose(columns["tend_qv_sgs"][1, 0, 1:-1], 4e-10 - 8 / 9 * 2e-12 * inner, rtol=1e-3)
    np.testing.assert_allclose(columns["qc"], 4e-8, rtol=1e-5)
    assert columns.attrs["points"] == 9
    assert columns.attrs["points_left_out"] == 0


def test_area_and_spacing_are_those_of_the_group(tmp_path):
    columns = columns_of(tmp_path, on_grid(make_run(SIGN), np.array([-1.0, 0, 1]), np.array([179.0, 180, 181])))
    area = np.radians(3) * 2 * np.sin(np.radians(1.5))
    assert columns["area"].item() == pytest.approx(area)
    assert columns.attrs["spacing_km"] == round(np.sqrt(2 * area / np.sqrt(3)) * 6371)


def test_rows_at_the_very_poles_are_left_out(tmp_path):
    lat, lon = np.array([86.0, 87.0, 88.0, 90.0]), np.array([0.0, 120.0, 240.0])
    columns = columns_of(tmp_path, on_grid(make_run(np.concatenate([SIGN, [1e3, 1e3, 1e3]])), lat, lon))
    np.testing.assert_allclose(columns["tend_T_sgs"][0, 0], 4e-6 - 8 / 9 * 1e-3, rtol=1e-4)


@pytest.mark.parametrize("write_mesh", [write_icon_mesh, write_mpas_mesh])
def test_groups_of_an_unstructured_mesh_by_brute_force(tmp_path, write_mesh):
    size = write_mesh(tmp_path / "mesh.nc", 2)
    sign = np.random.default_rng(3).standard_normal(size)
    columns = columns_of(tmp_path, make_run(sign), mesh="mesh.nc", seed=5)
    groups = form_groups(read_mesh(tmp_path / "mesh.nc"), 9, generator=np.random.default_rng(5)).points
    assert columns.sizes["cell"] == len(groups) >= 0.75 * size / 9
    for cell, points in enumerate(groups):
        variance, mean = np.var(sign[points]), np.mean(sign[points])
        z = columns["height"].values
        np.testing.assert_allclose(columns["T"][0, cell], 300 - 0.005 * z + mean * z / 1000, rtol=1e-6)
        heating = points.mean() * 1e-6 - variance * 1e-3
        np.testing.assert_allclose(columns["tend_T_sgs"][0, cell], heating, rtol=1e-3)
        assert columns["SHF"][0, cell].item() == pytest.approx(points.mean())


def test_some_groups_are_drawn_by_the_seed(tmp_path):
    size = write_mpas_mesh(tmp_path / "mesh.nc", 2)
    run = make_run(np.ones(size))
    every = columns_of(tmp_path, run, mesh="mesh.nc")
    some, other = (columns_of(tmp_path, run, mesh="mesh.nc", groups=4, seed=seed) for seed in (0, 1))
    assert some.sizes["cell"] == 4
    assert set(some["lat"].values) < set(every["lat"].values)
    assert set(some["lat"].values) != set(other["lat"].values)
    assert "seed 1" in other.attrs["source"]


def test_the_example_of_the_docs_gives_the_same_columns_as_the_plain_run(tmp_path):
    """Names, top first, w and z on half levels, specific humidity, downward fluxes, text as time, a file a time."""
    text = (Path(__file__).parents[2] / "docs" / "columns.md").read_text(encoding="utf-8")
    example = yaml.safe_load(re.search(r"```yaml\n(mesh.*?)```", text, re.DOTALL).group(1))
    example |= {"points": 9, "names": example["names"] | {"time": "xtime"}, "scale": example["scale"] | {"Ps": 100.0}}
    size = write_icon_mesh(tmp_path / example["mesh"], 1)
    sign = np.random.default_rng(3).standard_normal(size)
    plain = make_run(sign)
    expected = columns_of(tmp_path, plain, mesh=example["mesh"])

    moist = 1.0 + plain["qv"]  # q = r/(1 + rv), 1 - qv = 1/(1 + rv)
    water = {name: plain[name] / moist for name in ("qv", "qc", "qi")}
    water["tend_qv_mp"] = plain["tend_qv_mp"] / moist**2
    other = plain.assign(water).drop_vars(["z", "w"]).assign({name: -plain[name] for name in ("SHF", "LHF")})
    other["Ps"] = (other["Ps"] / 100.0).assign_attrs(units="hPa")
    other = other.rename({name: example["names"][name] for name in other.data_vars})
    dims = example["dims"]
    other = other.rename(z=dims["level"], point=dims["point"])
    half = dims["interface"]
    interfaces = np.concatenate([[0.0], HEIGHTS + 250.0])
    ground = 800.0 + np.arange(size)
    other[example["names"]["w"]] = (("time", half, dims["point"]), np.broadcast_to(0.25 + sign, (2, 41, size)))
    other[example["names"]["z"]] = ((half, dims["point"]), interfaces[:, None] + ground)
    other = other.isel({dims["level"]: slice(None, None, -1), half: slice(None, None, -1)})
    folder = tmp_path / "run"
    folder.mkdir()
    for hour, name in ((0, "b.nc"), (1, "a.nc")):  # in the order of their times, not of their names
        one = other.isel(time=[hour]).drop_vars("time")
        one["xtime"] = (("time",), np.array([f"2016-08-01_0{hour}:00:00"], dtype="S19"))
        one.drop_vars(["qc", "qi"]).to_netcdf(folder / name)
        one[["qc", "qi", "xtime"]].to_netcdf(folder / f"cloud_{name}")
    columns = read(folder, spacing_km=0, fields=write_yaml(tmp_path / "icon.yaml", **example)).load()
    xr.testing.assert_allclose(columns, expected, rtol=2e-5, atol=1e-12)


def test_fluxes_on_terrain_are_differentiated_along_the_heights_of_their_group(tmp_path):
    """Layers above a mountain half as thick give twice the tendency of the same flux."""
    size = write_mpas_mesh(tmp_path / "mesh.nc", 1)
    sign = np.random.default_rng(3).standard_normal(size)
    flat = make_run(sign)
    mountain = flat.drop_vars("z").assign(z=(("z", "point"), np.tile(HEIGHTS[:, None] / 2, size)))
    mountain["z"] = mountain["z"] + 9000.0
    mountain["ground"] = ("point", np.full(size, 0.0))
    expected = columns_of(tmp_path, flat, mesh="mesh.nc")
    columns = columns_of(tmp_path, mountain, mesh="mesh.nc", names={"surface": "ground"})
    kept = np.searchsorted(HEIGHTS / 2 + 9000.0, columns["height"].values)
    micro = columns["SHF"].values[0, :, None] * 1e-6  # both are the mean number of the point
    heating = -expected["tend_T_sgs"].values[0, :, :1] + micro  # variance/1000, the same on all levels
    assert (np.diff(kept) > 0).all()
    np.testing.assert_allclose(columns["tend_T_sgs"].values[0], np.broadcast_to(micro - 2 * heating, (len(micro), 30)),
                               rtol=1e-3)  # fmt: skip


def test_small_blocks_give_the_same_columns(tmp_path, monkeypatch):
    size = write_mpas_mesh(tmp_path / "mesh.nc", 1)
    run = make_run(np.random.default_rng(3).standard_normal(size))
    expected = columns_of(tmp_path, run, mesh="mesh.nc")
    monkeypatch.setattr(foreign_run, "BLOCK_VALUES", 3 * size)
    monkeypatch.setattr(coarse_fields, "_GATHERED_VALUES", 1)
    fields, _ = foreign_run.open_fields(tmp_path / "run.nc", load_foreign_fields(tmp_path / "run.yaml"))
    for name in ("T", "w", "qc"):
        assert max(np.prod(block) for block in itertools.product(*fields[name].data.chunks)) == 3 * size
    columns = read(tmp_path / "run.nc", spacing_km=0, fields=tmp_path / "run.yaml").load()
    xr.testing.assert_allclose(columns, expected)


def test_the_command_line_reads_the_description(tmp_path):
    from typer.testing import CliRunner

    from diffmp_core.cli import app

    on_grid(make_run(SIGN, times=40), np.array([-1.0, 0.0, 1.0]), np.array([179.0, 180.0, 181.0])).to_netcdf(
        tmp_path / "run.nc"
    )
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    arguments = ["prepare", str(tmp_path / "run.nc"), str(tmp_path / "columns.zarr"), "--fields", str(fields)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    columns = open_columns(tmp_path / "columns.zarr")
    assert columns.attrs["diffmp_source_kind"] == "highres"
    assert dict(zip(*np.unique(columns["split"], return_counts=True), strict=True)).keys() >= {0, 1, 2}


def test_other_sources_take_no_description(tmp_path):
    make_run(SIGN).to_netcdf(tmp_path / "run.nc")
    with pytest.raises(DiffmpError, match="options that a source of kind climsim takes"):
        prepare(tmp_path / "run.nc", tmp_path / "out.zarr", kind="climsim", fields=tmp_path / "run.yaml")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "found nothing at points"),
        ({"points": 10}, "found 10 at points"),
        ({"points": 9, "names": {"temperature": "t"}}, "an unknown key at names.temperature"),
        ({"points": 9, "colour": 1}, "an unknown key at colour"),
        ({"points": 9, "humidity": "relative"}, "'relative' at humidity"),
        ({"points": 9, "scale": {"Pz": 2.0}}, "not for 'Pz'"),
        ({"points": 9, "scale": {"Ps": 0.0}}, "the factor of Ps is zero"),
        ({"points": 9, "groups": 0}, "found 0 at groups"),
    ],
)
def test_wrong_descriptions_are_refused_in_one_sentence(tmp_path, options, message):
    with pytest.raises(DiffmpError, match=message) as refusal:
        load_foreign_fields(write_yaml(tmp_path / "run.yaml", **options))
    assert "\n" not in str(refusal.value)


def test_files_that_describe_nothing_are_refused(tmp_path):
    for text, message in (("a: [", "expected YAML"), ("- 1", "expected options in run.yaml, found list")):
        (tmp_path / "run.yaml").write_text(text)
        with pytest.raises(DiffmpError, match=message):
            load_foreign_fields(tmp_path / "run.yaml")
    with pytest.raises(DiffmpError, match="found nothing; check the path"):
        load_foreign_fields(tmp_path / "none.yaml")


def _with_heights(changed, level=4):
    """Heights of each point, those of point 7 damaged."""

    def damage(fields):
        z = np.tile(HEIGHTS[:, None], fields.sizes["point"])
        z[level, 7] = changed(z)
        return fields.drop_vars("z").assign(z=(("z", "point"), z))

    return damage


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (lambda f: f, {"names": {"T": "ta"}}, r"expected variable 'ta' \(T\) in run.nc, found \['LHF'"),
        (lambda f: f, {"dims": {"point": "cell"}}, r"expected dimension 'cell' \(point\)"),
        (lambda f: f, {"dims": {"level": "lev"}}, r"expected dimension 'lev' \(level\)"),
        (lambda f: f, {"dims": {"interface": "half"}}, r"expected dimension 'half' \(interface\)"),
        (lambda f: f, {"dims": {"interface": "time"}}, "expected 41 interfaces of 40 levels .*found 2"),
        (lambda f: f.isel(point=slice(0, 9)), {}, "fields on the 12 faces of the mesh .*found 9 points"),
        (lambda f: f.isel(z=[0, 2, 1, *range(3, 40)]), {}, "heights .* that rise or fall .*found 750 after 1250"),
        (_with_heights(lambda z: z[4, 7] - 600), {}, "heights .* at point 7 that rise or fall .*found 1650 after 1750"),
        (_with_heights(lambda z: np.nan), {}, "at point 7 .*found nan after 1750 at level 4"),
        (_with_heights(lambda z: z[::-1, 7], slice(None)), {}, "same order at all points .*found point 7 upside down"),
        (lambda f: f.assign_coords(z=f["z"] / 1000), {}, "to 18 km or more"),
        (lambda f: f.assign_coords(time=[1.0, 2.0]), {}, "expected dates as times"),
        (lambda f: f.assign_coords(time=["a", "b"]), {}, "expected dates as times .*found 'a'"),
        (lambda f: f.isel(time=[1, 0]), {}, "rising times"),
        (lambda f: f.assign(Ps=f["Ps"].assign_attrs(units="hPa")), {}, "expected unit 'Pa' of Ps"),
        (lambda f: f.assign(T=f["T"].isel(z=0)), {}, "expected dims .* of T"),
        (lambda f: f, {"points": 144}, "at least 144 points for one group, found 12"),
        (lambda f: f, {"mesh": "none.nc"}, "expected a mesh file at"),
        (lambda f: f, {"mesh": None}, r"expected variable 'lat' \(lat\)"),
    ],
)  # fmt: skip
def test_bad_runs_are_refused_in_one_sentence(tmp_path, damage, options, message):
    write_mpas_mesh(tmp_path / "mesh.nc")
    damage(make_run(np.ones(12))).to_netcdf(tmp_path / "run.nc")
    fields = write_yaml(tmp_path / "run.yaml", **{"points": 9, "mesh": "mesh.nc"} | options)
    with pytest.raises(DiffmpError, match=message) as refusal:
        read(tmp_path / "run.nc", spacing_km=0, fields=fields)
    assert "\n" not in str(refusal.value)


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    make_run(np.ones(12)).to_netcdf(folder / "a.nc")
    write_mpas_mesh(tmp_path / "mesh.nc")
    shifted = make_run(np.ones(12))
    shifted.assign_coords(z=shifted["z"] + 1.0).to_netcdf(folder / "b.nc")
    fields = write_yaml(tmp_path / "run.yaml", points=9, mesh="mesh.nc")
    with pytest.raises(DiffmpError, match="files in run that share mesh, levels and times"):
        read(folder, spacing_km=0, fields=fields)
    (folder / "b.nc").write_bytes((folder / "a.nc").read_bytes()[:4000])
    with pytest.raises(DiffmpError, match="b.nc"):
        read(folder, spacing_km=0, fields=fields)
