"""Variables of a small netCDF file that someone uploaded, read in a process of its own.

The C libraries below netCDF4 were not made for files that want to harm; a child with bounded memory and time reads the
few numbers asked for and prints them as JSON. Whatever happens to the child is one sentence for the user.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import disk_errors

PATIENCE_S = 30.0
"""Time that the child may take, its start on a busy machine included [s]."""
MEMORY = 2 * 2**30
"""Address space of the child, most of which libraries reserve and never touch [bytes]."""
MOST_IN_CHUNK = 2**20
"""Values of a chunk of a variable, which is unpacked whole: a small file can hold chunks of gigabytes."""
_UNREADABLE = (
    "expected a netCDF file with one column, found one that cannot be read; write it again or send a CSV table"
)


def read_netcdf(content: bytes, names: Sequence[str], most: int) -> dict[str, tuple[list[float], str]]:
    """Values and unit, by name in lower case, of those variables whose name in lower case is among ``names``.

    Args:
        content: bytes of a classic or HDF5 netCDF file.
        names: of variables.
        most: values that a variable may have.

    Raises:
        DiffmpError: a file that cannot be read, or a variable that is no column.
    """
    with disk_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "column.nc"
        path.write_bytes(content)
        command = [sys.executable, "-m", __name__, str(path), str(most), *names]
        try:
            done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=True)
            answer = json.loads(done.stdout)
        except (subprocess.SubprocessError, ValueError) as error:
            raise DiffmpError(_UNREADABLE) from error
    if isinstance(answer, str):
        raise DiffmpError(answer)
    return answer


def main(path: Path, most: int, names: Sequence[str]) -> dict[str, tuple[list[float], str]]:
    """The child's work.

    Raises:
        DiffmpError: as :func:`read_netcdf`.
    """
    import netCDF4  # in the child alone

    from diffmp_core.columns.sources.classic_netcdf import refuse_truncated

    refuse_truncated(path)
    found: dict[str, tuple[list[float], str]] = {}
    with netCDF4.Dataset(path) as file:
        for own, variable in file.variables.items():
            name = own.casefold()
            if name not in names:
                continue
            many = [size for size in variable.shape if size > 1]
            if getattr(variable.dtype, "kind", "O") not in "fiu" or len(many) > 1 or variable.size > most:
                raise DiffmpError(
                    f"expected numbers of {name} along one dimension of at most {most}, found shape {variable.shape}; "
                    "send one column only"
                )
            chunks = variable.chunking()  # None in a classic file
            if isinstance(chunks, list) and math.prod(chunks) > MOST_IN_CHUNK:
                raise DiffmpError(
                    f"expected chunks of {name} of at most {MOST_IN_CHUNK:,} values, found {math.prod(chunks):,}; "
                    "write the file again with smaller ones"
                )
            values = variable[...].astype(float)
            found[name] = (values.filled(float("nan")).ravel().tolist(), str(getattr(variable, "units", "")))
    return found


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
    except DiffmpError as refusal:
        print(json.dumps(str(refusal)))
