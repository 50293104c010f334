"""Below the table of a response: what the cloud-resolving model makes of it, and what the answer can mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from diffmp_core.response.cautions import Cautions
from diffmp_core.response.verdict import NOT_ASKED, Outcome

from .layout import words
from .notices import hidden_notice

SEVERITY: Mapping[Outcome, str] = {
    "agrees": "success", "contradicts": "error", "not confirmed": "warning", "missed": "warning", "undecided": "info",
}  # fmt: skip
"""Colour of a verdict."""
RUN_IT = "Run it below."


class VerdictLine:
    """A box with the verdict, and a line with what to bear in mind wherever the inputs lie."""

    def __init__(self) -> None:
        self.verdict, self.meaning = hidden_notice(), words("", "caption")

    def show(self, response: xr.Dataset, cautions: Cautions) -> None:
        """Say both of a gathered response; the verdict is hidden where there is nothing to judge."""
        said, verdicts = response.attrs["verdict"], json.loads(response.attrs["verdict_numbers"])
        severity = _severity(**verdicts[0]) if verdicts else "info"
        text = f"{said} {RUN_IT}" if said.startswith(NOT_ASKED) else said
        self.verdict.param.update(object=text, severity=severity, visible=bool(text))
        self.meaning.object = " ".join(cautions.meaning)

    def clear(self) -> None:
        """Say nothing."""
        self.verdict.param.update(object="", visible=False)
        self.meaning.object = ""


def _severity(*, outcome: Outcome, is_near: bool, **_: Any) -> str:
    """Colour of a verdict; the same sign alone is no success where one change is many times the other."""
    return "warning" if outcome == "agrees" and not is_near else SEVERITY[outcome]
