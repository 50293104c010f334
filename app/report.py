"""One self-contained HTML file of an experiment: the exhibits of the page, with the Python that makes each.

``diffmp report EXPERIMENT OUT.html`` runs this module in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import typer
import xarray as xr
from bokeh.document import Document
from bokeh.embed import components
from bokeh.resources import Resources

from app.catalog import Catalog
from app.exhibits import (
    Distribution,
    EmulatorResponse,
    Ensemble,
    Exhibit,
    Ranks,
    ScoreMap,
    ScoreSummary,
    StudyScores,
    TrainingCurve,
    ZonalSection,
)
from app.exhibits.exhibit import PAPER
from app.exhibits.formats import script
from app.presets import PRESETS
from app.study_files import AXES, read_studies
from app.theme import FONT, LIGHT
from diffmp_core import __version__
from diffmp_core.cli import run
from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import load_experiment
from diffmp_core.regimes import REGIMES
from diffmp_core.stores import write_text
from diffmp_core.variables import OUTPUT_NAMES

METRICS = ("crps_fair", "coverage")
"""Scores drawn as maps."""
TYPICAL = ("deep convection", "trade cumulus", "mid-latitude storm")
"""Regimes whose first column is shown with its ensemble."""
RESPONSES = tuple(PRESETS)[:4]
"""Experiments of the paper's Figures 12 and 13."""
COMPOSITE: Mapping[str, Any] = {"target": "composite", "region": "tropics", "regime": "deep convection", "members": 8}
"""Columns that are perturbed."""

OVERVIEW_STYLE = (Path(__file__).resolve().parents[1] / "assets" / "dashboard.css").read_text(encoding="utf-8")
STYLE = f"""
body {{ font-family: {FONT}; color: {LIGHT.text}; background: {LIGHT.page}; margin: 0; line-height: 1.5 }}
main {{ max-width: 1280px; margin: 0 auto; padding: 1rem }}
h1 {{ font-size: 1.7rem; margin: .6rem 0 }} h2 {{ font-size: 1.25rem; margin: 1.6rem 0 .4rem }}
figure {{ background: {LIGHT.paper}; border: 1px solid {LIGHT.line}; border-radius: 8px;
  margin: 1rem 0; padding: 1rem }}
figcaption b {{ font-size: 1.05rem }}
figcaption span, details, footer, small {{ color: {LIGHT.muted}; font-size: .85rem }}
figcaption span, small {{ display: block }}
.row {{ display: flex; flex-wrap: wrap; gap: .5rem }} .row > div {{ flex: 1 1 220px; min-width: 0; overflow-x: auto }}
.row.map > div:first-child {{ flex: 3 1 0 }} .row.map > div:last-child {{ flex: 1 1 0 }}
pre {{ overflow-x: auto; background: {LIGHT.page}; padding: .6rem }}
nav a {{ color: {LIGHT.accent}; margin-right: 1rem }} summary {{ cursor: pointer }}
.scores {{ --line: {LIGHT.line}; --soft: {LIGHT.muted}; --accent: {LIGHT.accent}; {OVERVIEW_STYLE} }}
@media print {{ figure {{ break-inside: avoid }} details {{ display: none }} }}
"""


@dataclass(frozen=True)
class Section:
    """A heading, a sentence on how to read it, and exhibits."""

    title: str
    words: str
    exhibits: Sequence[Exhibit]


def sections(catalog: Catalog, experiment: str, emulator: str) -> Iterator[Section]:
    """What a report shows of one emulator: scores, then what its score store and its weights allow.

    Raises:
        DiffmpError: an experiment or an emulator that cannot be opened.
    """
    if any(catalog.table(experiment, entry.name) for entry in catalog.experiment(experiment).emulators):
        summary = ScoreSummary(experiment=experiment, emulator=emulator)
        yield Section("Scores", "All scores of all emulators; hover over a heading for its definition.", [summary])
    entry = catalog.entry(experiment, emulator)
    shared: dict[str, Any] = {"experiment": experiment, "emulator": emulator}
    levels, cell = lively_levels(catalog, experiment), catalog.limits(experiment).cell
    if entry.scores is not None:
        maps = [
            ScoreMap(**shared, variable=name, metric=metric, level=levels[name], cell=cell)
            for name in OUTPUT_NAMES
            for metric in METRICS
        ]
        yield Section("Maps", "Each output at the level where the truth varies most.", maps)
        zonal = [ZonalSection(**shared, variable=name, metric=METRICS[0], level=levels[name]) for name in OUTPUT_NAMES]
        yield Section("Zonal means", "All levels from pole to pole; the level of the map is marked.", zonal)
        others = [e for e in catalog.limits(experiment).emulators if e != emulator and catalog.scores(experiment, e)]
        names = (emulator, *others[:1])
        shapes = [
            Distribution(experiment=experiment, emulators=names, variable=name, level=levels[name])
            for name in OUTPUT_NAMES
        ]
        yield Section("Distributions", "How often each value occurs at each level.", shapes)
        yield Section("Ranks", "Where the truth lies among the members.", [Ranks(**shared)])
    if entry.folder is not None and catalog.experiment(experiment).has_columns:
        columns = typical_columns(catalog, experiment)
        yield Section(
            "Profiles",
            f"Ensembles of columns: {', '.join(columns)}.",
            [Ensemble(**shared, time=time, cell=cell) for time, cell in columns.values()],
        )
        responses = [
            EmulatorResponse(**shared | dict(PRESETS[name]), **COMPOSITE, time=0, cell=cell) for name in RESPONSES
        ]
        yield Section(
            "Sensitivity",
            "The emulator's answer to changed inputs; both answers use the same random numbers.",
            responses,
        )

    studies = [kind for kind in AXES if kind in read_studies(catalog.folder(experiment))[0]]
    if studies:
        yield Section(
            "Studies",
            "Emulators, denoising steps, guidance and samplers compared; dashed is a perfect ensemble.",
            [StudyScores(experiment=experiment, study=kind) for kind in studies],
        )
    if emulator in catalog.trainings(experiment):
        curve = TrainingCurve(experiment=experiment, training=emulator)
        yield Section("Training", "How the emulator learnt.", [curve])


