"""What a report shows: sections of exhibits, as far as score stores, weights and studies of an experiment allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffmp_core.physics.regimes import REGIMES
from diffmp_core.scores.maps import MAPS
from diffmp_core.studies.study import STUDIES
from diffmp_core.variables import Variable

from ..data.catalog import Catalog
from ..data.composites import WHY_BY_INPUTS
from ..data.study_files import read_studies
from ..data.target import take_target
from ..exhibits import (
    Distribution,
    EmulatorResponse,
    Ensemble,
    EnsemblePair,
    Exhibit,
    Ranks,
    ScoreMap,
    ScoreSummary,
    StudyScores,
    TrainingCurve,
    ZonalSection,
)
from ..exhibits.distribution import HISTOGRAMS
from ..exhibits.ranks import RANK_HISTOGRAM
from ..state.presets import PRESETS

COMPARED = {"mse": "difference", "coverage": "none"}
"""Scores drawn of every other emulator: minus those of the one reported on, and alone (Figures 8 and 9)."""
ZONAL = "crps_fair"
"""Score drawn at all levels from pole to pole, where the store has it."""
TYPICAL = ("deep convection", "trade cumulus", "mid-latitude storm")
"""Regimes whose most typical column is shown with its ensemble."""
RESPONSES = tuple(PRESETS)[:4]
"""Experiments of the paper's Figures 12 and 13."""
COMPOSITES: Sequence[Mapping[str, str]] = (
    {"region": "tropics", "regime": "deep convection"},
    {"region": "tropics"},
    {},
)
"""Regions and regimes whose columns are perturbed: the first that has columns; the last has all."""
RESPONSE_MEMBERS = 8
"""Members drawn of each column that is perturbed."""

Levels: TypeAlias = Mapping[str, int]
"""Level drawn of each output that the emulator gives; 0 of single values."""


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
    others = [name for name in catalog.limits(experiment).emulators if name != emulator]
    levels, cell = lively_levels(catalog, experiment, emulator), catalog.limits(experiment).cell
    drawn = catalog.entry(experiment, emulator).folder is not None and catalog.experiment(experiment).has_columns
    columns = typical_columns(catalog, experiment) if drawn else {}
    yield from _fields(catalog, experiment, emulator, levels)
    for other in others:
        yield from _comparison(catalog, experiment, emulator, other, levels, next(iter(columns.values()), None))
    yield from _counts(catalog, experiment, emulator, others, levels)
    if drawn:
        shared: dict[str, Any] = {"experiment": experiment, "emulator": emulator}
        yield Section(
            "Profiles",
            f"Columns nearest to the median of a regime: {', '.join(columns)}. {WHY_BY_INPUTS}",
            [Ensemble(**shared, time=time, cell=place) for time, place in columns.values()],
        )
        yield Section(
            "Sensitivity",
            "The emulator's answer to changed inputs; both answers use the same random numbers.",
            _responses(catalog, shared | {"time": 0, "cell": cell}),
        )

    found, _ = read_studies(catalog.folder(experiment))
    studies = [(kind, file) for kind in STUDIES for file in found.get(kind, ())]
    if studies:
        yield Section(
            "Studies",
            "Emulators, denoising steps, guidance and samplers compared; dashed is a perfect ensemble.",
            [StudyScores(experiment=experiment, study=kind, study_file=file) for kind, file in studies],
        )
    if emulator in catalog.trainings(experiment):
        curve = TrainingCurve(experiment=experiment, training=emulator)
        yield Section("Training", "How the emulator learnt.", [curve])


def _fields(catalog: Catalog, experiment: str, emulator: str, levels: Levels) -> Iterator[Section]:
    """Maps and zonal means of the scores that the store has."""
    shared: dict[str, Any] = {"experiment": experiment, "emulator": emulator, "cell": catalog.limits(experiment).cell}
    shown = {name: score for name, score in MAPS.items() if score.in_report}
    reasons = {
        name: catalog.lacks(experiment, emulator, score.stored, called=f"“{score.label}”")
        for name, score in shown.items()
    }
    metrics = [name for name, reason in reasons.items() if not reason]
    if not metrics:
        return
    maps = [
        ScoreMap(**shared, variable=name, metric=metric, level=level)
        for name, level in levels.items()
        for metric in metrics
    ]
    words = ["Each output; profiles at the level where the truth varies most", *filter(None, reasons.values())]
    yield Section("Maps", ". ".join(words) + ".", maps)
    metric = ZONAL if ZONAL in metrics else metrics[0]
    outputs = catalog.schema(experiment).outputs
    zonal = [
        ZonalSection(experiment=experiment, emulator=emulator, variable=name, metric=metric, level=level)
        for name, level in levels.items()
        if outputs.named(name).profile
    ]
    if zonal:
        yield Section("Zonal means", "All levels from pole to pole; the level of the map is marked.", zonal)


