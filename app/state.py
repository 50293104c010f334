"""The one state that drives every tab, and its form in the address of the page.

No widget lives here. Views bind widgets to these parameters; a change of any of them reaches every view
that says it depends on it. Each parameter is bounded, so that a value from outside is either valid or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import param

from diffmp_core.variables import LEVELS, OUTPUT_NAMES

TABS = ("Overview", "Maps", "Distributions", "Profiles", "Sensitivity")
MAP_METRICS = ("mse", "coverage", "spread", "crps_fair", "bias")
PROJECTIONS = ("PlateCarree", "Robinson", "Orthographic", "North pole", "South pole")
COMPOSITES = ("column", "convecting tropics", "tropical ocean", "tropical land", "mid-latitudes")
LONGEST_QUERY = 2000
"""Characters of an address that are read; what a state writes is below 500."""
INTEGER = re.compile(r"-?[0-9]{1,10}")
NUMBER = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,17})?(e-[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one experiment offers: the bounds of the state and where to start in it."""

    emulators: tuple[str, ...]
    times: int
    cells: int
    cell: int = 0
    level: int = 0


class State(param.Parameterized):
    """Everything that a reader can choose. ``time`` and ``cell`` index the test columns of the experiment."""

    experiment = param.Selector(objects=[], doc="Name of the experiment shown")
    emulator = param.Selector(objects=[], doc="Name of the emulator shown")
    tab = param.Selector(default=TABS[0], objects=list(TABS), doc="Visible tab")
    variable = param.Selector(default=OUTPUT_NAMES[0], objects=list(OUTPUT_NAMES), doc="Output of the emulator")
    metric = param.Selector(default=MAP_METRICS[0], objects=list(MAP_METRICS), doc="Score drawn on the map")
    level = param.Integer(default=0, bounds=(0, LEVELS - 1), doc="Level index, 0 nearest the surface")
    time = param.Integer(default=0, bounds=(0, 0), doc="Time index")
    average = param.Boolean(default=True, doc="Maps show the mean over the times instead of one time")
    logarithmic = param.Boolean(default=True, doc="Maps of what is never negative have logarithmic colours")
    cell = param.Integer(default=0, bounds=(0, 0), doc="Selected column")
    projection = param.Selector(default=PROJECTIONS[1], objects=list(PROJECTIONS), doc="Map projection")
    centre = param.Integer(default=0, bounds=(-180, 180), step=30, doc="Longitude in the middle of the map [degrees]")
    units = param.Selector(
        default="physical",
        objects=["physical", "normalised"],
        doc="Physical units, or units of the truth's standard deviation",
    )
    vertical = param.Selector(
        default="height", objects=["height", "pressure", "level"], doc="Vertical axis of profiles"
    )
    dark = param.Boolean(default=False, doc="Dark page")
    members = param.Integer(default=32, bounds=(2, 64), doc="Members of the live ensemble")
    seed = param.Integer(default=0, bounds=(0, 2**31 - 1), doc="Seed of the live ensemble")

    composite = param.Selector(
        default=COMPOSITES[0], objects=list(COMPOSITES), doc="Perturb the selected column or the mean over many"
    )
    top_level = param.Integer(default=11, bounds=(1, LEVELS - 1), doc="Change T and qv below this level")
    neutralise_T = param.Number(
        default=0.0, bounds=(0.0, 1.0), step=0.05, doc="Part of the stratification of T removed"
    )
    neutralise_qv = param.Number(
        default=0.0, bounds=(0.0, 1.0), step=0.05, doc="Part of the stratification of qv removed"
    )
    warming = param.Number(default=0.0, bounds=(-5.0, 5.0), step=0.25, doc="Warming below this level [K]")
    moistening = param.Number(
        default=0.0, bounds=(-0.5, 0.5), step=0.05, doc="Relative change of vapour below this level"
    )
    scale_SHF = param.Number(default=1.0, bounds=(0.0, 2.0), step=0.05, doc="Factor on the sensible heat flux")
    scale_LHF = param.Number(default=1.0, bounds=(0.0, 2.0), step=0.05, doc="Factor on the latent heat flux")
    scale_SOLIN = param.Number(default=1.0, bounds=(0.0, 2.0), step=0.05, doc="Factor on the short-wave radiation")

    PERTURBATIONS = (
        "top_level",
        "neutralise_T",
        "neutralise_qv",
        "warming",
        "moistening",
        "scale_SHF",
        "scale_LHF",
        "scale_SOLIN",
    )

    def __init__(self, experiments: Sequence[str], limits: Callable[[str], Limits]) -> None:
        """Start in the first experiment; ``limits(name)`` says what an experiment offers."""
        self._limits = limits
        self._entered: str | None = None
        super().__init__()
        self.param["experiment"].objects = list(experiments)
        self.experiment = experiments[0]

    @param.depends("experiment", watch=True)
    def _enter_experiment(self) -> None:
        """Take over the bounds of the experiment, once, before any view hears of it."""
        if self._entered == self.experiment:
            return
        self._entered = self.experiment
        limits = self._limits(self.experiment)
        with param.parameterized.batch_call_watchers(self):
            self.param["emulator"].objects = list(limits.emulators)
            self.param["time"].bounds = (0, limits.times - 1)
            self.param["cell"].bounds = (0, limits.cells - 1)
            self.param.update(
                emulator=self.emulator if self.emulator in limits.emulators else limits.emulators[0],
                time=min(self.time, limits.times - 1),
                cell=limits.cell,
                level=limits.level,
            )

    def defaults(self) -> dict[str, object]:
        """Where every parameter starts in the present experiment."""
        limits = self._limits(self.experiment)
        values = {name: self.param[name].default for name in ADDRESS_NAMES}
        values |= {
            "experiment": self.param["experiment"].objects[0],
            "emulator": limits.emulators[0],
            "cell": limits.cell,
            "level": limits.level,
        }
        return values

    def reset_perturbations(self) -> None:
        """Put every slider of the Sensitivity tab back."""
        self.param.update(**{name: self.param[name].default for name in self.PERTURBATIONS})

    def query(self) -> str:
        """The state as the query of an address, ``?a=b``; only what differs from the defaults, '' if nothing does."""
        defaults = self.defaults()
        pairs = [
            (name, _to_text(getattr(self, name))) for name in ADDRESS_NAMES if getattr(self, name) != defaults[name]
        ]
        return f"?{urlencode(pairs)}" if pairs else ""

    def apply_query(self, query: str) -> list[str]:
        """Set the state from the query of an address; what is missing starts at its default.

        Nothing is raised and nothing malformed is taken over: each refused value keeps its default.

        Returns:
            One sentence for each value that was refused, unescaped.
        """
        if len(query) > LONGEST_QUERY:
            return [f"The address is longer than {LONGEST_QUERY} characters, so its values are ignored."]
        given = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
        notices = [
            f"The address names {_quote(name)}, which this page does not know; it is ignored."
            for name in given
            if name not in ADDRESS_NAMES
        ]
        with param.parameterized.batch_call_watchers(self):
            for name in ("experiment", *(n for n in ADDRESS_NAMES if n != "experiment")):
                value = self.defaults()[name]
                if name in given:
                    try:
                        value = _from_text(self.param[name], given[name])
                    except ValueError as error:
                        notices.append(
                            f"The address asks for {name} = {_quote(given[name])}, expected {error}; "
                            f"showing {_to_text(value)}."
                        )
                setattr(self, name, value)
                if name == "experiment":
                    self._enter_experiment()
        return notices


ADDRESS_NAMES = tuple(name for name in State.param if name not in ("name",))
"""Parameters that the address of the page carries."""


def _quote(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def _to_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _from_text(parameter: param.Parameter, text: str) -> object:
    """Value of a parameter from an address.

    Raises:
        ValueError: the text is none; the message says what was expected.
    """
    if isinstance(parameter, param.Selector):
        if text in parameter.objects:
            return text
        raise ValueError(f"one of {', '.join(map(str, parameter.objects))}")
    if isinstance(parameter, param.Boolean):
        if text in ("0", "1"):
            return text == "1"
        raise ValueError("0 or 1")
    low, high = parameter.bounds
    integer = isinstance(parameter, param.Integer)
    expected = f"{'an integer' if integer else 'a number'} from {low:g} to {high:g}"
    if not (INTEGER if integer else NUMBER).fullmatch(text):
        raise ValueError(expected)
    value = int(text) if integer else float(text)
    if not low <= value <= high:
        raise ValueError(expected)
    return value
