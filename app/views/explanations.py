"""What every control does and how every score is computed, in words and formulas, for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from diffmp_core.physics.regimes import REGIMES

from ..data.metrics import MAPS, SCORES
from ..state.choices import BOX, NAMES, Choices

Entry = tuple[str, str, str]
"""Name, words, formula ('' where there is none)."""

NOTATION = (
    "y: truth; x₁ … x_M: the M members; x̄: their mean; s: their standard deviation; ⟨ ⟩: mean over columns and times, "
    "and over levels where a score is of all of them. All are first divided by σ, the standard deviation of the truth "
    "of that output over all columns and levels."
)

SCORE_FORMULAS: dict[str, str] = {
    "mse": "⟨(x̄ − y)²⟩",
    "pcc": "⟨(x̄ − ⟨x̄⟩)(y − ⟨y⟩)⟩ / (std(x̄) std(y))",
    "bias": "⟨x̄ − y⟩",
    "crps_fair": "⟨ Σᵢ |xᵢ − y| / M − Σᵢⱼ |xᵢ − xⱼ| / (2 M (M − 1)) ⟩",
    "coverage_ratio": "⟨ [min xᵢ ≤ y ≤ max xᵢ] ⟩",
    "coverage_ratio_ties": "⟨ 1 − ([b = 0] + [a = 0]) / (t + 1) ⟩ with b members below y, t equal to it, a above",
    "spread_skill_ratio": "√( (M + 1)/M · ⟨s²⟩ ) / √⟨(x̄ − y)²⟩",
    "spread_skill_correlation": "corr( s, |x̄ − y| )",
    "std_ratio": "std(all xᵢ) / std(y)",
    "skewness_ratio": "skew(all xᵢ) / skew(y), skew(x) = ⟨(x − ⟨x⟩)³⟩ / std(x)³",
    "kurtosis_ratio": "kurt(all xᵢ) / kurt(y), kurt(x) = ⟨(x − ⟨x⟩)⁴⟩ / std(x)⁴",
}
"""Formula of each score of the table; ``docs/scores.md`` says more."""

MAP_FORMULAS: dict[str, str] = {
    "mse": SCORE_FORMULAS["mse"],
    "coverage": SCORE_FORMULAS["coverage_ratio"],
    "spread": "s, over several times √⟨s²⟩",
    "crps_fair": SCORE_FORMULAS["crps_fair"],
    "bias": SCORE_FORMULAS["bias"],
}
"""Formula of each score of the maps, at one cell and level; ⟨ ⟩ is the mean over the times."""

CONTROL_FORMULAS: dict[str, str] = {
    "neutralise_T": "θ → (1 − a) θ + a θₘ, θₘ keeping the layer's enthalpy; a from 0 to 1",
    "neutralise_qv": "q → (1 − a) q + a qₘ, qₘ keeping the layer's water; a from 0 to 1",
    "warming": "T → T + ΔT",
    "moistening": "q → (1 + r) q",
    "scale_SHF": "SHF → f · SHF",
    "scale_LHF": "LHF → f · LHF",
    "scale_SOLIN": "SOLIN → f · SOLIN",
}
"""What the sliders of the Sensitivity tab do to the inputs."""

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
    "neutralise_T": "Neutralise T",
    "neutralise_qv": "Neutralise qv",
    "warming": "Warm or cool",
    "moistening": "Moisten or dry",
    "scale_SHF": "Sensible heat flux",
    "scale_LHF": "Latent heat flux",
    "scale_SOLIN": "Incoming sunlight",
}
"""Names that the page gives to choices where they are not the field's own."""


def controls(names: Iterable[str]) -> list[Entry]:
    """What these choices do, in the order in which the state has them; the edges of a box are one."""
    chosen = set(names) | {"experiment", "emulator", "region", "regime"}
    return [
        (LABELS.get(name, name.replace("_", " ").capitalize()), words, CONTROL_FORMULAS.get(name, ""))
        for name in NAMES
        if name in chosen and name not in BOX and (words := Choices.model_fields[name].description)
    ]


def regimes() -> list[Entry]:
    """The rules of the regimes."""
    rules = {name: regime.words for name, regime in REGIMES.items()}
    return [(name.capitalize(), f"{rule[:1].upper()}{rule[1:]}.", "") for name, rule in rules.items()]


def scores() -> list[Entry]:
    """The scores of the table."""
    return [(score.label, score.definition, SCORE_FORMULAS[score.name]) for score in SCORES]


def map_scores() -> list[Entry]:
    """The scores of the maps."""
    return [
        (metric.label, f"{metric.meaning[:1].upper()}{metric.meaning[1:]}".rstrip(".") + ".", MAP_FORMULAS[metric.name])
        for metric in MAPS
    ]


def as_list(entries: Iterable[Entry]) -> str:
    """Entries as an HTML list of terms, escaped."""
    return "<dl>" + "".join(map(_item, entries)) + "</dl>"


def _item(entry: Entry) -> str:
    name, words, formula = map(escape, entry)
    return f"<dt>{name}</dt><dd>{words}{f'<br><code>{formula}</code>' if formula else ''}</dd>"
