"""Single-moment microphysics with a temperature-dependent phase partition, and saturation adjustment.

Khairoutdinov and Randall (2003), doi:10.1175/1520-0469(2003)060<0607:CRMOTA>2.0.CO;2. The liquid/ice static energy
s - Lv (qc + qr) - Ls (qi + qs) changes by no process here; rain, snow and cloud convert, condense and evaporate.

One level at a time is copied into a flat block of rows; its loops have no branches, so that they run as vectors.
"""

import numpy as np

from diffmp_core.constants import (
    GAS_CONSTANT_VAPOUR,
    GRAVITY,
    LATENT_HEAT_FUSION,
    LATENT_HEAT_SUBLIMATION,
    LATENT_HEAT_VAPORISATION,
    SPECIFIC_HEAT_DRY_AIR,
)
from diffmp_core.crm.column import QC, QS, QV, S
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.thermodynamics import (
    graupel_fraction,
    liquid_fraction_cloud,
    liquid_fraction_precipitation,
    saturation_mixing_ratio,
    vapour_pressure,
)
from diffmp_core.crm.vertical_grid import NX, NZ

NEWTON_STEPS = 3
LIQUID_THRESHOLD, ICE_THRESHOLD = 1.0e-3, 1.0e-4  # kg/kg, autoconversion
LIQUID_RATE, ICE_RATE = 1.0e-3, 1.0e-3  # 1/s
ICE_EFFICIENCY = 0.1
TRACE = 1.0e-9  # kg/kg of precipitation that evaporates at once in unsaturated air
LEAST = 1.0e-12  # keeps roots and ratios finite
CONDUCTIVITY, VAPOUR_DIFFUSIVITY = 2.4e-2, 2.21e-5  # W/m/K, m2/s
# accretion A x^((3+b)/4), evaporation E1 x^0.5 + E2 (rho sd)^0.5 x^((5+b)/8), x = rho q; b = 0.8, 0.25, 0.5
RAIN_A, RAIN_E1, RAIN_E2 = 3.272, 247.3, 4848.0
SNOW_A, SNOW_E1, SNOW_E2 = 1.486, 254.1, 4444.0
GRAUPEL_A, GRAUPEL_E1, GRAUPEL_E2 = 3.203, 276.5, 5306.0
REFERENCE_DENSITY = 1.29  # kg/m3

# Offsets of the rows of a block: the level's fields, then what its processes share
(
    B_S,
    B_QV,
    B_QC,
    B_QI,
    B_QR,
    B_QS,
    ENERGY,
    TOTAL,
    PRECIPITATION,
    TEMPERATURE,
    GRAUPEL,
    ACCRETION,
    RAIN_EXCHANGE,
    FROZEN_EXCHANGE,
) = range(0, 14 * NX, NX)
BLOCK_SIZE = 14 * NX


@compiled(inline="always")
def fifth_root(x):
    """x^0.2 for 1e-12 < x < 0.1 to 1e-4, by Newton steps from x^(3/16)."""
    y8 = np.sqrt(np.sqrt(np.sqrt(x)))
    y = y8 * np.sqrt(y8)
    for _ in range(4):
        y2 = y * y
        y = 0.8 * y + 0.2 * x / (y2 * y2)
    return y


