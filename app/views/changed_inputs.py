"""The profiles that the emulator reads, as they are and as the sliders change them."""

from __future__ import annotations

import xarray as xr

from diffmp_core.variables import Channels

from ..exhibits import EmulatorResponse
from ..exhibits.response import input_panels


class ChangedInputs:
    """Temperature and vapour up to a little above the changed layer, means over the columns."""

    def __init__(self, inputs: Channels) -> None:
        """``inputs`` are those that the emulator reads; what sliders change on levels has a panel."""
        self.y_range, self.panels = input_panels(inputs, height=270)

    def show(self, exhibit: EmulatorResponse, data: xr.Dataset) -> None:
        """Draw the inputs of a response."""
        exhibit.show_inputs(data, self.panels, self.y_range)
