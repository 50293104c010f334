"""A table of monthly sea temperatures by latitude that a run takes instead of the idealised ones.

A CSV file with the header ``latitude,1,2,...,12`` and a row for each latitude: degrees north, then the temperature of
each month in K. It is what the surface fluxes over sea feel; the reference profiles, and with them the large scale,
stay those of the idealised climate, as where the weak-temperature-gradient approximation is used to set a sea
temperature against a given free troposphere (Sobel and Bretherton 2000,
doi:10.1175/1520-0442(2000)013<4378:MTPIAS>2.0.CO;2).
"""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.documents import UnreadableError, read_document

MONTHS = range(1, 13)
DAYS_OF_YEAR = 365.25
COLDEST, WARMEST = 265.0, 310.0  # K, outside which a number is taken for another unit or a slip


class SeaTable(BaseModel):
    """Monthly sea temperature [K], a row of 12 for each of some rising latitudes [degrees north]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latitude: tuple[float, ...]
    temperature: tuple[tuple[float, ...], ...]

    def at(self, lat: float, day_of_year: float) -> float:
        """Sea temperature [K] at a latitude and a day of the year.

        Linear in time between the middles of the months, around the year, and in latitude; constant beyond the ends.
        """
        middles = (np.array(MONTHS) - 0.5) * DAYS_OF_YEAR / len(MONTHS)
        today = [np.interp(day_of_year, middles, row, period=DAYS_OF_YEAR) for row in self.temperature]
        return float(np.interp(lat, self.latitude, today))


def read_sea_table(path: Path) -> SeaTable:
    """Read the CSV file of a table; the order of its rows and of its months is free.

    Raises:
        DiffmpError: no such file, no latitudes, a month that is missing or unknown, a cell that is no number, a
            temperature that no sea has, a latitude that is given twice or is none.
    """
    try:
        lines = csv.reader(read_document(path).removeprefix("\ufeff").splitlines())
        header, *rows = [[cell.strip() for cell in row] for row in lines if any(map(str.strip, row))]
    except UnreadableError as error:
        raise DiffmpError(f"expected a table of sea temperatures at {path}, found {error}; check the path") from error
    except (ValueError, csv.Error) as error:
        raise DiffmpError(
            f"expected a CSV file, found something unreadable or empty in {path.name}; correct it"
        ) from error
    wanted = ["latitude", *map(str, MONTHS)]
    if missing := [name for name in wanted if name not in header]:
        raise DiffmpError(
            f"expected the columns latitude and 1 to 12, the months, in {path.name}, found none for "
            f"{', '.join(missing)}; add what is missing"
        )
    if foreign := [name for name in header if name not in wanted or header.count(name) > 1]:
        raise DiffmpError(
            f"expected the columns latitude and 1 to 12, each once, in {path.name}, found {foreign[0]!r}; remove it"
        )
    values = sorted(_numbers(row, header, wanted, path.name) for row in rows)
    latitudes = [row[0] for row in values]
    if not values or not -90.0 <= latitudes[0] <= latitudes[-1] <= 90.0:
        raise DiffmpError(
            f"expected latitudes from -90 to 90 in {path.name}, found {latitudes or 'no row'}; correct them"
        )
    for one, other in pairwise(latitudes):
        if one == other:
            raise DiffmpError(f"expected each latitude once in {path.name}, found {one:g} twice; remove one of them")
    return SeaTable(latitude=tuple(latitudes), temperature=tuple(tuple(row[1:]) for row in values))


def _numbers(row: list[str], header: list[str], wanted: list[str], where: str) -> list[float]:
    """Latitude and twelve temperatures of a row."""
    if len(row) != len(header):
        raise DiffmpError(
            f"expected {len(header)} values a row in {where}, found {len(row)} in the row of {row[0]!r}; complete it"
        )
    given = dict(zip(header, row, strict=True))
    numbers = []
    for name in wanted:
        what = name if name == "latitude" else f"month {name} at latitude {given['latitude']}"
        try:
            numbers.append(float(given[name]))
        except ValueError as error:
            raise DiffmpError(f"expected a number for {what} in {where}, found {given[name]!r}; fill it in") from error
        if name != "latitude" and not COLDEST <= numbers[-1] <= WARMEST:
            raise DiffmpError(
                f"expected {COLDEST:g} to {WARMEST:g} K for {what} in {where}, found {given[name]}; give kelvins"
            )
    return numbers
