"""Profiles: an ensemble drawn live for the selected column, beside the truth and the inputs."""

from __future__ import annotations

from html import escape
from typing import ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.physics.column_integrals import integrate
from diffmp_core.schema import variables_of
from diffmp_core.scores.score import perfect_coverage
from diffmp_core.variables import BY_NAME, INPUT_NAMES, INPUTS, OUTPUTS, Variable

from ..data.axes import TITLES, LevelAxis, value_axis
from ..data.catalog import Catalog
from ..data.target import DEPENDS, NO_OWN, TARGETS, take_target
from ..exhibits import Ensemble, Ranks
from ..exhibits.ranks import RANK_HISTOGRAM
from ..figures.axes import set_range
from ..figures.profile import EnsemblePanel, InputPanel, RankPanel, ensemble_words, surface_line
from ..state.state import State
from .compare import compare_controls
from .controls import choice, small_button, stepped_slider
from .denoising import DenoisingView
from .every_emulator import EveryEmulator
from .export_menu import export_menu
from .layout import QUARTER, beside, grid, pane, paper, words
from .live_ensemble import LiveEnsemble
from .own_column import OwnColumn
from .pinned_profiles import PinnedProfiles
from .selection_ranks import SelectionRanksView
from .spread_error import SpreadErrorView
from .typical_columns import TypicalColumns

DRAWINGS = {"Members": "members", "Fan": "fan", "Single": "single"}

NO_COLUMN = "No column of this time belongs to the region and regime; choose another one or another time."

HOW_TO_READ = """
**How to read this.** The emulator saw only the inputs of the column; each thin line is one answer, a possible subgrid
tendency or cloud profile. Good: the truth looks like one of the members, neither always in their middle nor outside.
Crosses mark levels where the truth lies outside all members; even a perfect ensemble of 32 misses 2 in 33.
**Ranks** (of all columns scored, at all levels; those of a region or regime are counted on request): how many members
lie below the truth. Flat is right; a valley means too little spread, a hill too much, a slope a bias. Ties, such as no
cloud in truth and members, are dealt out evenly.
"""


