"""Studies of an experiment: the netCDF files that ``diffmp study`` wrote into its folder ``studies/``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.studies.result import open_study
from diffmp_core.studies.study import STUDIES

FOLDER = "studies"
"""Folder of an experiment in which every ``.nc`` is a study; the folders beside them are what a study was made of."""

COARSE_FIRST = "spacing_km"
"""Axis whose values are put in order, from the largest; a study has them as its columns were named."""

Stamps = tuple[tuple[Path, int], ...]


def study_stamps(folder: Path) -> Stamps:
    """Files of studies of an experiment folder and when they were written [ns], by name without ending."""
    files = sorted((folder / FOLDER).glob("*.nc"), key=lambda path: path.stem)
    return tuple((path, path.stat().st_mtime_ns) for path in files if path.is_file())


def study_names(folder: Path) -> tuple[str, ...]:
    """What the files of studies of an experiment folder are called, without ending."""
    return tuple(path.stem for path, _ in study_stamps(folder))


def read_studies(folder: Path) -> tuple[dict[str, dict[str, xr.Dataset]], tuple[str, ...]]:
    """Studies of an experiment folder by what they compare and by file, and a sentence for each file that is none.

    Files of one study are in the order of their names. A file is read once, and again when it has changed.
    """
    studies: dict[str, dict[str, xr.Dataset]] = {}
    problems: list[str] = []
    for path, changed in study_stamps(folder):
        try:
            study = _read(path, changed)
        except DiffmpError as error:
            problems.append(str(error))
        else:
            studies.setdefault(str(study.attrs["study"]), {})[path.stem] = study
    return studies, tuple(problems)


def missing_words(folder: Path, kind: str) -> str:
    """Which command makes a study that an experiment folder has not."""
    given = " --emulator FOLDER" if STUDIES[kind].emulators == "needed" else ""
    return (
        f"This experiment has no study of {kind} yet; make it with "
        f"'diffmp study {kind} COLUMNS {folder.name}/{FOLDER}/{kind}.nc{given}'."
    )


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> xr.Dataset:
    """One file in memory; ``changed`` tells its versions apart.

    Raises:
        DiffmpError: no study, or one of another shape.
    """
    with open_study(path) as opened:
        study = opened.load()
    kind = str(study.attrs.get("study"))
    if kind not in STUDIES:
        raise DiffmpError(
            f"expected a study among {', '.join(STUDIES)}, found {kind!r} in {path.name}; update DIFF-MP, or name the "
            "plugin that makes it"
        )
    expected = (*STUDIES[kind].axes, "variable")
    found = study["crps_fair"].dims if "crps_fair" in study else ()
    if found != expected:
        raise DiffmpError(
            f"expected scores of {', '.join(expected)}, found {', '.join(map(str, found)) or 'none'} "
            f"in {path.name}; make the study again"
        )
    return study.sortby(COARSE_FIRST, ascending=False) if COARSE_FIRST in study.dims else study
