"""NetCDF files have one handle in a process, however often they are opened.

HDF5 ends the process (segmentation fault) when a file with texts, as every score store has them, is opened twice, one
of both is closed, and it is opened again (https://github.com/Unidata/netcdf4-python/issues/1444). So all datasets of a
file share one handle. Whoever closes it closes it for all; it is opened again when another reads on. Nor may two
threads be in HDF5 at once: handles are opened and closed under the lock under which xarray reads.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

import netCDF4
import xarray as xr
from xarray.backends import CachingFileManager, NetCDF4DataStore
from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK

Stamp = tuple[int, ...]

_handles: WeakValueDictionary[tuple[Path, Stamp], CachingFileManager] = WeakValueDictionary()
_lock = threading.Lock()


def open_netcdf(path: Path, *, decode_times: bool = True) -> xr.Dataset:
    """The dataset of a netCDF file, lazily, as ``xr.open_dataset`` gives it.

    Raises:
        OSError: no netCDF file, and what else the library raises.
    """
    path = Path(os.path.realpath(path))
    with _lock:
        key = path, _stamp(path)
        handle = _handles.get(key)
        if handle is None:
            for stale in [other for (name, _), other in _handles.items() if name == path]:
                stale.close()  # it has been written to since
            handle = _handles[key] = CachingFileManager(netCDF4.Dataset, str(path), mode="r", lock=NETCDF4_PYTHON_LOCK)
    dataset = xr.open_dataset(NetCDF4DataStore(handle), decode_times=decode_times)
    dataset.encoding["source"] = str(path)
    return dataset


def _stamp(path: Path) -> Stamp:
    """What changes when another file gets this name, or this file is written to."""
    with suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
    return ()
