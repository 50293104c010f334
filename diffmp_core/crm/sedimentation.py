"""Fall of rain, snow plus graupel, cloud ice and cloud droplets: one implicit upwind sweep from the top down."""

import numpy as np

from diffmp_core.constants import GRAVITY, LATENT_HEAT_FUSION, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.column import HEAT_FROZEN_FALL, QC, QI, QR, QS, SURFACE_RAIN, WATER_FALL, S
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.microphysics import REFERENCE_DENSITY, fifth_root
from diffmp_core.crm.thermodynamics import graupel_fraction
from diffmp_core.crm.vertical_grid import NX, NZ

RAIN_V, SNOW_V, GRAUPEL_V = 20.82, 1.837, 11.23  # V = V0 x^(b/4) sd, b = 0.8, 0.25, 0.5
FASTEST_PRECIPITATION, FASTEST_ICE = 10.0, 0.9  # m/s
ICE_V = 9.6  # 9.6 x^0.25 is Heymsfield and Donner's 8.66 x^0.24 within 5 % for 1e-6 < x < 1e-3
DROPLET_V, FOG_V = (
    0.02,
    0.05,
)  # m/s: Stokes fall of 13 um droplets; fog deposition (Katata 2014, doi:10.1002/2014JD021669)


@compiled
def rain_speed(q, density, out):
    """Fall speed of rain, m/s, of one level (NX,)."""
    sd = np.sqrt(REFERENCE_DENSITY / density)
    for i in range(NX):
        out[i] = min(RAIN_V * sd * fifth_root(density * q[i] + 1e-12), FASTEST_PRECIPITATION)


@compiled
def frozen_speed(q, s, geopotential, density, out):
    """Fall speed of snow plus graupel, m/s, weighted by their shares at this temperature."""
    sd = np.sqrt(REFERENCE_DENSITY / density)
    for i in range(NX):
        wg = graupel_fraction((s[i] - geopotential) / SPECIFIC_HEAT_DRY_AIR)
        x = density * q[i] + 1e-12
        snow = np.sqrt(np.sqrt(np.sqrt(np.sqrt((1.0 - wg) * x))))
        graupel = np.sqrt(np.sqrt(np.sqrt(wg * x)))
        out[i] = min(sd * (SNOW_V * (1.0 - wg) * snow + GRAUPEL_V * wg * graupel), FASTEST_PRECIPITATION)


@compiled
def ice_speed(q, density, out):
    """Fall speed of cloud ice, m/s.

    Heymsfield and Donner (1990), doi:10.1175/1520-0469(1990)047<1865:ASFPIC>2.0.CO;2.
    """
    for i in range(NX):
        out[i] = min(ICE_V * np.sqrt(np.sqrt(density * q[i] + 1e-12)), FASTEST_ICE)


@compiled
def fall(q, kind, s, base, dt, speed, inflow):
    """Let q (>= NZ, NX) fall over dt seconds in place; inflow (NX,) returns the fall at the ground, kg/m2."""
    for i in range(NX):
        inflow[i] = 0.0
    wet = False
    for k in range(NZ - 1, -1, -1):
        if not wet:
            for i in range(NX):
                wet = wet or q[k, i] > 0.0
            if not wet:
                continue
        if kind == QR:
            rain_speed(q[k], base.density[k], speed)
        elif kind == QS:
            frozen_speed(q[k], s[k], GRAVITY * base.height[k], base.density[k], speed)
        elif kind == QI:
            ice_speed(q[k], base.density[k], speed)
        else:
            for i in range(NX):
                speed[i] = DROPLET_V if k > 0 else FOG_V
        m = base.mass[k]
        a = dt * base.density[k]
        for i in range(NX):
            new = (m * q[k, i] + inflow[i]) / (m + a * speed[i])
            inflow[i] = a * speed[i] * new
            q[k, i] = new
    return wet


@compiled
def sedimentation(state, surface, base, dt, work, budget):
    """Fall of rain, frozen precipitation and cloud over dt seconds; surface rate in kg/m2/s."""
    speed, inflow = work.rows[0], work.rows[1]
    for i in range(NX):
        surface[SURFACE_RAIN, i] = 0.0
    for kind in (QR, QS, QI, QC):
        if fall(state[kind], kind, state[S], base, dt, speed, inflow):
            total = 0.0
            for i in range(NX):
                surface[SURFACE_RAIN, i] += inflow[i] / dt
                total += inflow[i]
            budget[WATER_FALL] -= total / NX
            if kind in (QS, QI):
                budget[HEAT_FROZEN_FALL] += LATENT_HEAT_FUSION * total / NX
