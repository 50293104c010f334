"""Times as models write them: numbers since a date in any calendar, text (MPAS), dates as digits (ICON, ClimSim)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import cftime
import numpy as np
import xarray as xr

from diffmp_core.errors import DiffmpError

CALENDARS = {
    **dict.fromkeys(("360_day", "360day", "360_days", "360", "thirty_day_months"), "360_day"),
    **dict.fromkeys(("noleap", "no_leap", "365_day", "365day", "365", "gregorian_noleap"), "noleap"),
    **dict.fromkeys(("all_leap", "366_day", "366day"), "all_leap"),
    **dict.fromkeys(("standard", "gregorian"), "standard"),
    "proleptic_gregorian": "proleptic_gregorian",
    "julian": "julian",
}
"""What files call a calendar, in lower case, and its name in the CF conventions."""

_TEXT = re.compile(r"(\d{1,6})-(\d{1,2})-(\d{1,2})(?:[_T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?Z?")
_DIGITS = re.compile(r"days? as %Y%m%d(\.%f)?", re.IGNORECASE)
_MONTHS = re.compile(r"(months?|years?)\s+since\s+(.*)", re.IGNORECASE)
_FIRST, _LAST = 1700, 2250
"""Years within which a date fits into nanoseconds."""


def decode_dates(times: xr.DataArray, where: str, *, calendar: str | None = None) -> np.ndarray:
    """Dates of a variable of time ``(time,)`` as it stands in a file: datetime64[ns], cftime beyond or elsewhere.

    Args:
        times: dates, text such as 0001-01-01_00:00:00, digits of unit ``day as %Y%m%d.%f``, or numbers ``since`` a
            date; whole months and years go by the calendar.
        where: name of the file for messages.
        calendar: of the file, where the variable names none.

    Raises:
        DiffmpError: several dimensions, an unknown calendar or unit, a time that is missing, or no date of it.
    """
    if times.ndim > 1:
        raise DiffmpError(f"expected times along one dimension in {where}, found dims {times.dims}; name another one")
    values, unit = np.atleast_1d(times.values), str(times.attrs.get("units", ""))
    kept = _calendar(times.attrs.get("calendar", calendar), where)
    if values.dtype.kind in "SU" or (values.dtype.kind == "O" and all(isinstance(v, str | bytes) for v in values)):
        return _narrow([_from_text(value, kept or "proleptic_gregorian", where) for value in values])
    if values.dtype.kind in "MO":
        return values
    if values.dtype.kind not in "iuf" or not ("since" in unit.casefold() or _DIGITS.fullmatch(unit.strip())):
        raise DiffmpError(
            f"expected dates as times in {where}, found numbers of unit {unit or None!r}; give them a unit such as "
            "'hours since 2016-08-01'"
        )
    missing = np.flatnonzero(~np.isfinite(values.astype(float)))
    if missing.size:
        raise DiffmpError(f"expected a date of every time in {where}, found none at time {missing[0]}; fill it in")
    if _DIGITS.fullmatch(unit.strip()):
        return _narrow([_from_number(value, kept or "proleptic_gregorian", where) for value in _precise(values, where)])
    return _since(values, unit, kept or "standard", where)


def date_of(date: float, second: float, calendar: str, where: str) -> cftime.datetime:
    """Date of digits YYYYMMDD and seconds after midnight.

    Raises:
        DiffmpError: a day that the calendar lacks, or seconds beyond a day.
    """
    if not (np.isfinite(date) and 0 <= second < 86_400):
        raise DiffmpError(
            f"expected YYYYMMDD and seconds of a day in {where}, found {date:g} and {second:g}; correct them"
        )
    day, clock = int(date), int(second)
    numbers = day // 10_000, day // 100 % 100, day % 100, clock // 3600, clock // 60 % 60, clock % 60
    return _date(numbers, calendar, where)


def _calendar(name: Any, where: str) -> str | None:
    """CF's name of a calendar, None where there is none."""
    if name is None or not str(name).strip():
        return None
    known = CALENDARS.get(str(name).strip().casefold())
    if known is None:
        raise DiffmpError(
            f"expected a calendar among {sorted(set(CALENDARS.values()))} in {where}, found {str(name)[:40]!r}; "
            "correct the attribute 'calendar' of time"
        )
    return known


