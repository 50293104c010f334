"""``training.csv``: a row at each validation."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, read_document
from diffmp_core.storage.files import write_text

LOG_FILE = "training.csv"
LOG_COLUMNS = (
    "step", "epoch", "samples", "loss", "validation_loss", "validation_criterion", "learning_rate", "samples_per_s",
)  # fmt: skip


def write_log(path: Path, rows: list[dict[str, str]]) -> None:
    """Replace the file by these rows, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, LOG_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_log(path: Path, rows: int | None = None) -> list[dict[str, str]]:
    """The first rows of the file, or all: those after a checkpoint's were written later and come again.

    Raises:
        DiffmpError: it is no text of rows.
    """
    if not path.is_file():
        return []
    try:
        return [dict(row) for row in csv.DictReader(read_document(path).splitlines())][:rows]
    except (UnreadableError, csv.Error) as error:
        raise DiffmpError(f"expected rows of numbers in {path}, found {error}; train again") from error


def digits(value: float | None) -> str:
    """Text of a value in a row, six digits; nothing for None."""
    return "" if value is None else f"{value:.6g}"
