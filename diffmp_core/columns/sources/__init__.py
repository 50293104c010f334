"""Readers of raw data, one a data set, and how a path finds its reader."""

from __future__ import annotations

from pathlib import Path

from diffmp_core.columns.sources import climsim, crm, highres
from diffmp_core.columns.sources.base import Progress, Source, stored_kind
from diffmp_core.columns.sources.classic_netcdf import refuse_truncated
from diffmp_core.errors import DiffmpError
from diffmp_core.registry import Registry
from diffmp_core.storage.files import refuse_devices
from diffmp_core.stores import open_store

__all__ = ["SOURCES", "Progress", "Source", "recognise"]

SOURCES: Registry[Source] = Registry("source", (crm.SOURCE, climsim.SOURCE, highres.SOURCE))
"""Readers, in the order in which they are asked whether a path is theirs."""


def recognise(path: Path, kind: str | None = None) -> Source:
    """Reader of a path.

    Args:
        path: file or folder of raw data.
        kind: name of a reader, to force it.

    Raises:
        DiffmpError: nothing there, an unknown kind, or no reader that knows the path.
    """
    forced = None if kind is None else SOURCES.find(kind)
    if not path.exists():
        raise DiffmpError(f"expected raw data at {path}, found nothing; check the path")
    refuse_devices(path)
    if path.is_file():
        refuse_truncated(path)
    if forced is not None:
        return forced
    for source in SOURCES.values():
        if source.recognise(path):
            return source
    if found := stored_kind(path):
        raise DiffmpError(f"expected raw data, found a store of kind {found!r} at {path}; it needs no preparing")
    if path.is_file():
        open_store(path).close()  # says so if it cannot be read at all
    known = "; ".join(f"{source.name}: {source.expects}" for source in SOURCES.values())
    raise DiffmpError(
        f"expected raw data that a reader knows ({known}), found none at {path}; name another path or force --source"
    )
