"""Published ClimSim files from Hugging Face: data set LEAP/ClimSim_low-res, one pair of files a time step.

Downloads go through ``huggingface_hub``: an interrupted file goes on where it stopped, and a file that is there is not
fetched again. Each file is checked against the SHA-256 that the data set publishes for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import cftime

from diffmp_core.columns.sources.climsim import GRID_INFO
from diffmp_core.columns.sources.climsim_variables import TIME_STEP
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import find_refusal, unwritable
from diffmp_core.storage.lock import holding
from diffmp_core.stores import open_store, sha256_of

REPOSITORY = "LEAP/ClimSim_low-res"
"""Data set on Hugging Face (CC-BY-4.0, doi:10.57967/hf/0740)."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def regular_times(start: str, *, count: int, every_hours: float) -> list[cftime.DatetimeNoLeap]:
    """``count`` times from ``start`` (YYYY-MM-DD, no-leap calendar), ``every_hours`` apart.

    Raises:
        DiffmpError: no date, or hours that are no multiple of the step of 20 minutes.
    """
    try:
        year, month, day = (int(part) for part in start.split("-"))
        first = cftime.DatetimeNoLeap(year, month, day)
    except ValueError as error:
        raise DiffmpError(f"expected a date YYYY-MM-DD, found {start!r}; write for example 0001-02-01") from error
    steps = round(every_hours * 3600 / TIME_STEP, 6)
    if steps != int(steps) or steps < 1:
        raise DiffmpError(f"expected hours that are a multiple of 1/3, found {every_hours:g}; the step is 20 minutes")
    return [first + timedelta(seconds=number * int(steps) * TIME_STEP) for number in range(count)]


def stored_times(path: Path | str) -> list[cftime.DatetimeNoLeap]:
    """Times of a column or score store of ClimSim columns.

    Raises:
        DiffmpError: no store there, or one of another calendar.
    """
    with open_store(path) as store:
        times = list(store["time"].values) if "time" in store.variables else []
    if not times or not all(isinstance(time, cftime.DatetimeNoLeap) for time in times):
        raise DiffmpError(
            f"expected times of the no-leap calendar of ClimSim in {path}, found none; name another store"
        )
    return times


def step_files(times: Iterable[cftime.DatetimeNoLeap]) -> list[str]:
    """Files of these times in the data set, and the grid file."""
    files = [GRID_INFO]
    for time in times:
        seconds = time.hour * 3600 + time.minute * 60 + time.second
        stamp = f"{time.year:04d}-{time.month:02d}-{time.day:02d}-{seconds:05d}"
        files += [f"train/{stamp[:7]}/E3SM-MMF.{kind}.{stamp}.nc" for kind in ("mli", "mlo")]
    return files


@holding("out")
def fetch_climsim(
    out: Path | str,
    files: Sequence[str],
    *,
    endpoint: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> list[Path]:
    """Fetch files of the data set into a folder, under their own paths; ``diffmp prepare`` reads that folder.

    Args:
        out: folder; what it has already is kept and not fetched again.
        files: paths in the data set (:func:`step_files`).
        endpoint: address of a mirror; huggingface.co if not given.
        progress: told the number of files done and of all.

    Raises:
        DiffmpError: no network, a file that the data set does not have, a wrong checksum, or a full disk.
    """
    hub = _import_hub()
    out = Path(out)
    paths = []
    try:
        hub.utils.disable_progress_bars()  # of single files of 2 MB
        for done, file in enumerate(files):
            paths.append(_fetch(hub, file, out, endpoint))
            if progress is not None:
                progress(done + 1, len(files))
    finally:
        hub.utils.enable_progress_bars()
    return paths


def _import_hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError as error:
        raise DiffmpError("expected the package 'huggingface_hub', found none; pip install 'diffmp[fetch]'") from error
    return huggingface_hub


def _fetch(hub: Any, file: str, out: Path, endpoint: str | None) -> Path:
    where = endpoint or hub.constants.ENDPOINT
    wanted = {"repo_id": REPOSITORY, "filename": file, "repo_type": "dataset", "endpoint": endpoint}
    path = out / file
    try:
        published = str(hub.get_hf_file_metadata(hub.hf_hub_url(**wanted), endpoint=endpoint).etag)
        checksum = published if _SHA256.fullmatch(published) else None  # small files that are text have none
        if checksum is not None and path.is_file() and sha256_of(path) == checksum:
            return path
        hub.hf_hub_download(**wanted, local_dir=out)
    except hub.errors.EntryNotFoundError as error:
        raise DiffmpError(
            f"expected {file} in the data set {REPOSITORY}, found none; its times run every 20 minutes from 0001-02-01 "
            "to 0009-01-31"
        ) from error
    except hub.errors.HfHubHTTPError as error:
        raise DiffmpError(
            f"expected {file} from {where}, found an answer that refuses it ({_first_line(error)}); try again later"
        ) from error
    except Exception as error:
        if refusal := find_refusal(error):
            raise unwritable(path, refusal) from error
        raise DiffmpError(
            f"expected to reach {where} for {file}, found no way ({type(error).__name__}: {_first_line(error)}); check "
            "the network, then run the same command again"
        ) from error
    if checksum is not None and (found := sha256_of(path)) != checksum:
        path.unlink()
        raise DiffmpError(
            f"expected {file} with SHA-256 {checksum[:12]}..., found {found[:12]}...; it is removed, run the same "
            "command again"
        )
    return path


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]
