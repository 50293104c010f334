"""Profiles: an ensemble drawn live for the selected column, beside the truth and the inputs."""

from __future__ import annotations

from html import escape
from typing import ClassVar

import panel as pn
import panel_material_ui as pmui
import xarray as xr
from bokeh.models import Range1d
from panel.viewable import Viewable

from diffmp_core.physics.column_integrals import integrate
from diffmp_core.schema import variables_of
from diffmp_core.scores.score import perfect_coverage
from diffmp_core.variables import Variable

from ..data.axes import title_of
from ..data.catalog import Catalog
from ..data.target import DEPENDS, TARGETS, Target, take_target
from ..exhibits import Ensemble, Ranks
from ..exhibits.ensemble import input_profiles, show_input, singles_line
from ..exhibits.exhibit import levels_of
from ..exhibits.ranks import RANK_HISTOGRAM, show_ranks
from ..figures.axes import set_range
from ..figures.profile import EnsemblePanel, InputPanel, RankPanel, ensemble_words
from ..state.state import State
from .compare import compare_controls
from .controls import choice, small_button, stepped_slider
from .denoising import DenoisingView
from .every_emulator import EveryEmulator
from .export_menu import export_menu
from .layout import beside, paper, words
from .live_ensemble import LiveEnsemble
from .own_column import OwnColumn
from .pinned_profiles import PinnedProfiles
from .selection_ranks import SelectionRanksView
from .spread_error import SpreadErrorView
from .typical_columns import TypicalColumns
from .variable_panels import VariablePanels

DRAWINGS = {"Members": "members", "Fan": "fan", "Single": "single"}

HOW_TO_READ = """
**How to read this.** The emulator saw only the inputs of the column; each thin line is one answer, a possible subgrid
tendency or cloud profile. Good: the truth looks like one of the members, neither always in their middle nor outside.
Crosses mark levels where the truth lies outside all members; even a perfect ensemble of 32 misses 2 in 33.
**Ranks** (of all columns scored, at all levels; those of a region or regime are counted on request): how many members
lie below the truth. Flat is right; a valley means too little spread, a hill too much, a slope a bias. Ties, such as no
cloud in truth and members, are dealt out evenly.
"""


