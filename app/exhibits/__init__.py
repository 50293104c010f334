"""What the page shows, as values: each exhibit has its choices, gathers its data, and draws them on paper and screen.

Exports, the report and the scripts that readers download make a figure from the same few words.
"""

from app.exhibits.distribution import Distribution
from app.exhibits.ensemble import Ensemble, Ranks
from app.exhibits.exhibit import Exhibit
from app.exhibits.response import EmulatorResponse, ModelResponse
from app.exhibits.score_map import ScoreMap, ZonalSection
from app.exhibits.score_summary import ScoreSummary

__all__ = [
    "Distribution",
    "EmulatorResponse",
    "Ensemble",
    "Exhibit",
    "ModelResponse",
    "Ranks",
    "ScoreMap",
    "ScoreSummary",
    "ZonalSection",
]
