"""Reference response: what the cloud-resolving model itself does when one of its columns is changed.

The column is spun up again from its seed, copied into members that differ by weak noise, changed once, and run on
beside the same members left alone. This is an initial-value response over hours: the changed layer drifts back as the
model likes. It is never clamped, which would put energy in. An emulator answers another question: what goes with such
a column at that instant (:mod:`diffmp_core.response.sensitivity`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.cell import SECONDS_PER_HOUR, STEPS_PER_HOUR, Cell, advance, temperature_noise
from diffmp_core.crm.column import QV, S
from diffmp_core.crm.origin import Origin, mean_profiles, spun_up
from diffmp_core.crm.output_store import ROOT_SURFACE
from diffmp_core.crm.snapshots import empty_snapshots, record, segment_means
from diffmp_core.crm.vertical_grid import N_LEVELS, NZ
from diffmp_core.crm.workers import available_cores
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.coarse_grain import subgrid_heating, subgrid_moistening
from diffmp_core.physics.column_integrals import PairedChange, paired_change
from diffmp_core.physics.perturbation import Perturbation, perturb_layer
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.variables import PAPER

RUNS = ("control", "perturbed")
MEMBERS, HOURS = 8, 6
MOST_HOURS = 12
MEMBER_NOISE = 0.1  # K, root mean square
SNAPSHOTS_PER_HOUR = 6  # whose mean is the target of the hour
WHAT_IT_IS = "initial-value response over hours; the emulator's is the instantaneous conditional answer"

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


def perturb_cell(cell: Cell, perturbation: Perturbation) -> None:
    """Change a cell once, in place.

    All points of a level are warmed alike and moistened in proportion, so that their means become those of
    :func:`diffmp_core.physics.perturbation.perturb_layer` and their departures from it stay; what the surface gives and
    the clear-sky sun are scaled from now on.

    Raises:
        DiffmpError: a slider that has no like in this model.
    """
    if lacking := perturbation.not_in_model:
        raise DiffmpError(
            f"expected changes that the cloud-resolving model can make, found {', '.join(lacking)}; put it back"
        )
    layer = slice(perturbation.top_level)
    temperature, vapour = (profile[layer] for profile in mean_profiles(cell))
    changed = perturb_layer(
        {"T": temperature, "qv": vapour},
        perturbation,
        pressure=cell.base.pressure[layer],
        layer_mass=cell.base.mass[layer],
    )
    cell.state[S, layer] += SPECIFIC_HEAT_DRY_AIR * (changed["T"] - temperature)[:, None]
    cell.state[QV, layer] *= (changed["qv"] / vapour)[:, None]
    for name, setting in perturbation.changed:
        if attribute := SLIDERS[name].model_attribute:
            setattr(cell, attribute, setting)


def reference_response(
    origin: Origin,
    perturbation: Perturbation,
    *,
    hours: int = HOURS,
    members: int = MEMBERS,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Run a column on from its origin, changed and unchanged: :func:`reference_responses` of one change."""
    (response,) = reference_responses(
        origin, [perturbation], hours=hours, members=members, seed=seed, workers=workers, progress=progress
    )
    return response


