"""The steps of the sampler from noise to the ensemble of one column (Figure 2 of the paper)."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import Range1d, UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import variables_attrs, variables_of
from diffmp_core.variables import Channels, ColumnVariables

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..figures.denoising import DenoisingPanel, shared_range
from ..figures.output_panel import along_levels, level_axis_of
from ..figures.theme import LIGHT
from ..state.choices import LIVE_STEPS
from .ensemble import name_output
from .exhibit import Rows, level_coordinates, levels_of, quantity
from .live_column import LiveColumn

if TYPE_CHECKING:
    from diffmp_core.sampling.denoising import Denoising


@dataclass(frozen=True, kw_only=True)
class DenoisingSteps(LiveColumn):
    """Members at every step, and the profiles that the network predicts from them; of many columns there is no one way.

    ``step`` counts the steps done in the picture on the screen; paper shows all.
    """

    step: int = LIVE_STEPS
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
        live = catalog.live(self.experiment, self.emulator)
        column = self.columns(catalog).read_by(live.schema.inputs)[0]
        return live.submit_work(
            key,
            lambda ready: denoise_column(
                ready.emulator, column, members=self.members, steps=LIVE_STEPS, seed=self.seed
            ),
        )

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """States and predictions ``(step, member, level)`` of the emulator's outputs; the last step is the answer.

        Single values have no level.
        """
        return self.arrange(catalog, self.ask(catalog, uuid.uuid4()).result())

    def arrange(self, catalog: Catalog, found: Denoising) -> xr.Dataset:
        """What :meth:`gather` gives, from the answer of the emulator."""
        columns, schema = self.columns(catalog), catalog.live(self.experiment, self.emulator).schema
        states = np.concatenate([found.states, found.ensemble[None]])
        predicted = np.concatenate([found.predicted, found.ensemble[None]])
        outputs = Channels(entry for entry in columns.variables.outputs if entry.name in schema.outputs)
        variables = {}
        for entry in outputs:
            axis = catalog.value_axis(self.experiment, self.emulator, entry.name, self.units)
            for ending, values, words in (("", states, "state"), ("_predicted", predicted, "predicted from the state")):
                shown = values[:, :, schema.outputs.channel(entry.name)] * axis.factor
                dims: tuple[str, ...] = "step", "member", "level"
                if not entry.profile:
                    shown, dims = shown[..., 0], dims[:2]
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
            attrs=variables_attrs(ColumnVariables(schema.inputs, outputs))
            | {
                "title": f"{self.emulator}: from noise to {self.members} members",
                "subtitle": f"{columns.rule} · blue: members at each step, orange: what the network predicts from them",
            }
            | self.cautions(catalog, columns),
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """A row for each output, a column for each step."""
        levels, steps, outputs = levels_of(data, self.vertical), data.sizes["step"], variables_of(data).outputs
        for row, (panels, entry) in enumerate(
            zip(figure.subplots(len(outputs), steps, squeeze=False), outputs, strict=True)
        ):
            states, predicted = data[entry.name].values, data[f"{entry.name}_predicted"].values
            extent, heights = shared_range(states, predicted), level_axis_of(entry, levels).values
            for step, axes in enumerate(panels):
                state, guess = (along_levels(values[step], entry).T for values in (states, predicted))
                axes.plot(state, heights, color=LIGHT.emulator, alpha=0.4, linewidth=0.5)
                if step < steps - 1:
                    axes.plot(guess, heights, color=LIGHT.perturbed, alpha=0.5, linewidth=0.5)
                title = f"{title_of(entry)}\n" if step == 0 else "\n"
                title += step_words(step, float(data["signal"][step]), steps - 1) if row == 0 else ""
                name_output(axes, data, entry, levels, title=title.rstrip("\n") or " ", left=step == 0)
                axes.set_xlim(extent)

    def show(self, data: xr.Dataset, panels: Mapping[str, DenoisingPanel]) -> None:
        """Draw one step into the panels of the page, nothing into those of what the emulator does not give."""
        levels, last = levels_of(data, self.vertical), data.sizes["step"] - 1
        for name, panel in panels.items():
            if name not in data:
                panel.clear()
                continue
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
        panels = {entry.name: DenoisingPanel(entry, y_range) for entry in variables_of(data).outputs}
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
