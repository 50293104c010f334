"""What a column leaves behind: hourly snapshots of its points, and their means and eddy fluxes over segments.

The whole 120 km (24 points) and one seeded random contiguous periodic segment of 12, 6 and 3 points (60, 30, 15 km)
give the four resolutions of the paper; primes are relative to the segment mean.
"""

from typing import NamedTuple

import numpy as np

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, GRAVITY, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.column import LATENT, QC, QI, QV, SENSIBLE, SHORTWAVE, BaseState, S, W
from diffmp_core.crm.vertical_grid import N_LEVELS, NX
from diffmp_core.physics.coarse_grain import flux_tendency, horizontal_mean, subgrid_vertical_flux

SEGMENT_POINTS = {"60km": 12, "30km": 6, "15km": 3}
ABOVE = N_LEVELS + 1  # levels kept, one more than written for the flux through the top interface
WARM_CORE_SHARE = 0.3  # of the column's hydrostatic pressure response; the rest is taken to flow out sideways


class Snapshots(NamedTuple):
    """Hourly state of all points of one column: (time, point, level), and (time, point) at the surface."""

    temperature: np.ndarray  # K, ABOVE levels
    vapour: np.ndarray  # kg/kg, ABOVE levels
    liquid: np.ndarray  # kg/kg
    ice: np.ndarray  # kg/kg
    velocity: np.ndarray  # m/s at ABOVE interfaces, the lowest at the ground
    heating: np.ndarray  # K/s by microphysics
    moistening: np.ndarray  # 1/s by microphysics
    sensible: np.ndarray  # W/m2
    latent: np.ndarray  # W/m2
    shortwave: np.ndarray  # W/m2


def empty_snapshots(hours: int) -> Snapshots:
    """Room for the snapshots of so many hours."""

    def room(*levels):
        return np.empty((hours, NX, *levels))

    return Snapshots(
        room(ABOVE),
        room(ABOVE),
        room(N_LEVELS),
        room(N_LEVELS),
        room(ABOVE),
        room(N_LEVELS),
        room(N_LEVELS),
        room(),
        room(),
        room(),
    )


def record(
    snapshots: Snapshots, hour: int, state: np.ndarray, surface: np.ndarray, tendency: np.ndarray, base: BaseState
) -> None:
    """Copy the state after an hour, (field, level, point) -> (time, point, level), into the snapshots."""
    height = base.height[:ABOVE, None]
    snapshots.temperature[hour] = ((state[S, :ABOVE] - GRAVITY * height) / SPECIFIC_HEAT_DRY_AIR).T
    snapshots.vapour[hour] = state[QV, :ABOVE].T
    snapshots.liquid[hour] = state[QC, :N_LEVELS].T
    snapshots.ice[hour] = state[QI, :N_LEVELS].T
    snapshots.velocity[hour] = state[W, :ABOVE].T
    snapshots.heating[hour] = tendency[0, :N_LEVELS].T
    snapshots.moistening[hour] = tendency[1, :N_LEVELS].T
    snapshots.sensible[hour] = surface[SENSIBLE]
    snapshots.latent[hour] = surface[LATENT]
    snapshots.shortwave[hour] = surface[SHORTWAVE]


def segment_table(first: np.ndarray, points: int) -> np.ndarray:
    """Points of a contiguous periodic segment that starts at first (time,), as (time, points)."""
    return (first[:, None] + np.arange(points)) % NX


def take_segment(snapshots: Snapshots, table: np.ndarray) -> Snapshots:
    """The same snapshots at the points of a (time, points) table only."""

    def pick(field):
        return np.take_along_axis(field, table[..., None] if field.ndim == 3 else table, axis=1)

    return Snapshots(*(pick(field) for field in snapshots))


def eddy_tendency(scalar: np.ndarray, velocity: np.ndarray, base: BaseState) -> np.ndarray:
    """Equations 2 and 3 with density: scalar (time, point, ABOVE) at layers, w at interfaces -> (time, N_LEVELS)."""
    at_interfaces = np.empty_like(scalar)
    at_interfaces[..., 0] = scalar[..., 0]  # w is zero there
    at_interfaces[..., 1:] = 0.5 * (scalar[..., 1:] + scalar[..., :-1])
    flux = subgrid_vertical_flux(at_interfaces, velocity)
    return flux_tendency(
        flux,
        base.height_interface[:ABOVE],
        base.density_interface[:ABOVE],
        layer_density=base.density[:N_LEVELS],
        staggered=True,
    )


def segment_means(snapshots: Snapshots, base: BaseState) -> dict[str, np.ndarray]:
    """Every variable of one resolution from its points: (time, level) profiles and (time,) surface values."""

    def mean(field):
        return horizontal_mean(field[..., :N_LEVELS])

    return {
        "T": mean(snapshots.temperature),
        "qv": mean(snapshots.vapour),
        "qc": mean(snapshots.liquid),
        "qi": mean(snapshots.ice),
        "tend_T_mp": mean(snapshots.heating),
        "tend_qv_mp": mean(snapshots.moistening),
        "tend_T_flux": eddy_tendency(snapshots.temperature, snapshots.velocity, base),
        "tend_qv_flux": eddy_tendency(snapshots.vapour, snapshots.velocity, base),
        "SHF": snapshots.sensible.mean(axis=1),
        "LHF": snapshots.latent.mean(axis=1),
    }


def surface_pressure(means: dict[str, np.ndarray], base: BaseState, wave: np.ndarray) -> np.ndarray:
    """Surface pressure, Pa, (time,): base state, waves (time,), warmth of the column, weight of its vapour."""
    ground = base.pressure[0] * np.exp(GRAVITY * base.height[0] / (GAS_CONSTANT_DRY_AIR * base.temperature[0]))
    mass = base.mass[:N_LEVELS]
    warmth = (mass * (means["T"] / base.temperature[:N_LEVELS] - 1.0)).sum(axis=-1)
    vapour = (mass * means["qv"]).sum(axis=-1)
    return ground + wave + GRAVITY * (vapour - WARM_CORE_SHARE * warmth)
