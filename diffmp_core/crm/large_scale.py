"""Large-scale ascent, weak temperature gradient, nudging and radiative cooling: uniform in x."""

from diffmp_core.constants import GRAVITY, LATENT_HEAT_VAPORISATION, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.column import HEAT_LARGE_SCALE, HEAT_RADIATION, QC, QV, WATER_LARGE_SCALE, S, U
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.vertical_grid import NX, NZ

STABILITY_FLOOR = 2.0  # J/kg/m, least ds/dz that WTG divides by
WTG_LIMIT = 0.04  # m/s
MEAN_WIND_TIME = 7200.0  # s
STRATOSPHERE = 207.5  # K, below which radiation relaxes (Pauluis and Garner 2006, doi:10.1175/JAS3705.1)
STRATOSPHERE_TIME = 5 * 86400.0  # s
CLOUD_TOP_FLUX = 70.0 * 0.45  # W/m2, Stevens et al. (2005) doi:10.1175/MWR2930.1, scaled down
CLOUD_TOP_ABSORPTION = 85.0  # m2/kg, same source
CLOUD_TOP_CEILING = 6000.0  # m
MEAN_S, MEAN_QV, ASCENT = range(3)  # rows of Workspace.profiles


@compiled
def mean_profile(field, out):
    """x mean of (>= NZ, NX) into (>= NZ,)."""
    for k in range(NZ):
        total = 0.0
        for i in range(NX):
            total += field[k, i]
        out[k] = total / NX


@compiled
def ascent(mean_s, base, forcing, out):
    """W at layer centres, m/s: the prescribed part and WTG (Raymond and Zeng 2005, doi:10.1256/qj.04.33)."""
    for k in range(NZ):
        w = forcing.vertical_velocity[k]
        if forcing.wtg_rate[k] > 0.0:
            lo, hi = max(k - 1, 0), min(k + 1, NZ - 1)
            gradient = (mean_s[hi] - mean_s[lo]) / (base.height[hi] - base.height[lo])
            reference = SPECIFIC_HEAT_DRY_AIR * forcing.temperature[k] + GRAVITY * base.height[k]
            wtg = forcing.wtg_rate[k] * (mean_s[k] - reference) / max(gradient, STABILITY_FLOOR)
            w += forcing.wtg_share * min(max(wtg, -WTG_LIMIT), WTG_LIMIT)
        out[k] = w


@compiled
def upwind_gradient(profile, base, w, k):
    """Vertical gradient on the side the air comes from, per m."""
    if w > 0.0:
        if k == 0:
            return 0.0
        return (profile[k] - profile[k - 1]) / base.spacing[k]
    if k == NZ - 1:
        return 0.0
    return (profile[k + 1] - profile[k]) / base.spacing[k + 1]


@compiled
def large_scale(state, base, forcing, dt, work, budget):
    """Apply -W ds/dz, -W dqv/dz, nudging and clear-sky cooling over dt seconds, in place."""
    s, qv, u = state[S], state[QV], state[U]
    mean_s, mean_qv, w = work.profiles[MEAN_S], work.profiles[MEAN_QV], work.profiles[ASCENT]
    mean_profile(s, mean_s)
    mean_profile(qv, mean_qv)
    ascent(mean_s, base, forcing, w)
    for k in range(NZ):
        temperature = (mean_s[k] - GRAVITY * base.height[k]) / SPECIFIC_HEAT_DRY_AIR
        if temperature > STRATOSPHERE:
            radiation = -forcing.cooling
        else:
            radiation = (STRATOSPHERE - 7.5 - temperature) / STRATOSPHERE_TIME
        ds = (
            -w[k] * upwind_gradient(mean_s, base, w[k], k)
            + SPECIFIC_HEAT_DRY_AIR * forcing.nudging_temperature[k] * (forcing.temperature[k] - temperature)
        ) * dt
        dr = SPECIFIC_HEAT_DRY_AIR * radiation * dt
        dq = (
            -w[k] * upwind_gradient(mean_qv, base, w[k], k)
            + forcing.nudging_vapour[k] * (forcing.vapour[k] - mean_qv[k])
        ) * dt
        dq = max(dq, -0.5 * mean_qv[k])
        factor = 1.0 + dq / mean_qv[k] if dq < 0.0 else 1.0
        add = max(dq, 0.0)
        for i in range(NX):
            s[k, i] += ds + dr
            qv[k, i] = qv[k, i] * factor + add
        budget[HEAT_LARGE_SCALE] += base.mass[k] * (ds + LATENT_HEAT_VAPORISATION * dq)
        budget[HEAT_RADIATION] += base.mass[k] * dr
        budget[WATER_LARGE_SCALE] += base.mass[k] * dq
        mean_u = 0.0
        for i in range(NX):
            mean_u += u[k, i]
        du = (forcing.wind[k] - mean_u / NX) * dt / MEAN_WIND_TIME
        for i in range(NX):
            u[k, i] += du


@compiled
def cloud_top_cooling(state, base, dt, work, budget):
    """Longwave cooling of low liquid cloud, flux F exp(-a LWP above), over dt seconds, in place."""
    s, qc = state[S], state[QC]
    path, flux = work.rows[0], work.rows[1]
    for i in range(NX):
        path[i] = 0.0
        flux[i] = CLOUD_TOP_FLUX
    total = 0.0
    for k in range(NZ - 1, -1, -1):
        if base.height[k] > CLOUD_TOP_CEILING:
            continue
        m = base.mass[k]
        for i in range(NX):
            if qc[k, i] > 1e-7:
                path[i] += m * qc[k, i]
                x = CLOUD_TOP_ABSORPTION * path[i] / 8.0
                # (1 + x + x^2/2)^-8, a smooth stand-in for exp(-8 x) to 1e-2
                y = 1.0 / (1.0 + x + 0.5 * x * x)
                y = y * y
                y = y * y
                below = CLOUD_TOP_FLUX * y * y
                heat = (below - flux[i]) * dt
                flux[i] = below
                s[k, i] += heat / m
                total += heat
    budget[HEAT_RADIATION] += total / NX