def _comparison(
    catalog: Catalog, experiment: str, emulator: str, other: str, levels: Levels, column: tuple[int, int] | None
) -> Iterator[Section]:
    """Another emulator held against this one: maps of what both stores have, and both ensembles of a column."""
    pair: dict[str, Any] = {"experiment": experiment, "emulator": other, "pinned_emulator": emulator}
    exhibits: list[Exhibit] = []
    words = []
    for metric, how in COMPARED.items():
        score = MAPS[metric]
        if any(catalog.lacks(experiment, name, score.stored) for name in (emulator, other)):
            continue
        exhibits += [
            ScoreMap(
                **pair, variable=name, metric=metric, level=level, compare=how, cell=catalog.limits(experiment).cell
            )
            for name, level in levels.items()
            if not catalog.lacks(experiment, other, variable=name)
        ]
        words.append(
            f"{score.label}, {other} minus {emulator}: above zero {emulator} is better, blank is what cannot be told "
            "from equally good."
            if how == "difference"
            else f"{score.label} of {other}."
        )
    if column is not None and catalog.entry(experiment, other).folder is not None:
        exhibits.append(EnsemblePair(**pair, time=column[0], cell=column[1]))
        words.append("Both ensembles of one column.")
    if exhibits:
        yield Section(f"{other} against {emulator}", " ".join(words), exhibits)


def _counts(
    catalog: Catalog, experiment: str, emulator: str, others: Sequence[str], levels: Levels
) -> Iterator[Section]:
    """Distributions and ranks, where the store has counted them."""
    if not catalog.lacks(experiment, emulator, *HISTOGRAMS):
        shapes = []
        for name, level in levels.items():
            also = [other for other in others if not catalog.lacks(experiment, other, *HISTOGRAMS, variable=name)][:1]
            shapes.append(Distribution(experiment=experiment, emulators=(emulator, *also), variable=name, level=level))
        yield Section("Distributions", "How often each value occurs at each level.", shapes)
    if not catalog.lacks(experiment, emulator, RANK_HISTOGRAM):
        ranks = Ranks(experiment=experiment, emulator=emulator)
        yield Section("Ranks", "Where the truth lies among the members.", [ranks])


def _responses(catalog: Catalog, shared: Mapping[str, Any]) -> Sequence[EmulatorResponse]:
    """Answers to the changes of :data:`RESPONSES`, of the first of :data:`COMPOSITES` that has columns at this time."""
    about = {**shared, "target": "composite", "members": RESPONSE_MEMBERS}
    tried = ([EmulatorResponse(**{**about, **where, **PRESETS[name]}) for name in RESPONSES] for where in COMPOSITES)
    return next(found for found in tried if take_target(found[0].choices, catalog)[0] is not None)


def lively_levels(catalog: Catalog, experiment: str, emulator: str) -> Levels:
    """For each output of an emulator the level where the truth varies most; 0 of a single value.

    Where the columns are not there it is the level of the maps.
    """
    outputs = catalog.outputs(experiment, emulator)
    columns = catalog.columns(experiment) if catalog.experiment(experiment).has_columns else None

    def level(output: Variable) -> int:
        if not output.profile:
            return 0
        if columns is None:
            return catalog.limits(experiment).level
        return int(np.argmax(columns[output.name].std(("time", "cell")).values))

    return {output.name: level(output) for output in outputs}


def typical_columns(catalog: Catalog, experiment: str) -> dict[str, tuple[int, int]]:
    """Time and cell of the most typical column of each regime that the experiment has."""
    facts, found = catalog.facts(experiment), dict[str, tuple[int, int]]()
    for name in TYPICAL:
        distance = REGIMES[name].distance(facts)
        if np.isfinite(distance).any():
            time, cell = np.unravel_index(np.argmin(distance), distance.shape)
            found[name] = (int(time), int(cell))
    return found
