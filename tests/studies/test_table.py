"""Choices and tables of studies, from scores written by hand."""

import numpy as np
import pytest
import xarray as xr

from diffmp_core.scores.score import SCORES
from diffmp_core.studies.guidance import choices
from diffmp_core.studies.result import assemble
from diffmp_core.studies.table import mean_and_spread, study_tables
from diffmp_core.variables import PAPER

OUTPUT_NAMES = PAPER.outputs.names


def known(value: float | None) -> dict:
    scores = {variable: dict.fromkeys(SCORES, value) for variable in OUTPUT_NAMES}
    return {"scores": scores, "columns": 10, "network_evaluations": 5, "seconds_per_column": 0.02}


def test_cases_lie_on_the_axes_of_their_coordinates():
    study = assemble([
        ({"model": "b", "seed": 0}, known(1.0)),
        ({"model": "a", "seed": 0}, known(2.0)),
        ({"model": "b", "seed": 1}, known(None)),
    ], OUTPUT_NAMES)  # fmt: skip
    assert study["pcc"].dims == ("model", "seed", "variable")
    assert study["model"].values.tolist() == ["b", "a"]
    np.testing.assert_array_equal(study["pcc"].sel(variable="qc"), [[1.0, np.nan], [2.0, np.nan]])
    np.testing.assert_array_equal(study["columns"], [[10, 10], [10, np.nan]])
    assert study["crps_fair"].attrs["units"] == "truth_std"


@pytest.mark.parametrize(
    ("values", "shown"), [([1.0, 3.0], "2.000 ± 1.414"), ([1.0, np.nan], "1.000"), ([np.nan], "–")]
)
def test_spread_over_trainings_stands_beside_the_mean(values, shown):
    assert mean_and_spread(values) == shown


def test_a_table_has_a_row_for_each_case_that_was_done():
    study = assemble([
        ({"spacing_km": 120, "model": "cvae", "seed": 0}, known(0.25)),
        ({"spacing_km": 120, "model": "cvae", "seed": 1}, known(0.75)),
        ({"spacing_km": 60, "model": "cgan", "seed": 0}, known(0.5)),
    ], OUTPUT_NAMES)  # fmt: skip
    lines = study_tables(study).splitlines()
    assert [line for line in lines if line.startswith("#")] == [f"### {name}" for name in OUTPUT_NAMES]
    assert lines[2].startswith("| spacing_km | model | MSE | PCC |")
    assert lines[4].startswith("| 120 | cvae | 0.500 ± 0.354 |")
    assert lines[5].startswith("| 60 | cgan | 0.500 | 0.500 |")
    assert lines[5].endswith("| 5 | 20 |")
    assert lines[6] == ""


def test_a_case_has_no_scores_of_an_output_that_its_emulator_lacks():
    fewer = known(0.5)
    del fewer["scores"]["qc"]
    study = assemble([({"emulator": "all"}, known(0.25)), ({"emulator": "fewer"}, fewer)], OUTPUT_NAMES)
    np.testing.assert_array_equal(study["pcc"].sel(variable="qc"), [0.25, np.nan])
    np.testing.assert_array_equal(study["pcc"].sel(variable="qi"), [0.25, 0.5])


def test_a_case_that_diverged_has_no_scores_and_is_named():
    diverged = {"columns": 0, "diverged": "expected finite samples"}
    study = assemble([
        ({"steps": 5, "seed": 0}, known(0.25)),
        ({"steps": 5, "seed": 1}, diverged),
        ({"steps": 2, "seed": 0}, diverged),
    ], OUTPUT_NAMES)  # fmt: skip
    lines = study_tables(study).splitlines()
    assert lines[4].startswith("| 5 (diverged in 1 of 2) | 0.250 |")
    assert lines[5].startswith("| 2 (diverged in 1 of 1) | – |")
    assert lines[5].endswith("| – | – |")


def make_scan(**scores: list[float]) -> xr.Dataset:
    """Scores at w = 0, 0.5, 1, equal for all outputs; scores not given are 1."""
    shape = (1, 3, len(OUTPUT_NAMES))
    names = ("crps_fair", "std_ratio", "skewness_ratio", "kurtosis_ratio")
    return xr.Dataset(
        {
            name: (
                ("emulator", "guidance", "variable"),
                np.broadcast_to(np.array(scores.get(name, [1.0] * 3))[None, :, None], shape).copy(),
            )
            for name in names
        },
        coords={
            "emulator": ["e"],
            "guidance": [0.0, 0.5, 1.0],
            "variable": list(OUTPUT_NAMES),
            "spacing_km": ("emulator", [60]),
        },
    )


def test_strengths_are_chosen_by_each_criterion():
    scan = make_scan(crps_fair=[0.3, 0.2, 0.25], std_ratio=[0.5, 0.8, 1.1], kurtosis_ratio=[np.nan, 2.0, 1.0])
    scan["crps_fair"][0, :, 3] = [0.1, 0.2, 0.3]
    scan["crps_fair"][0, :, 2] = np.nan
    best = choices(scan).sel(emulator="e")
    assert best.sel(criterion="none").values.tolist() == [0, 0, 0, 0]
    assert best.sel(criterion="paper").values.tolist() == [0.6, 0.6, 0, 0]
    assert best.sel(criterion="crps_fair").values.tolist() == [0.5, 0.5, 0, 0]
    assert best.sel(criterion="statistics").values.tolist() == [1, 1, 1, 1]


def test_table_2_is_left_out_where_it_lacks_the_resolution():
    best = choices(make_scan().assign_coords(spacing_km=("emulator", [95])))
    assert np.isnan(best.sel(criterion="paper")).all()


def test_table_2_is_left_out_where_it_lacks_an_output():
    scan = make_scan(crps_fair=[0.3, 0.2, 0.25]).assign_coords(variable=["tend_T_sgs", "tend_q_sgs", "PRECC", "qc"])
    best = choices(scan).sel(emulator="e")
    np.testing.assert_array_equal(best.sel(criterion="paper"), [0.6, np.nan, np.nan, 0.0])
    assert best.sel(criterion="crps_fair").values.tolist() == [0.5] * 4