def lively_levels(catalog: Catalog, experiment: str) -> dict[str, int]:
    """For each output the level where the truth varies most; that of the maps where the columns are not there."""
    if not catalog.experiment(experiment).has_columns:
        return dict.fromkeys(OUTPUT_NAMES, catalog.limits(experiment).level)
    columns = catalog.columns(experiment)
    return {name: int(np.argmax(columns[name].std(("time", "cell")).values)) for name in OUTPUT_NAMES}


def typical_columns(catalog: Catalog, experiment: str) -> dict[str, tuple[int, int]]:
    """Time and cell of the most typical column of each regime that the experiment has."""
    facts, found = catalog.facts(experiment), dict[str, tuple[int, int]]()
    for name in TYPICAL:
        score = np.where(REGIMES[name].mask(facts), REGIMES[name].ranks_by(facts), -np.inf)
        if np.isfinite(score).any():
            time, cell = np.unravel_index(np.argmax(score), score.shape)
            found[name] = (int(time), int(cell))
    return found


def report(catalog: Catalog, experiment: str, emulator: str) -> str:
    """The report as HTML: nothing in it is fetched from anywhere.

    Raises:
        DiffmpError: an experiment or an emulator that cannot be opened.
    """
    shown = [
        (section, [(exhibit, exhibit.data(catalog)) for exhibit in section.exhibits])
        for section in sections(catalog, experiment, emulator)
    ]
    rows = {id(exhibit): exhibit.screen(data) for _, exhibits in shown for exhibit, data in exhibits}
    models = [part for each in rows.values() for row in each for part in row if not isinstance(part, str)]
    document = Document()
    with document.models.freeze():  # else Bokeh counts all models anew for each one added
        for model in models:
            document.add_root(model)
    scripts, divisions = components(tuple(models))
    left = iter(divisions)

    def figure(exhibit: Exhibit, data: xr.Dataset) -> str:
        parts = ([part if isinstance(part, str) else next(left) for part in row] for row in rows[id(exhibit)])
        cells = ("".join(f"<div>{part}</div>" for part in row) for row in parts)
        drawn = "".join(f'<div class="row {exhibit.what}">{row}</div>' for row in cells)
        title, subtitle, attribution = (escape(str(data.attrs[key])) for key in ("title", "subtitle", "attribution"))
        return (
            f'<figure aria-label="{title}"><figcaption><b>{title}</b><span>{subtitle}</span></figcaption>{drawn}'
            f"<small>{attribution}</small><details><summary>The Python that makes it</summary>"
            f"<pre>{escape(script(exhibit, catalog))}</pre></details></figure>"
        )

    body = "".join(
        f'<section id="s{number}"><h2>{escape(section.title)}</h2><p>{escape(section.words)}</p>'
        f"{''.join(figure(exhibit, data) for exhibit, data in exhibits)}</section>"
        for number, (section, exhibits) in enumerate(shown)
    )
    contents = "".join(f'<a href="#s{n}">{escape(section.title)}</a>' for n, (section, _) in enumerate(shown))
    about = catalog.experiment(experiment)
    library = "".join(f"<script>{text}</script>" for text in Resources(mode="inline", components=["bokeh"]).js_raw)
    title = escape(f"{about.title}: {emulator}")
    origin = " · ".join(f"{escape(key)}: {escape(value)}" for key, value in about.provenance.items())
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style>'
        f"{library}</head><body><main><h1>{title}</h1>"
        f"<p>{escape(about.description)}</p><nav aria-label='Sections'>{contents}</nav>{body}"
        f"<footer><p>{origin}</p><p>Method after {escape(PAPER)}. Made by DIFF-MP {__version__}. "
        f"Coastlines: Natural Earth, public domain.</p></footer></main>{scripts}</body></html>\n"
    )


def write_report(folder: Path, out: Path, *, emulator: str | None = None) -> Path:
    """Write the report of an experiment folder whole or not at all; returns the file.

    Args:
        emulator: the one that maps, profiles and responses are of; the first of the experiment if None.

    Raises:
        DiffmpError: no experiment there, no emulator of that name, or a file that cannot be written.
    """
    load_experiment(folder)
    catalog = Catalog([folder])
    name = catalog.names[0]
    known = catalog.limits(name).emulators
    if emulator is not None and emulator not in known:
        raise DiffmpError(f"expected an emulator among {', '.join(known)}, found {emulator!r}; choose one")
    return write_text(out, report(catalog, name, emulator or known[0]))


def main(folder: Path, out: Path, emulator: str | None = None) -> None:
    """``python -m app.report EXPERIMENT OUT [--emulator NAME]``."""
    write_report(folder, out, emulator=emulator)


if __name__ == "__main__":
    run(lambda: typer.run(main))
