"""What the page shows, as values: each exhibit has its choices, gathers its data, and draws them on paper and screen.

Exports, the report and the scripts that readers download make a figure from the same few words.
"""

from app.exhibits.denoising import DenoisingSteps
from app.exhibits.distribution import Distribution
from app.exhibits.ensemble import Ensemble
from app.exhibits.ensemble_pair import EnsemblePair
from app.exhibits.every_ensemble import EveryEnsemble
from app.exhibits.exhibit import Exhibit
from app.exhibits.model_response import ModelResponse
from app.exhibits.ranks import Ranks, SelectionRanks
from app.exhibits.response import EmulatorResponse
from app.exhibits.score_map import ScoreMap
from app.exhibits.score_summary import ScoreSummary
from app.exhibits.spread_error import SpreadAgainstError
from app.exhibits.study import StudyScores
from app.exhibits.study_training import TrainingCurve
from app.exhibits.sweep import SweepCurve, SweepMap
from app.exhibits.zonal_section import ZonalSection

__all__ = [
    "DenoisingSteps",
    "Distribution",
    "EmulatorResponse",
    "Ensemble",
    "EnsemblePair",
    "EveryEnsemble",
    "Exhibit",
    "ModelResponse",
    "Ranks",
    "ScoreMap",
    "ScoreSummary",
    "SelectionRanks",
    "SpreadAgainstError",
    "StudyScores",
    "SweepCurve",
    "SweepMap",
    "TrainingCurve",
    "ZonalSection",
]
