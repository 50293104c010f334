"""What is pinned, to be compared with what is selected: an emulator, a column, a time, or several of these."""

from __future__ import annotations

from .choices import Choices

COMPARISONS = {"Alone": "none", "Side by side": "side by side", "Difference": "difference"}
"""Ways to show what is selected: without what is pinned, beside it, or minus it."""
PINS = ("pinned_emulator", "pinned_cell", "pinned_time")
"""Choices that say what is pinned."""


def pins_column(choices: Choices) -> bool:
    """Whether a column, or a time of the selected one, is pinned."""
    return choices.pinned_cell >= 0 or choices.pinned_time >= 0


def pinned(choices: Choices) -> Choices:
    """The choices with what is pinned in place of what is selected; what is not pinned is as selected.

    A pinned column stands alone, also beside the mean of a region.
    """
    column = {"cell": choices.pinned_cell, "time": choices.pinned_time}
    update: dict[str, object] = {name: value for name, value in column.items() if value >= 0}
    if pins_column(choices):
        update["target"] = "column"
    if choices.pinned_emulator:
        update["emulator"] = choices.pinned_emulator
    return choices.model_copy(update=update)


def differs(choices: Choices) -> bool:
    """Whether what is pinned is another one than what is selected."""
    return pinned(choices) != choices


def nothing_pinned(*, column: bool = False) -> str:
    """What to do where a comparison is asked for and nothing else is pinned; ``column``: one can be pinned as well."""
    pin = ", or pin a column with “Pin” in the bar above and select another one" * column
    return f"Nothing else is pinned: choose another emulator in “Compare with”{pin}."
