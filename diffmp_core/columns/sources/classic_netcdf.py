"""Whether a classic netCDF file (CDF-1, -2 or -5) is whole.

The netCDF library fills what is missing at the end of a truncated classic file with zeros and says nothing, so that a
broken download of ClimSim (CDF-5) would become columns of 0 K. The header tells where the data must end.
Format: https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from diffmp_core.errors import DiffmpError

_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_WIDTHS = {1: (4, 4), 2: (4, 8), 5: (8, 8)}  # version: bytes of a count, bytes of an offset


def refuse_truncated(path: Path) -> None:
    """Raise a :class:`DiffmpError` if a classic netCDF file is shorter than its header says; other files pass."""
    with path.open("rb") as file:
        magic = file.read(4)
        if magic[:3] != b"CDF" or magic[3:] not in (b"\x01", b"\x02", b"\x05"):
            return
        try:
            end = _end_of_data(file, *_WIDTHS[magic[3]])
        except (struct.error, KeyError, UnicodeDecodeError):
            end = None
    size = path.stat().st_size
    if end is None or size < end:
        expected = f"{end} bytes" if end else "a whole header"
        raise DiffmpError(f"expected {expected} of {path.name}, found {size} bytes: it is truncated; fetch it again")


def _end_of_data(file: BinaryIO, count_width: int, offset_width: int) -> int:
    """Position after the last value of the last variable, from a header read just behind its magic number."""

    def number(width: int) -> int:
        (value,) = struct.unpack(">i" if width == 4 else ">q", file.read(width))
        return value

    def skip_padded(length: int) -> None:
        file.seek(-(-length // 4) * 4, 1)

    def skip_attributes() -> None:
        number(4)
        for _ in range(number(count_width)):
            skip_padded(number(count_width))
            size = _TYPE_SIZES[number(4)]
            skip_padded(size * number(count_width))

    records = number(count_width)
    number(4)
    lengths = []
    for _ in range(number(count_width)):
        skip_padded(number(count_width))
        lengths.append(number(count_width))
    skip_attributes()
    number(4)
    fixed_end, record_begins, record_sizes = 0, [], []
    for _ in range(number(count_width)):
        skip_padded(number(count_width))
        shape = [lengths[number(count_width)] for _ in range(number(count_width))]
        skip_attributes()
        size = _TYPE_SIZES[number(4)]
        number(count_width)
        begin = number(offset_width)
        if shape and shape[0] == 0:
            record_begins.append(begin)
            record_sizes.append(size * math.prod(shape[1:]))
        else:
            fixed_end = max(fixed_end, begin + size * math.prod(shape))
    if not record_begins or records <= 0:
        return fixed_end
    if len(record_sizes) == 1:  # the only record variable is not padded
        return max(fixed_end, record_begins[0] + records * record_sizes[0])
    record = sum(-(-size // 4) * 4 for size in record_sizes)
    return max(fixed_end, max(record_begins) + (records - 1) * record + record_sizes[int(np.argmax(record_begins))])
