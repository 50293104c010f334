"""Mass-consistent advection: alternating x and z sweeps of a second-order upwind scheme.

Air mass is advected along with the field, so a constant stays constant although each sweep alone is divergent; the
sum of mass times field changes by rounding only. Slopes are limited (monotonized central) for scalars and free
(Fromm) for momentum. van Leer (1977), doi:10.1016/0021-9991(77)90095-X.
"""

from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.vertical_grid import DX, NX, NZ

HALO = 2
NP = NX + 2 * HALO
# rows of Workspace.flat
MASS, MASS_MIDDLE, INVERSE_MIDDLE, INVERSE_MASS, FACE_Z, SLOPE_Z, FLOW_Z, WORK_X, WORK_Z = range(9)
PLANE, PAD_PLANE = (NZ + 2) * NX, (NZ + 2) * NP  # sizes of these rows
PAD_FIELD, PAD_FLOW, PAD_INVERSE, PAD_SLOPE, PAD_FLUX = range(5)  # rows of Workspace.padded


@compiled
def mass_fluxes(u, w, base, dt, flux_x, flux_z):
    """Air mass through left faces (per unit of x) and lower interfaces in one step, kg/m2, from m/s and s."""
    for k in range(NZ):
        a = dt / DX * base.mass[k]
        b = dt * base.density_interface[k]
        for i in range(NX):
            flux_x[k, i] = a * u[k, i]
            flux_z[k, i] = b * w[k, i]
    for i in range(NX):
        flux_z[0, i] = 0.0
        flux_z[NZ, i] = 0.0
        flux_x[NZ, i] = 0.0


@compiled
def fill_halo(padded, rows):
    """Periodic halo of two points on each side of each row."""
    for k in range(rows):
        padded[k, 0] = padded[k, NX]
        padded[k, 1] = padded[k, NX + 1]
        padded[k, NX + 2] = padded[k, 2]
        padded[k, NX + 3] = padded[k, 3]


@compiled
def prepare(mass, flow_x, flow_z, rows, x_first, padded, flat):
    """Store mass before, between and after the two sweeps, and the flows, for the advect calls that follow.

    mass: (rows,) kg/m2.  flow_x: (rows, NX).  flow_z: (rows + 1, NX) with zero first and last rows; kg/m2 per step.
    """
    f, p = flat.reshape(-1), padded.reshape(-1)
    for k in range(rows):
        at, pad = k * NX, k * NP + HALO
        m, inverse = mass[k], 1.0 / mass[k]
        for i in range(NX):
            f[MASS * PLANE + at + i] = m
        for i in range(NX):
            f[INVERSE_MASS * PLANE + at + i] = inverse
        for i in range(NX):
            f[FLOW_Z * PLANE + at + i] = flow_z[k, i]
        for i in range(NX):
            p[PAD_FLOW * PAD_PLANE + pad + i] = flow_x[k, i]
    for i in range(NX):
        f[FLOW_Z * PLANE + rows * NX + i] = 0.0
    fill_halo(padded[PAD_FLOW], rows)
    for k in range(rows):
        at, pad = k * NX, k * NP + HALO
        m, inverse = mass[k], 1.0 / mass[k]
        if x_first:
            right = PAD_FLOW * PAD_PLANE + pad + 1
            for i in range(NX):
                f[MASS_MIDDLE * PLANE + at + i] = m - (p[right + i] - p[right - 1 + i])
            for i in range(NX):
                p[PAD_INVERSE * PAD_PLANE + pad + i] = inverse
        else:
            above = FLOW_Z * PLANE + at + NX
            for i in range(NX):
                f[MASS_MIDDLE * PLANE + at + i] = m - (f[above + i] - f[above - NX + i])
        for i in range(NX):
            f[INVERSE_MIDDLE * PLANE + at + i] = 1.0 / f[MASS_MIDDLE * PLANE + at + i]
        if not x_first:
            for i in range(NX):
                p[PAD_INVERSE * PAD_PLANE + pad + i] = f[INVERSE_MIDDLE * PLANE + at + i]
    fill_halo(padded[PAD_INVERSE], rows)


@compiled
def sweep_x(field, rows, limited, padded, before, after_inverse):
    """One sweep in x, in place, of field (>= rows, NX)."""
    q, f = padded[PAD_FIELD], padded[PAD_FLOW]
    for k in range(rows):
        for i in range(NX):
            q[k, HALO + i] = field[k, i]
    fill_halo(q, rows)
    n = rows * NP
    q1 = q.reshape(-1)
    slope = padded[PAD_SLOPE].reshape(-1)
    flow = f.reshape(-1)
    inverse = padded[PAD_INVERSE].reshape(-1)
    if limited:
        for j in range(1, n - 1):
            left = q1[j] - q1[j - 1]
            right = q1[j + 1] - q1[j]
            centre = 0.5 * (left + right)
            slope[j] = max(min(min(2.0 * left, 2.0 * right), centre), 0.0) + min(
                max(max(2.0 * left, 2.0 * right), centre), 0.0
            )
    else:
        for j in range(1, n - 1):
            slope[j] = 0.5 * (q1[j + 1] - q1[j - 1])
    flux = padded[PAD_FLUX].reshape(-1)
    for j in range(HALO, n - 1):
        out = max(flow[j], 0.0)
        back = min(flow[j], 0.0)
        flux[j] = out * (q1[j - 1] + 0.5 * slope[j - 1] * (1.0 - out * inverse[j - 1])) + back * (
            q1[j] - 0.5 * slope[j] * (1.0 + back * inverse[j])
        )
    for k in range(rows):
        for i in range(NX):
            j = k * NP + HALO + i
            field[k, i] = (before[k, i] * field[k, i] - (flux[j + 1] - flux[j])) * after_inverse[k, i]


