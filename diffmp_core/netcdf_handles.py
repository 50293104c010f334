"""NetCDF files are opened once in a process, however often they are asked for.

HDF5 ends the process (segmentation fault) when a file with texts, as every score store has them, is opened twice, one
of both is closed, and it is opened again (https://github.com/Unidata/netcdf4-python/issues/1444). So there is one
handle of each file, whose datasets all share it, and it stays open as long as the file has its name.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import xarray as xr

_opened: dict[Path, tuple[tuple[int, ...], xr.Dataset]] = {}
_lock = threading.Lock()


def open_once(path: Path, *, decode_times: bool) -> xr.Dataset:
    """The dataset of a netCDF file, lazily, as ``xr.open_dataset`` gives it; closing it does nothing.

    A file that has been replaced or written to since is opened anew; handles of files that are gone are let go.

    Raises:
        OSError: no netCDF file, and what else the library raises.
    """
    path = Path(os.path.realpath(path))
    with _lock:
        for name in [name for name, (stamp, _) in _opened.items() if _stamp(name) != stamp]:
            del _opened[name]
        if path not in _opened:
            stamp = _stamp(path) or ()
            _opened[path] = stamp, xr.open_dataset(path, engine="netcdf4", decode_cf=False)
        raw = _opened[path][1]
    decoded = xr.decode_cf(raw, decode_times=decode_times)
    decoded.set_close(None)
    return decoded


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes when another file gets this name, or this file is written to; None where there is none."""
    with suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
    return None
