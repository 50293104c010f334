"""The profiles that the emulator reads, as they are and as the sliders change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import Range1d

from diffmp_core.physics.stratification import potential_temperature
from diffmp_core.variables import BY_NAME, INPUT_NAMES

from ..data.axes import TITLES, LevelAxis
from ..data.catalog import Catalog
from ..figures.axes import set_range
from ..figures.profile import INPUT_TOP, InputPanel
from ..state.state import State

if TYPE_CHECKING:
    from diffmp_core.response.sensitivity import Response


class ChangedInputs:
    """Temperature and vapour up to a little above the changed layer, means over the columns."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.y_range = Range1d(start=0, end=1)
        self.panels = {n: InputPanel(self.y_range, title=TITLES[n], compares=True, height=270) for n in ("T", "qv")}

    def show(self, response: Response, levels: LevelAxis, *, differ: bool) -> None:
        """Draw the inputs of a response, the changed ones where they ``differ``."""
        cells = self.catalog.grid(self.state.experiment)
        top = max(int(np.searchsorted(cells.height, INPUT_TOP)), min(self.state.top_level + 2, len(cells.height) - 1))
        visible = (levels.start, float(levels.values[top]))
        set_range(self.y_range, visible)
        for name, panel in self.panels.items():
            channel, entry = INPUT_NAMES.index(name), BY_NAME[name]
            before, after = (x[:, channel].astype(float) for x in (response.inputs, response.perturbed_inputs))
            as_theta = name == "T" and self.state.temperature == "theta"
            if as_theta:
                before, after = (potential_temperature(x, cells.pressure) for x in (before, after))
            panel.show(
                before.mean(axis=0) * entry.display_factor,
                after.mean(axis=0) * entry.display_factor if differ else None,
                title=TITLES["theta" if as_theta else name],
                levels=levels,
                label=entry.display_unit,
                visible=visible,
            )
