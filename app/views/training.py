"""Trainings on the page: the curves of what was trained, and of what is being trained while one looks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from pathlib import Path

import panel as pn
import xarray as xr
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError
from diffmp_core.training.watch import Stamp, Training, read_training, stamp

from ..data.catalog import Catalog
from ..exhibits import TrainingCurve
from ..exhibits.study_training import HEIGHT, training_charts, training_data
from ..figures.study_chart import ChartPlot, legend
from ..state.state import State
from .export_menu import export_menu
from .layout import GAP, QUARTER, grid, pane, paper

MOST = 6
"""Trainings shown at once."""
NONE = """
<p>No training to be seen: the emulators of this experiment came without their log, and no <code>diffmp train</code> or
<code>diffmp study</code> runs in its folder or in a folder that <code>diffmp serve</code> was given.</p>
"""


class TrainingCard:
    """One training: a line of words, the charts, the export menu; written again when its files have changed."""

    def __init__(self, name: str, folder: Path, *, dark: bool, leave: Viewable | None) -> None:
        """Read and draw a training; ``leave`` is its export menu."""
        self.name, self.folder, self.dark = name, folder, dark
        self.words = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self.place = pn.Column(sizing_mode="stretch_width", margin=0)
        self.plots: list[ChartPlot] = []
        self.training: Training | None = None
        self.data: xr.Dataset | None = None
        self._stamp: Stamp | None = None
        self._said = ""
        self.panel = paper(self.words, self.place, *([leave] if leave else []))
        self.look()

    def look(self) -> None:
        """Draw what has been written since the last look, and say how far it is by now."""
        found = stamp(self.folder)
        if found != self._stamp:
            self._stamp = found
            try:
                self.training = read_training(self.folder)
            except DiffmpError as error:
                self._say(f"<h3>{escape(self.name)}</h3><p>{escape(str(error))}</p>")
                return
            self._draw(self.training)
        if self.training is not None:
            self._say(f"<h3>{escape(self.name)}</h3><p>{escape(progress_words(self.training, time.time()))}</p>")

    def paint(self, dark: bool) -> None:
        """Follow the page when it turns light or dark."""
        self.dark = dark
        for plot in self.plots:
            plot.restyle(dark=dark)
        if self.training is not None and self.plots:
            self.place[0].object = legend([plot.chart for plot in self.plots], dark=dark)

    def _draw(self, training: Training) -> None:
        self.data = training_data(self.name, training)
        charts = training_charts(self.data)
        if self.plots and [plot.chart.shape for plot in self.plots] == [chart.shape for chart in charts]:
            for plot, chart in zip(self.plots, charts, strict=True):
                plot.show(chart)
            return
        self.plots = [ChartPlot(chart, dark=self.dark, height=HEIGHT) for chart in charts]
        self.place[:] = self.plots and [
            pn.pane.HTML(legend(charts, dark=self.dark), sizing_mode="stretch_width", margin=0),
            grid([pane(plot.figure) for plot in self.plots], QUARTER),
        ]

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = self.words.object = text


class TrainingCards:
    """Trainings of the experiment: unfinished ones, that of the selected emulator, then others, the latest first."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.place = pn.Column(sizing_mode="stretch_width", margin=0)
        self.cards: list[TrainingCard] = []

    def look(self) -> None:
        """Bring all cards up to what the folders say now; cards come and go with their trainings."""
        known = self.catalog.trainings(self.state.experiment)
        wanted = chosen_trainings(known, self.state.emulator, self._own())
        shown = {card.name: card.folder for card in self.cards}
        if not len(self.place) or shown != {name: known[name] for name in wanted}:
            self.cards = [
                TrainingCard(name, known[name], dark=self.state.dark, leave=self._menu(name, known[name]))
                for name in wanted
            ]
            parts = [part for card in self.cards for part in (pn.Spacer(height=GAP), card.panel)][1:]
            self.place[:] = parts or [pn.pane.HTML(NONE, sizing_mode="stretch_width")]
            return
        for card in self.cards:
            card.look()

    def paint(self) -> None:
        """Follow the page when it turns light or dark."""
        for card in self.cards:
            card.paint(self.state.dark)

    def _own(self) -> set[str]:
        """Names of the emulators of the experiment."""
        return {entry.name for entry in self.catalog.experiment(self.state.experiment).emulators}

    def _menu(self, name: str, folder: Path) -> Viewable | None:
        """Export menu of a training that belongs to the experiment; others its Python would not find again."""
        experiment = self.state.experiment
        if name not in self._own() and not folder.is_relative_to(self.catalog.folder(experiment)):
            return None

        def drawn() -> xr.Dataset | None:
            return next((card.data for card in self.cards if card.name == name), None)

        return export_menu("training", lambda: TrainingCurve(experiment=experiment, training=name), self.catalog, drawn)


def chosen_trainings(known: dict[str, Path], emulator: str, own: set[str]) -> list[str]:
    """Which trainings to show, at most :data:`MOST`.

    Args:
        known: folders by name.
        emulator: the selected one; finished trainings of other emulators of the experiment are left out.
        own: emulators of the experiment.
    """
    stamps = {name: stamp(folder) for name, folder in known.items()}

    def order(name: str) -> tuple[int, int]:
        unfinished = stamps[name][1] > 0
        return 0 if unfinished else 1 if name == emulator else 2, -max(stamps[name])

    shown = [name for name in known if stamps[name][1] > 0 or name == emulator or name not in own]
    latest = sorted(shown, key=order)[:MOST]
    return sorted(latest, key=lambda name: (order(name)[0], name))


def progress_words(training: Training, now: float) -> str:
    """How far a training is, in one line."""
    rows = training.rows
    parts = [_state(training, now)]
    if rows["step"].size:
        parts.append(f"epoch {rows['epoch'][-1]:.3g}, {rows['samples'][-1]:,.0f} columns presented")
        parts += _values(training, {"loss": "loss {:.4g}", "validation_loss": "validation loss {:.4g}"})
        parts += _values(training, {"validation_criterion": "criterion {:.4g}"})
    elif training.step:
        parts.append("no validation yet")
    if not training.finished:
        parts += _values(training, {"learning_rate": "learning rate {:.3g}", "samples_per_s": "{:,.0f} columns/s"})
        left = training.seconds_left(now)
        parts += [] if left is None else [f"{duration(left)} left"]
        parts.append(f"last word {duration(max(now - training.changed, 0.0))} ago")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _state(training: Training, now: float) -> str:
    position = training.position
    if position is None:
        return "Finished"
    steps = f"step {training.step:,}" + (f" of {position.steps:,}" if position.steps else "")
    if training.is_quiet(now):
        return f"Quiet, perhaps stopped: {steps}; the same command goes on from its checkpoint"
    share = training.share(now)
    return f"Running: {steps}" if share is None else f"Running: {100 * share:.0f} %, {steps}"


def _values(training: Training, formats: dict[str, str]) -> Sequence[str]:
    """Last values that are known, in words."""
    last = {name: training.rows[name][-1] for name in formats if training.rows[name].size}
    return [formats[name].format(value) for name, value in last.items() if value == value]
