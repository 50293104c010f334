"""What one column is made of: its fields, its fixed base state, its forcing of the hour, its scratch space."""

from typing import NamedTuple

import numpy as np

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, GRAVITY, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.vertical_grid import DX, NX, NZ, interface_heights, layer_heights

# Prognostic fields: state[FIELD, k, i], float64, shape (N_FIELDS, NZ + 1, NX). Scalars sit at layer centres
# (row NZ unused), U at the left face of point i, W at the lower interface of layer k (W = 0 in rows 0 and NZ).
U, W, S, QV, QC, QI, QR, QS = range(8)
N_FIELDS = 8  # m/s, m/s, J/kg (dry static energy cp T + g z), then kg/kg; QS is snow plus graupel

# Surface state: surface[ROW, i]
SKIN_TEMPERATURE, CONVECTIVE_VELOCITY, BOUNDARY_HEIGHT, SENSIBLE, LATENT, SHORTWAVE, SURFACE_RAIN, STRESS = range(8)
N_SURFACE = 8  # K, m/s, m, W/m2, W/m2, W/m2, kg/m2/s, m/s (exchange velocity of momentum)

# Budget terms accumulated by the step: x means, J/m2 and kg/m2
(HEAT_SURFACE, HEAT_LARGE_SCALE, HEAT_RADIATION, HEAT_FROZEN_FALL, WATER_SURFACE, WATER_LARGE_SCALE, WATER_FALL) = (
    range(7)
)
N_BUDGET = 7


class BaseState(NamedTuple):
    """Fixed horizontally uniform state of one column, and what derives from it.

    height, height_interface: m.  thickness: dz, m.  spacing: distance of layer centres across each interface, m.
    pressure: Pa.  temperature: K.  density, density_interface: kg/m3.  mass: rho dz, kg/m2.
    slope_below, slope_above: weights of the differences to the layers below and above in a layer's slope.
    pivot, lower, upper: factors of the pressure solver's tridiagonal systems, (NZ, NX) and (NZ,).
    """

    height: np.ndarray
    height_interface: np.ndarray
    thickness: np.ndarray
    spacing: np.ndarray
    pressure: np.ndarray
    temperature: np.ndarray
    density: np.ndarray
    density_interface: np.ndarray
    mass: np.ndarray
    slope_below: np.ndarray
    slope_above: np.ndarray
    pivot: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    transform: np.ndarray
    transform_back: np.ndarray


class Forcing(NamedTuple):
    """What acts on one column during one hour; profiles are (NZ,).

    vertical_velocity: prescribed W, m/s.  temperature, vapour, wind: reference profiles, K, kg/kg, m/s.
    nudging_temperature, nudging_vapour: rates, 1/s.  wtg_rate: weak-temperature-gradient rate, 1/s, with its shape.
    wtg_share: share of WTG in W, 0..1.  cooling: radiative cooling where the air is warm, K/s (positive).
    sea_temperature: K.  land: 1 over land else 0.  evaporation: moisture availability beta.
    background_wind: m/s.  shortwave: clear-sky at the surface, W/m2.  deep_soil: K.  albedo: of land.
    sensible_factor, latent_factor: share of the bulk fluxes that reaches the air; the land slab gives the whole.
    """

    vertical_velocity: np.ndarray
    temperature: np.ndarray
    vapour: np.ndarray
    wind: np.ndarray
    nudging_temperature: np.ndarray
    nudging_vapour: np.ndarray
    wtg_rate: np.ndarray
    wtg_share: float
    cooling: float
    sea_temperature: float
    land: float
    evaporation: float
    background_wind: float
    shortwave: float
    deep_soil: float
    albedo: float
    sensible_factor: float = 1.0
    latent_factor: float = 1.0


class Workspace(NamedTuple):
    """Scratch arrays, allocated once; names say what the step keeps there between two of its parts."""

    flux_x: np.ndarray  # (NZ + 1, NX) mass through the left faces in a step, kg/m2
    flux_z: np.ndarray  # (NZ + 1, NX) mass through the lower interfaces in a step, kg/m2
    padded: np.ndarray  # (5, NZ + 2, NX + 4) rows with halo
    flat: np.ndarray  # (16, NZ + 2, NX)
    profiles: np.ndarray  # (8, NZ + 1)
    rows: np.ndarray  # (32, NX)
    diffusivity: np.ndarray  # (NZ + 1, NX) m2/s
    tendency: np.ndarray  # (2, NZ, NX) microphysics heating K/s and moistening 1/s, written on request


