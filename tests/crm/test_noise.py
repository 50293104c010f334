import datetime

import numpy as np
import xarray as xr

from diffmp_core.crm.cell import advance, make_cell
from diffmp_core.crm.noise import COMPARED, global_members, member_snapshots, variance_within_and_between

START = datetime.date(2005, 7, 10)


def test_variance_is_split_as_by_hand():
    members = xr.DataArray([[0.0, 2.0], [4.0, 6.0]], dims=("cell", "member"))
    within, between = variance_within_and_between(members)
    assert float(within) == 2.0
    assert float(between) == 8.0 - 2.0 / 2


def test_the_share_does_not_depend_on_the_number_of_members():
    generator = np.random.default_rng(3)
    for members in (2, 16):
        values = 2.0 * generator.standard_normal((4000, 1, 3)) + generator.standard_normal((4000, members, 3))
        within, between = variance_within_and_between(xr.DataArray(values, dims=("cell", "member", "level")))
        np.testing.assert_allclose(within, 1.0, rtol=0.08)
        np.testing.assert_allclose(between, 4.0, rtol=0.08)


def test_pure_noise_leaves_no_negative_variance_between():
    values = np.tile([-1.0, 1.0], (3, 1))
    within, between = variance_within_and_between(xr.DataArray(values, dims=("cell", "member")))
    assert (float(within), float(between)) == (2.0, 0.0)


def test_members_part_from_one_state_and_leave_it_alone():
    cell = make_cell(2.0, 150.0, 5, seed=0, start=START)
    advance(cell)
    before = cell.state.copy()
    found = member_snapshots(cell, hours=1, members=3, seed=1)
    assert np.array_equal(cell.state, before)
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(COMPARED, (3, 1, 30))
    apart = found["T"][:, 0].std(axis=0, ddof=1)
    assert 1e-4 < apart[0] < 0.1  # K: noise of 0.1 K at 24 points leaves 0.02 K in their mean
    again = member_snapshots(cell, hours=1, members=3, seed=1)
    assert all(np.array_equal(found[name], again[name]) for name in COMPARED)


def test_members_are_the_same_for_any_number_of_workers():
    options = {"grid": "G0", "start": START, "spin_up_hours": 1, "hours": 1, "members": 2}
    one, two = (global_members(workers=workers, **options) for workers in (1, 2))
    xr.testing.assert_identical(one, two)
    assert one["tend_qv_sgs"].attrs["units"] == "kg kg-1 s-1"
    assert one["T"].dims == ("cell", "member", "hour", "level")
    assert one.sizes["cell"] == 12
    assert float(one["T"].isel(level=0).min()) > 200.0
