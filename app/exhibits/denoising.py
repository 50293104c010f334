"""The steps of the sampler from noise to the ensemble of one column (Figure 2 of the paper)."""

from __future__ import annotations

import uuid
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import OUTPUTS

from ..data.axes import TITLES
from ..data.catalog import Catalog
from ..figures.denoising import DenoisingPanel, shared_range
from ..figures.theme import LIGHT
from ..state.choices import STEPS
from .exhibit import Rows, level_coordinates, levels_of, quantity
from .live_column import LiveColumn
from .paper import level_panel

if TYPE_CHECKING:
    from diffmp_core.sampling.denoising import Denoising


@dataclass(frozen=True, kw_only=True)
class DenoisingSteps(LiveColumn):
    """Members at every step, and the profiles that the network predicts from them; of many columns there is no one way.

    ``step`` counts the steps done in the picture on the screen; paper shows all.
    """

    step: int = STEPS
    what: ClassVar[str] = "denoising"
    size: ClassVar[tuple[float, float]] = (10.5, 9.0)

    def ask(self, catalog: Catalog, key: Hashable) -> Future[Denoising]:
        """Put the question to the emulator; ``key`` names who asks.

        Raises:
            DiffmpError: many columns, or none, or an emulator without weights.
        """
        from diffmp_core.sampling.denoising import denoise_column  # torch takes a second: only when it is asked for

        if self.target == "composite":
            raise DiffmpError(
                "expected one column to denoise, found many; choose the selected column or one of your own"
            )
        column = self.columns(catalog).inputs[0]
        return catalog.live(self.experiment, self.emulator).submit_work(
            key,
            lambda ready: denoise_column(ready.emulator, column, members=self.members, steps=STEPS, seed=self.seed),
        )

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """States and predictions ``(step, member, level)`` of the four outputs; the last step is the answer."""
        return self.arrange(catalog, self.ask(catalog, uuid.uuid4()).result())

    def arrange(self, catalog: Catalog, found: Denoising) -> xr.Dataset:
        """What :meth:`gather` gives, from the answer of the emulator."""
        columns = self.columns(catalog)
        states = np.concatenate([found.states, found.ensemble[None]])
        predicted = np.concatenate([found.predicted, found.ensemble[None]])
        variables, dims = {}, ("step", "member", "level")
        for channel, entry in enumerate(OUTPUTS):
            axis = catalog.value_axis(self.experiment, self.emulator, entry.name, self.units)
            for ending, values, words in (("", states, "state"), ("_predicted", predicted, "predicted from the state")):
                shown = values[:, :, channel] * axis.factor
                variables[entry.name + ending] = quantity(dims, shown, axis.label, f"{entry.long_name}, {words}")
        signal = np.append(found.signal, 1.0)
        return xr.Dataset(
            variables
            | {"signal": quantity("step", signal, "1", "share of the profile in the state, the rest is noise")},
            coords=level_coordinates(catalog, self.experiment)
            | {
                "step": ("step", np.arange(len(signal)), {"long_name": "denoising steps done", "units": "1"}),
                "member": ("member", np.arange(self.members), {"standard_name": "realization", "units": "1"}),
            },
            attrs={
                "title": f"{self.emulator}: from noise to {self.members} members",
                "subtitle": f"{columns.rule} · blue: members at each step, orange: what the network predicts from them",
                "cautions": self.cautions(catalog, columns),
            },
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """A row for each output, a column for each step."""
        levels, steps = levels_of(data, self.vertical), data.sizes["step"]
        for row, (panels, entry) in enumerate(
            zip(figure.subplots(len(OUTPUTS), steps, sharey=True), OUTPUTS, strict=True)
        ):
            states, predicted = data[entry.name].values, data[f"{entry.name}_predicted"].values
            extent = shared_range(states, predicted)
            for step, axes in enumerate(panels):
                axes.plot(states[step].T, levels.values, color=LIGHT.emulator, alpha=0.4, linewidth=0.5)
                if step < steps - 1:
                    axes.plot(predicted[step].T, levels.values, color=LIGHT.perturbed, alpha=0.5, linewidth=0.5)
                title = f"{TITLES[entry.name]}\n" if step == 0 else "\n"
                title += step_words(step, float(data["signal"][step]), steps - 1) if row == 0 else ""
                label = data[entry.name].axis_label
                level_panel(axes, levels, title=title.rstrip("\n") or " ", label=label, left=step == 0)
                axes.set_xlim(extent)

    def show(self, data: xr.Dataset, panels: dict[str, DenoisingPanel]) -> None:
        """Draw one step into the panels of the page."""
        levels, last = levels_of(data, self.vertical), data.sizes["step"] - 1
        for name, panel in panels.items():
            states, predicted = data[name].values, data[f"{name}_predicted"].values
            panel.show(
                states[self.step],
                predicted[self.step] if self.step < last else None,
                levels=levels,
                extent=shared_range(states, predicted),
                label=data[name].axis_label,
            )

    def screen(self, data: xr.Dataset) -> Rows:
        """One step as the page draws it."""
        levels = levels_of(data, self.vertical)
        y_range = Range1d(start=levels.start, end=levels.end)
        panels = {entry.name: DenoisingPanel(entry.name, y_range) for entry in OUTPUTS}
        self.show(data, panels)
        for panel in panels.values():
            panel.paint(False)
        drawn: list[UIElement] = [panel.figure for panel in panels.values()]
        return [drawn]


def step_words(step: int, signal: float | None, last: int) -> str:
    """What a step is, in a few words; ``signal`` is s, if known."""
    if step == last:
        return "answer"
    share = "" if signal is None else f" (s = {signal:.2f})"
    return ("noise" if step == 0 else f"after step {step}") + share
