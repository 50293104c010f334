"""What is served: names, arrays, colour ranges; bad folders are told and do no harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from diffmp_app.data.catalog import Catalog, served_folders
from diffmp_app.exhibits.score_colours import score_range

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.regimes import REGIMES
from diffmp_core.scores.maps import MAPS
from diffmp_core.shipped import DATA


def test_names_come_from_folders(catalog, experiment_folder):
    assert catalog.names == ("globe", "small")
    assert Catalog([experiment_folder, experiment_folder.parent]).names == ("globe",)


def test_limits_follow_the_test_split(catalog):
    limits = catalog.limits("globe")
    assert (limits.times, limits.cells, limits.emulators) == (4, 642, ("DIFF-MP calibrated", "DIFF-MP paper"))
    assert abs(catalog.grid("globe").pressure[limits.level] - 50_000) < 5_000


def test_the_page_opens_on_a_typical_column_and_not_on_an_extreme_of_the_truth(catalog):
    cell, regime = catalog.limits("globe").cell, REGIMES["deep convection"]
    assert cell == regime.typical_cells(catalog.facts("globe"), 0)[0]
    heating = catalog.columns("globe")["tend_T_sgs"].mean("time").values[:, catalog.limits("globe").level]
    assert heating[cell] < np.quantile(heating, 0.99)


def test_levels_are_those_of_the_store(catalog):
    scores = catalog.scores("globe", "DIFF-MP paper")
    one = catalog.levels("globe", "DIFF-MP paper", "bias", "qc", 2)
    np.testing.assert_array_equal(one, scores["column_bias"].sel(variable="qc").isel(time=2).values)
    mean = catalog.levels("globe", "DIFF-MP paper", "mse", "qc", None)
    np.testing.assert_allclose(mean, scores["column_mse"].sel(variable="qc").mean("time").values, rtol=1e-5)


def test_spread_over_the_times_is_a_root_mean_square(catalog):
    spread = catalog.scores("globe", "DIFF-MP paper")["column_spread"].sel(variable="qi").values.astype(float)
    mean = catalog.levels("globe", "DIFF-MP paper", "spread", "qi", None)
    np.testing.assert_allclose(mean, np.sqrt((spread**2).mean(axis=0)), rtol=1e-5)


def test_arrays_are_read_once(catalog):
    assert catalog.levels("globe", "DIFF-MP paper", "mse", "qc", None) is catalog.levels(
        "globe", "DIFF-MP paper", "mse", "qc", None
    )


def test_references_without_a_store_have_no_map(catalog):
    assert catalog.scores("globe", "Analogue ensemble") is None
    assert catalog.levels("globe", "Analogue ensemble", "mse", "qc", None) is None
    with pytest.raises(DiffmpError, match="expected an emulator with weights"):
        catalog.live("globe", "Analogue ensemble")


def test_colours_are_the_same_for_all_emulators(catalog):
    metric = MAPS["mse"]

    def shown(metric, *, averaged=True, logarithmic=False):
        return score_range(
            catalog,
            "globe",
            metric,
            "qc",
            averaged=averaged,
            logarithmic=logarithmic,
            key=3,
            drawn=lambda levels: levels[3],
        )

    low, high = shown(metric)
    both = [catalog.levels("globe", emulator, "mse", "qc", None)[3] for emulator in catalog.limits("globe").emulators]
    assert low == 0.0
    assert high == pytest.approx(np.percentile(np.stack(both), 99.0))
    positive = np.stack(both)[np.stack(both) > 0]
    lowest = np.clip(np.percentile(positive, 1.0), 1e-4 * high, 0.1 * high)
    assert shown(metric, logarithmic=True) == pytest.approx((lowest, high))
    low, high = shown(MAPS["bias"], averaged=False)
    assert low == -high < 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.0, np.nan], (1e-4, 1.0)),
        ([0.0, 5.0], (0.5, 5.0)),
        ([-1e-9, 1e-12, 1.0], (1e-4, 1.0)),
    ],
)
def test_logarithmic_colours_start_above_zero_whatever_the_values(catalog, monkeypatch, values, expected):
    monkeypatch.setattr("diffmp_app.exhibits.score_colours.SHOWN_PERCENT", 100.0)
    found = score_range(
        catalog,
        "globe",
        MAPS["mse"],
        "qc",
        averaged=True,
        logarithmic=True,
        key=str(values),
        drawn=lambda _: np.array(values),
    )
    assert found == pytest.approx(expected)


def test_a_bad_folder_is_told_and_the_others_are_served(experiment_folder, tmp_path):
    catalog = Catalog([tmp_path / "nothing", experiment_folder])
    assert catalog.names == ("globe",)
    assert len(catalog.problems) == 1
    with pytest.raises(DiffmpError, match="nothing"):
        Catalog([tmp_path / "nothing"])


def test_what_is_shipped_is_served_after_what_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("DIFFMP_EXPERIMENTS", raising=False)
    assert served_folders([]) == [DATA / "demo", DATA]
    assert Catalog(served_folders([])).names[0] == "demo"
    monkeypatch.setenv("DIFFMP_EXPERIMENTS", f"{tmp_path}/a:{tmp_path}/b")
    assert served_folders([]) == [tmp_path / "a", tmp_path / "b", DATA / "demo", DATA]
    assert served_folders(["c"])[0] == Path("c")


def test_an_experiment_named_and_shipped_is_served_once(experiment_folder, small_folder):
    assert Catalog([experiment_folder, small_folder, experiment_folder.parent]).names == ("globe", "small")


def test_scores_of_a_region_are_means_over_its_times_and_cells(catalog):
    emulator, times = "DIFF-MP calibrated", len(catalog.grid("globe").times)
    stored = catalog.scores("globe", emulator)
    mask = np.zeros((times, 642), bool)
    mask[1, 5] = mask[3, 5] = mask[2, 6] = True
    both = stored["column_mse"].sel(variable="qc").isel(cell=5, time=[1, 3]).mean("time")
    found = catalog.levels("globe", emulator, "mse", "qc", None, mask)
    np.testing.assert_allclose(found[:, 5], both, rtol=1e-5)
    assert np.isnan(found[:, 7]).all()
    spread = catalog.levels("globe", emulator, "spread", "qc", None, mask)
    squares = np.square(stored["column_spread"].sel(variable="qc").isel(cell=5, time=[1, 3])).mean("time")
    np.testing.assert_allclose(spread[:, 5], np.sqrt(squares), rtol=1e-5)
    now = catalog.levels("globe", emulator, "mse", "qc", 1, mask)
    np.testing.assert_array_equal(np.isfinite(now[0]).nonzero()[0], [5])
