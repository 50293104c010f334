"""What may go wrong with what a command is given: values of options, and files damaged in every way that we know."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml
from hypothesis import strategies as st

NASTY_TEXT = st.sampled_from(
    ["", " ", ".", "..", "/", "-", "--", "nan", "-1", "0", "1e999", "a" * 300, "ä – ★", "\udcff", "[bold]", "%s{0}"]
) | st.text(st.characters(blacklist_characters="\0"), max_size=8)  # fmt: skip
NUMBERS = st.sampled_from(["0", "1", "2", "3", "-1", "1.5", "nan", "inf", "1e400", "9" * 30, "two", ""])
DEEP: list = []
for _ in range(80):
    DEEP = [DEEP]
NASTY_VALUE = st.sampled_from(
    [None, True, 0, -1, 1.5, float("nan"), float("inf"), 10**40, "", "x", "\ud800", "a\0b", [], [1, "a"], {}, {"a": {}},
     {1.5: 2.5}, DEEP, "../..", "/etc/hostname", "nowhere", [[0.0] * 3] * 2, "1e5", "2005-99-99"]
)  # fmt: skip


def snapshot(folder: Path) -> dict[str, str]:
    """What every file, link and folder below a folder is: SHA-256, target, or nothing."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            what = os.readlink(path) if path.is_symlink() else ""
            regular = path.is_file() and not path.is_symlink()
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest() if regular else what
    return found


def damage(draw: Callable[[Any], Any], path: Path) -> str:
    """Damage a file, folder or store in one of the ways of its kind, or in none; says how."""
    if not path.is_file() and not path.is_dir():  # damaged before
        return ""
    kinds = ["none", "replace"]
    kinds += ["bytes"] * 2 if path.is_file() else ["inside"] * 3
    kinds += {
        ".yaml": ["tree"] * 5, ".json": ["tree"] * 5, ".csv": ["cells"] * 5, ".nc": ["store"] * 8,
        ".zarr": ["store"] * 6,
    }.get(path.suffix, [])  # fmt: skip
    kind = draw(st.sampled_from(kinds))
    return f"{path.name}: {kind} {WAYS[kind](draw, path) or ''}"


def _leave(draw: Callable, path: Path) -> None:
    """A good one among the bad."""


