"""Bulk surface fluxes over sea and land, a land slab, and cloud-shaded shortwave."""

import numpy as np

from diffmp_core.constants import GRAVITY, LATENT_HEAT_VAPORISATION, SPECIFIC_HEAT_DRY_AIR, STEFAN_BOLTZMANN
from diffmp_core.crm.column import (
    CONVECTIVE_VELOCITY,
    HEAT_SURFACE,
    LATENT,
    QC,
    QI,
    QV,
    SENSIBLE,
    SHORTWAVE,
    SKIN_TEMPERATURE,
    STRESS,
    WATER_SURFACE,
    S,
    U,
)
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.thermodynamics import EPSILON, vapour_pressure_liquid
from diffmp_core.crm.vertical_grid import NX, NZ

EXCHANGE_SEA, EXCHANGE_LAND = 1.2e-3, 2.5e-3  # bulk coefficients at neutral stability
GUSTINESS = 1.0  # m2/s2
CONVECTIVE_GUST = 1.2  # Beljaars (1995), doi:10.1002/qj.49712152203
STABLE_DAMPING = 10.0
SALINITY = 0.98  # saturation over sea water relative to fresh water
SLAB_HEAT_CAPACITY = 2.5e5  # J/m2/K
DEEP_CONDUCTANCE = 4.0  # W/m2/K
CLOUDY_SHARE = 0.8  # of what a clear sky lacks of a black body that thick cloud adds
LIQUID_EXTINCTION = 150.0  # m2/kg, 1.5 / (1000 kg/m3 x 10 um)
ICE_EXTINCTION = 55.0  # m2/kg, 1.5 / (917 kg/m3 x 30 um)
BACKSCATTER = 0.1125  # 0.75 (1 - g), g = 0.85


@compiled
def clear_sky_emissivity(vapour_pressure, temperature):
    """Emissivity of a clear sky from the vapour pressure (Pa) and temperature (K) of the air near the surface.

    1 - (1 + w) exp(-sqrt(1.2 + 3 w)) with w = 46.5 e / T (e in hPa), the precipitable water in g/cm2.
    Prata (1996), doi:10.1002/qj.49712253306.
    """
    water = 0.465 * vapour_pressure / temperature
    return 1.0 - (1.0 + water) * np.exp(-np.sqrt(1.2 + 3.0 * water))


@compiled
def cloud_transmissivity(state, base, out):
    """Two-stream transmissivity of non-absorbing cloud, 1 / (1 + 0.75 (1 - g) tau), into out (NX,)."""
    qc, qi = state[QC], state[QI]
    for i in range(NX):
        out[i] = 0.0
    for k in range(NZ):
        a, b = LIQUID_EXTINCTION * base.mass[k], ICE_EXTINCTION * base.mass[k]
        for i in range(NX):
            out[i] += a * qc[k, i] + b * qi[k, i]
    for i in range(NX):
        out[i] = 1.0 / (1.0 + BACKSCATTER * out[i])


@compiled
def surface_exchange(state, surface, base, forcing, dt, work, budget):
    """Put sensible and latent heat (W/m2) into the lowest layer, keep the stress velocity, step the land slab.

    SHF = rho cp C |V| (Ts - s1 / cp), LHF = rho Lv C |V| beta (qs(Ts) - qv1), times the forcing's factors in the air.
    The slab is cooled by the fluxes without them: it would else warm until it gave the same heat again.
    """
    u, s, qv = state[U], state[S], state[QV]
    transmissivity = work.rows[0]
    cloud_transmissivity(state, base, transmissivity)
    rho, m, z = base.density[0], base.mass[0], base.height[0]
    is_land = forcing.land > 0.5
    exchange = EXCHANGE_LAND if is_land else EXCHANGE_SEA
    surface_pressure = base.pressure[0] + GRAVITY * rho * z
    for i in range(NX):
        ts = surface[SKIN_TEMPERATURE, i] if is_land else forcing.sea_temperature
        u1 = 0.5 * (u[0, i] + u[0, (i + 1) % NX])
        e = vapour_pressure_liquid(ts)
        qs = EPSILON * e / (surface_pressure - e) * (1.0 if is_land else SALINITY)
        dtheta = ts - s[0, i] / SPECIFIC_HEAT_DRY_AIR
        dtv = dtheta * (1.0 + 0.608 * qv[0, i]) + 0.608 * ts * forcing.evaporation * (qs - qv[0, i])
        wind2 = forcing.background_wind**2 + u1 * u1 + GUSTINESS
        if dtv > 0.0:
            wind2 += (CONVECTIVE_GUST * surface[CONVECTIVE_VELOCITY, i]) ** 2
            c = exchange
        else:
            c = exchange / (1.0 + STABLE_DAMPING * (-GRAVITY * z * dtv / (ts * wind2)))
        speed = c * np.sqrt(wind2)
        # implicit in the exchange over the thin lowest layer, so that strong winds cannot overshoot
        implicit = 1.0 / (1.0 + dt * speed * rho / m)
        sensible = rho * SPECIFIC_HEAT_DRY_AIR * speed * dtheta * implicit
        evaporation = rho * speed * forcing.evaporation * (qs - qv[0, i]) * implicit
        most_dew = -0.5 * qv[0, i] * m / dt  # half of the vapour
        evaporation = max(evaporation, most_dew)
        shortwave = forcing.shortwave * transmissivity[i]
        if is_land:
            cloudy = 1.0 - transmissivity[i]
            t1 = (s[0, i] - GRAVITY * z) / SPECIFIC_HEAT_DRY_AIR
            clear = clear_sky_emissivity(qv[0, i] / (EPSILON + qv[0, i]) * surface_pressure, t1)
            sky = clear + CLOUDY_SHARE * (1.0 - clear) * min(1.5 * cloudy, 1.0)
            longwave = STEFAN_BOLTZMANN * (sky * t1**4 - ts**4)
            net = (
                (1.0 - forcing.albedo) * shortwave
                + longwave
                - sensible
                - LATENT_HEAT_VAPORISATION * evaporation
                + DEEP_CONDUCTANCE * (forcing.deep_soil - ts)
            )
            damping = dt / SLAB_HEAT_CAPACITY * (DEEP_CONDUCTANCE + 6.0 + rho * SPECIFIC_HEAT_DRY_AIR * speed)
            surface[SKIN_TEMPERATURE, i] = ts + dt * net / SLAB_HEAT_CAPACITY / (1.0 + damping)
        else:
            surface[SKIN_TEMPERATURE, i] = ts
        sensible *= forcing.sensible_factor
        evaporation = max(forcing.latent_factor * evaporation, most_dew)
        s[0, i] += dt * sensible / m
        qv[0, i] += dt * evaporation / m
        surface[SENSIBLE, i] = sensible
        surface[LATENT, i] = LATENT_HEAT_VAPORISATION * evaporation
        surface[SHORTWAVE, i] = shortwave
        surface[STRESS, i] = c * np.sqrt(wind2)
        budget[HEAT_SURFACE] += dt * (sensible + LATENT_HEAT_VAPORISATION * evaporation) / NX
        budget[WATER_SURFACE] += dt * evaporation / NX
