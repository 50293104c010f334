"""The paper's criterion: by hand, and as the scores have its parts."""

import numpy as np
import pytest
import torch

from diffmp_core.scores.ensemble import reduce_members
from diffmp_core.scores.score import score_values
from diffmp_core.scores.statistics import Statistics
from diffmp_core.stores import open_columns
from diffmp_core.training import criterion
from diffmp_core.training.criterion import paper_criterion, sample_criterion
from diffmp_core.training.loop import fresh_emulator, load_data


def test_criterion_by_hand():
    """Means 1, 2, 3 of truths 1, 3, 2: pcc 1/2; errors 0, 1, 1 for spreads 1, 1, 2: 1/2; all covered, one by a tie."""
    truth = np.array([1.0, 3.0, 2.0])[:, None, None]
    members = np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 3.0, 5.0]])[:, :, None, None]
    assert paper_criterion(truth, members) == pytest.approx((0.5 + 0.5 + 1) / 3)
    truth[1] += 1e-9
    assert paper_criterion(truth, members) == pytest.approx((0.5 + 0.5 + 2 / 3) / 3)


def test_criterion_is_the_mean_of_what_the_scores_say():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 4, 6)) * np.array([1e-4, 1e-8, 1e-5, 1e-6])[:, None]
    spread = rng.gamma(2.0, size=(40, 1, 4, 6))
    members = (0.5 * truth[:, None] + spread * truth.std((0, 2))[:, None] * rng.normal(size=(40, 8, 4, 6))).astype("f4")
    statistics = Statistics.of(reduce_members(truth, members, truth.std((0, 2)))).merge((0, 2))
    scores = score_values(statistics)
    names = ("pcc", "spread_skill_correlation", "coverage_ratio")
    assert paper_criterion(truth, members) == pytest.approx(np.mean([scores[name] for name in names]), rel=1e-5)


def test_equal_members_have_no_spread_to_correlate():
    truth = np.random.default_rng(0).normal(size=(10, 4, 5)).astype("f4")
    members = np.repeat(truth[:, None], 3, axis=1)
    assert paper_criterion(truth, members) == pytest.approx((1 + 0 + 1) / 3)
    assert paper_criterion(truth, members + 0.1) == pytest.approx((1 + 0 + 0) / 3)


def test_criterion_of_an_emulator_repeats_and_is_of_physical_values(column_store, tiny, monkeypatch):
    monkeypatch.setattr(criterion, "CRITERION_COLUMNS", 40)
    data = load_data(open_columns(column_store), tiny)
    validation, normalization = data.validation, data.normalization
    emulator = fresh_emulator(tiny, normalization)
    number_format = torch.autocast("cpu", enabled=False)
    seen = []
    monkeypatch.setattr(criterion, "paper_criterion", lambda truth, members: seen.append((truth, members)) or 0.0)
    for _ in range(2):
        sample_criterion(emulator, validation, seed=0, number_format=number_format)
    (truth, members), (_, again) = seen
    np.testing.assert_array_equal(members, again)
    assert members.shape == (40, criterion.CRITERION_MEMBERS, 4, 30)
    store = open_columns(column_store).isel(time=4, cell=0)
    np.testing.assert_allclose(truth[0, 2], store["qc"], rtol=1e-4, atol=1e-10)
    assert members[:, :, 2:].min() >= 0