def reference_responses(
    origin: Origin,
    perturbations: Sequence[Perturbation],
    *,
    hours: int = HOURS,
    members: int = MEMBERS,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[xr.Dataset]:
    """Run a column on from its origin, unchanged and with each of several changes, all with the same noise.

    Args:
        origin: the column and the time.
        perturbations: the changes, made once at that time (factors on fluxes and sun hold from then on).
        hours: 1 to 12.
        members: differ by noise of 0.1 K in the lowest 2 km.
        seed: of that noise.
        workers: threads, all cores if None; the result is the same for any number.
        progress: called as progress(done, total) in hours of columns, from several threads but one at a time; an
            exception that it raises stops the run and is raised here.

    Returns:
        A dataset for each change, all with the same control, with the dims ``run`` (control, perturbed), ``member``,
        ``hour`` (1 to ``hours`` after the change) and ``level``: the four targets, ``T`` and ``qv``, and without level
        ``precipitation``, ``SHF`` and ``LHF``, SI. Each is the mean over six instants of the hour before; precipitation
        over all steps.

    Raises:
        DiffmpError: hours or members out of bounds, or winds that are no longer finite.
    """
    if not 1 <= hours <= MOST_HOURS:
        raise DiffmpError(f"expected 1 to {MOST_HOURS} hours, found {hours}; later the answer is that of the forcing")
    if members < 1:
        raise DiffmpError(f"expected at least 1 member, found {members}; give a positive number")
    origin_cell = spun_up(origin)
    changes = [None, *perturbations]
    total, done, lock, stopped = len(changes) * members * hours, 0, threading.Lock(), threading.Event()

    def tick() -> bool:
        """Count an hour of a column; returns whether to go on."""
        nonlocal done
        with lock:
            done += 1
            if progress is not None and not stopped.is_set():
                progress(done, total)
        return not stopped.is_set()

    def run(member: int, change: Perturbation | None) -> dict[str, Array]:
        cell = origin_cell.copy()
        generator = np.random.default_rng([seed, origin.seed, origin.index, member])
        cell.state[S, :NZ] += SPECIFIC_HEAT_DRY_AIR * temperature_noise(generator, cell.base, MEMBER_NOISE)
        if change is not None:
            perturb_cell(cell, change)
        return run_on(cell, hours, tick)

    with ThreadPoolExecutor(workers or available_cores(), thread_name_prefix="reference") as pool:
        tasks = [pool.submit(run, member, change) for change in changes for member in range(members)]
        try:
            wait(tasks, return_when=FIRST_EXCEPTION)
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
    failed = [task for task in tasks if not task.cancelled() and task.exception() is not None]
    if failed:
        failed[0].result()
    results = [task.result() for task in tasks]
    control, changed = results[:members], results[members:]
    return [
        _dataset([*control, *changed[place * members : (place + 1) * members]], origin_cell, origin, change, seed)
        for place, change in enumerate(perturbations)
    ]


def run_on(cell: Cell, hours: int, tick: Callable[[], bool]) -> dict[str, Array]:
    """Run a cell on, in place; returns hourly means, (hour, level) or (hour,), by name.

    tick: called after every hour; the run ends early when it says no.
    """
    snapshots, rain = empty_snapshots(hours * SNAPSHOTS_PER_HOUR), np.zeros(hours)
    for instant in range(hours * SNAPSHOTS_PER_HOUR):
        hour, part = divmod(instant, SNAPSHOTS_PER_HOUR)
        rain[hour] += advance(cell, steps=STEPS_PER_HOUR // SNAPSHOTS_PER_HOUR) / SECONDS_PER_HOUR
        record(snapshots, instant, cell.state, cell.surface, cell.work.tendency, cell.base)
        if part == SNAPSHOTS_PER_HOUR - 1 and not tick():
            break
    means = segment_means(snapshots, cell.base)
    means["tend_T_sgs"] = subgrid_heating(means["tend_T_mp"], means["tend_T_flux"])
    means["tend_qv_sgs"] = subgrid_moistening(means["tend_qv_mp"], means["tend_qv_flux"])
    hourly = {
        name: means[name].reshape(hours, SNAPSHOTS_PER_HOUR, *means[name].shape[1:]).mean(axis=1)
        for name in (*PAPER.outputs.names, "T", "qv", "SHF", "LHF")
    }
    return hourly | {"precipitation": rain}


def _dataset(
    results: Sequence[dict[str, Array]], cell: Cell, origin: Origin, perturbation: Perturbation, seed: int
) -> xr.Dataset:
    """Results in the order of runs and members, with names, units and what made them."""
    units, long_name, _ = ROOT_SURFACE["precipitation"]
    attrs = {"precipitation": {"units": units, "long_name": long_name}}
    variables = {}
    for name in results[0]:
        values = np.stack([result[name] for result in results])
        values = values.reshape(len(RUNS), -1, *values.shape[1:])
        dims = ("run", "member", "hour", "level")[: values.ndim]
        variables[name] = (dims, values, attrs[name] if name in attrs else PAPER.stored[name].attrs)
    members, hours = variables["precipitation"][1].shape[1:]
    changed = np.datetime64(origin.start, "ns") + np.timedelta64(origin.hour, "h")
    return xr.Dataset(
        variables,
        coords={
            "run": list(RUNS),
            "member": np.arange(members),
            "hour": ("hour", np.arange(1, hours + 1), {"units": "h", "long_name": "hours since the change"}),
            "lat": ((), origin.lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ((), origin.lon, {"units": "degrees_east", "standard_name": "longitude"}),
            "changed": ((), changed, {"long_name": "time of the change"}),
            "height": ("level", cell.base.height[:N_LEVELS], {"units": "m", "positive": "up"}),
            "pressure": ("level", cell.base.pressure[:N_LEVELS], {"units": "Pa"}),
            "layer_mass": ("level", cell.base.mass[:N_LEVELS], {"units": "kg m-2"}),
        },
        attrs={
            "title": "Response of the cloud-resolving model to a change of one of its columns",
            "comment": WHAT_IT_IS,
            "perturbation": json.dumps(perturbation.as_dict()),
            "cell": origin.index,
            "simulation_seed": origin.seed,
            "member_seed": seed,
        },
    )


def hourly_ensemble(response: xr.Dataset, run: str) -> Array:
    """The four targets of a run, "control" or "perturbed", as an ensemble ``(hour, member, 4, level)``, SI."""
    chosen = response.sel(run=run)
    return np.stack([chosen[name].transpose("hour", "member", "level").values for name in PAPER.outputs.names], axis=2)


def layer_mean(response: xr.Dataset, low: float, high: float) -> xr.Dataset:
    """Mass-weighted means of the profiles between two heights [m], dims as before without ``level``.

    Raises:
        DiffmpError: no level lies there.
    """
    inside = (response["height"] >= low) & (response["height"] <= high)
    if not inside.any():
        raise DiffmpError(f"expected a level between {low:g} and {high:g} m, found none; take a deeper layer")
    layer = response.isel(level=np.flatnonzero(inside))
    profiles = [name for name in layer.data_vars if "level" in layer[name].dims]
    return layer[profiles].weighted(layer["layer_mass"]).mean("level", keep_attrs=True)


def composite(responses: Sequence[xr.Dataset]) -> xr.Dataset:
    """Responses of several cells averaged, with the standard errors of the change.

    Returns:
        The variables of the responses with the dim ``statistic`` in place of ``run`` and ``member``: the fields of
        :class:`diffmp_core.physics.column_integrals.PairedChange`, with the standard errors by draw and by cells.

    Raises:
        DiffmpError: no response at all.
    """
    if not responses:
        raise DiffmpError("expected at least one response, found none; choose a rule that some cells meet")
    together = xr.concat(
        responses,
        "cell",
        data_vars="all",
        coords="different",
        compat="equals",
        join="exact",
        combine_attrs="drop_conflicts",
    )

    def reduce(values: xr.DataArray) -> xr.DataArray:
        ordered = values.transpose("run", "cell", "member", ...)
        statistics = np.stack(paired_change(*ordered.values))
        return xr.DataArray(statistics, dims=("statistic", *ordered.dims[3:]), attrs=values.attrs)

    variables = {str(name): reduce(values) for name, values in together.data_vars.items()}
    kept = {name: together[name] for name in ("hour", "height") if name in together.coords}
    coordinates = {"statistic": list(PairedChange._fields), **kept}
    return xr.Dataset(variables, coords=coordinates, attrs=together.attrs | {"cells": len(responses)})
