"""Ensembles for a whole column store, batch by batch: memory does not grow with the number of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from diffmp_core.compute.devices import choose_device
from diffmp_core.compute.memory import keep_freed_memory
from diffmp_core.drawn import drawn_by_kind
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id
from diffmp_core.models.base import Emulator
from diffmp_core.models.folder import load_config, load_emulator
from diffmp_core.models.seen_times import has_split, trained_on_layout, training_times
from diffmp_core.sampling.draw import (
    COLUMNS_AT_ONCE,
    columns_together,
    default_guidance,
    device_of,
    draw_ensemble,
)
from diffmp_core.schema import ColumnSchema, variables_attrs
from diffmp_core.storage.files import whole
from diffmp_core.storage.lock import holding
from diffmp_core.stores import ColumnBatch, iterate_columns, open_columns, open_store, read_values, select_split
from diffmp_core.variables import Variable

BATCH = 4 * COLUMNS_AT_ONCE
"""Columns of a chunk of an ensemble store."""


def ensembles(
    emulator: Emulator,
    columns: xr.Dataset,
    *,
    members: int = 32,
    steps: int = 5,
    guidance: tuple[float, ...] | None = None,
    seed: int = 0,
    batch: int | None = None,
) -> Iterator[tuple[ColumnBatch, np.ndarray]]:
    """Walk over a column store: each batch and its ensemble.

    Args:
        columns: column store, or a choice of its times and cells.
        members, steps, guidance, seed: see :func:`diffmp_core.sampling.draw.draw_ensemble`.
        batch: columns read at once, by default what suits the device; all multiples of 32 give the same answer.

    Yields:
        the batch, with inputs and truth of the emulator's variables, and its ensemble
        ``(column, member, output, level)``, float32 in physical units.

    Raises:
        DiffmpError: columns of other variables or levels than the emulator's, values that are not finite, or bad
            options.
    """
    emulator.schema.check_columns(columns, outputs=True)
    batch = batch or max(BATCH, columns_together(device_of(emulator)))
    for part in iterate_columns(columns, batch, variables=emulator.schema.variables):
        yield (
            part,
            draw_ensemble(
                emulator, part.inputs, members=members, steps=steps, guidance=guidance, seed=seed, start=part.rows.start
            ),
        )


def default_split(emulator: Path | str, columns: xr.Dataset) -> str:
    """Columns that an emulator has not seen: ``test`` of a store with times that it has, ``all`` of any other.

    Raises:
        DiffmpError: it has seen test times of the store, too, or nobody can tell.
    """
    name = Path(emulator).name
    known = training_times(emulator, columns)
    if known is None:
        said = load_config(emulator).get("columns") or {}
        if not trained_on_layout(said, columns):
            return "all"
        if not {"training_values_sha256", "training_times"} & said.keys():  # nothing else to compare
            return "test"
        raise DiffmpError(
            f"expected the columns that {name} was trained on, split as they were, found the same times and places "
            "with another split or other values; name a split, such as --split test"
        )
    if not known.seen(columns).any:
        return "all"
    seen = known.seen(select_split(columns, "test")) if has_split(columns, "test") else None
    if seen is None or seen.any:
        if seen is None:
            found = "none, but times that it has seen; take the columns as they were split for the training"
        else:
            found = f"{seen.training + seen.validation} of {seen.times} that it has seen: the columns were split anew; "
            found += "take the split of the training"
        named = "all" if seen is None else "test"
        raise DiffmpError(
            f"expected test times that {name} has not seen in training, found {found}, or name one, such as "
            f"--split {named}: the scores will say so"
        )
    return "test"


@holding("out")
def generate(
    emulator: Path | str,
    columns: Path | str,
    out: Path | str,
    *,
    members: int = 32,
    steps: int = 5,
    guidance: tuple[float, ...] | None = None,
    seed: int = 0,
    split: str = "auto",
    device: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Path:
    """Draw an ensemble for each column of a store and write an ensemble store (zarr), whole or not at all.

    Args:
        emulator: emulator folder.
        columns: column store.
        out: zarr folder; an ensemble store there is replaced when the new one is complete.
        members, steps, guidance, seed: see :func:`diffmp_core.sampling.draw.draw_ensemble`.
        split: ``train``, ``validation``, ``test``, ``all``, or ``auto`` (:func:`default_split`); the store says which.
        device: ``cpu`` or ``cuda``; CUDA where there is one if not given.
        progress: called with columns done and columns in all.

    Raises:
        DiffmpError: bad input or options, or something else already under that name.
    """
    out = Path(out)
    check_place(out)
    keep_freed_memory()
    model = load_emulator(emulator, device=choose_device(device))
    store = open_columns(columns)
    split = default_split(emulator, store) if split == "auto" else split
    chosen = select_split(store, split)
    strengths = default_guidance(model) if guidance is None else guidance
    attrs = {
        "diffmp_kind": "ensemble",
        "title": f"Ensemble of {Path(emulator).name} on {store.attrs.get('title', Path(columns).name)}",
        "emulator": Path(emulator).name,
        "columns_id": columns_id(chosen),
        "split": split,
        **_as_drawn(model.kind, members=members, steps=steps, guidance=strengths),
        "seed": seed,
    }
    with whole(out, folders=True) as (part,):
        arrays = create_ensemble_store(part, chosen, model.schema, members=members, attrs=attrs)
        cells = chosen.sizes["cell"]
        for batch, ensemble in ensembles(model, chosen, members=members, steps=steps, guidance=strengths, seed=seed):
            time, first = divmod(batch.rows.start, cells)
            for channel, (variable, array) in enumerate(zip(model.schema.outputs, arrays, strict=True)):
                values = ensemble[:, :, channel] if variable.profile else ensemble[:, :, channel, 0]
                array[time, first : first + len(ensemble)] = values
            if progress is not None:
                progress(batch.rows.stop, chosen.sizes["time"] * cells)
    return out


def _as_drawn(kind: str, *, members: int, steps: int, guidance: tuple[float, ...]) -> dict[str, Any]:
    """Attributes: the members stored, and the steps, guidance and evaluations that there were."""
    drawn = drawn_by_kind(kind, members=members, steps=steps, guidance=guidance)
    known = {name: value for name, value in asdict(drawn).items() if value is not None}
    return known | {"members": members} | ({"guidance": list(guidance)} if drawn.guidance else {})


def create_ensemble_store(
    path: Path, columns: xr.Dataset, schema: ColumnSchema, *, members: int, attrs: dict
) -> list[zarr.Array]:
    """Empty ensemble store with the coordinates of the columns; its arrays ``(time, cell, member[, level])``, one an
    output."""
    coordinates = columns.drop_vars([str(name) for name in columns.data_vars])
    if "layer_mass" in columns:
        coordinates = coordinates.assign_coords(layer_mass=columns["layer_mass"])
    coordinates = coordinates.assign_coords(
        {name: array.copy(data=read_values(array)) for name, array in coordinates.coords.items()}
    )
    coordinates.attrs = attrs | variables_attrs(schema.variables)
    coordinates.drop_encoding().to_zarr(path, mode="w", consolidated=False)
    group = zarr.open_group(path, mode="r+")
    sizes = {**columns.sizes, "member": members}

    def create(variable: Variable) -> zarr.Array:
        shape = tuple(sizes[dim] for dim in variable.member_dims)
        return group.create_array(
            variable.name,
            shape=shape,
            chunks=(1, min(BATCH, shape[1]), *shape[2:]),
            dtype="float32",
            fill_value=float("nan"),
            dimension_names=variable.member_dims,
            attributes={**variable.attrs},
        )

    return [create(variable) for variable in schema.outputs]


def check_place(out: Path) -> None:
    """Refuse a name that is taken by anything but an ensemble store.

    Raises:
        DiffmpError: something else is there, or the name is one of a netCDF file.
    """
    if out.suffix == ".nc":
        raise DiffmpError(f"expected the name of a folder, found {out.name!r}; choose one such as ensemble.zarr")
    taken = out.is_file() or (out.is_dir() and any(out.iterdir()))
    if taken and open_store(out).attrs.get("diffmp_kind") != "ensemble":
        raise DiffmpError(f"expected a new name or an ensemble store, found another at {out}; choose another name")
