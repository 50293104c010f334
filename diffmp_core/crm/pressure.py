"""Anelastic pressure projection: div(rho0 v) = 0 by a real Fourier transform in x and tridiagonal solves in z."""

import numpy as np

from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.vertical_grid import DX, NX, NZ

DIVERGENCE, SPECTRUM, POTENTIAL = 9, 10, 11  # rows of Workspace.flat


@compiled
def divergence(u, w, base, out):
    """div(rho0 v) at layer centres, kg/m3/s, into out (>= NZ, NX)."""
    for k in range(NZ):
        a = base.density[k] / DX
        lo = base.density_interface[k] / base.thickness[k]
        up = base.density_interface[k + 1] / base.thickness[k]
        for i in range(NX - 1):
            out[k, i] = a * (u[k, i + 1] - u[k, i]) + up * w[k + 1, i] - lo * w[k, i]
        out[k, NX - 1] = a * (u[k, 0] - u[k, NX - 1]) + up * w[k + 1, NX - 1] - lo * w[k, NX - 1]


@compiled
def project(u, w, base, work):
    """Make (u, w) non-divergent in place; the x mean of w becomes zero, that of u is untouched (m/s)."""
    for k in range(1, NZ):
        mean = 0.0
        for i in range(NX):
            mean += w[k, i]
        mean /= NX
        for i in range(NX):
            w[k, i] -= mean
    for i in range(NX):
        w[0, i] = 0.0
        w[NZ, i] = 0.0
    right, x = work.flat[DIVERGENCE][:NZ], work.flat[SPECTRUM][:NZ]
    phi = work.flat[POTENTIAL][:NZ]
    divergence(u, w, base, right)
    np.dot(right, base.transform, x)
    for i in range(NX):
        x[0, i] *= base.pivot[0, i]
    for k in range(1, NZ):
        lo = base.lower[k]
        for i in range(NX):
            x[k, i] = (x[k, i] - lo * x[k - 1, i]) * base.pivot[k, i]
    for k in range(NZ - 2, -1, -1):
        up = base.upper[k]
        for i in range(NX):
            x[k, i] -= up * base.pivot[k, i] * x[k + 1, i]
    for k in range(NZ):
        x[k, 0] = 0.0
    np.dot(x, base.transform_back, phi)
    for k in range(NZ):
        u[k, 0] -= (phi[k, 0] - phi[k, NX - 1]) / DX
        for i in range(1, NX):
            u[k, i] -= (phi[k, i] - phi[k, i - 1]) / DX
    for k in range(1, NZ):
        a = 1.0 / base.spacing[k]
        for i in range(NX):
            w[k, i] -= a * (phi[k, i] - phi[k - 1, i])
