"""Reference ensembles without a network: what an emulator must beat to be worth its training.

They are made of training columns and answer as emulators do, so that they are scored by the same code. They are data,
not weights, and have no folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
import xarray as xr
from torch import Generator, Tensor

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import refuse_not_finite
from diffmp_core.models.normalizer import Normalizer, Physical
from diffmp_core.schema import ColumnSchema, schema_of
from diffmp_core.stores import stack_inputs, stack_outputs

SURFACE_WEIGHT = 2.0
"""Weight of a surface variable in the distance, where a level of T or qv has 1 (best of 1, 2, 4 on ClimSim)."""

PAIRS_AT_ONCE = 1 << 25
"""Pairs of columns whose distances are held at the same time (128 MiB)."""


class AnalogueEnsemble:
    """Members are the outputs of the nearest training columns.

    The distance is Euclidean, over the inputs on levels, T and qv as a rule, each standardised with its training mean
    and standard deviation, and over the single values, standardised and weighted by ``SURFACE_WEIGHT``. The search is
    exact. On ClimSim, 8 to 30 principal components changed the CRPS by 3 % or less, and distances between the
    predictions of a linear regression by 5 % (for qc; less for the others): not worth their options.

    References:
        Lorenz 1969, doi:10.1175/1520-0469(1969)26<636:APARBN>2.0.CO;2.
    """

    kind: ClassVar[str] = "analogue"

    def __init__(self, normalization: Normalization, inputs: Physical, outputs: Tensor) -> None:
        """Keep training columns: inputs (column, input, level), outputs (column, output, level), physical units."""
        self.schema = normalization.schema
        self.normalizer = Normalizer(normalization)
        self.features = self._features(inputs)
        self.outputs = outputs
        self._squares = self.features.square().sum(dim=1)

    @classmethod
    def from_columns(cls, columns: xr.Dataset) -> Self:
        """Analogues among the columns of a store, which should be its training split.

        Raises:
            DiffmpError: a value that is not finite.
        """
        inputs, outputs = stack_inputs(columns), stack_outputs(columns)
        normalization = fit(inputs, outputs, schema=schema_of(columns), method="calibrated")
        return cls(normalization, Physical(torch.from_numpy(inputs)), torch.from_numpy(outputs))

    def sample(
        self,
        inputs: Physical,
        members: int,
        *,
        generator: Generator | None = None,
        steps: int = 1,
        guidance: Sequence[float] = (),
    ) -> Physical:
        """Outputs (column, member, output, level) of the nearest training columns, nearest first, physical units.

        Nothing is drawn: generator, steps and guidance have no effect.

        Raises:
            DiffmpError: more members than training columns, or inputs that are not finite.
        """
        return Physical(self.outputs[self.nearest(inputs, members)])

    def nearest(self, inputs: Physical, count: int) -> Tensor:
        """Indices (column, count) of the nearest training columns of inputs (column, input, level), nearest first."""
        if count > len(self.outputs):
            raise DiffmpError(
                f"expected at most {len(self.outputs)} members, one a training column, found {count}; ask for fewer"
            )
        refuse_not_finite(inputs, self.schema.inputs)
        features = self._features(inputs)
        found = []
        for part in features.split(max(1, PAIRS_AT_ONCE // len(self.features))):
            # |a - b|^2 = |a|^2 + |b|^2 - 2 a.b, of which |b|^2 does not change the order
            distances = torch.addmm(self._squares, part, self.features.T, alpha=-2)
            found.append(distances.topk(count, dim=1, largest=False).indices)
        return torch.cat(found)

    def _features(self, inputs: Physical) -> Tensor:
        normalised = self.normalizer.normalise_inputs(Physical(inputs))
        single = torch.from_numpy(self.schema.inputs.is_single[:, 0])
        profiles, surface = normalised[:, ~single].flatten(1), normalised[:, single, 0]
        return torch.cat([profiles, SURFACE_WEIGHT * surface], dim=1)


class ClimatologicalEnsemble:
    """Members are outputs of training columns drawn at random, whatever the input."""

    kind: ClassVar[str] = "climatology"

    def __init__(self, schema: ColumnSchema, outputs: Tensor) -> None:
        """Keep outputs of training columns (column, output, level), physical units."""
        self.schema, self.outputs = schema, outputs

    @classmethod
    def from_columns(cls, columns: xr.Dataset) -> Self:
        """Climatology of the columns of a store, which should be its training split.

        Raises:
            DiffmpError: a value that is not finite.
        """
        return cls(schema_of(columns), torch.from_numpy(stack_outputs(columns)))

    def sample(
        self,
        inputs: Physical,
        members: int,
        *,
        generator: Generator,
        steps: int = 1,
        guidance: Sequence[float] = (),
    ) -> Physical:
        """Outputs (column, member, output, level) of training columns drawn with replacement.

        Raises:
            DiffmpError: inputs that are not finite, though the answer does not depend on them.
        """
        refuse_not_finite(inputs, self.schema.inputs)
        return Physical(self.outputs[torch.randint(len(self.outputs), (len(inputs), members), generator=generator)])
