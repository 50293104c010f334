"""What the page shows, as values: each exhibit has its choices, gathers its data, and draws them on paper and screen.

Exports, the report and the scripts that readers download make a figure from the same few words.
"""

from .denoising import DenoisingSteps
from .distribution import Distribution
from .ensemble import Ensemble
from .ensemble_pair import EnsemblePair
from .every_ensemble import EveryEnsemble
from .exhibit import Exhibit
from .model_response import ModelResponse
from .ranks import Ranks, SelectionRanks
from .response import EmulatorResponse
from .score_map import ScoreMap
from .score_summary import ScoreSummary
from .spread_error import SpreadAgainstError
from .study import StudyScores
from .study_training import TrainingCurve
from .sweep import SweepCurve, SweepMap
from .zonal_section import ZonalSection

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
