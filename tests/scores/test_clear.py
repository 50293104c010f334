"""Share of values without cloud."""

from __future__ import annotations

import numpy as np
import pytest

from diffmp_core.scores.clear import CLOUDS, CLOUDY, ClearShare
from diffmp_core.variables import CLIMSIM_V1, PAPER

OUTPUTS, LEVELS = PAPER.outputs, 30


def test_traces_are_no_cloud_and_the_worst_level_is_found():
    """Four columns: a level of traces counts as clear, one is cloudy in every truth and in half of the members."""
    truth, members = np.zeros((4, len(OUTPUTS), LEVELS)), np.zeros((4, 2, len(OUTPUTS), LEVELS))
    qc, qi = (OUTPUTS.channel(name) for name in CLOUDS)
    truth[:, qc, 0] = 0.9 * CLOUDY
    truth[:, qc, 3], members[:, 0, qc, 3] = CLOUDY, 5 * CLOUDY
    truth[:1, qi, 7] = members[:2, :, qi, 7] = 1e-4
    found = ClearShare.of(truth, members, OUTPUTS).table(OUTPUTS)
    assert found["qc"] == pytest.approx({"truth": 1 - 1 / LEVELS, "members": 1 - 0.5 / LEVELS, "worst_level": 0.5})
    assert found["qi"]["worst_level"] == pytest.approx(0.25)


def test_shares_are_those_of_all_columns_however_they_come():
    rng = np.random.default_rng(0)
    truth, members = (rng.uniform(0, 3e-6, (6, *more, len(OUTPUTS), LEVELS)) for more in ((), (5,)))
    whole = ClearShare.of(truth, members, OUTPUTS)
    parts = (
        ClearShare.of(truth[:2], members[:2], OUTPUTS)
        + ClearShare.of(truth[2:], members[2:], OUTPUTS)
        + ClearShare.none()
    )
    for name, values in whole.shares().items():
        np.testing.assert_allclose(parts.shares()[name], values)
    assert whole.table(OUTPUTS) == parts.table(OUTPUTS)


def test_outputs_without_clouds_have_no_shares():
    values = np.ones((2, 3, len(CLIMSIM_V1.outputs), 60))
    assert ClearShare.of(values[:, 0], values, CLIMSIM_V1.outputs).table(CLIMSIM_V1.outputs) == {}
