"""Experiments on the inputs of a column that are worth a look, as settings of the sliders."""

from __future__ import annotations

from collections.abc import Mapping

PRESETS: dict[str, Mapping[str, float]] = {
    "T neutralised": {"neutralise_T": 1.0},
    "qv neutralised": {"neutralise_qv": 1.0},
    "Fluxes −40 %": {"scale_SHF": 0.6, "scale_LHF": 0.6},
    "Fluxes −70 %": {"scale_SHF": 0.3, "scale_LHF": 0.3},
    "2 K cooler": {"warming": -2.0},
    "20 % drier": {"moistening": -0.2},
}
"""Settings worth a look; the first four are the experiments of the paper's Figures 12 and 13."""
