"""Global figures, a row a season, and means by region of all seasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from diffmp_core.crm import climate

from .climate_figures import updraughts
from .season import Season
from .style import latitude_name, markdown, month

REGION_COLUMNS = {
    "rain": ("rain, mm/day", 1.0, 1),
    "LHF": ("LHF, W/m²", 1.0, 0),
    "SHF": ("SHF, W/m²", 1.0, 0),
    "LWP": ("LWP, g/m²", 1.0, 0),
    "IWP": ("IWP, g/m²", 1.0, 0),
    "vapour": ("vapour, kg/m²", 1.0, 0),
    "low_cloud": ("low cloud, %", 100.0, 0),
    "fog": ("fog, %", 100.0, 0),
}
"""Fields of the table of regions: heading, factor, decimals."""


def mean_over(season: Season, name: str, where: xr.DataArray | bool = True, hours: slice = slice(None)) -> float:
    """Mean of a field over cells, weighted by area, and over some hours."""
    field = season.fields[name].isel(time=hours).mean("time")
    return float(climate.area_mean(field, season.fields["area"], where))


def season_table(seasons: Sequence[Season]) -> str:
    """Global figures, a row a season."""
    rows = []
    for season in seasons:
        wet = season.fields["rain"]
        driest = climate.zonal_mean(wet.mean("time"), season.fields).sel(latitude=slice(-40, 40))
        first, last = (mean_over(season, "rain", hours=day) for day in (slice(0, 24), slice(-24, None)))
        rows.append(
            [
                month(season.start),
                f"{mean_over(season, 'rain'):.2f}",
                f"{first:.2f} → {last:.2f}",
                f"{mean_over(season, 'rain', ~season.land):.2f} / {mean_over(season, 'rain', season.land):.2f}",
                f"{mean_over(season, 'evaporation'):.2f}",
                f"{mean_over(season, 'LHF', ~season.land):.0f} / {mean_over(season, 'LHF', season.land):.0f}",
                f"{climate.itcz_latitude(wet.mean('time'), season.fields):+.1f}°",
                f"{float(driest.min()):.1f} at {latitude_name(int(driest['latitude'][driest.argmin('latitude')]))}",
                f"{float(wet.max()):.0f}",
                f"{float(season.fields['w_max'].max()):.0f}",
            ]
        )
    header = [
        "start", "rain, mm/day", "first → last day", "sea / land", "evaporation, mm/day", "LHF sea / land, W/m²",
        "ITCZ", "driest band within 40°", "wettest hour, mm/day", "strongest updraught, m/s",
    ]  # fmt: skip
    return markdown(header, rows)


def region_table(seasons: Sequence[Season]) -> str:
    """Means of all seasons, a row a region."""
    rows = []
    for name, region in climate.REGIONS.items():
        means = {
            field: factor * np.mean([mean_over(season, field, region.mask(season.fields)) for season in seasons])
            for field, (_, factor, _) in REGION_COLUMNS.items()
        }
        fastest = updraughts(seasons, region)
        rows.append(
            [
                name,
                *(f"{means[field]:.{digits}f}" for field, (_, _, digits) in REGION_COLUMNS.items()),
                f"{np.percentile(fastest, 99):.1f}" if fastest.size else "–",
            ]
        )
    headings = [heading for heading, _, _ in REGION_COLUMNS.values()]
    return markdown(["region", *headings, "updraught passed in 1 % of hours, m/s"], rows)
