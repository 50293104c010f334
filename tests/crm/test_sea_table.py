"""The table of monthly sea temperatures: what it says between months and latitudes, what is refused, where it acts."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
import xarray as xr

from diffmp_core.crm.cell import make_cell
from diffmp_core.crm.origin import Origin, departure, find_origin, spun_up
from diffmp_core.crm.sea_table import SeaTable, read_sea_table
from diffmp_core.crm.simulate import simulate
from diffmp_core.errors import DiffmpError

MONTHS = [str(month) for month in range(1, 13)]
TABLE = {-60.0: [275.0] * 12, 0.0: [*(300.0 + month for month in range(10)), 300.0, 300.0], 60.0: [280.0] * 12}


def write(path, rows=TABLE, header=("latitude", *MONTHS)):
    lines = [",".join(map(str, line)) for line in (header, *([lat, *values] for lat, values in rows.items()))]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_middles_of_months_are_exact_and_between_them_it_is_linear_around_the_year(tmp_path):
    table = read_sea_table(write(tmp_path / "sea.csv"))
    month = 365.25 / 12
    assert table.at(0.0, 2.5 * month) == pytest.approx(302.0)
    assert table.at(0.0, 3.0 * month) == pytest.approx(302.5)
    assert table.at(0.0, 0.25 * month) == pytest.approx(300.0)  # between December and January
    assert table.at(30.0, 0.5 * month) == pytest.approx(290.0)
    assert table.at(75.0, 100.0) == table.at(60.0, 100.0) == 280.0


def test_rows_and_months_may_come_in_any_order(tmp_path):
    turned = {lat: values[::-1] for lat, values in reversed(TABLE.items())}
    other = write(tmp_path / "b.csv", turned, ("latitude", *MONTHS[::-1]))
    assert read_sea_table(other) == read_sea_table(write(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ({0: [300] * 11}, ["latitude", *MONTHS[:4], *MONTHS[5:]], "columns latitude and 1 to 12.*none for 5; add"),
        ({0: [300] * 10}, ["latitude", *MONTHS[2:]], "none for 1, 2"),
        ({0: [300] * 12}, ["lat", *MONTHS], "none for latitude"),
        ({0: [300] * 13}, ["latitude", *MONTHS, "13"], "found '13'; remove"),
        ({0: [300] * 13}, ["latitude", *MONTHS, "7"], "found '7'; remove"),
        ({0: [300] * 11}, ["latitude", *MONTHS], "expected 13 values a row in sea.csv, found 12 in the row of '0'"),
        ({10: [300] * 4 + [""] + [300] * 7}, ["latitude", *MONTHS], "number for month 5 at latitude 10 .*found ''"),
        ({10: [300] * 11 + ["nan"]}, ["latitude", *MONTHS], "265 to 310 K for month 12 at latitude 10 .*found nan"),
        ({0: [27.0] * 12}, ["latitude", *MONTHS], "265 to 310 K for month 1 .*found 27.0; give kelvins"),
        ({100: [300] * 12}, ["latitude", *MONTHS], "latitudes from -90 to 90"),
        ({"x": [300] * 12}, ["latitude", *MONTHS], "number for latitude in sea.csv, found 'x'"),
        ({0: [300] * 12, 0.0001e-9: [300] * 12, "0.0": [300] * 12}, ["latitude", *MONTHS], "each latitude once"),
        ({}, ["latitude", *MONTHS], "found no row"),
    ],
)  # fmt: skip
def test_bad_tables_are_one_sentence_and_no_run_is_begun(tmp_path, rows, header, message):
    with pytest.raises(DiffmpError, match=message) as refusal:
        simulate(tmp_path / "run.zarr", grid="G0", hours=1, sea_table=write(tmp_path / "sea.csv", rows, header))
    assert "\n" not in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["sea.csv"]


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(DiffmpError, match="found nothing; check the path"):
        read_sea_table(tmp_path / "none.csv")
    for data in (b"", b"\xff\xfe\x00\x01"):
        (tmp_path / "bad.csv").write_bytes(data)
        with pytest.raises(DiffmpError, match="unreadable"):
            read_sea_table(tmp_path / "bad.csv")


def test_the_table_acts_on_the_fluxes_over_sea_and_on_nothing_else():
    start = datetime.date(2005, 4, 1)
    table = SeaTable(latitude=(0.0,), temperature=((290.0,) * 12,))
    for lon, land in ((160.0, 0.0), (22.0, 1.0)):
        own, given = (make_cell(0.0, lon, 0, seed=0, start=start, sea_table=t) for t in (None, table))
        assert own.site.land == land
        assert given.forcing().sea_temperature == 290.0
        assert bool(given.surface[0, 0] == 290.0) is (not land)
        np.testing.assert_array_equal(given.site.temperature, own.site.temperature)
        np.testing.assert_array_equal(given.state, own.state)


@pytest.mark.timeout(1500)  # a cold cache compiles here
def test_a_run_with_a_table_differs_over_sea_alone_and_can_be_taken_up_again(tmp_path):
    cold = write(tmp_path / "sea.csv", {0: [290.0] * 12})
    run = {"grid": "G0", "hours": 1, "workers": 1}
    given = xr.open_zarr(simulate(tmp_path / "given.zarr", **run, sea_table=cold)).load()
    own = xr.open_zarr(simulate(tmp_path / "own.zarr", **run)).load()
    land = own["land_fraction"].values > 0.5
    assert land.any()
    assert not land.all()
    np.testing.assert_array_equal(given["LHF"].values[:, land], own["LHF"].values[:, land])
    assert (given["LHF"].values != own["LHF"].values)[:, ~land].all()
    sea = int(np.flatnonzero(~land)[0])
    origin = find_origin(given, time=0, cell=sea)
    assert origin.sea_table == read_sea_table(cold)
    assert departure(origin, given["T"].values[0, sea]) < 1e-3
    assert find_origin(own, time=0, cell=sea).sea_table is None
    for name, other in (("given.zarr", {}), ("own.zarr", {"sea_table": cold})):
        with pytest.raises(DiffmpError, match="expected a store of this run, found one of another .*sea_table"):
            simulate(tmp_path / name, **run, **other)


def test_origins_with_a_table_are_told_apart_from_those_without():
    place = {"lat": 0.0, "lon": 160.0, "index": 5, "seed": 0, "start": datetime.date(2005, 4, 1), "hour": 0}
    table = SeaTable(latitude=(0.0,), temperature=((290.0,) * 12,))
    cold, own = spun_up(Origin(**place, sea_table=table)), spun_up(Origin(**place))
    assert cold.site.sea_temperature == 290.0 != own.site.sea_temperature
