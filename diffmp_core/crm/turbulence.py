"""Boundary-layer K profile, local Richardson mixing above, and implicit vertical diffusion of conserved variables."""

import numpy as np

from diffmp_core.constants import (
    GRAVITY,
    LATENT_HEAT_SUBLIMATION,
    LATENT_HEAT_VAPORISATION,
    SPECIFIC_HEAT_DRY_AIR,
    VON_KARMAN,
)
from diffmp_core.crm.column import BOUNDARY_HEIGHT, CONVECTIVE_VELOCITY, LATENT, QC, QI, QV, SENSIBLE, STRESS, S, U
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.vertical_grid import N_LEVELS, NX, NZ

CRITICAL_RICHARDSON = 0.25
ASYMPTOTIC_LENGTH = 70.0  # m, Blackadar
LEAST, MOST = 0.1, 600.0  # m2/s
LARGEST_BOUNDARY_LAYER = 4000.0  # m
VIRTUAL, WIND = 12, 13  # rows of Workspace.flat
LIQUID, TOTAL, FACTOR = 12, 13, 14


@compiled
def boundary_layer(surface, virtual, wind, base, background_wind):
    """Boundary-layer height (m) where the bulk Richardson number passes 0.25, and convective velocity (m/s).

    Holtslag and Boville (1993), doi:10.1175/1520-0442(1993)006<1825:LVNBLD>2.0.CO;2, in simplified form.
    """
    rho = base.density[0]
    for i in range(NX):
        kinematic = surface[SENSIBLE, i] / (rho * SPECIFIC_HEAT_DRY_AIR) + 0.608 * base.temperature[0] * surface[
            LATENT, i
        ] / (rho * LATENT_HEAT_VAPORISATION)  # K m/s
        excess = 0.0
        if kinematic > 0.0:
            excess = min(5.0 * kinematic / max(surface[CONVECTIVE_VELOCITY, i], 0.5), 2.0) * SPECIFIC_HEAT_DRY_AIR
        start = virtual[0, i] + excess
        height, previous, k = base.height[0], 0.0, 1
        while k < N_LEVELS and base.height[k] < LARGEST_BOUNDARY_LAYER:
            du = wind[k, i] - wind[0, i]
            speed2 = max(du * du, 0.0) + 0.05 * background_wind**2 + 1.0
            richardson = (
                GRAVITY
                * (base.height[k] - base.height[0])
                * (virtual[k, i] - start)
                / (SPECIFIC_HEAT_DRY_AIR * base.temperature[0] * speed2)
            )
            if richardson > CRITICAL_RICHARDSON:
                share = (CRITICAL_RICHARDSON - previous) / (richardson - previous)
                height = base.height[k - 1] + share * (base.height[k] - base.height[k - 1])
                break
            height, previous = base.height[k], richardson
            k += 1
        surface[BOUNDARY_HEIGHT, i] = max(height, base.height_interface[1])
        if kinematic > 0.0:
            surface[CONVECTIVE_VELOCITY, i] = (
                GRAVITY / base.temperature[0] * kinematic * surface[BOUNDARY_HEIGHT, i]
            ) ** (1.0 / 3.0)
        else:
            surface[CONVECTIVE_VELOCITY, i] = 0.0


@compiled
def diffusivity(state, surface, base, background_wind, work):
    """Eddy diffusivity at interfaces, m2/s, into work.diffusivity (rows 1 .. NZ - 1)."""
    s, qv, u = state[S], state[QV], state[U]
    virtual, wind, out = work.flat[VIRTUAL], work.flat[WIND], work.diffusivity
    for k in range(NZ):
        a = 0.608 * SPECIFIC_HEAT_DRY_AIR * base.temperature[k]
        for i in range(NX):
            virtual[k, i] = s[k, i] + a * qv[k, i]
        for i in range(NX - 1):
            wind[k, i] = 0.5 * (u[k, i] + u[k, i + 1])
        wind[k, NX - 1] = 0.5 * (u[k, NX - 1] + u[k, 0])
    boundary_layer(surface, virtual, wind, base, background_wind)
    for k in range(1, NZ):
        z = base.height_interface[k]
        length = VON_KARMAN * z / (1.0 + VON_KARMAN * z / ASYMPTOTIC_LENGTH)
        a = 1.0 / base.spacing[k]
        b = GRAVITY / (SPECIFIC_HEAT_DRY_AIR * base.temperature[k]) * a
        for i in range(NX):
            shear = (wind[k, i] - wind[k - 1, i]) * a
            n2 = b * (virtual[k, i] - virtual[k - 1, i])
            shear2 = shear * shear + 1e-8
            stable = max(1.0 - n2 / (shear2 * CRITICAL_RICHARDSON), 0.0)
            factor = shear2 - 16.0 * n2 if n2 < 0.0 else shear2 * min(stable, 1.0) ** 4
            out[k, i] = min(max(length * length * np.sqrt(factor), LEAST), MOST)
    scale, height = work.rows[0], work.rows[1]
    top = 0.0
    for i in range(NX):
        friction3 = (surface[STRESS, i] * background_wind) ** 1.5
        scale[i] = VON_KARMAN * (friction3 + 0.6 * surface[CONVECTIVE_VELOCITY, i] ** 3) ** (1.0 / 3.0)
        height[i] = surface[BOUNDARY_HEIGHT, i]
        top = max(top, height[i])
    k = 1
    while k < NZ and base.height_interface[k] < top:
        z = base.height_interface[k]
        for i in range(NX):
            shape = max(1.0 - z / height[i], 0.0)
            out[k, i] = min(max(out[k, i], scale[i] * z * shape * shape), MOST)
        k += 1


