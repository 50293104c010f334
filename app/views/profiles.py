"""Profiles: an ensemble drawn live for the selected column, beside the truth and the inputs."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.models import Range1d
from panel.viewable import Viewable

from app.catalog import Catalog
from app.figures.axes import TITLES, LevelAxis, level_axis, set_range, value_axis
from app.figures.globe import cell_tree, unit_vectors
from app.figures.profile import EnsemblePanel, InputPanel, RankPanel, surface_line
from app.metrics import perfect_coverage
from app.selections import PRESETS, Facts, column_facts
from app.state import State
from app.views.answers import Asker, duration
from app.views.controls import choice, stepped_slider
from app.views.layout import QUARTER, beside, grid, pane, paper, words
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_channels
from diffmp_core.variables import BY_NAME, INPUTS, OUTPUTS

DRAWINGS = {"Members": "members", "Fan": "fan"}

LEGEND = "Solid, black or white: truth · thin: members · dashed: their mean · ×: truth outside all members"

HOW_TO_READ = """
**How to read this.** The emulator saw only the inputs of the column; each thin line is one answer, a possible subgrid
tendency or cloud profile. Good: the truth looks like one of the members, neither always in their middle nor outside.
Crosses mark levels where the truth lies outside all members; even a perfect ensemble of 32 misses 2 in 33.
**Ranks** (all test columns and levels): how many members lie below the truth. Flat is right; a valley means too little
spread, a hill too much, a slope a bias. Ties, such as no cloud in truth and members, are dealt out evenly.
"""


class ProfilesView:
    """Live ensemble of the selected column: four outputs, two inputs, ranks."""

    depends: ClassVar[tuple[str, ...]] = (
        "experiment", "emulator", "time", "cell", "units", "vertical", "dark", "members", "seed",
    )  # fmt: skip

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.asker = Asker()
        self.members: np.ndarray | None = None
        self.y_range = Range1d(start=0, end=1)
        self.outputs = {v.name: EnsemblePanel(v.name, self.y_range) for v in OUTPUTS}
        self.inputs = {n: InputPanel(self.y_range, title=TITLES[n], compares=False, height=320) for n in ("T", "qv")}
        self.ranks = {v.name: RankPanel(v.name) for v in OUTPUTS}
        self.covered = {v.name: words("") for v in OUTPUTS}
        self.place = words("")
        self.status = words("")
        self.notice = pmui.Alert("", severity="info", visible=False, sizing_mode="stretch_width")
        wide: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (8, 4)}
        self.where = pmui.TextInput(label="Latitude, longitude [degrees]", **wide)
        self.drawing = pmui.RadioButtonGroup(label="Ensemble as", options=DRAWINGS, value="members", **wide)
        self.preset = pmui.Select(label="Typical columns", options=list(PRESETS), value=next(iter(PRESETS)), **wide)
        self.rule = words("", "caption")
        self.rank = -1
        self.drawing.param.watch(lambda _: self._draw(), "value")
        self.where.param.watch(lambda _: self._go_to_place(), "value")
        self.preset.param.watch(lambda _: self._go_to_preset(0), "value")

    def panel(self) -> Viewable:
        """Controls at the left; outputs with their ranks, then inputs."""
        state = self.state
        step: dict[str, Any] = {"size": "small", "variant": "outlined", "margin": (4, 4)}
        controls = paper(
            words("Column", "subtitle1"),
            self.where,
            self.preset,
            pn.Row(
                pmui.Button(label="‹ previous", on_click=lambda _: self._go_to_preset(self.rank - 1), **step),
                pmui.Button(label="next ›", on_click=lambda _: self._go_to_preset(self.rank + 1), **step),
            ),
            self.rule,
            stepped_slider(state, "time", "Time", lambda i: self.catalog.grid(state.experiment).times[i]),
            words("Ensemble", "subtitle1"),
            self.drawing,
            pmui.IntSlider.from_param(
                state.param.members,
                label="Members",
                description="",
                size="small",
                sizing_mode="stretch_width",
                margin=(8, 8),
            ),
            pmui.Button(label="Resample", on_click=lambda _: state.param.update(seed=state.seed + 1), **step),
            choice(state, "units", "Units"),
            choice(state, "vertical", "Vertical axis"),
        )
        outputs = [
            pn.Column(
                pane(self.outputs[v.name].figure),
                self.covered[v.name],
                pane(self.ranks[v.name].figure),
                sizing_mode="stretch_width",
            )
            for v in OUTPUTS
        ]
        figures = paper(self.notice, self.place, words(LEGEND, "caption"), grid(outputs, QUARTER), self.status)
        seen = grid((pane(panel.figure) for panel in self.inputs.values()), {"xs": 6})
        inputs = paper(words("What the emulator sees", "subtitle1"), seen, words(HOW_TO_READ))
        self.refresh(frozenset(self.depends))
        return beside(controls, figures, inputs)

    def refresh(self, changed: frozenset[str]) -> None:
        """Ask for a new ensemble if the column, the emulator or the draw changed, else draw what is there."""
        with pn.io.hold():
            if "dark" in changed:
                panels: list[EnsemblePanel | InputPanel | RankPanel] = [*self.outputs.values(), *self.inputs.values()]
                for panel in [*panels, *self.ranks.values()]:
                    panel.paint(self.state.dark)
            if changed & {"experiment", "time", "cell"}:
                self._say_place()
            if changed & {"experiment", "emulator"}:
                self._draw_ranks()
            if changed & {"experiment", "emulator", "time", "cell", "members", "seed"}:
                self._ask()
            elif changed - {"dark"}:
                self._draw()

    def _column(self) -> Any:
        """The selected column as a dataset of one time and one cell."""
        state = self.state
        return self.catalog.columns(state.experiment).isel(time=[state.time], cell=[state.cell])

    def _ask(self) -> None:
        """Ask the emulator for an ensemble; until it answers, the truth stands alone."""
        state = self.state
        try:
            live = self.catalog.live(state.experiment, state.emulator)
            inputs = stack_channels(self._column(), INPUTS)
        except DiffmpError as error:
            self._refuse(error)
            return
        if live is None:
            self._refuse(
                DiffmpError(
                    f"{state.emulator} is a reference without weights, so it draws no live ensemble; "
                    "choose another emulator above"
                )
            )
            return
        self.asker.ask(
            lambda: live.submit(self.asker.key, inputs, members=state.members, seed=state.seed),
            self._answer,
            self._refuse,
        )

    def _answer(self, ensemble: np.ndarray, took: float) -> None:
        """Draw an ensemble (1, member, 4, level)."""
        with pn.io.hold():
            self.notice.visible = False
            self.members = np.asarray(ensemble)[0]
            self.status.object = f"{len(self.members)} members from seed {self.state.seed}, {duration(took)}"
            self._draw()

    def _refuse(self, error: BaseException) -> None:
        """Show the truth alone and why."""
        with pn.io.hold():
            self.notice.param.update(object=str(error), visible=True)
            self.members = None
            self.status.object = ""
            self._draw()

    def _levels(self) -> LevelAxis:
        cells = self.catalog.grid(self.state.experiment)
        return level_axis(self.state.vertical, height=cells.height, pressure=cells.pressure)

    def _draw(self) -> None:
        """Draw the column and the ensemble that are there."""
        state, column, levels = self.state, self._column(), self._levels()
        with pn.io.hold():
            set_range(self.y_range, (levels.start, levels.end))
            for channel, variable in enumerate(OUTPUTS):
                truth_std = self.catalog.truth_std(state.experiment, state.emulator, variable.name)
                inside = self.outputs[variable.name].show(
                    None if self.members is None else self.members[:, channel],
                    column[variable.name].values[0, 0],
                    levels=levels,
                    values=value_axis(variable.name, state.units, truth_std=truth_std),
                    as_fan=self.drawing.value == "fan",
                )
                self.covered[variable.name].object = self._covered_words(inside, len(levels.values))
            for name, panel in self.inputs.items():
                entry = BY_NAME[name]
                panel.show(
                    column[name].values[0, 0] * entry.display_factor,
                    title=TITLES[name],
                    levels=levels,
                    label=entry.display_unit,
                    visible=(levels.start, levels.end),
                )

    def _covered_words(self, inside: int | None, levels: int) -> str:
        if inside is None or self.members is None:
            return ""
        expected = perfect_coverage(len(self.members)) * levels
        return f"truth inside on **{inside} of {levels}** levels (perfect: {expected:.0f})"

    def _draw_ranks(self) -> None:
        """Rank histograms of the experiment over all levels."""
        scores = self.catalog.scores(self.state.experiment, self.state.emulator)
        for name, panel in self.ranks.items():
            panel.figure.visible = scores is not None
            if scores is not None:
                counts = scores["rank_histogram"].sel(variable=name).sum("level").values
                panel.show(counts, title="Rank of the truth")

    def _facts(self) -> Facts:
        state = self.state
        key = ("facts", state.experiment, state.time)
        return self.catalog.keep(key, lambda: column_facts(self.catalog.columns(state.experiment), state.time))

    def _say_place(self) -> None:
        """Where and when the column is, and its single-level inputs."""
        state, cells, facts = self.state, self.catalog.grid(self.state.experiment), self._facts()
        column = self._column()
        surface = surface_line({v.name: float(column[v.name].values[0, 0]) for v in INPUTS if not v.profile})
        lat, lon = float(cells.lat[state.cell]), float(cells.lon[state.cell])
        ground = "land" if facts.land[state.cell] >= 0.5 else "sea"
        self.place.object = (
            f"**Column {state.cell}** at {abs(lat):.1f}°{'N' if lat >= 0 else 'S'} "
            f"{abs(lon):.1f}°{'E' if lon >= 0 else 'W'}, {cells.times[state.time]}, {ground}; "
            f"column-integrated subgrid heating {facts.heating[state.cell]:.0f} W/m² · {surface}"
        )
        self.where.value = _place_text(lat, lon)

    def _go_to_place(self) -> None:
        """Select the column nearest the latitude and longitude typed; what is no place is said and changes nothing."""
        cells = self.catalog.grid(self.state.experiment)
        try:
            lat, lon = (float(part) for part in self.where.value.replace(",", " ").split())
            if not (abs(lat) <= 90 and abs(lon) <= 360):
                raise ValueError
        except ValueError:
            self.where.error_state = True
            return
        self.where.error_state = False
        if self.where.value == _place_text(cells.lat[self.state.cell], cells.lon[self.state.cell]):
            return
        tree = self.catalog.keep(("tree", self.state.experiment), lambda: cell_tree(cells.lat, cells.lon))
        self.state.cell = int(tree.query(unit_vectors(np.asarray(lat), np.asarray(lon)))[1])

    def _go_to_preset(self, rank: int) -> None:
        """Select the column of that rank by the rule chosen, of this time."""
        selection = PRESETS[self.preset.value]
        ranked = selection.ranked(self._facts())
        if len(ranked) == 0:
            self.rule.object = f"No column of this time is admitted by: {selection.words}."
            return
        self.rank = int(np.clip(rank, 0, len(ranked) - 1))
        self.rule.object = f"Rank {self.rank + 1} of {len(ranked)} at this time: {selection.words}."
        self.state.cell = int(ranked[self.rank])


def _place_text(lat: float, lon: float) -> str:
    return f"{lat:.1f}, {lon:.1f}"