def _replace(draw: Callable, path: Path) -> str:
    """Something else of that name."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    what = draw(st.sampled_from(["nothing", "folder", "loop", "dangling", "text", "empty", "pipe"]))
    if what == "pipe" and any(above.suffix == ".zarr" for above in path.parents):
        what = "nothing"  # zarr itself would wait for a pipe of the name of a chunk
    if what == "folder":
        path.mkdir()
    elif what == "loop":
        path.symlink_to(path.name)
    elif what == "dangling":
        path.symlink_to("nowhere-at-all")
    elif what == "pipe":
        os.mkfifo(path)
    elif what in ("text", "empty"):
        path.write_text("hello" if what == "text" else "")
    return what


def _bytes(draw: Callable, path: Path) -> str:
    content = bytearray(path.read_bytes())
    at = draw(st.integers(0, 999)) * len(content) // 1000
    if draw(st.booleans()):
        path.write_bytes(bytes(content[:at]))
        return f"cut at {at}"
    put = draw(st.binary(min_size=1, max_size=40))
    content[at : at + len(put)] = put
    path.write_bytes(bytes(content))
    return f"{put!r} at {at}"


def _inside(draw: Callable, path: Path) -> str:
    """One file of a folder."""
    files = sorted(found for found in path.rglob("*") if found.is_file())
    return damage(draw, files[draw(st.integers(0, 999)) * len(files) // 1000]) if files else "empty"


def _tree(draw: Callable, path: Path) -> str:
    """One value of YAML or JSON, wherever it stands."""
    read, write = (json.loads, json.dumps) if path.suffix == ".json" else (yaml.safe_load, yaml.dump)
    try:
        places = _places(tree := read(path.read_text(encoding="utf-8")))
    except (ValueError, yaml.YAMLError):
        places = []
    if not places:
        return "nothing to change"
    where, key = places[draw(st.integers(0, 999)) * len(places) // 1000]
    value = draw(NASTY_VALUE)
    way = draw(st.sampled_from(["set", "set", "set", "remove", "add", "whole"]))
    if way == "whole":
        tree = value
    elif way == "remove":
        del where[key]
    elif way == "add" and isinstance(where, dict):
        where[draw(st.sampled_from(["x", "title", "extends", "name", 1.5 if path.suffix == ".yaml" else "1"]))] = value
    else:
        where[key] = value
    try:
        text = write(tree)
    except (TypeError, ValueError):  # JSON has no such key
        text = "{"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return f"{way} {key} {value!r:.40}"


def _places(tree: Any) -> list[tuple[Any, Any]]:
    keys = tree.keys() if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    return [(tree, key) for key in keys] + [place for key in keys for place in _places(tree[key])[:40]]


def _cells(draw: Callable, path: Path) -> str:
    rows = list(csv.reader(path.read_text().splitlines()))
    row = rows[draw(st.integers(0, len(rows) - 1))]
    row[draw(st.integers(0, len(row) - 1))] = text = draw(NUMBERS | NASTY_TEXT)
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
        csv.writer(file).writerows(rows if draw(st.booleans()) else rows[:-1])
    return repr(text)


def _store(draw: Callable, path: Path) -> str:
    """A store that is a store, but not this one's kind: dims, units, values, types."""
    try:
        opened = xr.open_zarr(path, chunks=None, consolidated=False) if path.is_dir() else xr.open_dataset(path)
        with opened:
            store = opened.load()
    except (OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError):
        return "broken before"
    if not store.sizes:
        return "empty before"
    name = draw(st.sampled_from(sorted(map(str, store.variables))))
    dim = draw(st.sampled_from(sorted(map(str, store.sizes))))
    attribute = draw(st.sampled_from(["diffmp_kind", "columns_id", "spacing_km", "title", "source", "configuration"]))
    number = draw(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e30, -9999.0]))
    array = store[name]
    ways: Mapping[str, Callable[[], xr.Dataset]] = {
        "drop": lambda: store.drop_vars(name),
        "none of": lambda: store.isel({dim: slice(0)}),
        "one of": lambda: store.isel({dim: slice(0, 1)}),
        "without": lambda: store.isel({dim: 0}),
        "backwards": lambda: store.isel({dim: slice(None, None, -1)}),
        "twice": lambda: xr.concat([store, store], dim, data_vars="minimal", coords="minimal", compat="override"),
        "rename": lambda: store.rename({dim: "other"}),
        "rename variable": lambda: store.rename({name: "other"}) if name not in store.sizes else store,
        "all": lambda: store.assign({name: array.copy(data=np.full(array.shape, number))}),
        "one value": lambda: store.assign({name: array.copy(data=_with_one(array.values, number))}),
        "text": lambda: store.assign({name: array.copy(data=np.full(array.shape, "text"))}),
        "integers": lambda: store.assign({name: array.copy(data=np.ones(array.shape, np.int16))}),
        "units": lambda: store.assign({name: array.assign_attrs(units="furlong")}),
        "attribute": lambda: store.assign_attrs({attribute: draw(st.sampled_from(["x", "", 7, 1.5, np.arange(3)]))}),
        "transpose": lambda: store.transpose(),
        "empty": lambda: xr.Dataset(),
    }
    way = draw(st.sampled_from(sorted(ways)))
    try:
        changed = ways[way]().drop_encoding()
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        changed.to_netcdf(path) if path.suffix == ".nc" else changed.to_zarr(path, consolidated=False)
    except (
        OSError,
        ValueError,
        RuntimeError,
        LookupError,
        TypeError,
        AttributeError,
    ):  # what no store can hold is a broken one
        path.unlink(missing_ok=True) if not path.is_dir() else None
    return f"{way} {name} {dim} {number}"


def _with_one(values: np.ndarray, number: float) -> np.ndarray:
    changed = values.astype(float) if values.dtype.kind in "fiub" else np.zeros(values.shape)
    changed.flat[:1] = number
    return changed


WAYS: Mapping[str, Callable[[Callable, Path], str | None]] = {
    "none": _leave,
    "replace": _replace,
    "bytes": _bytes,
    "inside": _inside,
    "tree": _tree,
    "cells": _cells,
    "store": _store,
}
