"""Learning rates against values worked out by hand."""

import pytest

from diffmp_core.training.learning_rate import cosine_rate, cyclical_rate, warmup_factor


@pytest.mark.parametrize(
    ("cycles", "rate"), [(0.0, 1e-4), (0.25, 5.5e-4), (0.5, 1e-3), (0.75, 5.5e-4), (1.0, 1e-4), (3.5, 1e-3)]
)
def test_cyclical_rate_is_a_triangle_between_its_ends(cycles, rate):
    assert cyclical_rate(cycles, 1e-4, 1e-3) == pytest.approx(rate)


@pytest.mark.parametrize(("done", "rate"), [(0.0, 1.0), (1 / 3, 0.775), (0.5, 0.55), (1.0, 0.1), (1.7, 0.1)])
def test_cosine_rate_falls_from_highest_to_lowest_and_stays_there(done, rate):
    assert cosine_rate(done, 0.1, 1.0) == pytest.approx(rate)


def test_warmup_rises_linearly_to_one():
    assert [warmup_factor(step, 3) for step in range(5)] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert warmup_factor(0, 0) == 1.0
