"""Split by whole times with a gap."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.columns.split import split_times
from diffmp_core.stores import SPLITS
from tests.columns.climsim_files import real_file

TRAIN, VALIDATION, TEST, GAP = range(len(SPLITS))


def hourly(hours: int) -> np.ndarray:
    return np.datetime64("2005-04-02T01", "ns") + np.arange(hours) * np.timedelta64(1, "h")


def closest_pair_hours(times: np.ndarray, split: np.ndarray) -> float:
    """Smallest distance of two times of different splits, those set aside left out."""
    seconds = np.array([(time - times[0]) / np.timedelta64(1, "s") for time in times])
    used = split != GAP
    distance = np.abs(seconds[used][:, None] - seconds[used][None])
    return distance[split[used][:, None] != split[used][None]].min() / 3600.0


def test_a_continuous_run_is_cut_in_the_papers_order_and_shares():
    split = split_times(hourly(19 * 24), gap_hours=3.0)
    counts = np.bincount(split, minlength=4)
    assert counts.tolist() == [13 * 24, 4 * 24 - 2, 2 * 24 - 2, 4]
    used = split[split != GAP]
    assert (np.diff(used) >= 0).all()
    assert closest_pair_hours(hourly(19 * 24), split) == 3.0


def test_one_simulated_day_after_spin_up_has_all_three_splits():
    split = split_times(hourly(24), gap_hours=3.0)
    assert set(split[split != GAP]) == {TRAIN, VALIDATION, TEST}


def test_each_of_several_runs_is_cut_so_that_every_split_sees_every_season():
    times = np.concatenate([hourly(72) + np.timedelta64(91 * season, "D") for season in range(4)])
    split = split_times(times, gap_hours=3.0, runs=True)
    for season in range(4):
        np.testing.assert_array_equal(split[72 * season : 72 * (season + 1)], split_times(hourly(72), gap_hours=3.0))


def test_a_share_of_nothing_leaves_that_split_out():
    assert (split_times(hourly(30), gap_hours=3.0, proportions=(0, 0, 1), runs=True) == TEST).all()
    split = split_times(hourly(30), gap_hours=3.0, proportions=(2, 0, 1), runs=True)
    assert split.tolist() == [TRAIN] * 20 + [GAP] * 2 + [TEST] * 8


@pytest.mark.parametrize("count", [1, 2, 6])
def test_too_few_times_are_all_test(count):
    assert (split_times(hourly(count), gap_hours=3.0) == TEST).all()


@settings(deadline=None, max_examples=60)
@given(
    hours=st.lists(st.integers(0, 2000), min_size=1, max_size=60, unique=True),
    gap=st.sampled_from([3.0, 24.0, 48.0]),
    seed=st.integers(0, 5),
)
def test_no_two_splits_come_closer_than_the_gap(hours, gap, seed):
    times = np.datetime64("2001-01-01", "ns") + np.sort(hours) * np.timedelta64(1, "h")
    split = split_times(times, gap_hours=gap, seed=seed)
    present = set(split[split != GAP])
    assert present in ({TEST}, {TRAIN, VALIDATION, TEST})
    if len(present) > 1:
        assert closest_pair_hours(times, split) >= gap


def test_scattered_days_lose_no_time_and_follow_the_shares():
    days = np.sort(np.random.default_rng(3).choice(365 * 3, 190, replace=False)) * 2
    times = np.datetime64("2001-01-01", "ns") + days * np.timedelta64(1, "D")
    counts = np.bincount(split_times(times, gap_hours=24.0), minlength=4)
    assert counts.tolist() == [130, 40, 20, 0]


def test_the_seed_alone_decides():
    times = np.datetime64("2001-01-01", "ns") + np.arange(40) * np.timedelta64(3, "D")
    first = split_times(times, gap_hours=24.0, seed=1)
    np.testing.assert_array_equal(first, split_times(times, gap_hours=24.0, seed=1))
    assert (first != split_times(times, gap_hours=24.0, seed=2)).any()


def test_no_leap_times_are_split_too():
    times = np.array([cftime.DatetimeNoLeap(8, month, 28) for month in range(1, 13)], dtype=object)
    assert set(split_times(times, gap_hours=24.0)) == {TRAIN, VALIDATION, TEST}


def test_the_real_excerpt_has_every_split_and_keeps_days_apart():
    with xr.open_dataset(real_file("climsim_lowres_dev.nc"), decode_times=False) as raw:
        days = [cftime.DatetimeNoLeap(8, date // 100 % 100, date % 100, second // 3600, second // 60 % 60)
                for date, second in zip(raw["ymd"].values, raw["tod"].values, strict=True)]  # fmt: skip
    times = np.array(days, dtype=object)
    split = split_times(times, gap_hours=24.0)
    seconds = np.array([(time - times[0]).total_seconds() for time in times])
    apart = np.abs(seconds[:, None] - seconds[None])[split[:, None] != split[None]]
    assert apart.min() >= 86_400
    assert (np.bincount(split, minlength=4)[:3] >= (40, 10, 5)).all()