@compiled
def adjust_level(b, geopotential, pressure, steps):
    """Saturation adjustment and phase partition of one level, in place, in the block b.

    Newton steps on cp T + gz - Lv qn - Lf (1 - wn) qn - Lf (1 - wp) qp = energy with qn = max(qt - qsat(T), 0), so
    that cloud, its phase and that of precipitation agree with the temperature; energy and water are then exact.
    """
    for i in range(NX):
        b[TOTAL + i] = b[B_QV + i] + b[B_QC + i] + b[B_QI + i]
        b[PRECIPITATION + i] = b[B_QR + i] + b[B_QS + i]
        b[ENERGY + i] = (
            b[B_S + i]
            - LATENT_HEAT_VAPORISATION * (b[B_QC + i] + b[B_QI + i])
            - LATENT_HEAT_FUSION * (b[B_QI + i] + b[B_QS + i])
        )
        b[TEMPERATURE + i] = (b[B_S + i] - geopotential) / SPECIFIC_HEAT_DRY_AIR
    for _ in range(steps):
        for i in range(NX):
            t = b[TEMPERATURE + i]
            saturation = saturation_mixing_ratio(t, pressure)
            wn = liquid_fraction_cloud(t)
            wp = liquid_fraction_precipitation(t)
            excess = b[TOTAL + i] - saturation
            cloud = max(excess, 0.0)
            latent = LATENT_HEAT_VAPORISATION + (1.0 - wn) * LATENT_HEAT_FUSION
            slope = latent * saturation * (1.0 + 1.608 * saturation) / (GAS_CONSTANT_VAPOUR * t * t)
            dsat = slope if excess > 0.0 else 0.0
            dwn = 0.05 if abs(wn - 0.5) < 0.5 else 0.0
            dwp = 1.0 / 15.0 if abs(wp - 0.5) < 0.5 else 0.0
            residual = (
                SPECIFIC_HEAT_DRY_AIR * t
                + geopotential
                - latent * cloud
                - LATENT_HEAT_FUSION * (1.0 - wp) * b[PRECIPITATION + i]
                - b[ENERGY + i]
            )
            derivative = (
                SPECIFIC_HEAT_DRY_AIR + latent * dsat + LATENT_HEAT_FUSION * (dwn * cloud + dwp * b[PRECIPITATION + i])
            )
            b[TEMPERATURE + i] = t - residual / derivative
    for i in range(NX):
        t = b[TEMPERATURE + i]
        cloud = min(max(b[TOTAL + i] - saturation_mixing_ratio(t, pressure), 0.0), b[TOTAL + i])
        liquid = liquid_fraction_cloud(t) * cloud
        rain = liquid_fraction_precipitation(t) * b[PRECIPITATION + i]
        ice = cloud - liquid
        frozen = b[PRECIPITATION + i] - rain
        b[B_QC + i] = liquid
        b[B_QI + i] = ice
        b[B_QR + i] = rain
        b[B_QS + i] = frozen
        b[B_QV + i] = b[TOTAL + i] - cloud
        b[B_S + i] = b[ENERGY + i] + LATENT_HEAT_VAPORISATION * cloud + LATENT_HEAT_FUSION * (ice + frozen)


@compiled
def exchange_coefficients(b, density):
    """Accretion (1/s) and ventilated exchange of rain, snow and graupel with vapour, into the block b."""
    sd = np.sqrt(REFERENCE_DENSITY / density)
    ventilation = np.sqrt(density * sd)
    for i in range(NX):
        x = density * b[B_QR + i] + LEAST
        x2 = np.sqrt(x)
        x4 = np.sqrt(x2)
        xb = fifth_root(x)
        b[ACCRETION + i] = sd * RAIN_A * xb * x2 * x4
        b[RAIN_EXCHANGE + i] = RAIN_E1 * x2 + RAIN_E2 * ventilation * x2 * np.sqrt(x4 * xb)
    for i in range(NX):
        x = density * (1.0 - b[GRAUPEL + i]) * b[B_QS + i] + LEAST
        x2 = np.sqrt(x)
        x4 = np.sqrt(x2)
        xb = np.sqrt(np.sqrt(x4))
        b[ACCRETION + i] += sd * SNOW_A * xb * x2 * x4
        b[FROZEN_EXCHANGE + i] = SNOW_E1 * x2 + SNOW_E2 * ventilation * x2 * np.sqrt(x4 * xb)
    for i in range(NX):
        x = density * b[GRAUPEL + i] * b[B_QS + i] + LEAST
        x2 = np.sqrt(x)
        x4 = np.sqrt(x2)
        xb = np.sqrt(x4)
        b[ACCRETION + i] += sd * GRAUPEL_A * xb * x2 * x4
        b[FROZEN_EXCHANGE + i] += GRAUPEL_E1 * x2 + GRAUPEL_E2 * ventilation * x2 * np.sqrt(x4 * xb)


