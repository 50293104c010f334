"""A synthetic experiment folder: columns, two emulators with score stores, one reference with a table only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import xarray as xr
import yaml

from diffmp_core.columns.domain import DOMAIN_FILE, fit_domain
from diffmp_core.columns.normalize import fit
from diffmp_core.models.base import build_emulator
from diffmp_core.models.folder import save_emulator
from diffmp_core.schema import schema_of, variables_attrs, variables_of
from diffmp_core.scores.score import SCORES
from diffmp_core.stores import SPLITS, open_columns, select_split, stack_inputs, stack_outputs, write_store
from diffmp_core.variables import PAPER, Channels, ColumnVariables
from tests.synthetic import make_columns


def make_scores(columns: xr.Dataset, *, error: float, members: int, seed: int) -> xr.Dataset:
    """Score store of an ensemble: truth plus a shared error and a spread, both growing with the truth's size."""
    rng, variables = np.random.default_rng(seed), variables_of(columns)
    outputs, levels = variables.outputs, columns.sizes["level"]
    truth = stack_outputs(columns).reshape(columns.sizes["time"], columns.sizes["cell"], len(outputs), levels)
    truth = np.moveaxis(truth, 1, 3)
    std = truth.std(axis=(0, 2, 3))
    truth = truth / std[:, None, None]
    size = error * (np.abs(truth) + 0.1 * np.abs(truth).mean(axis=-1, keepdims=True) + 1e-6)
    centre = truth + size * rng.normal(size=truth.shape)
    ensemble = centre[..., None] + size[..., None] * rng.normal(size=(*truth.shape, members))
    single = ~np.array([output.profile for output in outputs])
    ensemble[:, single] = ensemble[:, single, :1]
    mean = ensemble.mean(axis=-1)
    pairs = np.abs(ensemble - np.roll(ensemble, 1, axis=-1)).mean(axis=-1)
    covered = (ensemble.min(axis=-1) <= truth) & (truth <= ensemble.max(axis=-1))
    dims = ("time", "variable", "level", "cell")
    column = {
        "column_mse": (dims, ((mean - truth) ** 2).astype(np.float32)),
        "column_spread": (dims, ensemble.std(axis=-1, ddof=1).astype(np.float32)),
        "column_crps_fair": (
            dims,
            (np.abs(ensemble - truth[..., None]).mean(axis=-1) - 0.5 * pairs).astype(np.float32),
        ),
        "column_bias": (dims, (mean - truth).astype(np.float32)),
        "column_covered": (dims, covered.astype(np.int8)),
    }
    edges = np.linspace(-3, 6, 61)
    column |= {
        f"cell_{name}": (dims[1:], column[source][1].mean(axis=0, dtype=np.float32))
        for name, source in (
            ("mse", "column_mse"),
            ("crps_fair", "column_crps_fair"),
            ("bias", "column_bias"),
            ("coverage_ratio", "column_covered"),
        )
    }
    level = {f"level_{name}": (("variable", "level"), rng.uniform(0.5, 1.0, (len(outputs), levels))) for name in SCORES}
    overall = {f"overall_{name}": (("variable",), rng.uniform(0.5, 1.0, len(outputs))) for name in SCORES}
    rank = np.sum(ensemble < truth[..., None], axis=-1)
    ranks = np.stack(
        [
            [np.bincount(rank[:, i, j].ravel(), minlength=members + 1) for j in range(levels)]
            for i in range(len(outputs))
        ]
    )
    return xr.Dataset(
        column
        | level
        | overall
        | {
            "truth_std": (("variable",), std),
            "bin_edges": (("variable", "bin_edge"), np.tile(edges, (len(outputs), 1))),
            "histogram_truth": (("variable", "level", "bin"), _counts(truth, edges)),
            "histogram_members": (("variable", "level", "bin"), _counts(ensemble.reshape(*truth.shape[:3], -1), edges)),
            "rank_histogram": (("variable", "level", "rank"), ranks),
        },
        coords={"variable": [v.name for v in outputs]}
        | {n: columns[n] for n in ("time", "lat", "lon", "area", "height", "pressure")},
        attrs={"diffmp_kind": "scores", "members": members, **variables_attrs(variables)},
    )


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Histograms ``(variable, level, bin)`` of ``(time, variable, level, ...)``; the outermost bins hold all beyond."""
    values = np.clip(values, edges[0], edges[-1])
    return np.stack(
        [
            [np.histogram(level, edges)[0] for level in values[:, variable].swapaxes(0, 1).reshape(values.shape[2], -1)]
            for variable in range(values.shape[1])
        ]
    )


def make_experiment(
    folder: Path,
    *,
    cells: int = 642,
    times: int = 4,
    title: str = "Synthetic globe",
    variables: ColumnVariables = PAPER,
    levels: int = 30,
) -> Path:
    """Write the folder and return it."""
    columns = make_columns(cells=cells, times=times + 2, variables=variables, levels=levels)
    split = np.full(times + 2, SPLITS.index("test"), dtype=np.int8)
    split[:2] = (SPLITS.index("train"), SPLITS.index("gap"))
    columns["split"] = ("time", split, columns["split"].attrs)
    write_store(columns, folder / "columns.nc")
    test = select_split(columns, "test")
    emulators = []
    for seed, (name, error) in enumerate((("DIFF-MP calibrated", 0.3), ("DIFF-MP paper", 0.45))):
        key = name.rsplit(" ", 1)[-1]
        scores = make_scores(test, error=error, members=16, seed=seed)
        write_store(scores, folder / f"{key}.nc")
        _write_table(folder / f"{key}.json", name, error, seed, variables.outputs)
        (folder / key).mkdir()
        (folder / key / "config.yaml").write_text(
            yaml.safe_dump(
                {
                    "model": {"kind": "diffusion", "filters": 128, "layers": 6},
                    "training": {"steps": 4000, "batch": 512},
                    "data": {"title": title, "columns": cells},
                }
            )
        )
        emulators.append({"name": name, "folder": key, "scores": f"{key}.nc", "table": f"{key}.json"})
    _write_table(folder / "analogue.json", "Analogue ensemble", 0.6, 7, variables.outputs)
    emulators.append({"name": "Analogue ensemble", "table": "analogue.json"})
    (folder / "experiment.yaml").write_text(
        yaml.safe_dump({"title": title, "columns": "columns.nc", "split": "test", "emulators": emulators})
    )
    return folder


def add_networks(folder: Path) -> None:
    """Put small, untrained networks with a training domain into the emulator folders of an experiment."""
    columns = open_columns(folder / "columns.nc")
    inputs, outputs = stack_inputs(columns), stack_outputs(columns)
    normalization = fit(inputs, outputs, schema=schema_of(columns))
    for seed, entry in enumerate(yaml.safe_load((folder / "experiment.yaml").read_text())["emulators"]):
        if "folder" in entry:
            torch.manual_seed(seed)
            emulator = build_emulator({"kind": "diffusion", "filters": 8, "layers": 2}, normalization)
            for parameter in emulator.parameters():
                torch.nn.init.normal_(parameter, std=0.1)
            save_emulator(emulator, folder / entry["folder"])
            fit_domain(inputs, channels=variables_of(columns).inputs, generator=np.random.default_rng(0)).save(
                folder / entry["folder"] / DOMAIN_FILE
            )


def _write_table(path: Path, name: str, error: float, seed: int, outputs: Channels) -> None:
    rng = np.random.default_rng(seed)
    scores = {
        v.name: {
            "mse": error**2,
            "pcc": 1 - error / 2,
            "coverage_ratio": 0.96 - error / 10,
            "coverage_ratio_ties": 0.93 - error / 10,
            "crps_fair": error / 2,
            "bias": float(rng.normal(0, 0.02)),
            **{m: float(rng.uniform(0.7, 1.1)) for m in SCORES if m.endswith("ratio") and m != "coverage_ratio"},
            "spread_skill_correlation": float(rng.uniform(0.3, 0.7)),
        }
        for v in outputs
    }
    path.write_text(
        json.dumps({"scores": scores, "members": 32, "steps": 5, "columns": 2568, "emulator": name, "seed": 0})
    )
