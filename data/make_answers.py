"""Ask the cloud-resolving model what the presets do to columns of the demo: ``python data/make_answers.py``.

Writes ``answers.nc`` beside the experiment: the column that the page opens on and the first typical columns of each
regime at each time, and the composite of each regime. Questions answered before are kept, so that it goes on where it
was stopped; with other columns, presets or another version of the simulator it begins anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.target import take_target
from diffmp_app.report.sections import COMPOSITES
from diffmp_app.state.choices import Choices
from diffmp_app.state.presets import PRESETS

from diffmp_core import __version__
from diffmp_core.crm.answers import FILE, ModelAnswer, cells_words, pack, read_answers, write_answers
from diffmp_core.crm.response import HOURS, MEMBERS
from diffmp_core.crm.runs import run_model
from diffmp_core.crm.simulate import SCHEME_VERSION
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.physics.regimes import REGIMES
from diffmp_core.shipped import DATA

RANKS = 6
"""Typical columns of each regime, as many as the page lists."""
CHANGES = tuple(Perturbation(**settings) for settings in PRESETS.values())  # type: ignore[arg-type]


def questions(catalog: Catalog, name: str) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Times and cells to ask about, single columns first; some come twice."""
    limits, facts = catalog.limits(name), catalog.facts(name)
    for moment in range(limits.times):
        yield moment, (limits.cell,)
        for regime in REGIMES.values():
            yield from ((moment, (int(cell),)) for cell in regime.typical_cells(facts, moment)[:RANKS])
    for moment in range(limits.times):
        selections: list[dict[str, Any]] = [
            {"target": "composite", **COMPOSITES[0]},
            *({"target": "composite", "regime": r} for r in REGIMES),
        ]
        for selection in selections:
            columns, _ = take_target(Choices(experiment=name, time=moment, **selection), catalog)
            if columns is not None:
                yield moment, columns.cells


def make_answers(folder: Path) -> Path:
    """Ask what is not answered yet about an experiment's columns, and write the file after each question."""
    catalog = Catalog([folder])
    name, path = catalog.names[0], folder / FILE
    columns = catalog.columns(name)
    attrs = {
        "columns_id": str(columns.attrs["columns_id"]),
        "members": MEMBERS,
        "hours": HOURS,
        "simulator_scheme": SCHEME_VERSION,
    }
    try:
        kept = read_answers(path, attrs["columns_id"])
        kept = kept if all(kept.attrs.get(key) == value for key, value in attrs.items()) else None
    except DiffmpError:
        kept = None
    wanted = {(moment, cells_words(cells)): cells for moment, cells in questions(catalog, name)}
    found: dict[tuple[int, str], list[ModelAnswer]] = {}
    for (moment, words), cells in wanted.items():
        before = [kept.find(moment, cells, change) if kept else None for change in CHANGES]
        if all(answer is not None for answer in before):
            found[moment, words] = [answer for answer in before if answer is not None]
    typer.echo(f"{len(wanted)} questions, {len(found)} answered before")
    begun = time.perf_counter()
    for place, ((moment, words), cells) in enumerate(wanted.items(), start=1):
        if (moment, words) in found:
            continue
        found[moment, words] = [runs.answer for runs in run_model(columns, moment, cells, CHANGES)]
        write_answers(pack(found, CHANGES, attrs | {"diffmp_version": __version__}), path)
        typer.echo(f"{place} of {len(wanted)}: {len(cells)} column(s), {time.perf_counter() - begun:.0f} s")
    return path


def main(
    folder: Annotated[Path, typer.Argument(help="Experiment folder with columns of the simulator.")] = DATA / "demo",
) -> None:
    """Ask the cloud-resolving model about the columns that the page offers first."""
    typer.echo(make_answers(folder))


if __name__ == "__main__":
    typer.run(main)