@compiled
def sweep_z(field, rows, limited, below, above, flat, before, before_inverse, after_inverse):
    """One sweep in z, in place, of field (>= rows, NX)."""
    slope, face, flow = flat[SLOPE_Z], flat[FACE_Z], flat[FLOW_Z]
    for i in range(NX):
        slope[0, i] = 0.0
        slope[rows - 1, i] = 0.0
        face[0, i] = 0.0
    for k in range(1, rows - 1):
        b, a = below[k], above[k]
        if limited:
            for i in range(NX):
                left = field[k, i] - field[k - 1, i]
                right = field[k + 1, i] - field[k, i]
                centre = b * left + a * right
                slope[k, i] = max(min(min(2.0 * left, 2.0 * right), centre), 0.0) + min(
                    max(max(2.0 * left, 2.0 * right), centre), 0.0
                )
        else:
            for i in range(NX):
                slope[k, i] = b * (field[k, i] - field[k - 1, i]) + a * (field[k + 1, i] - field[k, i])
    for k in range(1, rows):
        for i in range(NX):
            out = max(flow[k, i], 0.0)
            back = min(flow[k, i], 0.0)
            face[k, i] = out * (
                field[k - 1, i] + 0.5 * slope[k - 1, i] * (1.0 - out * before_inverse[k - 1, i])
            ) + back * (field[k, i] - 0.5 * slope[k, i] * (1.0 + back * before_inverse[k, i]))
    for k in range(rows - 1):
        for i in range(NX):
            field[k, i] = (before[k, i] * field[k, i] - (face[k + 1, i] - face[k, i])) * after_inverse[k, i]
    for i in range(NX):
        field[rows - 1, i] = (before[rows - 1, i] * field[rows - 1, i] + face[rows - 1, i]) * after_inverse[rows - 1, i]


@compiled
def advect(field, rows, limited, below, above, x_first, padded, flat):
    """Advect field (>= rows, NX) in place over one step; prepare must have been called."""
    if x_first:
        sweep_x(field, rows, limited, padded, flat[MASS], flat[INVERSE_MIDDLE])
        sweep_z(field, rows, limited, below, above, flat, flat[MASS_MIDDLE], flat[INVERSE_MIDDLE], flat[INVERSE_MASS])
    else:
        sweep_z(field, rows, limited, below, above, flat, flat[MASS], flat[INVERSE_MASS], flat[INVERSE_MIDDLE])
        sweep_x(field, rows, limited, padded, flat[MASS_MIDDLE], flat[INVERSE_MASS])


@compiled
def rows_in_use(field):
    """Rows that a field of NZ rows can fill in one step: up to its highest value that is not zero, and two more."""
    for k in range(NZ - 1, -1, -1):
        total = 0.0
        for i in range(NX):
            total += abs(field[k, i])
        if total > 0.0:
            return min(k + 3, NZ)
    return 0


@compiled
def advect_scalars(state, first, last, base, x_first, work):
    """Advect the scalars first..last - 1 of the state with the stored mass fluxes; positive scalars stay positive."""
    prepare(base.mass, work.flux_x, work.flux_z, NZ, x_first, work.padded, work.flat)
    for n in range(first, last):
        rows = rows_in_use(state[n])
        if rows > 0:
            advect(state[n], rows, True, base.slope_below, base.slope_above, x_first, work.padded, work.flat)


@compiled
def advect_momentum(u, w, base, x_first, work):
    """Advect u and w with the mass fluxes averaged to their own control volumes."""
    fx, fz, flat = work.flux_x, work.flux_z, work.flat
    gx, gz = flat[WORK_X], flat[WORK_Z]
    for k in range(NZ + 1):
        gx[k, 0] = 0.5 * (fx[k, NX - 1] + fx[k, 0])
        gz[k, 0] = 0.5 * (fz[k, NX - 1] + fz[k, 0])
        for i in range(1, NX):
            gx[k, i] = 0.5 * (fx[k, i - 1] + fx[k, i])
            gz[k, i] = 0.5 * (fz[k, i - 1] + fz[k, i])
    prepare(base.mass, gx, gz, NZ, x_first, work.padded, flat)
    advect(u, NZ, False, base.slope_below, base.slope_above, x_first, work.padded, flat)
    rows, mass, half = NZ + 1, work.profiles[7], work.profiles[6]
    for k in range(rows):
        above = base.mass[k] if k < NZ else 0.0
        below = base.mass[k - 1] if k > 0 else 0.0
        mass[k] = 0.5 * (above + below)
        half[k] = 0.5
        for i in range(NX):
            gx[k, i] = 0.5 * (fx[k, i] + (fx[k - 1, i] if k > 0 else 0.0))
            gz[k, i] = 0.5 * (fz[k - 1, i] + fz[k, i]) if k > 0 else 0.0
    for i in range(NX):
        gz[rows, i] = 0.0
    prepare(mass, gx, gz, rows, x_first, work.padded, flat)
    advect(w, rows, False, half, half, x_first, work.padded, flat)
    for i in range(NX):
        w[0, i] = 0.0
        w[NZ, i] = 0.0
