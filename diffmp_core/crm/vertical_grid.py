"""The column's mesh: 24 periodic points of 5 km, 30 layers below 20 km and 4 sponge layers above."""

import numpy as np

NX = 24  # points in x
DX = 5000.0  # m
N_LEVELS = 30  # output levels
N_SPONGE = 4  # layers above the output levels
NZ = N_LEVELS + N_SPONGE  # layers
MODEL_TOP_OF_LEVELS = 20000.0  # m
SPONGE_THICKNESS = 1500.0  # m
TIME_STEP = 60.0  # s


def interface_heights() -> np.ndarray:
    """Heights of the NZ + 1 layer interfaces, m: 20000 (0.08 xi + 0.92 xi^1.7), then 1.5 km sponge layers."""
    xi = np.arange(N_LEVELS + 1) / N_LEVELS
    below = MODEL_TOP_OF_LEVELS * (0.08 * xi + 0.92 * xi**1.7)
    return np.concatenate([below, MODEL_TOP_OF_LEVELS + SPONGE_THICKNESS * np.arange(1, N_SPONGE + 1)])


def layer_heights() -> np.ndarray:
    """Mid-heights of the NZ layers, m."""
    interfaces = interface_heights()
    return 0.5 * (interfaces[1:] + interfaces[:-1])
