"""Overview: what this is, what was trained on what, how good it is, and what it must not be taken for."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar
from urllib.parse import urlencode

import panel as pn
import xarray as xr
from panel.viewable import Viewable

from diffmp_core.drawn import drawn_for
from diffmp_core.kinds import REFERENCE
from diffmp_core.schema import ColumnSchema
from diffmp_core.variables import Channels

from ..data.axes import titles_of
from ..data.catalog import Catalog
from ..exhibits import ScoreSummary
from ..exhibits.exhibit import changed_words
from ..exhibits.score_summary import arrange_scores
from ..figures.score_table import score_table, score_tiles
from ..figures.theme import PAGE_STYLE, colours
from ..state.state import State
from .export_menu import export_menu
from .layout import GAP, WHOLE, paper, uneven_grid

INTRODUCTION = """
<p class="lead">Clouds and convection are smaller than the columns of a climate model, and many subgrid outcomes are
compatible with the same resolved state. DIFF-MP is a conditional diffusion model that draws such outcomes: from
{inputs} of a column it samples {outputs}. These pages ask how good its ensembles are over the globe, level by level and
column by column, and what it answers when its inputs are changed.</p>
"""

METHOD = """
<p class="soft">Method after Wang et al. (2024), <i>Stochastic Parameterization of Moist Physics Using Probabilistic
Diffusion Model</i>, doi:10.20944/preprints202409.1262.v1. Independent implementation; its numbers refer to the data
named below and are not those of the paper.</p>
"""

CAVEATS = """
<h2>Read with care</h2>
<ul>
<li><b>Offline scores.</b> The emulators are scored on columns that a simulation has produced; none of them has been
coupled to a climate model, where errors feed back.</li>
<li><b>Simulated columns are idealised.</b> Where the source is this project's simulator, each cell is a small
two-dimensional cloud-resolving model forced from outside: not GRIST, not observations, not a reproduction of the
paper's data.</li>
<li><b>Few and dependent times.</b> Neighbouring cells and successive times resemble each other, so differences in the
third digit are not significant.</li>
<li><b>Perturbed inputs</b> may lie outside the range of the training data; the Sensitivity tab says when.</li>
</ul>
"""

SERVE_MORE = """
<p class="note">More: <code>diffmp serve FOLDER ...</code> lists experiments in the folders and directly below them.</p>
"""

LICENCE = """
<h2>Licence</h2>
<p>Code, simulated columns and weights trained on them: Apache-2.0. Weights trained on ClimSim excerpts follow from data
under CC-BY-4.0 (Yu et al. 2023). Coastlines: Natural Earth, public domain. Nothing on this page is fetched from
outside.</p>
"""

NAMES = {
    "v": "v",
    "epsilon": "ε",
    "zero_terminal_snr": "zero terminal SNR",
    "dpm_solver_pp_2m": "DPM-Solver++(2M)",
    "ancestral": "ancestral sampler",
}
"""Predictions, schedules and samplers of config.yaml as the literature writes them."""

Facts = list[tuple[str, str]]


class OverviewView:
    """Text and tables; nothing here is drawn live."""

    depends: ClassVar[tuple[str, ...]] = ("experiment", "emulator", "dark")

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.data: xr.Dataset | None = None
        self.parts = {
            name: pn.pane.HTML("", sizing_mode="stretch_width", stylesheets=[PAGE_STYLE], margin=0)
            for name in ("introduction", "headline", "table", "training", "data", "served", "caveats")
        }

    def panel(self) -> Viewable:
        """Introduction, score table, then what was trained on what beside data, caveats and licence."""
        self.refresh(frozenset(self.depends))
        leave = export_menu("scores", lambda: ScoreSummary.of(self.state), self.catalog, lambda: self.data)
        served, caveats = paper(self.parts["served"]), paper(self.parts["caveats"])
        right = pn.Column(served, pn.Spacer(height=GAP), caveats, sizing_mode="stretch_width", margin=0)
        return uneven_grid(
            [
                (paper(self.parts["introduction"]), {"xs": 12, "lg": 7}),
                (paper(self.parts["headline"]), {"xs": 12, "lg": 5}),
                (paper(self.parts["table"], leave), WHOLE),
                (paper(self.parts["training"]), WHOLE),
                (paper(self.parts["data"]), {"xs": 12, "lg": 6}),
                (right, {"xs": 12, "lg": 6}),
            ],
            gap=16,
        )

    def refresh(self, changed: frozenset[str]) -> None:
        """Write all parts anew: they are short."""
        chosen = colours(self.state.dark)
        for part in self.parts.values():
            part.styles = {"color": chosen.text, "--accent": chosen.accent}
        experiment, schema = self.catalog.experiment(self.state.experiment), self.catalog.schema(self.state.experiment)
        introduction = _introduction(schema)
        self.parts[
            "introduction"
        ].object = f"<h2>{escape(experiment.title)}</h2>{_paragraph(experiment.description)}{introduction}{METHOD}"
        table = {self.state.emulator: self.catalog.table(self.state.experiment, self.state.emulator)}
        tiles = score_tiles(arrange_scores(table, schema.outputs).isel(emulator=0))
        self.parts["headline"].object = f"<h2>{escape(self.state.emulator)} in short</h2>{tiles}"
        self.parts["table"].object = f"<h2>Scores</h2>{self._scores()}"
        self.parts["training"].object = f"<h2>What was trained on what</h2>{self._training()}"
        self.parts["data"].object = f"<h2>The columns shown</h2>{_list(self._columns())}"
        self.parts["served"].object = f"<h2>Experiments here</h2>{self._served()}"
        self.parts["caveats"].object = CAVEATS + LICENCE

    def _scores(self) -> str:
        name, summary = self.state.experiment, ScoreSummary.of(self.state)
        tables = summary.tables(self.catalog)
        self.data = summary.gather(self.catalog) if tables else None
        if self.data is None:
            return "<p>No score tables here yet: run <code>diffmp score</code>.</p>"
        first = next(iter(tables.values()))
        trained = [entry.name for entry in self.catalog.experiment(name).emulators if entry.folder is not None]
        known = trained and all(_is_unseen(tables.get(each, {})) for each in trained)
        unseen = ", never seen in training" if known else ""
        note = (
            f"{_count(first.get('columns'))} columns{unseen} · ★ best of the rows · MSE, CRPS and bias in units of the "
            "truth's standard deviation of each variable (MSE: variance) · hover over a heading for its definition"
        )
        cautions = [table["caution"] for table in tables.values() if table.get("caution")]
        cautions += [said[0].upper() + said[1:] for said in changed_words(self.catalog, name, tables)]
        remarks = dict.fromkeys(cautions) | dict.fromkeys(
            remark for table in tables.values() for remark in table.get("notes", [])
        )
        notes = "".join(f'<p class="note">{escape(self._in_words(str(remark)))}.</p>' for remark in remarks)
        return score_table(self.data, self.state.emulator, note=note) + notes

    def _in_words(self, remark: str) -> str:
        """A remark of the scores, ``qc: ...``, with the variable as it is called on this page."""
        name, colon, rest = remark.partition(":")
        return f"{self.catalog.limits(self.state.experiment).outputs.get(name, name)}{colon}{rest}"

    def _served(self) -> str:
        """Every experiment served, with a link that opens it by its name."""
        rows = []
        for name in self.catalog.names:
            experiment = self.catalog.experiment(name)
            emulators = ", ".join(entry.name for entry in experiment.emulators) or "–"
            source = next(iter(experiment.provenance.values()), "")
            rows.append(
                f"<tr{' class=selected' if name == self.state.experiment else ''}>"
                f'<td><a href="?{escape(urlencode({"experiment": name}))}">{escape(experiment.title)}</a></td>'
                f"<td>{escape(name)}</td><td>{escape(emulators)}</td><td>{escape(source)}</td></tr>"
            )
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("Experiment", "Name", "Emulators", "From"))
        table = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
        return f'<div class="scroll"><table class="facts">{table}</table></div>{SERVE_MORE}'

    def _training(self) -> str:
        name = self.state.experiment
        rows = []
        for entry in self.catalog.experiment(name).emulators:
            facts = training_facts(self.catalog.config(name, entry.name), self.catalog.table(name, entry.name))
            cells = "".join(f"<td>{escape(fact)}</td>" for fact in facts)
            selected = " class=selected" if entry.name == self.state.emulator else ""
            rows.append(f"<tr{selected}><td>{escape(entry.name)}</td>{cells}</tr>")
        heads = "".join(
            f'<th scope="col">{head}</th>'
            for head in ("Emulator", "Model", "Trained on", "Training", "Ensemble scored")
        )
        table = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
        return f'<div class="scroll"><table class="facts">{table}</table></div>'

    def _columns(self) -> Facts:
        name = self.state.experiment
        columns, grid = self.catalog.places(name), self.catalog.grid(name)
        split = self.catalog.experiment(name).split
        part = "" if split == "all" else f" ({split} split)"
        facts = [
            ("Title", str(columns.attrs.get("title", "–"))),
            ("Source", str(columns.attrs.get("source", "–"))),
            ("Columns", f"{_count(grid.lat.size)} cells, each {columns.attrs.get('spacing_km', '–')} km wide"),
            ("Times", f"{len(grid.times)}, {grid.times[0]} to {grid.times[-1]}{part}"),
            ("Inputs", ", ".join(self.catalog.schema(name).inputs.names)),
            ("Outputs", ", ".join(self.catalog.schema(name).outputs.names)),
            ("Levels", f"{grid.height.size}, {grid.height[0]:.0f} m to {grid.height[-1] / 1000:.1f} km"),
            ("Fingerprint", self.catalog.columns_id(name)),
        ]
        said = {value for _, value in facts}
        origin = self.catalog.experiment(name).provenance
        return facts + [(key.capitalize(), value) for key, value in origin.items() if value not in said]


def training_facts(config: Mapping[str, Any], table: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What an emulator is, on what and how it was trained, how its ensemble was drawn; '–' where nothing is said."""
    model, columns, result = (config.get(key) or {} for key in ("model", "columns", "result"))
    network = [str(model["kind"])] if "kind" in model else []
    network += (
        [f"{model['filters']} filters, {model['layers']} layers"] if {"filters", "layers"} <= model.keys() else []
    )
    network += [
        f"{NAMES.get(str(model[key]), str(model[key]))} {word}".strip()
        for key, word in (("prediction", "prediction"), ("schedule", "schedule"), ("sampler", ""))
        if model.get(key)
    ]
    times = columns.get("training_times") or {}
    title = str(columns.get("title") or "")
    trained_on = [title] if title else []
    trained_on += [f"{columns['spacing_km']} km"] if columns.get("spacing_km") and " km" not in title else []
    trained_on += [f"{_count(columns['training_columns'])} columns"] if columns.get("training_columns") else []
    trained_on += (
        [f"{times['count']} times, {str(times['first'])[:10]} to {str(times['last'])[:10]}"]
        if {"count", "first", "last"} <= times.keys()
        else []
    )
    training = (
        [f"{_count(result['steps'])} steps of {_count(result['batch'])}"] if {"steps", "batch"} <= result.keys() else []
    )
    training += [f"{result['minutes']:.0f} min on {result['device']}"] if {"minutes", "device"} <= result.keys() else []
    drawn = drawn_for(table, model.get("kind") if config else REFERENCE)
    ensemble = [drawn.words] if drawn else []
    if not config:
        network = ["reference without weights"]
    return _joined(network), _joined(trained_on), _joined(training), _joined(ensemble)


def _is_unseen(table: Mapping[str, Any]) -> bool:
    """Whether a score table knows that its emulator has seen none of the times scored."""
    seen = table.get("seen")
    return isinstance(seen, Mapping) and not any(seen.get(key) for key in ("training", "validation", "likely"))


def _introduction(schema: ColumnSchema) -> str:
    """What this is about, with what columns of a schema are made of."""
    profiles, singles = _listed(schema.outputs.profiles), _listed(schema.outputs.singles)
    outputs = [f"{profiles} at {schema.levels} levels"] * bool(profiles) + [singles] * bool(singles)
    return INTRODUCTION.format(inputs=_listed(schema.inputs), outputs=" and ".join(outputs))


def _listed(variables: Channels) -> str:
    """What some variables are called, in the middle of a sentence, escaped."""
    *first, last = [title[:1].lower() + title[1:] for title in titles_of(variables).values()] or [""]
    return escape(f"{', '.join(first)} and {last}" if first else last)


def _joined(parts: list[str]) -> str:
    return "; ".join(parts) or "–"


def _list(facts: Facts) -> str:
    return "<dl>" + "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts) + "</dl>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "–"
