"""The model card of an emulator folder, ``card.md``: what it is, what it was trained on, how it scores, what it is not.

It is written from ``config.yaml`` and, where there is one, a table of scores; it holds nothing of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffmp_core.drawn import drawn_for
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import emulator_id
from diffmp_core.models.folder import CONFIG_FILE, load_config
from diffmp_core.models.seal import KEY
from diffmp_core.score_table import read_score_table
from diffmp_core.storage.files import write_text
from diffmp_core.stores import real_path

CARD_FILE = "card.md"
_TABLE_KEYS = ("columns", "split", "title", "columns_id", "seed")

_LIMITS = """## Limits

Trained and scored offline, on columns of the data named above; not tested in a running host model. Answers to inputs
far from the training data are extrapolations: `domain.safetensors` tells how far. For inputs and outputs with units
and levels see docs/coupling.md of the project.
"""


def write_card(folder: Path | str, *, scores: Path | str | None = None) -> Path:
    """Write ``card.md`` of an emulator folder, whole or not at all.

    Args:
        scores: table of ``diffmp score`` (JSON) to show; without it the card says how to make one.

    Raises:
        DiffmpError: no emulator there, no table there, or one of another emulator, or a folder that cannot be written.
    """
    folder = Path(folder)
    config, table = load_config(folder), None if scores is None else read_score_table(Path(scores))
    if table and table.get("emulator_id") not in (None, emulator_id(config)):
        raise DiffmpError(
            f"expected scores of the emulator at {folder} as it is, found those of {table.get('emulator')!r}, another "
            f"or an earlier one, in {scores}; score it again"
        )
    return write_text(folder / CARD_FILE, card_text(real_path(folder).name, config, table))


def card_text(name: str, config: Mapping[str, Any], scores: Mapping[str, Any] | None = None) -> str:
    """Text of the card from the sections of ``config.yaml``; what they do not say is left out."""
    sections = [f"# {name}\n\nEmulator of kind `{config['model'].get('kind')}`. Made from `{CONFIG_FILE}`.\n"]
    titles = {
        "columns": "Trained on",
        "result": "Training",
        "versions": "Code",
        "model": "Model",
        "training": "Options of the training",
        KEY: "Files",
    }
    for key, title in titles.items():
        if isinstance(config.get(key), Mapping):
            sections.append(f"## {title}\n\n" + "".join(_rows(config[key])))
    sections.insert(4, _scores_section(scores, config["model"].get("kind"), sealed=emulator_id(config) is not None))
    return "\n".join([*sections, _LIMITS])


def _rows(values: Mapping[str, Any], above: str = "") -> list[str]:
    """One line for each value, nested names joined by points."""
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += _rows(value, f"{above}{key}.")
        elif value is not None:
            lines.append(f"- {above}{key}: {value}\n")
    return lines


def _scores_section(table: Mapping[str, Any] | None, kind: str | None, *, sealed: bool) -> str:
    if table is None:
        return "## Scores\n\nNone here: `diffmp score` makes them, and `diffmp card --scores` puts them here.\n"
    scores: Mapping[str, Mapping[str, float | None]] = table["scores"]
    metrics = list(next(iter(scores.values())))
    lines = [f"| | {' | '.join(scores)} |\n", "|---" * (len(scores) + 1) + "|\n"]
    for metric in metrics:
        cells = ["–" if (value := scores[v].get(metric)) is None else f"{value:.3f}" for v in scores]
        lines.append(f"| {metric} | {' | '.join(cells)} |\n")
    drawn = drawn_for(table, kind)
    said = {key: table.get(key, "?") for key in _TABLE_KEYS} | {"drawn": drawn.words if drawn else "? members"}
    how = "On {columns} columns ({split}) of {title}, columns_id {columns_id}; {drawn}, "
    how += "seed {seed}; definitions in docs/scores.md."
    cautions = [table["caution"]] if table.get("caution") else []
    if sealed and table.get("emulator_id") is None:
        cautions.append(
            f"the table names {table.get('emulator', 'no emulator')!r}, but not its files: whether it is of this "
            "emulator is not known"
        )
    caution = f" Caution: {'; '.join(cautions)}." if cautions else ""
    return f"## Scores\n\n{how.format(**said)}{caution}\n\n{''.join(lines)}"
