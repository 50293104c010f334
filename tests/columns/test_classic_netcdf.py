"""Truncated classic netCDF files, which the library would fill with zeros."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest

from diffmp_core.columns.sources.classic_netcdf import refuse_truncated
from diffmp_core.errors import DiffmpError


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("records", [0, 1, 2])
def test_a_whole_file_passes_and_one_cut_by_a_few_bytes_does_not(tmp_path, form, records):
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.createDimension("x", 5)
        file.createDimension("time", None)
        file.title = "abc"
        file.createVariable("a", "f8", ("x",))[:] = 1.0
        file.variables["a"].units = "K"
        file.createVariable("b", "i2", ("x",))[:] = 2
        for record in range(records):
            file.createVariable(f"r{record}", "i2", ("time", "x"))[:] = np.ones((3, 5))
    refuse_truncated(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])  # padding is three bytes at most
    with pytest.raises(DiffmpError, match=r"expected \d+ bytes of file.nc, found \d+ bytes: it is truncated"):
        refuse_truncated(path)
    path.write_bytes(whole[:40])
    with pytest.raises(DiffmpError, match="truncated"):
        refuse_truncated(path)


def test_other_files_are_not_judged(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    refuse_truncated(tmp_path / "notes.txt")
