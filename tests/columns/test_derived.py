"""Inputs that follow from others, in every source."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from diffmp_core.cli import app
from diffmp_core.columns.choice import ColumnChoice, choose
from diffmp_core.columns.derived import needed
from diffmp_core.columns.prepare import prepare
from diffmp_core.columns.sources.crm import read as read_crm
from diffmp_core.columns.sources.highres import read as read_highres
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id, kept_id, layout_id
from diffmp_core.schema import schema_of, variables_attrs
from diffmp_core.stores import iterate_columns, open_columns, stack_inputs, stack_outputs
from diffmp_core.variables import PAPER, Channels, ColumnVariables, Variable, choose_variables
from tests.columns.climsim_files import make_stack
from tests.columns.test_crm_source import make_run
from tests.columns.test_highres import FINE, make_fields

DATES = [(80101 + 100 * month, 3600) for month in range(12)]


def choice_of(*inputs: str, outputs: tuple[str, ...] = ("tend_T_sgs",), levels=None) -> ColumnChoice:
    return ColumnChoice(choose_variables(inputs, outputs), levels)


def test_a_source_gives_what_it_has_and_what_others_are_made_of():
    assert needed(("RH", "lat", "T"), PAPER.inputs.names) == ("T", "qv", "Ps")
    assert needed(("q", "mine"), PAPER.inputs.names) == ("qv", "mine")
    assert needed(("q",), ("q", "qv")) == ("q",)


def test_every_source_has_them(tmp_path):
    make_fields(FINE).to_netcdf(tmp_path / "fields.nc")
    choice = choice_of("RH", "q", "qv_minus_below", "lat", "cos_zenith", "land_fraction")
    columns = read_highres(tmp_path / "fields.nc", choice=choice, spacing_km=60).load()
    paper = read_highres(tmp_path / "fields.nc", spacing_km=60).load()
    qv = paper["qv"].values.astype(float)
    np.testing.assert_allclose(columns["q"], qv / (1 + qv), rtol=1e-6)
    np.testing.assert_allclose(columns["qv_minus_below"][..., 1:], np.diff(qv, axis=-1), rtol=1e-3, atol=1e-9)
    assert (columns["qv_minus_below"][..., 0] == 0).all()
    np.testing.assert_allclose(columns["input_lat"], [[15.0, 0.0]] * 2, atol=0.01)
    assert (columns["input_land_fraction"] == 0).all()
    # 1 January, 0 UTC: night at 0 degrees east; the sun is up at 180 degrees
    assert (columns["cos_zenith"] == 0).all()
    # air at the second level is 500 m up: 941 hPa where the surface is at 1000, 847 where it is at 900
    t = paper["T"].values.astype(float)
    pressure = np.array([1e5, 9e4])[:, None] * np.array([1.0, 0.9417])
    partial = (qv * 461.5 / 287.04 / (1 + qv * 461.5 / 287.04))[0, :, :2] * pressure
    saturated = 611.2 * np.exp(17.67 * (t - 273.15) / (t - 29.65))[0, :, :2]
    np.testing.assert_allclose(columns["RH"].values[0, :, :2], partial / saturated, rtol=0.01)


def test_precipitation_of_the_simulator_is_a_depth_of_water_and_of_whole_cells_alone(tmp_path):
    root = make_run(tmp_path / "run")
    root["precipitation"][:] = 2.0 / 3600.0  # 2 kg m-2 in an hour
    choice = choice_of("T", "qv", "Ps", outputs=("PRECC", "qc"))
    columns = read_crm(tmp_path / "run", choice=choice, spacing_km=120)
    assert columns["PRECC"].dims == ("time", "cell")
    np.testing.assert_allclose(columns["PRECC"] * 1e3 * 3600, 2.0, rtol=1e-6)  # 2 mm in an hour
    with pytest.raises(DiffmpError, match="whole cells alone, in run, found none of this spacing; take 120 km"):
        read_crm(tmp_path / "run", choice=choice, spacing_km=15)


def test_fewer_levels_of_the_simulator_share_its_mass_and_all_are_its_own(tmp_path):
    make_run(tmp_path / "run")
    own = read_crm(tmp_path / "run", spacing_km=120)
    few = read_crm(tmp_path / "run", choice=choice_of("T", levels=10), spacing_km=120)
    assert few.sizes["level"] == 10
    assert set(few["height"].values) < set(own["height"].values)
    np.testing.assert_allclose(few["layer_mass"].sum("level"), own["layer_mass"].sum("level"), rtol=1e-6)
    same = read_crm(tmp_path / "run", choice=ColumnChoice(PAPER, "all"), spacing_km=120)
    xr.testing.assert_identical(same, own)


def test_all_levels_of_high_resolution_fields_reach_their_top(tmp_path):
    tall = np.arange(53) * 500.0  # to 26 km
    make_fields(tall).to_netcdf(tmp_path / "fields.nc")
    columns = read_highres(tmp_path / "fields.nc", choice=ColumnChoice(PAPER, "all"), spacing_km=60).load()
    np.testing.assert_array_equal(columns["height"], tall)
    few = read_highres(tmp_path / "fields.nc", choice=ColumnChoice(PAPER, 60), spacing_km=60).load()
    assert few.sizes["level"] == 60  # more than the 40 there are: interpolated to layers that thicken upward
    assert few["height"].values[-1] < 20_000
    for kept, top in ((columns, 2_094.0), (few, 5_475.0)):  # hPa/100 of the standard atmosphere at 26.25 and 20 km
        above = 1e5 - float(kept["layer_mass"].sum("level")[0]) * 9.80665
        assert above == pytest.approx(top, rel=0.05)


def test_points_give_the_mean_of_what_they_hold_by_name(tmp_path):
    fields = make_fields(FINE)
    fields["u"] = fields["T"] * 0.0 + np.array([1.0, 2.0, 3.0, 4.0, 999.0])
    fields["depth"] = fields["Ps"] * 0.0 + np.array([10.0, 20.0, 30.0, 40.0, np.nan])
    fields["depth"].attrs["units"] = "m"
    fields.to_netcdf(tmp_path / "fields.nc")
    depth = Variable("depth", "h", "depth", "m", "m", 1.0, profile=False)
    variables = ColumnVariables(choose_variables(("u",), ("qc",)).inputs, Channels([depth]))
    columns = read_highres(tmp_path / "fields.nc", choice=ColumnChoice(variables), spacing_km=60).load()
    np.testing.assert_allclose(columns["u"].values[0, :, 7], [2.0, 3.0])
    np.testing.assert_allclose(columns["depth"].values[0], [20.0, 30.0])
    fields["depth"].attrs["units"] = "km"
    fields.to_netcdf(tmp_path / "other.nc")
    with pytest.raises(DiffmpError, match="expected unit 'm' of depth in other.nc, found 'km'"):
        read_highres(tmp_path / "other.nc", choice=ColumnChoice(variables), spacing_km=60)
    with pytest.raises(DiffmpError, match="expected variable 'v' in fields.nc"):
        read_highres(tmp_path / "fields.nc", choice=choice_of("v"), spacing_km=60)


@pytest.fixture
def stack(tmp_path):
    make_stack(DATES).to_netcdf(tmp_path / "stack.nc")
    return tmp_path / "stack.nc"


@pytest.mark.parametrize("name", ["columns.zarr", "columns.nc"])
def test_a_store_of_ones_own_choice_goes_there_and_back(tmp_path, stack, name):
    choice = choice_of("qc", "Ps", "T", "q", "land_fraction", outputs=("PRECC", "qc", "tend_q_sgs"), levels="all")
    columns = open_columns(prepare(stack, tmp_path / name, choice=choice))
    schema = schema_of(columns)
    assert (schema.variables, schema.levels) == (choice.variables, 60)
    assert columns.attrs["diffmp_format"] == 2
    batches = list(iterate_columns(columns, 4))
    assert sum(map(len, batches)) == 72
    assert batches[0].inputs.shape == (4, 5, 60)
    raw = make_stack(DATES)
    np.testing.assert_allclose(batches[0].output("PRECC")[:, 5], raw["out_cam_out_PRECC"][0, :4], rtol=1e-6)
    before = raw["in_state_q0002"] / (1 - raw["in_state_q0001"])
    np.testing.assert_allclose(batches[0].input("qc"), before[0, :4, ::-1], rtol=1e-6)
    assert kept_id(columns) == columns_id(columns, trust=False)


def test_ids_tell_variables_apart_where_the_values_are_the_same(tmp_path, stack):
    one, other = choice_of("T", "qc", outputs=("qi",)), choice_of("T", "qc", outputs=("qi", "tend_T_sgs"))
    first, second = (open_columns(prepare(stack, tmp_path / f"{n}.zarr", choice=c)) for n, c in enumerate((one, other)))
    assert layout_id(first) == layout_id(second)  # of the same columns
    assert columns_id(first) != columns_id(second)
    vapour = first.rename(qc="qv").assign_attrs(variables_attrs(choose_variables(("T", "qv"), ("qi",))))
    assert columns_id(vapour, trust=False) != columns_id(first)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (choice_of("T", "qv", outputs=("qc",)), None),
        (
            choice_of("T", outputs=("tend_q_sgs",)),
            r"expected outputs that a source of kind crm has \(tend_T_sgs, .*PRECC",
        ),
        (
            choice_of("T", "u"),
            r"expected inputs that a source of kind crm has \(T, qv, .*cos_zenith\), found 'u' \(run\)",
        ),
        (choose("climsim-v1"), "found 'tend_q_sgs' .run.; choose among these"),
    ],
)
def test_what_a_source_has_not_is_refused_with_what_it_has(tmp_path, choice, message):
    make_run(tmp_path / "run")
    if message is None:
        columns = open_columns(prepare(tmp_path / "run", tmp_path / "columns.nc", choice=choice))
        assert (stack_inputs(columns).shape[1:], stack_outputs(columns).shape[1:]) == ((2, 30), (1, 30))
        return
    with pytest.raises(DiffmpError, match=message):
        prepare(tmp_path / "run", tmp_path / "columns.nc", choice=choice)
    assert not (tmp_path / "columns.nc").exists()


def test_values_are_held_against_limits_by_whatever_name(tmp_path):
    bad = make_stack([(80101, 3600)])
    bad["out_cam_out_PRECC"] = bad["out_cam_out_PRECC"] + 5.0  # mm/day
    bad.to_netcdf(tmp_path / "bad.nc")
    with pytest.raises(DiffmpError, match=r"expected PRECC of 0 to 0.0001 m s-1 in bad.nc, after the step.*mm/day"):
        prepare(tmp_path / "bad.nc", tmp_path / "c.zarr", choice=choice_of("T", "q", "Ps", outputs=("PRECC",)))
    bad["in_cam_in_OCNFRAC"][0, 3] = np.nan
    bad.to_netcdf(tmp_path / "worse.nc")
    own = Variable("cam_in_OCNFRAC", "f", "sea", "1", "1", 1.0, profile=False)
    choice = ColumnChoice(ColumnVariables(Channels([own]), PAPER.outputs))
    with pytest.raises(DiffmpError, match="expected finite values of ocean_fraction in worse.nc"):
        prepare(tmp_path / "worse.nc", tmp_path / "c.zarr", choice=choice)
    flipped = make_stack([(80101, 3600)])
    for name in ("in_state_q0001", "out_state_q0001"):
        flipped[name] = (flipped[name].dims, flipped[name].values[..., ::-1])
    flipped.to_netcdf(tmp_path / "flipped.nc")
    with pytest.raises(DiffmpError, match="upside down"):
        prepare(tmp_path / "flipped.nc", tmp_path / "c.zarr", choice=choice_of("q", outputs=("tend_q_sgs",)))


def test_the_command_takes_variables_levels_and_a_file(tmp_path, stack):
    (tmp_path / "mine.yaml").write_text("levels: 12\ninputs: [T, q]\noutputs: [PRECC]\n")
    for name, options, shapes in (
        ("one", ("--variables", "climsim-v1"), ((6, 60), (5, 60))),
        ("two", ("--inputs", "RH, lat,cos_zenith", "--outputs", "NETSW", "--levels", "8"), ((3, 8), (1, 8))),
        ("three", ("--variables", str(tmp_path / "mine.yaml"), "--outputs", "qc,PRECC"), ((2, 12), (2, 12))),
    ):
        result = CliRunner().invoke(app, ["prepare", str(stack), str(tmp_path / name), *options])
        assert result.exit_code == 0, result.output
        schema = schema_of(open_columns(tmp_path / name))
        assert (schema.input_shape, schema.output_shape) == shapes