class ProfilesView(LiveEnsemble):
    """Live ensemble of the selected column: four outputs, two inputs, ranks."""

    depends: ClassVar[tuple[str, ...]] = (
        "emulator", "units", "vertical", "dark", "members", "seed", "drawing", "member", *DEPENDS,
        *PinnedProfiles.depends, *SpreadErrorView.depends, *SelectionRanksView.depends, *DenoisingView.depends,
        *EveryEmulator.depends,
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        super().__init__(state, catalog)
        self.y_range = Range1d(start=0, end=1)
        self.outputs = {v.name: EnsemblePanel(v.name, self.y_range) for v in OUTPUTS}
        self.inputs = {n: InputPanel(self.y_range, title=TITLES[n], compares=False, height=320) for n in ("T", "qv")}
        self.ranks = {v.name: RankPanel(v.name) for v in OUTPUTS}
        self.own, self.denoising = OwnColumn(state, catalog), DenoisingView(state, catalog)
        self.pinned = PinnedProfiles(state, catalog, self.y_range)
        self.every, self.spread_error = EveryEmulator(state, catalog), SpreadErrorView(state, catalog)
        self.selection_ranks = SelectionRanksView(state, catalog)
        self.covered = {v.name: words("") for v in OUTPUTS}
        self.place, self.rule, self.ranked = words(""), "", words("", "caption")
        self.legend = words("", "caption")
        self._ranks_of: tuple[str, ...] = ()
        self.leave_ranks = export_menu("ranks", lambda: Ranks.of(state), catalog)
        self.typical = TypicalColumns(state, catalog)

    def panel(self) -> Viewable:
        """Controls at the left; outputs with their ranks, then inputs."""
        state = self.state
        controls = paper(
            choice(state, "target", "Show", TARGETS),
            self.own.panel(),
            stepped_slider(state, "time", "Time", lambda i: self.catalog.grid(state.experiment).times[i]),
            *self.typical.controls(),
            *compare_controls(state, significance=False),
            words("Ensemble", "subtitle1"),
            choice(state, "drawing", "Ensemble as", DRAWINGS),
            self._member(),
            pmui.IntSlider.from_param(
                state.param.members,
                label="Members",
                description="",
                size="small",
                sizing_mode="stretch_width",
                margin=(8, 8),
            ),
            small_button("Resample", state.resample, says="Resample: another ensemble, the next seed"),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
        )
        outputs = [
            pn.Column(
                pane(self.outputs[v.name].figure),
                self.covered[v.name],
                sizing_mode="stretch_width",
            )
            for v in OUTPUTS
        ]
        leave = export_menu("profiles", lambda: Ensemble.of(state), self.catalog)
        counted = grid((pane(self.ranks[v.name].figure) for v in OUTPUTS), QUARTER)
        ranks = paper(
            words("Ranks of the truth in all columns scored", "subtitle1"), self.ranked, counted, self.leave_ranks
        )
        figures = paper(self.notice, self.place, self.caution, self.legend, grid(outputs, QUARTER), self.status, leave)
        seen = grid((pane(panel.figure) for panel in self.inputs.values()), {"xs": 6})
        figures.append(self.pinned.place)
        inputs = paper(words("What the emulator sees", "subtitle1"), seen, words(HOW_TO_READ))
        self.refresh(frozenset(self.depends))
        parts = self.spread_error, self.selection_ranks, self.every, self.denoising
        asked = paper(*(part.panel() for part in parts))
        return beside(controls, figures, ranks, asked, inputs)

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask for a new ensemble if the column, the emulator or the draw changed, else draw what is there."""
        if self.state.member >= self.state.members and not self.state.restoring:
            self.state.member = self.state.members - 1
        with pn.io.hold():
            if "dark" in changed:
                panels: list[EnsemblePanel | InputPanel | RankPanel] = [*self.outputs.values(), *self.inputs.values()]
                for panel in [*panels, *self.ranks.values()]:
                    panel.paint(self.state.dark)
                self.pinned.paint(self.state.dark)
            if changed & set(DEPENDS):
                self.target, self.rule = take_target(self.state.choices, self.catalog)
                self.typical.follow()
            if changed & {"experiment", "time"}:
                self.typical.fill()
            self.pinned.refresh(changed)
            self.denoising.refresh(changed)
            self.spread_error.refresh(changed)
            self.selection_ranks.refresh(changed)
            nothing = NO_OWN if self.state.target == "own" else NO_COLUMN
            if changed & set(self.asks):
                self.ask(self.state.choices, nothing=nothing)
            elif changed - {"dark", "denoising", "step", "every", "spread_error"}:
                self.draw()
            self.every.refresh(changed, self.target, nothing=nothing)

    def _member(self) -> Viewable:
        """Which member is shown, seen while a single one is."""
        state = self.state
        slider = stepped_slider(state, "member", "Member", lambda i: str(min(i, state.members - 1) + 1))
        slider.visible = state.param.drawing.rx() == "single"
        return slider

    def draw(self) -> None:
        """Draw the column, and the ensemble where there is one; without it the truth stands alone."""
        state, target = self.state, self.target
        levels = self.catalog.grid(state.experiment).levels(state.vertical)
        self._say_place()
        self._say_what_is_drawn()
        self._draw_ranks()
        if target is None:
            self._clear(levels)
            return
        truth, seen = target.truth.mean(axis=0), target.inputs.mean(axis=0)
        with pn.io.hold():
            set_range(self.y_range, (levels.start, levels.end))
            for channel, variable in enumerate(OUTPUTS):
                inside = self.outputs[variable.name].show(
                    None if self.members is None else self.members[:, channel],
                    truth[channel],
                    levels=levels,
                    values=self.catalog.value_axis(state.experiment, state.emulator, variable.name, state.units),
                    drawing=state.drawing,
                    member=state.member,
                    spread=self.has_spread,
                )
                self.covered[variable.name].object = self._covered_words(variable, inside, len(levels.values))
            self.pinned.draw_beside(self.outputs, self.members, truth)
            for name, panel in self.inputs.items():
                entry = BY_NAME[name]
                panel.show(
                    seen[INPUT_NAMES.index(name)] * entry.display_factor,
                    title=TITLES[name],
                    levels=levels,
                    label=entry.display_unit,
                    visible=(levels.start, levels.end),
                )

    def _say_what_is_drawn(self) -> None:
        """What the lines and crosses are, of those that are there."""
        truth = self.target is not None and self.target.has_truth
        parts = ["Solid, black or white: truth"] if truth else []
        if self.members is not None:
            parts.append(ensemble_words(self.state.drawing, self.state.member, spread=self.has_spread))
            parts += ["×: truth outside all members"] if truth and self.has_spread else []
        self.legend.object = " · ".join(parts)

    def _clear(self, levels: LevelAxis) -> None:
        """Leave nothing standing that might be taken for a column that is not there."""
        nothing = np.full(len(levels.values), np.nan)
        for variable in OUTPUTS:
            values = value_axis(variable, self.state.units)
            self.outputs[variable.name].show(None, nothing, levels=levels, values=values)
            self.covered[variable.name].object = ""
        for panel in self.inputs.values():
            panel.clear()

    def _covered_words(self, variable: Variable, inside: int | None, levels: int) -> str:
        """Levels with the truth inside. Clouds tie at zero, which counts, so a perfect ensemble has more."""
        if self.members is not None and not self.has_spread:
            return "one answer: no coverage"
        if inside is None or self.members is None or self.target is None or not self.target.has_truth:
            return ""
        least = "at least " if variable.non_negative else ""
        expected = perfect_coverage(len(self.members)) * levels
        return f"truth inside on **{inside} of {levels}** levels (perfect: {least}{expected:.0f})"

    def _draw_ranks(self) -> None:
        """Rank histograms of the emulator over all columns and levels, once for each."""
        if self._ranks_of == (shown := self.state.chosen(("experiment", "emulator"))):
            return
        self._ranks_of = shown
        lacking = self.catalog.lacks(self.state.experiment, self.state.emulator, RANK_HISTOGRAM, called="ranks")
        data = None if lacking else Ranks.of(self.state).gather(self.catalog)
        said = f"{lacking}." if data is None else f"{self.state.emulator} · {data.attrs['subtitle']}"
        self.ranked.object, self.leave_ranks.visible = escape(said), data is not None
        for name, panel in self.ranks.items():
            panel.figure.visible = data is not None
            if data is not None:
                panel.show(data[f"{name}_frequency"].values, title=TITLES[name])

    def _say_place(self) -> None:
        """Where and when the columns are, and their single-level inputs."""
        target, said = self.target, f"**{self.rule}**"
        if target is None:
            self.place.object = said
            return
        if self.state.target == "column":
            land = self.catalog.facts(self.state.experiment).land[self.state.time, self.state.cell]
            outputs = variables_of(self.catalog.columns(self.state.experiment)).outputs
            heating = integrate(target.truth[:, None], target.layer_mass, outputs).get("heating")
            said += ", land" if land >= 0.5 else ", sea"
            said += "" if heating is None else f"; column-integrated subgrid heating {heating.item():.0f} W/m²"
        means = target.inputs[:, :, 0].mean(axis=0)
        single = {v.name: float(means[INPUT_NAMES.index(v.name)]) for v in INPUTS if not v.profile}
        self.place.object = f"{said} · {surface_line(single)}"
