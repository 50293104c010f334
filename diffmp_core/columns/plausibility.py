"""Limits outside which a value is taken for a wrong unit or a broken file, not for weather."""

from __future__ import annotations

import numpy as np

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import BY_NAME

LIMITS: dict[str, tuple[float, float, str]] = {
    "T": (120.0, 350.0, "degrees Celsius"),
    "qv": (-1e-6, 0.06, "g/kg"),
    "Ps": (3.0e4, 1.2e5, "hPa"),
    "SHF": (-2e3, 3e3, "J m-2"),
    "LHF": (-2e3, 4e3, "J m-2"),
    "SOLIN": (-1.0, 1.5e3, "J m-2"),
    "tend_T_sgs": (-0.2, 0.2, "K/day"),
    "tend_qv_sgs": (-1e-3, 1e-3, "g/kg/day"),
    "qc": (0.0, 0.02, "g/kg"),
    "qi": (0.0, 0.02, "g/kg"),
}
"""Lowest and highest plausible value in the unit of the table of variables, and the unit it may have been given in."""


def check_values(name: str, values: np.ndarray, where: str) -> None:
    """Hold a block of values of one variable against finiteness and :data:`LIMITS`.

    Raises:
        DiffmpError: a value that is not finite or that no atmosphere has.
    """
    low, high, mistaken = LIMITS[name]
    bad = int(np.size(values) - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise DiffmpError(
            f"expected finite values of {name} in {where}, found {bad} NaN or infinite ones; repair or drop those times"
        )
    if values.size and (values.min() < low or values.max() > high):
        raise DiffmpError(
            f"expected {name} of {low:g} to {high:g} {BY_NAME[name].unit} in {where}, found {values.min():.4g} to "
            f"{values.max():.4g}; convert the unit (is it in {mistaken}?) or repair the file"
        )


def check_upright(humidity: np.ndarray, where: str) -> None:
    """Raise a :class:`DiffmpError` if a block ``(..., level)`` of humidity has more vapour at the top than below."""
    if humidity.size and humidity[..., 0].mean() < humidity[..., -1].mean():
        raise DiffmpError(
            f"expected most water vapour at the surface in {where}, found it at the top: levels upside down; flip them"
        )
