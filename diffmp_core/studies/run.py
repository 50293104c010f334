"""The way from the name of a study and its inputs to a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr
from pydantic import ValidationError

from diffmp_core import __version__
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id
from diffmp_core.schema import variables_attrs, variables_of
from diffmp_core.storage.lock import holding
from diffmp_core.stores import open_columns, open_store, write_store
from diffmp_core.studies.cases import CaseRunner, Watch, silent
from diffmp_core.studies.inputs import gather
from diffmp_core.studies.preset import Preset
from diffmp_core.studies.result import KIND
from diffmp_core.studies.study import STUDIES, Plan
from diffmp_core.variables import Channels, ColumnVariables


@holding("out")
def run_study(
    name: str,
    columns: Sequence[Path],
    out: Path,
    *,
    preset: str | Preset = "default",
    emulators: Sequence[Path] = (),
    test: Sequence[Path] = (),
    seeds: int | None = None,
    watch: Watch = silent,
) -> xr.Dataset:
    """Make a study and write its store; what a killed run had done is not done again.

    Args:
        name: a name in :data:`STUDIES`.
        columns: column stores, one a resolution, with the splits train and validation.
        out: netCDF file to write. The folder beside it, without the ``.nc``, keeps trained emulators and the
            results of cases.
        preset: name of a preset of the study, or one of one's own.
        emulators: trained emulators; ``guidance`` and ``samplers`` need them, ``models`` takes them instead of
            training.
        test: column stores to report on, if not the test times of ``columns``.
        seeds: trainings of each model, if not as many as the preset has.
        watch: shows the progress of a case.

    Returns:
        The content of the store (docs/contracts.md, "Studies").

    Raises:
        DiffmpError: an unknown name, options that do not fit, bad columns or emulators, or nowhere to write.
    """
    study = STUDIES.find(name)
    plan = study.plan()
    options = _options(name, plan, preset, seeds)
    if study.emulators == "none" and emulators:
        raise DiffmpError(f"expected no emulators for study {name!r}, which trains its own, found some; leave them out")
    if test and not study.reports:
        raise DiffmpError(
            f"expected no test columns for study {name!r}, which looks at validation columns; leave them out"
        )
    check_place(out)
    inputs = gather(columns, emulators=emulators, test=test)
    result = plan.run(CaseRunner(out.with_suffix(""), watch), inputs, options)
    stores = [open_columns(column.path) for column in inputs.columns]
    reports = [open_columns(column.report_path) for column in inputs.columns]
    known = variables_of(stores[0])
    outputs = Channels(known.outputs.named(str(name)) for name in result["variable"].values)
    result.attrs = {
        "diffmp_kind": KIND,
        "study": name,
        "title": study.title,
        "paper": study.paper,
        "preset": preset if isinstance(preset, str) else "custom",
        "options": options.model_dump_json(),
        "training_seeds": [int(seed) for seed in result["seed"].values] if "seed" in result.coords else [],
        "sampling_seed": options.seed,
        "members": options.members,
        "columns": "; ".join(str(store.attrs.get("title", "")) for store in stores),
        "columns_id": " ".join(columns_id(store) for store in stores),
        "report": "; ".join(
            f"{column.report_split if study.reports else 'validation'} columns of "
            f"{store.attrs.get('title', column.report_path.name)}"
            for column, store in zip(inputs.columns, reports, strict=True)
        ),
        "diffmp_version": __version__,
        **variables_attrs(ColumnVariables(known.inputs, outputs)),
    }
    write_store(result, out)
    return result


def check_place(out: Path) -> None:
    """Refuse a name that is no netCDF file's, or that something else has.

    Raises:
        DiffmpError: it is so.
    """
    if out.suffix != ".nc":
        raise DiffmpError(f"expected a name ending in .nc for the study, found {out.name!r}; write {out.name}.nc")
    if out.exists() and open_store(out).attrs.get("diffmp_kind") != KIND:
        raise DiffmpError(f"expected a new name or a study, found another store at {out}; choose another name")
    if out.with_suffix("").is_file():
        raise DiffmpError(
            f"expected a free name {out.with_suffix('')}, found a file; choose another name for the study"
        )


def _options(name: str, plan: Plan, preset: str | Preset, seeds: int | None) -> Preset:
    if isinstance(preset, str) and preset not in plan.presets:
        raise DiffmpError(f"expected a preset among {sorted(plan.presets)}, found {preset!r}; choose one")
    options: Preset = plan.presets[preset] if isinstance(preset, str) else preset
    if seeds is None:
        return options
    try:
        return type(options).model_validate(options.model_dump() | {"seeds": seeds})
    except ValidationError as error:
        raise DiffmpError(
            f"expected a study that trains and at least 1 training, found --seeds {seeds} for {name!r}; leave it out"
        ) from error
