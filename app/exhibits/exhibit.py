"""What every exhibit is: plain choices, the dataset that they show, and two drawings of that dataset."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.figure import Figure

from diffmp_core import __version__
from diffmp_core.drawn import drawn_for
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import emulator_id
from diffmp_core.variables import Variable

from ..data.axes import LevelAxis, level_axis
from ..data.catalog import Catalog
from ..data.target import OWN
from ..state.choices import LIVE_STEPS, NAMES, Choices
from .paper import draw_page, save_page

Rows: TypeAlias = Sequence[Sequence[UIElement | str]]
"""Bokeh figures, or HTML, in rows from the top."""
Progress: TypeAlias = Callable[[int, int], None]
"""Told of what is done and of how much there is; what it raises ends the work."""

PAPER = "Wang et al. (2024), doi:10.20944/preprints202409.1262.v1"


@dataclass(frozen=True, kw_only=True)
class Exhibit(ABC):
    """One figure of the page. Fields are choices that make it, named as in :class:`diffmp_app.state.choices.Choices`.

    Attributes:
        experiment: name in the catalog.
        what: what it is called on the page.
        size: width and height on paper [inches].
    """

    experiment: str
    what: ClassVar[str]
    size: ClassVar[tuple[float, float]] = (9.0, 5.5)

    @classmethod
    def of(cls, choices: Any, **more: Any) -> Self:
        """The exhibit that choices (or a state) make; ``more`` are those that they have not or have otherwise."""
        return cls(
            **{field.name: getattr(choices, field.name) for field in fields(cls) if field.name not in more}, **more
        )

    @abstractmethod
    def gather(self, catalog: Catalog) -> xr.Dataset:
        """All that is drawn, in the units shown, with the attributes ``title`` and ``subtitle``.

        What an emulator was asked for this exhibit has the attribute ``cautions``, and ``verdict`` where the
        cloud-resolving model may be asked the same.

        Raises:
            DiffmpError: the experiment has no such data.
        """

    @abstractmethod
    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """Draw what :meth:`gather` gave into an empty matplotlib figure; titles and attribution come from elsewhere."""

    @abstractmethod
    def screen(self, data: xr.Dataset) -> Rows:
        """Draw what :meth:`gather` gave as the page does, light."""

    @abstractmethod
    def drawn_by(self, catalog: Catalog) -> str:
        """Emulator, members, steps and seed in words, for the attribution."""

    def data(self, catalog: Catalog, gathered: xr.Dataset | None = None) -> xr.Dataset:
        """What :meth:`gather` gives, or gave, as a CF dataset that says where it comes from and which choices made it.

        Args:
            gathered: what the page has drawn of this exhibit; gathered here where it is not given.

        Raises:
            DiffmpError: the experiment has no such data.
        """
        data, now = self.gather(catalog) if gathered is None else gathered, datetime.now(UTC)
        title, source = self.columns_words(catalog)
        return data.assign_attrs(
            Conventions="CF-1.11",
            source=source,
            references=PAPER,
            history=f"{now:%Y-%m-%dT%H:%M:%SZ} diffmp {__version__}: {self!r}",
            attribution=f"Data: {title}. {self.drawn_by(catalog)}. DIFF-MP {__version__}, {now:%Y-%m-%d}.",
        )

    def columns_words(self, catalog: Catalog) -> tuple[str, str]:
        """Title and source of the columns that it shows."""
        attrs = catalog.places(self.experiment).attrs
        title = str(attrs.get("title") or catalog.experiment(self.experiment).title)
        return title, str(attrs.get("source", title))

    def paper(self, data: xr.Dataset) -> Figure:
        """The figure for a talk or a paper: title, units, attribution; 300 dots an inch where it has pixels."""
        return draw_page(self.draw, data, self.size)

    def save(self, data: xr.Dataset, path: Path | str) -> None:
        """Write the figure: PNG, SVG or PDF as the name ends."""
        save_page(self.paper(data), data, path)

    @property
    def stem(self) -> str:
        """Name of a file of it, without ending."""
        variable, metric, training, level = (
            str(getattr(self, name, "")) for name in ("variable", "metric", "training", "level")
        )
        return stem_of(self.what, variable, metric, self.answered_by, training, level, self.about)

    @property
    def answered_by(self) -> str:
        """The emulator that it shows, for names of files; '' where it shows none."""
        return str(getattr(self, "emulator", ""))

    @property
    def about(self) -> str:
        """Which column it shows, for names of files; '' where it shows none."""
        return str(getattr(self, "cell", ""))


@dataclass(frozen=True, kw_only=True)
class OfSelection(Exhibit):
    """An exhibit that a region and a regime narrow; fields as in :class:`diffmp_app.state.choices.Choices`."""

    region: str = "globe"
    south: int = -20
    north: int = 20
    west: int = -180
    east: int = 180
    regime: str = "any"

    @property
    def about(self) -> str:
        """The selected column, or what stands in its place."""
        target = getattr(self, "target", "column")
        if target == "column":
            return super().about
        regime = "" if self.regime == "any" else f" {self.regime}"
        return OWN if target == "own" else f"mean{regime} {self.region}"

    @cached_property
    def choices(self) -> Choices:
        """The choices that this exhibit has, the others as they are at first; nothing is checked again."""
        return Choices.model_construct(
            **{field.name: getattr(self, field.name) for field in fields(self) if field.name in NAMES}
        )


def stem_of(*parts: str) -> str:
    """Name of a file of these words, without ending; nothing that a path is made of."""
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-") for part in parts if part)


def score_store(catalog: Catalog, experiment: str, emulator: str, *fields: str, variable: str = "") -> xr.Dataset:
    """The score store of an emulator, which has these fields, and this output if one is named.

    Raises:
        DiffmpError: it has none, or not these fields, or not this output.
    """
    found = catalog.scores(experiment, emulator)
    if found is None:
        raise DiffmpError(
            f"expected a score store of {emulator!r} in experiment {experiment!r}, found none; "
            "run 'diffmp score' for it or choose another emulator"
        )
    if missing := [field for field in fields if field not in found]:
        if found.attrs.get("members") == 1:
            raise DiffmpError(
                f"expected an emulator with {', '.join(missing)}, found another: "
                f"{catalog.lacks(experiment, emulator, *missing)}; choose another emulator"
            )
        raise DiffmpError(
            f"expected {', '.join(missing)} in the score store of {emulator!r}, found none; run 'diffmp score' for it "
            "or choose another emulator"
        )
    if lacking := catalog.lacks(experiment, emulator, variable=variable):
        raise DiffmpError(
            f"expected {variable} in the score store of {emulator!r}, found none: {lacking}; "
            "choose another output or emulator"
        )
    return found


def scored_words(catalog: Catalog, experiment: str, emulator: str) -> str:
    """An emulator and the ensemble that was scored."""
    table = catalog.table(experiment, emulator)
    drawn = drawn_for(table, catalog.kind(experiment, emulator))
    seed = [f"seed {table['seed']}"] if "seed" in table else []
    said = ", ".join([f"Emulator: {emulator}", *([drawn.words] if drawn else []), *seed])
    return "; ".join([said, *seen_words([table]), *changed_words(catalog, experiment, [emulator])])


def seen_words(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """What score tables say of times that their emulators have seen in training, where they know that there are any."""
    return [str(table["caution"]) for table in tables if table.get("seen") and table.get("caution")]


def changed_words(catalog: Catalog, experiment: str, emulators: Iterable[str]) -> list[str]:
    """Which of these emulators are no longer those that were scored."""
    return [
        f"the folder of {name} has changed since these scores were made; score it again"
        for name in emulators
        if (scored := catalog.table(experiment, name).get("emulator_id")) is not None
        and scored != emulator_id(catalog.config(experiment, name))
    ]


def drawn_words(catalog: Catalog, experiment: str, emulator: str, *, members: int, seed: int) -> str:
    """An emulator and an ensemble drawn for this exhibit."""
    drawn = catalog.drawn(experiment, emulator, members=members, steps=LIVE_STEPS)
    return f"Emulator: {emulator}, {drawn.words}, seed {seed}"


def quantity(dims: str | tuple[str, ...], values: Any, unit: str, name: str, **attrs: Any) -> tuple:
    """A variable of a dataset with CF attributes; ``axis_label`` keeps the unit as it is read on an axis."""
    kept = {"units": cf_unit(unit), "long_name": name, "axis_label": unit} | attrs
    return (dims,) if isinstance(dims, str) else dims, np.asarray(values), kept


def cf_unit(unit: str) -> str:
    """A unit of the page in UDUNITS spelling; standard deviations of the truth and shares are plain numbers."""
    return "1" if "σ" in unit else unit.replace("²", "2")


def table_quantity(dims: str | tuple[str, ...], stored: Any, variable: Variable, name: str = "") -> tuple:
    """Values of a variable, from its stored to its display unit."""
    shown = np.asarray(stored) * variable.display_factor
    return quantity(dims, shown, variable.display_unit, name or variable.long_name)


def level_coordinates(catalog: Catalog, experiment: str) -> dict[str, tuple]:
    """Coordinates of the levels: index, nominal height and pressure."""
    grid = catalog.grid(experiment)
    return {
        "level": ("level", np.arange(grid.height.size), {"long_name": "level, 0 nearest the surface", "units": "1"}),
        "height": (
            "level",
            grid.height,
            {"units": "m", "standard_name": "height", "positive": "up", "long_name": "nominal height"},
        ),
        "pressure": (
            "level",
            grid.pressure,
            {"units": "Pa", "standard_name": "air_pressure", "positive": "down", "long_name": "nominal pressure"},
        ),
    }


def levels_of(data: xr.Dataset, vertical: str) -> LevelAxis:
    """Vertical axis of a dataset with :func:`level_coordinates`."""
    return level_axis(vertical, height=data["height"].values, pressure=data["pressure"].values)
