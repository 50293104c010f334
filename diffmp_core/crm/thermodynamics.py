"""Saturation and phase partition, free of transcendental functions so that loops over x vectorise."""

import numpy as np

from diffmp_core.constants import GAS_CONSTANT_DRY_AIR, GAS_CONSTANT_VAPOUR
from diffmp_core.crm.compiled import compiled

EPSILON = GAS_CONSTANT_DRY_AIR / GAS_CONSTANT_VAPOUR
FREEZING = 273.16  # K, the triple point, origin of the polynomials below


@compiled(inline="always")
def vapour_pressure_liquid(temperature):
    """Saturation vapour pressure over liquid, Pa; temperature in K, clipped below -80 C.

    Eighth-order fit of Flatau et al. (1992), doi:10.1175/1520-0450(1992)031<1507:PFTSVP>2.0.CO;2.
    """
    t = max(temperature - FREEZING, -80.0)
    return 100.0 * (
        6.11239921
        + t
        * (
            0.443987641
            + t
            * (
                0.142986287e-1
                + t
                * (
                    0.264847430e-3
                    + t
                    * (
                        0.302950461e-5
                        + t * (0.206739458e-7 + t * (0.640689451e-10 + t * (-0.952447341e-13 + t * -0.976195544e-15)))
                    )
                )
            )
        )
    )


@compiled(inline="always")
def vapour_pressure_ice(temperature):
    """Saturation vapour pressure over ice, Pa; temperature in K; Flatau et al. (1992), quadratic below 185 K."""
    t = min(max(temperature - FREEZING, -88.16), 0.0)
    warm = 6.11147274 + t * (
        0.503160820
        + t
        * (
            0.188439774e-1
            + t
            * (
                0.420895665e-3
                + t
                * (
                    0.615021634e-5
                    + t * (0.602588177e-7 + t * (0.385852041e-9 + t * (0.146898966e-11 + t * 0.252751365e-14)))
                )
            )
        )
    )
    c = max(temperature - FREEZING, -100.0)
    cold = 0.00763685 + c * (0.000151069 + c * 7.48215e-07)
    return 100.0 * (warm if temperature >= 185.0 else cold)


@compiled(inline="always")
def liquid_fraction_cloud(temperature):
    """Share of cloud condensate that is liquid, 0 at 253.16 K to 1 at 273.16 K.

    Khairoutdinov and Randall (2003), doi:10.1175/1520-0469(2003)060<0607:CRMOTA>2.0.CO;2.
    """
    return min(max((temperature - 253.16) / 20.0, 0.0), 1.0)


@compiled(inline="always")
def liquid_fraction_precipitation(temperature):
    """Share of precipitation that is rain, 0 at 268.16 K to 1 at 283.16 K; Khairoutdinov and Randall (2003)."""
    return min(max((temperature - 268.16) / 15.0, 0.0), 1.0)


@compiled(inline="always")
def graupel_fraction(temperature):
    """Share of frozen precipitation that is graupel, 0 at 223.16 K to 1 at 283.16 K."""
    return min(max((temperature - 223.16) / 60.0, 0.0), 1.0)


@compiled(inline="always")
def vapour_pressure(temperature):
    """Saturation vapour pressure of the liquid/ice mixture that cloud has at this temperature, Pa."""
    liquid = liquid_fraction_cloud(temperature)
    return liquid * vapour_pressure_liquid(temperature) + (1.0 - liquid) * vapour_pressure_ice(temperature)


@compiled(inline="always")
def saturation_mixing_ratio(temperature, pressure):
    """Saturation mixing ratio of the cloud's liquid/ice mixture, kg/kg; K and Pa in."""
    e = vapour_pressure(temperature)
    return EPSILON * e / max(pressure - e, e)


@compiled
def saturation_profile(temperature, pressure):
    """saturation_mixing_ratio of 1-D arrays, kg/kg."""
    out = np.empty_like(temperature)
    for k in range(temperature.size):
        out[k] = saturation_mixing_ratio(temperature[k], pressure[k])
    return out
