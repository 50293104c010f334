"""Below the table of a response: what the cloud-resolving model makes of it, and what the answer can mean."""

from __future__ import annotations

from collections.abc import Mapping

from diffmp_core.response.cautions import Cautions
from diffmp_core.response.verdict import NOT_ASKED, Outcome, Verdict

from ..data.model_answers import Judged
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

    def show(self, judged: Judged, cautions: Cautions) -> None:
        """Say both; the verdict is hidden where there is nothing to judge."""
        severity = _severity(judged.verdicts[0]) if judged.verdicts else "info"
        text = f"{judged.words} {RUN_IT}" if judged.words.startswith(NOT_ASKED) else judged.words
        self.verdict.param.update(object=text, severity=severity, visible=bool(text))
        self.meaning.object = " ".join(cautions.meaning)

    def clear(self) -> None:
        """Say nothing."""
        self.verdict.param.update(object="", visible=False)
        self.meaning.object = ""


def _severity(verdict: Verdict) -> str:
    """Colour of a verdict; the same sign alone is no success where one change is many times the other."""
    return "warning" if verdict.outcome == "agrees" and not verdict.is_near else SEVERITY[verdict.outcome]