@compiled
def solve_diffusion(field, base, exchange, bottom, factor):
    """Implicit diffusion of field (>= NZ, NX) in place by the Thomas algorithm, vector in x.

    exchange: dt rho K / spacing at interfaces, kg/m2, rows 0 and NZ zero.  bottom: extra damping of row 0, kg/m2.
    """
    for i in range(NX):
        inverse = 1.0 / (base.mass[0] + bottom[i] + exchange[1, i])
        field[0, i] = base.mass[0] * field[0, i] * inverse
        factor[0, i] = exchange[1, i] * inverse
    for k in range(1, NZ):
        m = base.mass[k]
        for i in range(NX):
            inverse = 1.0 / (m + exchange[k + 1, i] + exchange[k, i] * (1.0 - factor[k - 1, i]))
            field[k, i] = (m * field[k, i] + exchange[k, i] * field[k - 1, i]) * inverse
            factor[k, i] = exchange[k + 1, i] * inverse
    for k in range(NZ - 2, -1, -1):
        for i in range(NX):
            field[k, i] += factor[k, i] * field[k + 1, i]


@compiled
def mix(state, surface, base, forcing, dt, work):
    """Mix liquid static energy, total water and u over dt seconds in place; cloud stays where it was.

    s_l = s - Lv qc - Ls qi and qt = qv + qc + qi are mixed, then s and qv are found from the old qc and qi: what
    condenses of it is left to the saturation adjustment and so counts as microphysics.
    """
    diffusivity(state, surface, base, forcing.background_wind, work)
    u, s, qv, qc, qi = state[U], state[S], state[QV], state[QC], state[QI]
    liquid, total, factor, exchange = work.flat[LIQUID], work.flat[TOTAL], work.flat[FACTOR], work.diffusivity
    bottom = work.rows[2]
    for i in range(NX):
        exchange[0, i] = 0.0
        exchange[NZ, i] = 0.0
        bottom[i] = 0.0
    for k in range(1, NZ):
        a = dt * base.density_interface[k] / base.spacing[k]
        for i in range(NX):
            exchange[k, i] *= a
    for k in range(NZ):
        for i in range(NX):
            liquid[k, i] = s[k, i] - LATENT_HEAT_VAPORISATION * qc[k, i] - LATENT_HEAT_SUBLIMATION * qi[k, i]
            total[k, i] = qv[k, i] + qc[k, i] + qi[k, i]
    solve_diffusion(liquid, base, exchange, bottom, factor)
    solve_diffusion(total, base, exchange, bottom, factor)
    for k in range(NZ):
        for i in range(NX):
            vapour = total[k, i] - qc[k, i] - qi[k, i]
            if vapour < 0.0:  # mixed away more than the vapour: evaporate cloud, liquid first
                missing = -vapour
                drop = min(missing, qc[k, i])
                qc[k, i] -= drop
                qi[k, i] = max(qi[k, i] - (missing - drop), 0.0)
                vapour = max(total[k, i] - qc[k, i] - qi[k, i], 0.0)
            qv[k, i] = vapour
            s[k, i] = liquid[k, i] + LATENT_HEAT_VAPORISATION * qc[k, i] + LATENT_HEAT_SUBLIMATION * qi[k, i]
    for k in range(1, NZ):
        last = exchange[k, NX - 1]
        for i in range(NX - 1, 0, -1):
            exchange[k, i] = 0.5 * (exchange[k, i] + exchange[k, i - 1])
        exchange[k, 0] = 0.5 * (exchange[k, 0] + last)
    for i in range(NX):
        bottom[i] = dt * base.density[0] * 0.5 * (surface[STRESS, i] + surface[STRESS, i - 1 if i > 0 else NX - 1])
    solve_diffusion(u, base, exchange, bottom, factor)
