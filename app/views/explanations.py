"""What every control does and how every score is computed, in words and formulas, for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from diffmp_core.physics.regimes import REGIMES
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.scores.maps import MAPS
from diffmp_core.scores.score import SCORES

from ..state.choices import BOX, NAMES, Choices

Entry = tuple[str, str, str]
"""Name, words, formula ('' where there is none)."""

NOTATION = (
    "y: truth; x₁ … x_M: the M members; x̄: their mean; s: their standard deviation; ⟨ ⟩: mean over columns and times, "
    "and over levels where a score is of all of them. All are first divided by σ, the standard deviation of the truth "
    "of that output over all columns and levels."
)

LABELS: dict[str, str] = {
    "metric": "Score",
    "cell": "Column",
    "dark": "Theme",
    "average": "Mean over all times",
    "logarithmic": "Logarithmic colours",
    "centre": "Central longitude",
    "vertical": "Vertical axis",
    "drawing": "Ensemble as",
    "target": "Show",
    "study_file": "File",
    "top_level": "Below",
    **{name: slider.label for name, slider in SLIDERS.items()},
}
"""Names that the page gives to choices where they are not the field's own."""


def controls(names: Iterable[str]) -> list[Entry]:
    """What these choices do, in the order in which the state has them; the edges of a box are one."""
    chosen = set(names) | {"experiment", "emulator", "region", "regime"}
    return [
        (LABELS.get(name, name.replace("_", " ").capitalize()), words, SLIDERS[name].formula if name in SLIDERS else "")
        for name in NAMES
        if name in chosen and name not in BOX and (words := Choices.model_fields[name].description)
    ]


def regimes() -> list[Entry]:
    """The rules of the regimes."""
    rules = {name: regime.words for name, regime in REGIMES.items()}
    return [(name.capitalize(), f"{rule[:1].upper()}{rule[1:]}.", "") for name, rule in rules.items()]


def scores() -> list[Entry]:
    """The scores of the table."""
    return [(score.label, score.definition, score.formula) for score in SCORES.values()]


def map_scores() -> list[Entry]:
    """The scores of the maps."""
    return [
        (metric.label, f"{metric.meaning[:1].upper()}{metric.meaning[1:]}".rstrip(".") + ".", metric.formula)
        for metric in MAPS.values()
    ]


def as_list(entries: Iterable[Entry]) -> str:
    """Entries as an HTML list of terms, escaped."""
    return "<dl>" + "".join(map(_item, entries)) + "</dl>"


def _item(entry: Entry) -> str:
    name, words, formula = map(escape, entry)
    return f"<dt>{name}</dt><dd>{words}{f'<br><code>{formula}</code>' if formula else ''}</dd>"
