"""The colours of a score on maps and sections: the same for every emulator and every time, and with nothing blank."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.scores.maps import MapScore
from diffmp_core.scores.score import perfect_coverage

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..figures.colouring import Colouring
from ..figures.zonal import zonal_mean
from .score_field import ScoreField

SHOWN_PERCENT = 99.0
"""Colours run to this percentile, so that a few cells do not make the others invisible."""
SHOWN_RATIO = 1e-4
"""Logarithmic colours start at this part of where they end at the latest: what is smaller hardly counts."""
LEAST_RATIO = 0.1
"""Logarithmic colours start at this part of where they end at the earliest."""


def field_colouring(field: ScoreField, catalog: Catalog, *, section: bool = False) -> Colouring:
    """Colours of the map of a field, or of the section of all its levels."""
    metric, bands, factor = field.score, field.bands(catalog), field.factor(catalog)

    def drawn(levels: NDArray) -> NDArray:
        return zonal_mean(bands, levels) if section else levels[level]

    level, output = field.level_shown(catalog), field.output(catalog)
    key = "section" if section else level
    title, unit = f"{metric.label} · {title_of(output)}", f" [{field.unit(catalog)}]" if metric.power else ""
    if field.is_difference:
        high = factor * difference_end(catalog, field, key=key, drawn=drawn)
        return Colouring(palette="diverging", low=-high, high=high, title=f"{title}, difference{unit}")
    members = catalog.members(field.experiment, field.emulator)
    known = metric.palette == "coverage" and members > 1
    if known:
        title += f" ({field.score.perfect_words(output, members)})"
    logarithmic = field.logarithmic and metric.never_negative
    low, high = score_range(
        catalog,
        field.experiment,
        metric,
        field.variable,
        averaged=field.average,
        logarithmic=logarithmic,
        key=key,
        drawn=drawn,
    )
    return Colouring(
        palette=metric.palette,
        low=low * factor,
        high=high * factor,
        title=title + unit,
        logarithmic=logarithmic,
        yes_no=metric.palette == "coverage" and not section and not field.average,
        perfect=perfect_coverage(members) if known else 1.0,
    )


def score_range(
    catalog: Catalog,
    name: str,
    metric: MapScore,
    variable: str,
    *,
    averaged: bool,
    logarithmic: bool,
    key: Hashable,
    drawn: Callable[[NDArray], NDArray],
) -> tuple[float, float]:
    """From which to which stored value the colours of a score run in an experiment.

    ``drawn`` makes what is coloured of values ``(level, cell)``; ``key`` names it.
    """
    if metric.palette == "coverage":
        return 0.0, 1.0

    def ends() -> tuple[float, float]:
        times = [None] if averaged else list(range(len(catalog.grid(name).times)))
        shown = _all_drawn(
            (
                catalog.levels(name, emulator, metric.name, variable, time)
                for emulator in catalog.limits(name).emulators
                for time in times
            ),
            drawn,
        )
        high = float(np.nanpercentile(np.abs(shown), SHOWN_PERCENT))
        high = high if high > 0 else 1.0
        positive = shown[shown > 0]
        low = float(np.percentile(positive, 100 - SHOWN_PERCENT)) if positive.size else 0.0
        return min(max(low, SHOWN_RATIO * high), LEAST_RATIO * high), high

    low, high = catalog.keep(("range", name, metric.name, variable, averaged, key), ends)
    if logarithmic:
        return low, high
    return (-high, high) if metric.palette == "diverging" else (0.0, high)


def difference_end(catalog: Catalog, field: ScoreField, *, key: Hashable, drawn: Callable[[NDArray], NDArray]) -> float:
    """Where the colours of a difference end, in the stored unit; ``drawn`` and ``key`` as in :func:`score_range`."""

    def end() -> float:
        whole = replace(field, region="globe", regime="any")
        times = [0] if field.average else range(len(catalog.grid(field.experiment).times))
        shown = _all_drawn((replace(whole, time=time).levels(catalog) for time in times), drawn)
        return float(np.nanpercentile(np.abs(shown), SHOWN_PERCENT)) or 1.0

    pair = frozenset(field.emulators)
    kept = ("difference", field.experiment, pair, field.metric, field.variable, field.average, key)
    return catalog.keep(kept, end)


def _all_drawn(fields: Iterable[NDArray | None], drawn: Callable[[NDArray], NDArray]) -> NDArray:
    """All that is coloured of fields ``(level, cell)``, flat; one where there is none."""
    return np.concatenate([drawn(values).ravel() for values in fields if values is not None] or [np.ones(1)])


def colour_attrs(colouring: Colouring) -> dict[str, Any]:
    """Attributes that keep the colours of a variable; netCDF knows no booleans."""
    return {
        "colour_palette": colouring.palette,
        "colour_range": [colouring.low, colouring.high],
        "colour_title": colouring.title,
        "colour_perfect": colouring.perfect,
        "colour_scale": "logarithmic" if colouring.logarithmic else "yes or no" if colouring.yes_no else "linear",
    }


def colouring_of(variable: xr.DataArray) -> Colouring:
    """The colours that :func:`colour_attrs` keeps."""
    low, high = map(float, variable.attrs["colour_range"])
    return Colouring(
        palette=variable.attrs["colour_palette"],
        low=low,
        high=high,
        title=variable.attrs["colour_title"],
        perfect=float(variable.attrs["colour_perfect"]),
        logarithmic=variable.attrs["colour_scale"] == "logarithmic",
        yes_no=variable.attrs["colour_scale"] == "yes or no",
    )