@compiled
def convert_level(b, geopotential, pressure, density, dt):
    """Autoconversion, accretion and evaporation of one adjusted level over dt seconds, in place, in the block b."""
    for i in range(NX):
        t = (b[B_S + i] - geopotential) / SPECIFIC_HEAT_DRY_AIR
        b[TEMPERATURE + i] = t
        b[GRAUPEL + i] = graupel_fraction(t)
        b[PRECIPITATION + i] = b[B_QR + i] + b[B_QS + i]
    exchange_coefficients(b, density)
    for i in range(NX):
        t = b[TEMPERATURE + i]
        qc, qi, qs = b[B_QC + i], b[B_QI + i], b[B_QS + i]
        liquid_rate = b[ACCRETION + i] + LIQUID_RATE * max(qc - LIQUID_THRESHOLD, 0.0) / (qc + LEAST)
        # exp(0.025 (T - 273.16)) as the 16th power of a cubic
        x = 0.025 / 16.0 * max(min(t - 273.16, 0.0), -120.0)
        cold = 1.0 + x * (1.0 + x * (0.5 + x / 6.0))
        cold = cold * cold
        cold = cold * cold
        cold = cold * cold
        cold = cold * cold
        ice_rate = ICE_EFFICIENCY * b[ACCRETION + i] + ICE_RATE * cold * max(qi - ICE_THRESHOLD, 0.0) / (qi + LEAST)
        dc = qc * dt * liquid_rate / (1.0 + dt * liquid_rate)
        di = qi * dt * ice_rate / (1.0 + dt * ice_rate)
        wp = liquid_fraction_precipitation(t)
        frozen = qs + (1.0 - wp) * (dc + di)
        b[B_QC + i] = qc - dc
        b[B_QI + i] = qi - di
        b[B_QR + i] += wp * (dc + di)
        b[B_QS + i] = frozen
        b[B_S + i] += LATENT_HEAT_FUSION * (frozen - qs - di)
    for i in range(NX):
        t = b[TEMPERATURE + i]
        rain, frozen = b[B_QR + i], b[B_QS + i]
        saturation = saturation_mixing_ratio(t, pressure)
        deficit = max(saturation - b[B_QV + i], 0.0)
        # saturated air has no deficit but for what Newton's steps left, and clouds do not let rain evaporate
        deficit = deficit if b[B_QC + i] + b[B_QI + i] <= 0.0 else 0.0
        latent = LATENT_HEAT_VAPORISATION + LATENT_HEAT_FUSION * (1.0 - liquid_fraction_cloud(t))
        resistance = latent / (CONDUCTIVITY * t) * (
            latent / (GAS_CONSTANT_VAPOUR * t) - 1.0
        ) + GAS_CONSTANT_VAPOUR * t / (VAPOUR_DIFFUSIVITY * vapour_pressure(t))
        rate = dt * deficit / (saturation * density * resistance)
        rate = rate if b[PRECIPITATION + i] > TRACE else 1.0e30 * deficit
        rain_loss = min(rate * b[RAIN_EXCHANGE + i], rain)
        frozen_loss = min(rate * b[FROZEN_EXCHANGE + i], frozen)
        scale = min(0.5 * deficit / (rain_loss + frozen_loss + 1.0e-30), 1.0)
        rain_loss *= scale
        frozen_loss *= scale
        b[B_QR + i] = rain - rain_loss
        b[B_QS + i] = frozen - frozen_loss
        b[B_QV + i] += rain_loss + frozen_loss
        b[B_S + i] -= LATENT_HEAT_VAPORISATION * rain_loss + LATENT_HEAT_SUBLIMATION * frozen_loss


@compiled
def is_active(state, k, geopotential, pressure, b):
    """Whether a level has condensate or is supersaturated anywhere."""
    condensate = 0.0
    for n in range(QC, QS + 1):
        for i in range(NX):
            condensate += state[n, k, i]
    if condensate > 0.0:
        return True
    for i in range(NX):
        t = (state[S, k, i] - geopotential) / SPECIFIC_HEAT_DRY_AIR
        b[ENERGY + i] = state[QV, k, i] - saturation_mixing_ratio(t, pressure)
    excess = b[ENERGY]
    for i in range(NX):
        excess = max(excess, b[ENERGY + i])
    return excess > 0.0


@compiled
def microphysics(state, base, dt, b):
    """All phase changes of one step of dt seconds, in place; dry unsaturated levels are skipped.

    b: scratch block of BLOCK_SIZE.
    """
    for k in range(NZ):
        geopotential, pressure = GRAVITY * base.height[k], base.pressure[k]
        if not is_active(state, k, geopotential, pressure, b):
            continue
        for n in range(S, QS + 1):
            for i in range(NX):
                b[(n - S) * NX + i] = state[n, k, i]
        adjust_level(b, geopotential, pressure, NEWTON_STEPS)
        convert_level(b, geopotential, pressure, base.density[k], dt)
        for n in range(S, QS + 1):
            for i in range(NX):
                state[n, k, i] = b[(n - S) * NX + i]
