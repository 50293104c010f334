"""Even choices of columns."""

import numpy as np
import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.selection import spread_evenly


@pytest.mark.parametrize("limit", [1, 7, 32, 77, 192, 400, 767])
def test_uses_up_the_limit_but_never_more(columns, limit):
    chosen = spread_evenly(columns, limit)
    count = chosen.sizes["time"] * chosen.sizes["cell"]
    assert 0.97 * limit <= count <= limit


def test_takes_similar_shares_of_times_and_cells_at_even_distances(columns):
    chosen = spread_evenly(columns, 192)  # half of the times by half of the cells
    assert (chosen.sizes["time"], chosen.sizes["cell"]) == (3, 64)
    assert len(np.unique(np.diff(chosen["time"].values))) == 1
    places = np.searchsorted(-columns["lat"].values, -chosen["lat"].values)
    assert set(np.diff(places)) == {2}


def test_a_limit_beyond_all_columns_takes_all(columns):
    assert spread_evenly(columns, 10_000) is columns


def test_refuses_a_limit_below_one(columns):
    with pytest.raises(DiffmpError, match="at least 1 column, found 0"):
        spread_evenly(columns, 0)
