"""One step of the column: forward-backward in time, the processes in their order."""

import numpy as np

from diffmp_core.constants import GRAVITY, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.advection import advect_momentum, advect_scalars, mass_fluxes
from diffmp_core.crm.column import QC, QI, QR, QS, QV, SURFACE_RAIN, S, U, W
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.large_scale import cloud_top_cooling, large_scale
from diffmp_core.crm.microphysics import microphysics
from diffmp_core.crm.pressure import project
from diffmp_core.crm.sedimentation import sedimentation
from diffmp_core.crm.surface import surface_exchange
from diffmp_core.crm.turbulence import mix
from diffmp_core.crm.vertical_grid import DX, NX, NZ

CFL_LIMIT = 0.8
FILTER_RATE = 0.004 / 1.6 / 20.0  # 1/s, coefficient of the fourth difference in x
SPONGE_BASE, SPONGE_TOP = 14000.0, 22000.0  # m
SPONGE_W, SPONGE_U = 60.0, 300.0  # s
BUOYANCY = 12  # row of Workspace.flat


@compiled
def courant_number(u, w, base, dt):
    """Largest sum of horizontal and vertical Courant numbers; not a number if any wind is."""
    largest = 0.0
    for k in range(NZ):
        a = dt / DX
        b = dt / base.thickness[k]
        for i in range(NX):
            c = a * abs(u[k, i]) + b * max(abs(w[k, i]), abs(w[k + 1, i]))
            if not c <= largest:
                largest = c
                if not c < 1e30:
                    return np.nan
    return largest


@compiled
def accelerate(state, base, dt, work):
    """Add buoyancy g [s'/(cp T0) + 0.608 qv' - condensate'] to w, primes from the x mean."""
    s, qv, qc, qi, qr, qs = state[S], state[QV], state[QC], state[QI], state[QR], state[QS]
    w, buoyancy = state[W], work.flat[BUOYANCY]
    for k in range(NZ):
        a = GRAVITY / (SPECIFIC_HEAT_DRY_AIR * base.temperature[k])
        geopotential = GRAVITY * base.height[k] + SPECIFIC_HEAT_DRY_AIR * base.temperature[k]
        mean = 0.0
        for i in range(NX):
            buoyancy[k, i] = a * (s[k, i] - geopotential) + GRAVITY * (
                0.608 * qv[k, i] - qc[k, i] - qi[k, i] - qr[k, i] - qs[k, i]
            )
        for i in range(NX):
            mean += buoyancy[k, i]
        mean /= NX
        for i in range(NX):
            buoyancy[k, i] -= mean
    for k in range(1, NZ):
        for i in range(NX):
            w[k, i] += 0.5 * dt * (buoyancy[k, i] + buoyancy[k - 1, i])


@compiled
def filter_x(field, rows, coefficient, work):
    """Subtract coefficient times the fourth difference in x, in place."""
    p = work.padded[0]
    for k in range(rows):
        for i in range(NX):
            p[k, 2 + i] = field[k, i]
        p[k, 0] = field[k, NX - 2]
        p[k, 1] = field[k, NX - 1]
        p[k, NX + 2] = field[k, 0]
        p[k, NX + 3] = field[k, 1]
        for i in range(NX):
            field[k, i] -= coefficient * (p[k, i] + p[k, i + 4] - 4.0 * (p[k, i + 1] + p[k, i + 3]) + 6.0 * p[k, i + 2])


@compiled
def sponge(u, w, base, dt):
    """Damp w and the departure of u from its x mean, sin^2 from 16 km to the top."""
    for k in range(NZ):
        z = base.height_interface[k]
        if z > SPONGE_BASE and k > 0:
            factor = 1.0 / (
                1.0 + dt / SPONGE_W * np.sin(0.5 * np.pi * (z - SPONGE_BASE) / (SPONGE_TOP - SPONGE_BASE)) ** 2
            )
            for i in range(NX):
                w[k, i] *= factor
        z = base.height[k]
        if z > SPONGE_BASE:
            factor = 1.0 / (
                1.0 + dt / SPONGE_U * np.sin(0.5 * np.pi * (z - SPONGE_BASE) / (SPONGE_TOP - SPONGE_BASE)) ** 2
            )
            mean = 0.0
            for i in range(NX):
                mean += u[k, i]
            mean /= NX
            for i in range(NX):
                u[k, i] = mean + factor * (u[k, i] - mean)


@compiled
def step(state, surface, base, forcing, dt, x_first, record, work, budget):
    """Advance one column by dt seconds in place.

    state (N_FIELDS, NZ + 1, NX), surface (N_SURFACE, NX), budget (N_BUDGET,) accumulates.
    record: write the microphysics tendencies of T and qv (K/s, 1/s) into work.tendency.
    """
    u, w, s, qv = state[U], state[W], state[S], state[QV]
    mass_fluxes(u, w, base, dt, work.flux_x, work.flux_z)
    large_scale(state, base, forcing, dt, work, budget)
    cloud_top_cooling(state, base, dt, work, budget)
    surface_exchange(state, surface, base, forcing, dt, work, budget)
    mix(state, surface, base, forcing, dt, work)
    advect_scalars(state, S, QS + 1, base, x_first, work)
    advect_momentum(u, w, base, x_first, work)
    if record:
        work.tendency[0] = s[:NZ]
        work.tendency[1] = qv[:NZ]
    microphysics(state, base, dt, work.rows.reshape(-1))
    if record:
        for k in range(NZ):
            for i in range(NX):
                work.tendency[0, k, i] = (s[k, i] - work.tendency[0, k, i]) / (SPECIFIC_HEAT_DRY_AIR * dt)
                work.tendency[1, k, i] = (qv[k, i] - work.tendency[1, k, i]) / dt
    sedimentation(state, surface, base, dt, work, budget)
    accelerate(state, base, dt, work)
    filter_x(u, NZ, FILTER_RATE * dt, work)
    filter_x(w, NZ, FILTER_RATE * dt, work)
    sponge(u, w, base, dt)
    project(u, w, base, work)


@compiled
def run(state, surface, base, forcing, dt, steps, start_step, work, budget):
    """Advance one column by steps of dt seconds, in substeps where the Courant number passes CFL_LIMIT.

    Returns (ok, precipitation sum over the steps in kg/m2); ok is False if the winds are no longer finite.
    """
    rain = 0.0
    for n in range(steps):
        courant = courant_number(state[U], state[W], base, dt)
        if not courant < 50.0:
            return False, rain
        substeps = max(1, int(np.ceil(courant / CFL_LIMIT)))
        for m in range(substeps):
            record = n == steps - 1 and m == substeps - 1
            step(state, surface, base, forcing, dt / substeps, (start_step + n + m) % 2 == 0, record, work, budget)
            for i in range(NX):
                rain += surface[SURFACE_RAIN, i] * dt / substeps / NX
    return True, rain
