"""A score and its map: mean absolute error of the ensemble mean."""

import numpy as np

from diffmp_core.scores.ensemble import Ensemble
from diffmp_core.scores.maps import MAPS, MapScore
from diffmp_core.scores.score import SCORES, Score


def absolute_error(ensemble: Ensemble) -> np.ndarray:
    """|ensemble mean - truth| ``(column, variable, level)`` of each sample, in the truth's standard deviation."""
    return np.abs(ensemble.error)


SCORES.register(
    Score(
        name="mae",
        heading="MAE",
        label="MAE",
        group="Ensemble mean",
        definition="Mean absolute error of the ensemble mean, in units of the truth's standard deviation.",
        formula="⟨|x̄ − y|⟩",
        best="low",
        sample=absolute_error,
        power=1,
    )
)
MAPS.register(
    MapScore(
        name="mae",
        label="Mean absolute error",
        meaning="of the ensemble mean",
        formula="⟨|x̄ − y|⟩",
        stored="column_mae",
        averaged="cell_mae",
        values=absolute_error,
        power=1,
        palette="sequential",
    )
)
