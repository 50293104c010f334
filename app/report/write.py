"""One self-contained HTML file of an experiment: the exhibits of the page, with the Python that makes each.

``diffmp report EXPERIMENT OUT.html`` runs this module in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import typer
import xarray as xr
from bokeh.document import Document
from bokeh.embed import components
from bokeh.model import Model
from bokeh.models import ColumnDataSource, CustomJS, CustomJSHover, GlyphRenderer
from bokeh.resources import Resources
from numpy.typing import NDArray

from diffmp_core import __version__
from diffmp_core.cli import run
from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import load_experiment
from diffmp_core.storage.files import whole
from diffmp_core.storage.lock import holding

from ..data.catalog import Catalog
from ..exhibits import Exhibit
from ..exhibits.exhibit import PAPER
from ..exhibits.formats import SAID, script
from ..figures.theme import FONT, LIGHT, PAGE_STYLE
from .sections import sections

SHARED_BYTES = 1000
"""Data of this size that several figures have are kept once."""
STYLE = f"""
body {{ font-family: {FONT}; color: {LIGHT.text}; background: {LIGHT.page}; margin: 0; line-height: 1.5 }}
main {{ max-width: 1280px; margin: 0 auto; padding: 1rem }}
h1 {{ font-size: 1.7rem; margin: .6rem 0 }} h2 {{ font-size: 1.25rem; margin: 1.6rem 0 .4rem }}
figure {{ background: {LIGHT.paper}; border: 1px solid {LIGHT.line}; border-radius: 8px;
  margin: 1rem 0; padding: 1rem }}
figcaption b {{ font-size: 1.05rem }}
figcaption span, details, footer, small {{ color: {LIGHT.muted}; font-size: .85rem }}
figcaption span, small {{ display: block }}
.said {{ margin: .4rem 0; font-size: .9rem; border-left: 3px solid {LIGHT.perturbed}; padding-left: .6rem }}
.row {{ display: flex; flex-wrap: wrap; gap: .5rem }} .row > div {{ flex: 1 1 220px; min-width: 0; overflow-x: auto }}
.row.map > div:first-child {{ flex: 3 1 0 }} .row.map > div:last-child {{ flex: 1 1 0 }}
pre {{ overflow-x: auto; background: {LIGHT.page}; padding: .6rem }}
nav a {{ color: {LIGHT.accent}; margin-right: 1rem }} summary {{ cursor: pointer }}
.scores {{ --line: {LIGHT.line}; --soft: {LIGHT.muted}; --accent: {LIGHT.accent}; {PAGE_STYLE} }}
@media print {{ figure {{ break-inside: avoid }} details {{ display: none }} }}
"""


def share_data(models: Sequence[Model]) -> None:
    """Let figures with the same data have them from one source: coasts and cells of maps are most of their bytes.

    Small sources stay as they are, among them all that a figure changes in the browser.
    """
    kept: dict[bytes, ColumnDataSource] = {}
    instead: dict[ColumnDataSource, ColumnDataSource] = {}
    every = {found for model in models for found in model.references()}
    for source in sorted((found for found in every if isinstance(found, ColumnDataSource)), key=lambda found: found.id):
        arrays = {f"{name} {place}": part for name, column in source.data.items() for place, part in _arrays(column)}
        if sum(part.nbytes for part in arrays.values()) >= SHARED_BYTES:
            digest = sha256()
            for name, part in arrays.items():
                digest.update(f"{name} {part.dtype} {part.shape}".encode())
                digest.update(np.ascontiguousarray(part).tobytes())
            instead[source] = kept.setdefault(digest.digest(), source)
    for model in every:
        if isinstance(model, GlyphRenderer):
            model.data_source = instead.get(model.data_source, model.data_source)
        elif isinstance(model, CustomJS | CustomJSHover):
            model.args = {name: instead.get(value, value) for name, value in model.args.items()}


def _arrays(column: Any) -> Iterator[tuple[int, NDArray]]:
    """The arrays of one column of a source: itself, or those in it."""
    parts = [column] if isinstance(column, np.ndarray) and column.dtype != object else list(column)
    for place, part in enumerate(parts):
        yield place, np.asarray(part)


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
    share_data(models)
    document = Document()
    with document.models.freeze():  # else Bokeh counts all models anew for each one added
        for model in models:
            document.add_root(model)
    scripts, divisions = components(tuple(models))
    left = iter(divisions)

    def figure(exhibit: Exhibit, data: xr.Dataset) -> str:
        parts = ([part if isinstance(part, str) else next(left) for part in row] for row in rows[id(exhibit)])
        said = "".join(f"<p class='said'>{escape(data.attrs[name])}</p>" for name in SAID if data.attrs.get(name))
        cells = ("".join(f"<div>{part}</div>" for part in row) for row in parts)
        drawn = "".join(f'<div class="row {exhibit.what}">{row}</div>' for row in cells)
        title, subtitle, attribution = (escape(str(data.attrs[key])) for key in ("title", "subtitle", "attribution"))
        return (
            f'<figure aria-label="{title}"><figcaption><b>{title}</b><span>{subtitle}</span></figcaption>{said}{drawn}'
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


@holding("out")
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
    with whole(out) as (part,):
        part.write_text(report(catalog, name, emulator or known[0]), encoding="utf-8")
    return out


def main(folder: Path, out: Path, emulator: str | None = None) -> None:
    """``python -m diffmp_app.report.write EXPERIMENT OUT [--emulator NAME]``."""
    write_report(folder, out, emulator=emulator)


if __name__ == "__main__":
    run(lambda: typer.run(main))