class ProfilesView(LiveEnsemble):
    """Live ensemble of the selected column: its outputs, its inputs, ranks."""

    depends: ClassVar[tuple[str, ...]] = (
        "emulator", "units", "vertical", "dark", "members", "seed", "drawing", "member", *DEPENDS,
        *PinnedProfiles.depends, *SpreadErrorView.depends, *SelectionRanksView.depends, *DenoisingView.depends,
        *EveryEmulator.depends,
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        super().__init__(state, catalog)
        self.target: Target | None = None
        self.rule = ""
        self.y_range = Range1d(start=0, end=1)
        self.outputs = VariablePanels(lambda entry: EnsemblePanel(entry, self.y_range), words=lambda: words(""))
        self.inputs = VariablePanels(
            lambda entry: InputPanel(self.y_range, title=title_of(entry), compares=False, height=320)
        )
        self.ranks = VariablePanels(RankPanel)
        self.own, self.denoising = OwnColumn(state, catalog), DenoisingView(state, catalog)
        self.pinned = PinnedProfiles(state, catalog, self.y_range, self, self.outputs)
        self.every, self.spread_error = EveryEmulator(state, catalog), SpreadErrorView(state, catalog)
        self.selection_ranks = SelectionRanksView(state, catalog)
        self.place, self.ranked = words(""), words("", "caption")
        self.legend = words("", "caption")
        self.counted: xr.Dataset | None = None
        self._ranks_of: tuple[str, ...] = ()
        self.leave_ranks = export_menu("ranks", lambda: Ranks.of(state), catalog, lambda: self.counted)
        self.typical = TypicalColumns(state, catalog)

    def exhibit(self) -> Ensemble:
        """The ensemble of what is selected."""
        return Ensemble.of(self.state)

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
        leave = export_menu("profiles", lambda: Ensemble.of(state), self.catalog, lambda: self.answered)
        ranks = paper(
            words("Ranks of the truth in all columns scored", "subtitle1"),
            self.ranked,
            self.ranks.place,
            self.leave_ranks,
        )
        figures = paper(self.notice, self.place, self.caution, self.legend, self.outputs.place, self.status, leave)
        figures.append(self.pinned.place)
        inputs = paper(words("What the emulator sees", "subtitle1"), self.inputs.place, words(HOW_TO_READ))
        self.refresh(frozenset(self.depends))
        parts = self.spread_error, self.selection_ranks, self.every, self.denoising
        asked = paper(*(part.panel() for part in parts))
        return beside(controls, figures, ranks, asked, inputs)

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask for a new ensemble if the column, the emulator or the draw changed, else draw what is there."""
        if self.state.member >= self.state.members and not self.state.restoring:
            self.state.member = self.state.members - 1
        state = self.state
        with pn.io.hold():
            if changed & set(self.asks):
                self.answer = None
            if changed & set(DEPENDS):
                self.target, self.rule = take_target(state.choices, self.catalog)
                self.typical.follow()
            self._fit()
            if "dark" in changed:
                for panels in (self.outputs, self.inputs, self.ranks, self.pinned):
                    panels.paint(state.dark)
            if changed & {"experiment", "time"}:
                self.typical.fill()
            self.pinned.refresh(changed)
            self.denoising.refresh(changed)
            self.spread_error.refresh(changed)
            self.selection_ranks.refresh(changed)
            if changed & set(self.asks):
                self.ask()
            elif changed - {"dark", "denoising", "step", "every", "spread_error"}:
                self.arrange()
            self.every.refresh(changed)

    def _fit(self) -> None:
        """Have the panels of this experiment's variables."""
        schema = self.catalog.schema(self.state.experiment)
        self.outputs.fit(schema.outputs, dark=self.state.dark)
        self.ranks.fit(schema.outputs, dark=self.state.dark)
        self.inputs.fit(schema.inputs.profiles, dark=self.state.dark)

    def _member(self) -> Viewable:
        """Which member is shown, seen while a single one is."""
        state = self.state
        slider = stepped_slider(state, "member", "Member", lambda i: str(min(i, state.members - 1) + 1))
        slider.visible = state.param.drawing.rx() == "single"
        return slider

    def draw(self) -> None:
        """Draw the column, and the ensemble where there is one; without it the truth stands alone."""
        data, state = self.data, self.state
        self._say_place()
        self._say_what_is_drawn()
        self._draw_ranks()
        if data is None:
            self._clear()
            return
        levels, outputs = levels_of(data, state.vertical), self.catalog.schema(state.experiment).outputs
        set_range(self.y_range, (levels.start, levels.end))
        for name, panel in self.outputs.items():
            inside = panel.show(data, levels=levels, drawing=state.drawing, member=state.member)
            self.outputs.words[name].object = self._covered_words(outputs.named(name), inside)
        if state.compare != "none":
            self.pinned.arrange()
        read = {entry.name: name for name, entry in input_profiles(variables_of(data))}
        for name, seen in self.inputs.items():
            seen.figure.visible = name in read
            if name in read:
                show_input(seen, data, read[name], levels)

    def _say_what_is_drawn(self) -> None:
        """What the lines and crosses are, of those that are there."""
        truth = self.target is not None and self.target.has_truth
        parts = ["Solid, black or white: truth"] if truth else []
        if self.answered is not None:
            spread = bool(self.answered["has_spread"])
            parts.append(ensemble_words(self.state.drawing, self.state.member, spread=spread))
            parts += ["×: truth outside all members"] if truth and spread else []
        self.legend.object = " · ".join(parts)

    def _clear(self) -> None:
        """Leave nothing standing that might be taken for a column that is not there."""
        for name, panel in self.outputs.items():
            panel.clear()
            self.outputs.words[name].object = ""
        for seen in self.inputs.values():
            seen.clear()

    def _covered_words(self, variable: Variable, inside: int | None) -> str:
        """Levels with the truth inside. Clouds tie at zero, which counts, so a perfect ensemble has more."""
        data = self.answered
        if data is not None and not data["has_spread"]:
            return "one answer: no coverage"
        if inside is None or data is None or self.target is None or not self.target.has_truth:
            return ""
        least, perfect = "at least " if variable.non_negative else "", perfect_coverage(data.sizes["member"])
        if not variable.profile:
            return f"truth **{'inside' if inside else 'outside'}** (perfect: inside in {least}{100 * perfect:.0f} %)"
        levels = data.sizes["level"]
        return f"truth inside on **{inside} of {levels}** levels (perfect: {least}{perfect * levels:.0f})"

    def _draw_ranks(self) -> None:
        """Rank histograms of the emulator over all columns and levels, once for each."""
        if self._ranks_of == (shown := self.state.chosen(("experiment", "emulator"))):
            return
        self._ranks_of = shown
        lacking = self.catalog.lacks(self.state.experiment, self.state.emulator, RANK_HISTOGRAM, called="ranks")
        self.counted = data = None if lacking else Ranks.of(self.state).gather(self.catalog)
        said = f"{lacking}." if data is None else f"{self.state.emulator} · {data.attrs['subtitle']}"
        self.ranked.object, self.leave_ranks.visible = escape(said), data is not None
        show_ranks(data, self.ranks)

    def _say_place(self) -> None:
        """Where and when the columns are, and their single-level inputs."""
        target, said = self.target, f"**{self.rule}**"
        if target is None or self.data is None:
            self.place.object = said
            return
        if self.state.target == "column":
            land = self.catalog.facts(self.state.experiment).land[self.state.time, self.state.cell]
            heating = integrate(target.truth[:, None], target.layer_mass, target.variables.outputs).get("heating")
            said += f", {'land' if land >= 0.5 else 'sea'}"
            said += "" if heating is None else f"; column-integrated subgrid heating {heating.item():.0f} W/m²"
        self.place.object = " · ".join(filter(None, (said, singles_line(self.data, variables_of(self.data)))))