def _date(numbers: Sequence[int], calendar: str, where: str) -> cftime.datetime:
    """A date of year, month, day, hour, minute and second."""
    try:
        return cftime.datetime(*numbers, calendar=calendar)
    except ValueError as error:
        day, clock = ("{:04d}-{:02d}-{:02d}".format(*numbers), "{:02d}:{:02d}:{:02d}".format(*numbers[3:]))
        raise DiffmpError(
            f"expected dates of the calendar {calendar!r} as times in {where}, found {day} {clock}; correct them or "
            "the attribute 'calendar'"
        ) from error


def _from_text(value: str | bytes, calendar: str, where: str) -> cftime.datetime:
    text = (value.decode("utf-8", "replace") if isinstance(value, bytes) else value).strip("\0 ")
    found = _TEXT.fullmatch(text)
    if found is None:
        raise DiffmpError(f"expected dates as times in {where}, found {text[:40]!r}; correct them")
    *whole, fraction = found.groups(default="0")
    date = _date([int(part) for part in whole], calendar, where)
    return date.replace(microsecond=round(int(fraction) / 10 ** len(fraction) * 1e6) % 1_000_000)


def _precise(values: np.ndarray, where: str) -> np.ndarray:
    """Digits of dates as they are, if their type holds a second of a day."""
    if values.dtype.kind == "f" and values.dtype.itemsize < 8:
        raise DiffmpError(
            f"expected times of 'day as %Y%m%d.%f' in double precision in {where}, found {values.dtype}, which cannot "
            "tell days apart; write them again"
        )
    return values


def _from_number(value: Any, calendar: str, where: str) -> cftime.datetime:
    """ICON's date 20160801.25, to the nearest second."""
    seconds = round(float(value) % 1.0 * 86_400)
    whole, carried = int(value // 1), seconds == 86_400
    date = date_of(whole, 0 if carried else seconds, calendar, where)
    return date + timedelta(days=1) if carried else date


def _since(values: np.ndarray, unit: str, calendar: str, where: str) -> np.ndarray:
    found = _MONTHS.fullmatch(unit.strip())
    if found is not None:
        values = values * (12 if found.group(1).casefold().startswith("year") else 1)
        if calendar != "360_day":
            return _months_since(values, found.group(2), calendar, where)
        unit = f"months since {found.group(2)}"
    count, since, start = re.split(r"\b(since)\b", unit, maxsplit=1, flags=re.IGNORECASE)
    unit = f"{count.casefold()}{since.casefold()}{start}"
    encoded = xr.Dataset(coords={"time": ("time", values, {"units": unit, "calendar": calendar})})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xr.SerializationWarning)  # that dates are cftime's
            return xr.decode_cf(encoded)["time"].values
    except (ValueError, OverflowError) as error:
        reason = str(error.__cause__ or error).splitlines()[0][:80]
        raise DiffmpError(
            f"expected times of a unit such as 'hours since 2016-08-01' in {where}, found {unit[:60]!r} in the "
            f"calendar {calendar!r}, which gives no dates ({reason}); correct it"
        ) from error


def _months_since(months: np.ndarray, start: str, calendar: str, where: str) -> np.ndarray:
    """Whole months after a date: the same day and hour of another month."""
    first = _from_text(start, calendar, where)
    if (months != np.round(months)).any():
        part = float(months[months != np.round(months)][0])
        raise DiffmpError(
            f"expected whole months since {start.strip()} as times in {where}, found {part:g}, and months are not "
            "equally long; give the times in days"
        )
    dates = []
    for month in months.astype(int).tolist():
        years, index = divmod(first.month - 1 + month, 12)
        clock = first.hour, first.minute, first.second
        dates.append(_date((first.year + years, index + 1, first.day, *clock), calendar, where))
    return _narrow(dates)


def _narrow(dates: list[cftime.datetime]) -> np.ndarray:
    """Dates of the present calendar as datetime64[ns], where all fit; others as they are."""
    ours = ("standard", "proleptic_gregorian")
    if dates and all(date.calendar in ours and _FIRST <= date.year <= _LAST for date in dates):
        return np.array([np.datetime64(date.isoformat(), "ns") for date in dates])
    return np.array(dates, dtype=object)