def workspace() -> Workspace:
    """A fresh scratch space."""

    def zeros(*shape):
        return np.zeros(shape)

    return Workspace(
        zeros(NZ + 1, NX),
        zeros(NZ + 1, NX),
        zeros(5, NZ + 2, NX + 4),
        zeros(16, NZ + 2, NX),
        zeros(8, NZ + 1),
        zeros(32, NX),
        zeros(NZ + 1, NX),
        zeros(2, NZ, NX),
    )


def fourier_matrix() -> np.ndarray:
    """Orthonormal real Fourier transform of NX points, (NX, NX): spectrum = field @ matrix; column 0 is the mean."""
    x = np.arange(NX)
    columns = [np.full(NX, 1 / np.sqrt(NX))]
    for mode in range(1, NX // 2):
        columns += [
            np.sqrt(2 / NX) * np.cos(2 * np.pi * mode * x / NX),
            np.sqrt(2 / NX) * np.sin(2 * np.pi * mode * x / NX),
        ]
    columns.append(np.cos(np.pi * x) / np.sqrt(NX))
    return np.ascontiguousarray(np.stack(columns, axis=1))


def mode_numbers() -> np.ndarray:
    """Wavenumber of each column of fourier_matrix, (NX,)."""
    return (np.arange(NX) + 1) // 2


def hydrostatic_pressure(temperature: np.ndarray, surface_pressure: float) -> np.ndarray:
    """Pressure at layer centres, Pa, of a (NZ,) temperature profile in hydrostatic balance."""
    thickness = np.diff(interface_heights())
    fall = GRAVITY * thickness / (GAS_CONSTANT_DRY_AIR * temperature)
    return surface_pressure * np.exp(-(np.cumsum(fall) - 0.5 * fall))


def base_state(temperature: np.ndarray, surface_pressure: float) -> BaseState:
    """Base state of a (NZ,) reference temperature, K, and a surface pressure, Pa."""
    height, interface = layer_heights(), interface_heights()
    thickness = np.diff(interface)
    spacing = np.concatenate([[thickness[0]], np.diff(height), [thickness[-1]]])
    pressure = hydrostatic_pressure(temperature, surface_pressure)
    density = pressure / (GAS_CONSTANT_DRY_AIR * temperature)
    density_interface = np.concatenate([[density[0]], np.sqrt(density[1:] * density[:-1]), [density[-1]]])
    below, above = np.zeros(NZ + 1), np.zeros(NZ + 1)
    below[:NZ] = 0.5 * thickness / spacing[:-1]
    above[:NZ] = 0.5 * thickness / spacing[1:]
    wave = (2 - 2 * np.cos(2 * np.pi * mode_numbers() / NX)) / DX**2  # (NX,)
    lower = density_interface[:-1] / spacing[:-1] / thickness  # couples layer k to k - 1
    upper = density_interface[1:] / spacing[1:] / thickness
    lower[0] = upper[-1] = 0.0
    pivot = np.empty((NZ, NX))
    diagonal = -(lower + upper)[:, None] - density[:, None] * wave[None, :]
    diagonal[0, 0] -= 1.0  # mode 0 is skipped; this keeps its pivots finite
    pivot[0] = 1 / diagonal[0]
    for k in range(1, NZ):
        pivot[k] = 1 / (diagonal[k] - lower[k] * upper[k - 1] * pivot[k - 1])
    return BaseState(
        height,
        interface,
        thickness,
        spacing,
        pressure,
        temperature.copy(),
        density,
        density_interface,
        density * thickness,
        below,
        above,
        pivot,
        lower,
        upper,
        fourier_matrix(),
        np.ascontiguousarray(fourier_matrix().T),
    )


def initial_state(base: BaseState, vapour: np.ndarray, wind: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """State at rest but for the mean wind, with temperature noise (NZ, NX) in K; shape (N_FIELDS, NZ + 1, NX)."""
    state = np.zeros((N_FIELDS, NZ + 1, NX))
    state[U, :NZ] = wind[:, None]
    state[S, :NZ] = SPECIFIC_HEAT_DRY_AIR * (base.temperature[:, None] + noise) + GRAVITY * base.height[:, None]
    state[QV, :NZ] = vapour[:, None]
    return state
