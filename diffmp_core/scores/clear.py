"""Where there is no cloud: the share of values without, by level, of the truth and of the members.

"Without" is less than a trace, :data:`CLOUDY`. Exact zeros are no measure: at the lowest levels of the simulator's
columns half of all values are traces, which emulators settle to zero, and which nothing feels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from diffmp_core.scores.moments import Additive, Array
from diffmp_core.variables import Channels

CLOUDY = 1e-6
"""Least cloud water or ice [kg/kg] that counts as cloud."""

CLOUDS = ("qc", "qi")
"""Outputs that are cloud."""


def clouds_of(outputs: Channels) -> tuple[str, ...]:
    """Clouds among these outputs, in their order."""
    return tuple(name for name in outputs.names if name in CLOUDS)


@dataclass(frozen=True)
class ClearShare(Additive):
    """Counts of values without cloud, ``(cloud, level)``, of ``columns`` truths and ``members`` members in all."""

    columns: float
    members: float
    truth: Array
    ensemble: Array

    @classmethod
    def of(cls, truth: NDArray, members: NDArray, outputs: Channels) -> Self:
        """Of truths ``(column, output, level)`` and members ``(column, member, output, level)``, physical units."""
        channels = [outputs.channel(name) for name in clouds_of(outputs)]
        return cls(
            columns=float(len(truth)),
            members=float(members.shape[0] * members.shape[1]),
            truth=(truth[:, channels] < CLOUDY).sum(axis=0).astype(float),
            ensemble=(members[:, :, channels] < CLOUDY).sum(axis=(0, 1)).astype(float),
        )

    def shares(self) -> dict[str, Array]:
        """``truth`` and ``members``, each ``(cloud, level)``, 0 to 1."""
        return {"truth": self.truth / self.columns, "members": self.ensemble / self.members}

    def table(self, outputs: Channels) -> dict[str, dict[str, float]]:
        """Cloud -> ``truth`` and ``members``, shares over all levels, and ``worst_level``, their largest difference."""
        shares = self.shares()
        truth, members = shares["truth"], shares["members"]
        return {
            name: {
                "truth": float(truth[i].mean()),
                "members": float(members[i].mean()),
                "worst_level": float(np.abs(members[i] - truth[i]).max()),
            }
            for i, name in enumerate(clouds_of(outputs))
        }
