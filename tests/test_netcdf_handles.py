"""A score store can be opened, closed and opened again in any order; what is gone is not kept open."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.stores import open_store

DATA = Path(__file__).parents[1] / "data"
SCORES = (*sorted((DATA / "climsim").glob("*.nc")), *sorted((DATA / "demo" / "studies").glob("*.nc")))
IN_ANY_ORDER = """
import random, sys
from diffmp_core.stores import open_store
draw, opened = random.Random(1), []
for _ in range(400):
    if opened and (draw.random() < 0.5 or len(opened) > 12):
        opened.pop(draw.randrange(len(opened))).close()
    else:
        opened.append(open_store(draw.choice(sys.argv[1:])))
print("alive")
"""


def test_stores_with_texts_are_opened_and_closed_in_any_order():
    ended = subprocess.run(
        [sys.executable, "-c", IN_ANY_ORDER, *map(str, SCORES)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.stdout == "alive\n", ended.stderr[-2000:]


def test_it_is_what_xarray_opens():
    for path in SCORES:
        with xr.open_dataset(path, engine="netcdf4") as direct:
            xr.testing.assert_identical(open_store(path).load(), direct.load())


def test_what_another_has_closed_can_still_be_read():
    first, second = open_store(SCORES[0]), open_store(SCORES[0])
    first.close()
    assert np.isfinite(second["truth_std"].values).all()


def test_another_file_of_that_name_and_one_written_to_are_opened_anew(tmp_path: Path):
    path = tmp_path / "scores.nc"
    shutil.copy(SCORES[0], path)
    first = open_store(path)
    shutil.copy(SCORES[1], tmp_path / "new.nc")
    (tmp_path / "new.nc").replace(path)
    assert open_store(path).attrs["title"] == open_store(SCORES[1]).attrs["title"] != first.attrs["title"]


def test_what_nobody_reads_any_more_is_closed(tmp_path: Path):
    path = tmp_path / "scores.nc"
    shutil.copy(SCORES[0], path)
    with open_store(path) as opened:
        written = opened.load()
    written.to_netcdf(path)  # which HDF5 refuses while the file is open
    xr.testing.assert_identical(open_store(path).load(), written)
