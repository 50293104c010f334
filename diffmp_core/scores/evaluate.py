"""Score an emulator on columns: ensembles pass by in batches, statistics stay.

Memory does not grow with the number of columns: cells are taken ``CELLS_AT_ONCE`` at a time through all times, so that
at most that many cells have statistics at the same moment; fields go to the disk as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.compute.devices import choose_device
from diffmp_core.drawn import drawn_by_kind
from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import FILE, check_same_columns, experiment_files, file_stem, load_experiment
from diffmp_core.identity import columns_id, emulator_id, with_digests
from diffmp_core.models.base import Emulator
from diffmp_core.models.folder import load_config, load_emulator
from diffmp_core.models.seen_times import Seen, training_times, unrecorded
from diffmp_core.sampling.draw import default_guidance
from diffmp_core.sampling.generate import default_split, ensembles
from diffmp_core.schema import variables_attrs
from diffmp_core.scores.climsim import area_weights, layer_masses
from diffmp_core.scores.maps import column_fields
from diffmp_core.scores.result import ScoreResult, undefined_scores
from diffmp_core.scores.score import SCORES, VANISHING_STD
from diffmp_core.scores.score_store import ScoreStore
from diffmp_core.scores.selection import spread_evenly
from diffmp_core.scores.statistics import truth_std
from diffmp_core.scores.stored import spread_fields
from diffmp_core.scores.tally import Tally
from diffmp_core.storage.files import whole
from diffmp_core.storage.lock import holding
from diffmp_core.stores import open_columns, real_path, select_split

CELLS_AT_ONCE = 4096
"""Cells whose statistics are held at the same time (27 KB each for four outputs on 30 levels)."""

SCORED_COLUMNS = "scored_columns.nc"
"""Where the columns of a limited evaluation are kept in its experiment folder."""


@holding("out")
def evaluate(
    emulator: Path | str | Emulator,
    columns: Path | str,
    out: Path | str | None = None,
    *,
    members: int = 32,
    steps: int = 5,
    guidance: Sequence[float] | None = None,
    seed: int = 0,
    limit: int | None = None,
    json_path: Path | str | None = None,
    split: str = "auto",
    batch: int | None = None,
    name: str | None = None,
    fields: Sequence[str] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> ScoreResult:
    """Sample ensembles for columns and score them against the truth.

    Args:
        emulator: emulator folder, or anything that samples (:class:`diffmp_core.models.base.Emulator`); its outputs are
            scored.
        columns: column store.
        out: experiment folder to write or to add to; ``diffmp serve`` opens it. Gets the score store, the table and
            ``experiment.yaml``; with ``limit``, also a copy of the columns scored.
        members, steps, guidance, seed: of the sampling; what of them the emulator has no use for has no effect.
        limit: score at most this many columns, spread evenly over times and cells.
        json_path: also write the table there.
        split: times to score: ``train``, ``validation``, ``test``, ``all``, or ``auto``: what the emulator was not
            trained on.
        batch: columns sampled at once, by default what suits the device.
        name: what to call the emulator; else the name of its folder, or its kind.
        fields: scores that the score store keeps column by column, for maps, all by default; fewer take less room.
        progress: called with the number of columns done and of all.

    Raises:
        DiffmpError: input or options that do not fit, members that are not finite, or nowhere to write; then nothing
            is written.
    """
    folder, sampler, label = _open_emulator(emulator, name)
    variables = sampler.schema.variables
    columns_path = real_path(columns)
    store = open_columns(columns_path)
    split = _choose_split(folder, store, split)
    scorable = select_split(store, split)
    chosen = scorable if limit is None else spread_evenly(scorable, limit)
    identity = columns_id(chosen, trust=False)
    out = None if out is None else _check_out(Path(out), chosen, identity)
    times = scorable.isel(time=np.isin(scorable["time"].values, chosen["time"].values))
    seen, caution = (None, "") if folder is None else _find_seen(folder, label, store, times)
    sampler.schema.check_columns(chosen, outputs=True)
    unit = truth_std(chosen, variables.outputs)

    strengths = default_guidance(sampler) if guidance is None else tuple(guidance)
    drawn = drawn_by_kind(sampler.kind, members=members, steps=steps, guidance=strengths)
    fields = column_fields() if fields is None else fields
    if not drawn.has_spread:
        fields = [name for name in fields if name not in spread_fields()]

    files: list[Path] = []
    path, named, named_split, copied = None, columns_path, split, False
    if out is not None:
        complete = chosen.sizes == scorable.sizes
        named, named_split, copied = _name_columns(out, columns_path, split, complete=complete)
        path = out / f"{file_stem(out, label)}.nc"
        files = [*([named] if copied else []), path, path.with_suffix(".json"), out / FILE]
    if json_path is not None:
        files.append(Path(json_path))
    with ExitStack() as opened:
        parts = dict(zip(files, opened.enter_context(whole(*files)), strict=True))
        if copied:
            packed = {name: {"zlib": True, "complevel": 4} for name in chosen.data_vars}
            with_digests(chosen.drop_encoding()).to_netcdf(parts[named], engine="netcdf4", encoding=packed)
        writer = (
            opened.enter_context(ScoreStore(parts[path], chosen, variables.outputs, fields=fields))
            if path is not None
            else None
        )
        tally = Tally(
            variables=variables,
            unit=unit,
            masses=layer_masses(chosen),
            areas=area_weights(chosen),
            members=drawn.members,
            writer=writer,
            progress=progress,
        )
        cells = chosen.sizes["cell"]
        for block, first in enumerate(range(0, cells, CELLS_AT_ONCE)):
            here = slice(first, min(first + CELLS_AT_ONCE, cells))
            batches = ensembles(
                sampler,
                chosen.isel(cell=here),
                members=drawn.members,
                steps=steps,
                guidance=strengths,
                seed=_block_seed(seed, block),
                batch=batch,
            )
            tally.score_cells(here, batches, total=chosen.sizes["time"] * cells)
        averages = tally.averages()
        drawn = replace(drawn, members=1) if tally.alike else drawn
        averages.attrs = {
            "diffmp_kind": "scores",
            "title": f"Scores of {label} on {chosen.attrs.get('title', columns_path.name)}",
            "emulator": label,
            "columns_id": identity,
            **{name: value for name, value in asdict(drawn).items() if value is not None},
            "seed": seed,
            "split": split,
            **variables_attrs(variables),
            "undefined": f"NaN: the truth's standard deviation is below {VANISHING_STD:g} of truth_std",
        }
        if writer is not None:
            writer.finish(averages)
        result = ScoreResult(
            scores={
                variable: {score: float(averages[f"overall_{score}"][i]) for score in SCORES}
                for i, variable in enumerate(variables.outputs.names)
            },
            climsim=tally.energy.overall(variables.outputs),
            physical=tally.physical.table(variables),
            clear=tally.clear.table(variables.outputs),
            averages=averages,
            emulator=label,
            emulator_folder=folder,
            columns=chosen.sizes["time"] * chosen.sizes["cell"],
            columns_path=named,
            split=named_split,
            title=str(chosen.attrs.get("title", columns_path.name)),
            columns_id=identity,
            emulator_id=None if folder is None else emulator_id(load_config(folder)),
            seen=seen,
            caution=caution,
            drawn=drawn,
            scored=split,
            seed=seed,
            notes=undefined_scores(averages, drawn),
            climsim_notes=tally.energy.notes(variables.outputs),
            store=path,
        )
        texts = {} if out is None else experiment_files(out, label, result)
        if json_path is not None:
            texts[Path(json_path)] = json.dumps(result.table(), indent=1, allow_nan=False) + "\n"
        for file, text in texts.items():
            parts[file].write_text(text, encoding="utf-8")
    return result


def _block_seed(seed: int, block: int) -> int:
    """Seed of a block of cells: the given one for the first, so that a small evaluation draws what ``sample`` draws."""
    return seed if block == 0 else int(np.random.SeedSequence((seed, block)).generate_state(1)[0])


def _open_emulator(emulator: Path | str | Emulator, name: str | None) -> tuple[Path | None, Emulator, str]:
    if not isinstance(emulator, Path | str):
        return None, emulator, name or emulator.kind
    folder = real_path(emulator)
    return folder, load_emulator(folder, device=choose_device(None)), name or folder.name


def _choose_split(folder: Path | None, columns: xr.Dataset, split: str) -> str:
    if split != "auto":
        return split
    if folder is not None:
        return default_split(folder, columns)
    return "test" if "split" in columns.variables else "all"


def _find_seen(folder: Path, label: str, store: xr.Dataset, times: xr.Dataset) -> tuple[Seen | None, str]:
    """What an emulator has seen of the times scored, with all cells of the store (None if unknown), and what to say."""
    known = training_times(folder, store)
    if known is None:
        return None, unrecorded(load_config(folder).get("columns") or {}, times, label)
    seen = known.seen(times)
    return seen, seen.sentence(label)


def _check_out(out: Path, columns: xr.Dataset, identity: str) -> Path:
    out = real_path(out)
    if out.is_file() or any((out / file).exists() for file in ("zarr.json", ".zgroup", ".zmetadata")):
        raise DiffmpError(f"expected a folder for the experiment, found a store or file at {out}; choose another name")
    if (out / FILE).is_file():
        check_same_columns(out, columns, identity)
    return out


def _name_columns(out: Path, path: Path, split: str, *, complete: bool) -> tuple[Path, str, bool]:
    """Store and split by which the experiment names its columns, and whether it gets a copy of those chosen."""
    if (out / FILE).is_file():
        experiment = load_experiment(out)
        return experiment.columns, experiment.split, False
    return (path, split, False) if complete else (out / SCORED_COLUMNS, split, True)
