"""Regimes: columns picked by what an emulator is given of them, by rules that can be said in one sentence.

No rule looks at the outputs. Among columns picked because something happened, even a perfect ensemble has too little of
it on average, and misses the truth too often: the forecaster's dilemma (Lerch et al. 2017, doi:10.1214/16-STS588). Nor
does a rule look at an emulator's own mean: that of few members is high partly by chance, and each emulator would be
scored on other columns.

Datasets have the dims (time, cell, level) or (cell, level), names and units of a column store (docs/contracts.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import GRAVITY, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.physics.buoyancy import energy_and_inhibition, level_pressure
from diffmp_core.physics.moisture import per_dry_air, saturation_mixing_ratio, vapour_name
from diffmp_core.schema import variables_of

STABILITY_TOP = 1000.0
"""Stability is the rise of dry static energy over cp from the lowest level to this height [m]."""

BOUNDARY_LAYER_TOP = 1500.0
"""Air below this height is the boundary layer [m]."""

MIDDLE = (3000.0, 9000.0)
"""Bottom and top of the middle troposphere [m]; where it is moist, clouds survive the air that they entrain."""

PARCEL_TOP = 21_000.0
"""Parcels are lifted through levels below this height [m], above all convection and within the levels of any source."""

COMPOSITE = 40
"""Columns in a composite, or fewer where fewer are selected."""

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Facts:
    """What the rules look at: where columns are and what their inputs say; arrays of one shape, (..., cell).

    Attributes:
        lat: latitude [degrees north].
        land: land fraction [1].
        energy, inhibition: of :func:`diffmp_core.physics.buoyancy.energy_and_inhibition` [J kg-1].
        stability: of :func:`stability` [K].
        vapour: vapour of the whole column [kg m-2].
        humidity, low_humidity, middle_humidity: of :func:`layer_humidity`, up to the top of the middle troposphere, in
            the boundary layer, and in the middle troposphere [1].
        sensible, latent: surface fluxes of heat, positive upward [W m-2].
    """

    lat: Array
    land: Array
    energy: Array
    inhibition: Array
    stability: Array
    vapour: Array
    humidity: Array
    low_humidity: Array
    middle_humidity: Array
    sensible: Array
    latent: Array


INPUT_FACTS = tuple(field.name for field in fields(Facts) if field.name not in ("lat", "land"))
"""Facts by which a column is typical."""


def column_facts(columns: xr.Dataset) -> Facts:
    """Facts about every column, at one time, (cell, level), or more; without ``land_fraction`` all is sea.

    Times are taken one after the other, so that memory holds the profiles of one. Columns without a surface flux are
    alike in it: 0.

    Raises:
        DiffmpError: the columns' inputs lack T, the vapour (qv or q) or Ps.
    """
    if "time" in columns.dims:
        parts = [column_facts(columns.isel(time=time)) for time in range(columns.sizes["time"])]
        return Facts(*(np.stack([getattr(part, field.name) for part in parts]) for field in fields(Facts)))

    variables = variables_of(columns)

    def read(name: str) -> Array:
        dims = ("cell", "level")[: columns[name].ndim]
        return columns[name].transpose(*dims).values.astype(np.float64)

    def read_input(name: str) -> Array:
        return read(variables.stored_input(variables.inputs.named(name).name))

    name = vapour_name(variables.inputs) or "qv"
    temperature, vapour, mass = read_input("T"), read_input(name), read("layer_mass")
    vapour = per_dry_air(vapour, vapour) if name == "q" else vapour
    pressure = level_pressure(read_input("Ps"), mass, float(columns["pressure"].values[-1]))
    height = columns["height"].values
    lifted = height < PARCEL_TOP
    energy, inhibition = energy_and_inhibition(*(of[:, lifted] for of in (temperature, vapour, pressure)))
    content, capacity = vapour * mass, saturation_mixing_ratio(temperature, pressure) * mass

    def humidity(bottom: float, top: float) -> Array:
        return layer_humidity(content, capacity, (height >= bottom) & (height < top))

    return Facts(
        lat=read("lat"),
        land=read("land_fraction") if "land_fraction" in columns.variables else np.zeros(len(mass)),
        energy=energy,
        inhibition=inhibition,
        stability=stability(temperature, height),
        vapour=content.sum(axis=-1),
        humidity=humidity(0.0, MIDDLE[1]),
        low_humidity=humidity(0.0, BOUNDARY_LAYER_TOP),
        middle_humidity=humidity(*MIDDLE),
        sensible=read_input("SHF") if "SHF" in variables.inputs else np.zeros(len(mass)),
        latent=read_input("LHF") if "LHF" in variables.inputs else np.zeros(len(mass)),
    )


def stability(temperature: Array, height: Array) -> Array:
    """Rise of dry static energy over cp from the lowest level to ``STABILITY_TOP``, K: (..., level) -> (...)."""
    top = int(np.abs(height - STABILITY_TOP).argmin())
    dry_adiabatic = GRAVITY / SPECIFIC_HEAT_DRY_AIR * (height[top] - height[0])
    return temperature[..., top] - temperature[..., 0] + dry_adiabatic


def layer_humidity(content: Array, capacity: Array, levels: Mask) -> Array:
    """Vapour of a layer over what it would hold at saturation, (..., level) -> (...); levels: those of the layer."""
    return content[..., levels].sum(axis=-1) / capacity[..., levels].sum(axis=-1)


@dataclass(frozen=True)
class Regime:
    """Columns of a kind.

    Attributes:
        words: the rule.
        mask: columns of the regime, in the shape of the facts: over all times together, so that quiet hours have few.
    """

    words: str
    mask: Callable[[Facts], Mask]

    def distance(self, facts: Facts) -> Array:
        """How far each column of the regime is from its median, 0 to 0.5, in the shape of the facts; else infinite.

        Root mean square over ``INPUT_FACTS`` of the share of the regime's columns that lies between a column and the
        median: no fact counts more for its unit or for a long tail.
        """
        inside = self.mask(facts)
        found = np.full(inside.shape, np.inf)
        if inside.any():
            away = [_share_below(getattr(facts, name)[inside]) - 0.5 for name in INPUT_FACTS]
            found[inside] = np.sqrt(np.mean(np.square(away), axis=0))
        return found

    def typical_cells(self, facts: Facts, time: int) -> NDArray[np.int64]:
        """Cells of the regime at a time, the most typical first; facts are (time, cell)."""
        distance = self.distance(facts)[time]
        return np.argsort(distance, kind="stable")[: np.isfinite(distance).sum()]


def between(lat: Array, low: float, high: float) -> Mask:
    """Which columns lie between two absolute latitudes [degrees], the lower one included."""
    return (np.abs(lat) >= low) & (np.abs(lat) < high)


def top_share(score: Array, share: float, *, among: Mask) -> Mask:
    """The share of the columns admitted that scores most."""
    return among & (score >= np.quantile(score[among], 1.0 - share)) if among.any() else among


def represent(selected: Mask) -> NDArray[np.int64]:
    """Cells that stand for all that are selected (cell,): at most ``COMPOSITE``, spread evenly over them."""
    cells = np.flatnonzero(selected)
    if len(cells) <= COMPOSITE:
        return cells
    return cells[((np.arange(COMPOSITE) + 0.5) * len(cells) / COMPOSITE).astype(np.int64)]


def _share_below(values: Array) -> Array:
    """Share of the values (value,) that is less than each, those equal to it counted half."""
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(values))


def _convective(facts: Facts) -> Mask:
    tropics = between(facts.lat, 0, 20)
    possible = top_share(facts.energy, 0.75, among=tropics) & top_share(-facts.inhibition, 0.75, among=tropics)
    return top_share(facts.middle_humidity, 0.1, among=possible)


def _trade_wind(facts: Facts) -> Mask:
    sea = between(facts.lat, 10, 30) & (facts.land < 0.5)
    return top_share(facts.low_humidity, 0.5, among=top_share(-facts.middle_humidity, 0.5, among=sea))


def _everywhere(facts: Facts) -> Mask:
    return np.isfinite(facts.stability)


REGIMES = {
    "deep convection": Regime(
        "within 20° of the equator, without the quarter with least CAPE and the quarter with most inhibition, the "
        "tenth with the moistest air between 3 and 9 km",
        _convective,
    ),
    "trade cumulus": Regime(
        "over sea between 10° and 30°, of the half with the driest air between 3 and 9 km the half with the moistest "
        "air below 1.5 km",
        _trade_wind,
    ),
    "mid-latitude storm": Regime(
        "between 35° and 65°, the tenth nearest to saturation below 9 km",
        lambda facts: top_share(facts.humidity, 0.1, among=between(facts.lat, 35, 65)),
    ),
    "stable": Regime(
        "the tenth with the largest rise of dry static energy from the lowest level to 1 km",
        lambda facts: top_share(facts.stability, 0.1, among=_everywhere(facts)),
    ),
    "unstable": Regime(
        "the tenth with the largest fall, or the least rise, of dry static energy from the lowest level to 1 km",
        lambda facts: top_share(-facts.stability, 0.1, among=_everywhere(facts)),
    ),
}
"""Regimes by name."""
