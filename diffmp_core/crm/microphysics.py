"""Single-moment microphysics with a temperature-dependent phase partition, and saturation adjustment.

Khairoutdinov and Randall (2003), doi:10.1175/1520-0469(2003)060<0607:CRMOTA>2.0.CO;2. The liquid/ice static energy
s - Lv (qc + qr) - Ls (qi + qs) changes by no process here; rain, snow and cloud convert, condense and evaporate.
"""

import numpy as np
from numba import njit

from diffmp_core.constants import (
    GAS_CONSTANT_VAPOUR,
    GRAVITY,
    LATENT_HEAT_FUSION,
    LATENT_HEAT_SUBLIMATION,
    LATENT_HEAT_VAPORISATION,
    SPECIFIC_HEAT_DRY_AIR,
)
from diffmp_core.crm.column import QC, QI, QR, QS, QV, S
from diffmp_core.crm.thermodynamics import (
    OPTIONS,
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
CONDUCTIVITY, VAPOUR_DIFFUSIVITY = 2.4e-2, 2.21e-5  # W/m/K, m2/s
# accretion A x^((3+b)/4), evaporation E1 x^0.5 + E2 (rho sd)^0.5 x^((5+b)/8), x = rho q; b = 0.8, 0.25, 0.5
RAIN_A, RAIN_E1, RAIN_E2 = 3.272, 247.3, 4848.0
SNOW_A, SNOW_E1, SNOW_E2 = 1.486, 254.1, 4444.0
GRAUPEL_A, GRAUPEL_E1, GRAUPEL_E2 = 3.203, 276.5, 5306.0
REFERENCE_DENSITY = 1.29  # kg/m3


@njit(inline="always", **OPTIONS)
def fifth_root(x):
    """x^0.2 for 1e-10 < x < 0.1 to 1e-4, by Newton steps from x^(3/16)."""
    y8 = np.sqrt(np.sqrt(np.sqrt(x)))
    y = y8 * np.sqrt(y8)
    for _ in range(4):
        y2 = y * y
        y = 0.8 * y + 0.2 * x / (y2 * y2)
    return y


@njit(inline="always", **OPTIONS)
def equilibrium_temperature(energy, total, precipitation, guess, geopotential, pressure, steps):
    """Temperature (K) at which cloud, its phase and that of precipitation agree with a conserved energy.

    energy: s - Lv (qc + qr) - Ls (qi + qs) with rain counted as liquid, J/kg.  total: qv + qc + qi, kg/kg.
    Solves cp T + gz - Lv qn - Lf (1 - wn) qn - Lf (1 - wp) qp = energy, qn = max(total - qsat(T), 0), by Newton.
    """
    temperature = guess
    for _ in range(steps):
        saturation = saturation_mixing_ratio(temperature, pressure)
        wn = liquid_fraction_cloud(temperature)
        wp = liquid_fraction_precipitation(temperature)
        cloud = max(total - saturation, 0.0)
        latent = LATENT_HEAT_VAPORISATION + (1.0 - wn) * LATENT_HEAT_FUSION
        slope = latent * saturation * (1.0 + 1.608 * saturation) / (GAS_CONSTANT_VAPOUR * temperature * temperature)
        dsat = slope if cloud > 0.0 else 0.0
        dwn = 0.05 if (wn > 0.0 and wn < 1.0) else 0.0
        dwp = 1.0 / 15.0 if (wp > 0.0 and wp < 1.0) else 0.0
        residual = (
            SPECIFIC_HEAT_DRY_AIR * temperature
            + geopotential
            - latent * cloud
            - LATENT_HEAT_FUSION * (1.0 - wp) * precipitation
            - energy
        )
        derivative = SPECIFIC_HEAT_DRY_AIR + latent * dsat + LATENT_HEAT_FUSION * (dwn * cloud + dwp * precipitation)
        temperature -= residual / derivative
    return temperature


@njit(**OPTIONS)
def adjust_row(s, qv, qc, qi, qr, qs, geopotential, pressure, steps):
    """Saturation adjustment and phase partition of one level, in place; (NX,) each."""
    for i in range(NX):
        total = qv[i] + qc[i] + qi[i]
        precipitation = qr[i] + qs[i]
        energy = s[i] - LATENT_HEAT_VAPORISATION * (qc[i] + qi[i]) - LATENT_HEAT_FUSION * (qi[i] + qs[i])
        guess = (s[i] - geopotential) / SPECIFIC_HEAT_DRY_AIR
        temperature = equilibrium_temperature(energy, total, precipitation, guess, geopotential, pressure, steps)
        cloud = min(max(total - saturation_mixing_ratio(temperature, pressure), 0.0), total)
        wn = liquid_fraction_cloud(temperature)
        wp = liquid_fraction_precipitation(temperature)
        qc[i] = wn * cloud
        qi[i] = cloud - qc[i]
        qr[i] = wp * precipitation
        qs[i] = precipitation - qr[i]
        qv[i] = total - cloud
        s[i] = energy + LATENT_HEAT_VAPORISATION * cloud + LATENT_HEAT_FUSION * (qi[i] + qs[i])


@njit(**OPTIONS)
def convert_row(s, qv, qc, qi, qr, qs, geopotential, pressure, density, dt):
    """Autoconversion, accretion and evaporation of one adjusted level over dt seconds, in place; (NX,) each."""
    sd = np.sqrt(REFERENCE_DENSITY / density)
    ventilation = np.sqrt(density * sd)
    for i in range(NX):
        precipitation = qr[i] + qs[i]
        if precipitation + qc[i] + qi[i] <= 0.0:
            continue
        temperature = (s[i] - geopotential) / SPECIFIC_HEAT_DRY_AIR
        wg = graupel_fraction(temperature)
        accretion = 0.0
        rain_exchange = 0.0
        frozen_exchange = 0.0
        if precipitation > TRACE:
            x = density * qr[i] + 1e-12
            x2 = np.sqrt(x)
            x4 = np.sqrt(x2)
            xb = fifth_root(x)
            accretion += RAIN_A * xb * x2 * x4
            rain_exchange = RAIN_E1 * x2 + RAIN_E2 * ventilation * x2 * np.sqrt(x4 * xb)
            x = density * (1.0 - wg) * qs[i] + 1e-12
            x2 = np.sqrt(x)
            x4 = np.sqrt(x2)
            xb = np.sqrt(np.sqrt(x4))
            accretion += SNOW_A * xb * x2 * x4
            frozen_exchange = SNOW_E1 * x2 + SNOW_E2 * ventilation * x2 * np.sqrt(x4 * xb)
            x = density * wg * qs[i] + 1e-12
            x2 = np.sqrt(x)
            x4 = np.sqrt(x2)
            xb = np.sqrt(x4)
            accretion += GRAUPEL_A * xb * x2 * x4
            frozen_exchange += GRAUPEL_E1 * x2 + GRAUPEL_E2 * ventilation * x2 * np.sqrt(x4 * xb)
            accretion *= sd
        frozen_before = qi[i] + qs[i]
        liquid_rate = accretion + LIQUID_RATE * max(qc[i] - LIQUID_THRESHOLD, 0.0) / (qc[i] + 1e-12)
        cold = ICE_RATE * np.exp(0.025 * min(temperature - 273.16, 0.0))
        ice_rate = ICE_EFFICIENCY * accretion + cold * max(qi[i] - ICE_THRESHOLD, 0.0) / (qi[i] + 1e-12)
        dc = qc[i] * dt * liquid_rate / (1.0 + dt * liquid_rate)
        di = qi[i] * dt * ice_rate / (1.0 + dt * ice_rate)
        qc[i] -= dc
        qi[i] -= di
        wp = liquid_fraction_precipitation(temperature)
        rain = qr[i] + wp * (dc + di)
        frozen = qs[i] + (1.0 - wp) * (dc + di)
        s[i] += LATENT_HEAT_FUSION * (qi[i] + frozen - frozen_before)
        if precipitation > 0.0 and qc[i] + qi[i] <= 0.0:
            saturation = saturation_mixing_ratio(temperature, pressure)
            deficit = max(saturation - qv[i], 0.0)
            vapour = vapour_pressure(temperature)
            latent = LATENT_HEAT_VAPORISATION + LATENT_HEAT_FUSION * (1.0 - liquid_fraction_cloud(temperature))
            resistance = latent / (CONDUCTIVITY * temperature) * (
                latent / (GAS_CONSTANT_VAPOUR * temperature) - 1.0
            ) + GAS_CONSTANT_VAPOUR * temperature / (VAPOUR_DIFFUSIVITY * vapour)
            rate = dt * deficit / (saturation * density * resistance)
            rain_loss = min(rate * rain_exchange, rain)
            frozen_loss = min(rate * frozen_exchange, frozen)
            if precipitation <= TRACE and deficit > 2.0 * TRACE:
                rain_loss = rain
                frozen_loss = frozen
            loss = rain_loss + frozen_loss
            if loss > 0.5 * deficit:
                scale = 0.5 * deficit / loss
                rain_loss *= scale
                frozen_loss *= scale
            rain -= rain_loss
            frozen -= frozen_loss
            qv[i] += rain_loss + frozen_loss
            s[i] -= LATENT_HEAT_VAPORISATION * rain_loss + LATENT_HEAT_SUBLIMATION * frozen_loss
        qr[i] = rain
        qs[i] = frozen


@njit(**OPTIONS)
def microphysics(state, base, dt):
    """All phase changes of one step of dt seconds, in place; dry unsaturated levels are skipped."""
    for k in range(NZ):
        s, qv = state[S, k], state[QV, k]
        qc, qi, qr, qs = state[QC, k], state[QI, k], state[QR, k], state[QS, k]
        geopotential, pressure = GRAVITY * base.height[k], base.pressure[k]
        condensate = 0.0
        for i in range(NX):
            condensate = max(condensate, qc[i] + qi[i] + qr[i] + qs[i])
        if condensate <= 0.0:
            excess = -1.0
            for i in range(NX):
                t = (s[i] - geopotential) / SPECIFIC_HEAT_DRY_AIR
                excess = max(excess, qv[i] - saturation_mixing_ratio(t, pressure))
            if excess <= 0.0:
                continue
        adjust_row(s, qv, qc, qi, qr, qs, geopotential, pressure, NEWTON_STEPS)
        convert_row(s, qv, qc, qi, qr, qs, geopotential, pressure, base.density[k], dt)
