"""Everything that a reader can choose, as one value: address, scenario file, scene and step of undo are this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from annotated_types import Ge, Le
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from diffmp_core.columns import user_column
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.sliders import SLIDERS, Slider
from diffmp_core.scores.maps import MAPS
from diffmp_core.scores.score import SCORES
from diffmp_core.studies.study import STUDIES
from diffmp_core.studies.table import shown_scores

Tab = Literal["Overview", "Maps", "Distributions", "Profiles", "Sensitivity", "Studies"]
Projection = Literal["PlateCarree", "Robinson", "Orthographic", "North pole", "South pole"]
Region = Literal["globe", "tropics", "tropical ocean", "tropical land", "mid-latitudes", "land", "ocean", "box"]
Regime = Literal["any", "deep convection", "trade cumulus", "mid-latitude storm", "stable", "unstable"]

Charts = Literal["criteria", "outputs", "all"]

Integral = Literal["heating", "moistening", "liquid water path", "ice water path"]
LIVE_STEPS = 5
"""Denoising steps of the ensembles that are drawn live."""


def _own_column(text: str) -> str:
    """The text of a reader's own column, or none.

    Raises:
        ValueError: it is no column.
    """
    try:
        if text:
            user_column.check_text(text)
    except DiffmpError as error:
        raise ValueError(str(error)) from error
    return text


TABS: tuple[str, ...] = get_args(Tab)
PROJECTIONS: tuple[str, ...] = get_args(Projection)
REGIONS: tuple[str, ...] = get_args(Region)
BOX = ("south", "north", "west", "east")
SWEPT = ("fluxes", *SLIDERS, "top_level")
"""What can be swept: both surface fluxes together, each slider, the depth of the layer."""
TRAINING = "training"
"""Choice of the trainings, which stand beside the studies."""


class _Choices(BaseModel):
    """One state of the page. ``time`` and ``cell`` index the columns of the experiment, ``level`` 0 is the lowest.

    What its words may be that are registered, and the sliders, follow below.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    experiment: str = Field(default="", description="Name of the experiment shown")
    emulator: str = Field(default="", description="Name of the emulator shown")
    tab: Tab = Field(default="Overview", description="Visible tab")
    variable: str = Field(default="", description="Output of the emulator")
    metric: str = Field(default="mse", description="Score drawn on the map")
    level: int = Field(default=0, ge=0, description="Level index, 0 nearest the surface")
    time: int = Field(default=0, ge=0, description="Time index")
    average: bool = Field(default=True, description="Maps show the mean over the times instead of one time")
    logarithmic: bool = Field(default=True, description="Maps of what is never negative have logarithmic colours")
    cell: int = Field(default=0, ge=0, description="Selected column")
    projection: Projection = Field(default="Robinson", description="Map projection")
    centre: int = Field(default=0, ge=-180, le=180, description="Longitude in the middle of the map [degrees]")
    units: Literal["physical", "normalised"] = Field(
        default="physical", description="Physical units, or units of the truth's standard deviation"
    )
    vertical: Literal["height", "pressure", "level"] = Field(default="height", description="Vertical axis of profiles")
    dark: bool = Field(default=False, description="Dark page")
    outputs: Literal["one", "all"] = Field(default="one", description="Distributions of one output or of all")
    drawing: Literal["members", "fan", "single"] = Field(
        default="members", description="An ensemble as lines, as a fan of quantiles, or one member of it"
    )
    member: int = Field(default=0, ge=0, le=63, description="Member that is shown alone, the first is 0")
    members: int = Field(default=32, ge=2, le=64, description="Members of the live ensemble")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Seed of the live ensemble")

    compare: Literal["none", "side by side", "difference"] = Field(
        default="none", description="What is selected alone, beside what is pinned, or minus it"
    )
    pinned_emulator: str = Field(default="", description="Emulator pinned for a comparison, empty for none")
    pinned_cell: int = Field(default=-1, ge=-1, description="Column pinned, -1 for the selected one")
    pinned_time: int = Field(default=-1, ge=-1, description="Time index pinned, -1 for the one shown")
    significant: bool = Field(default=True, description="Differences that are not significant are left blank")

    region: Region = Field(default="globe", description="Columns of which region are selected")
    south: int = Field(default=-20, ge=-90, le=90, description="Southern edge of the box [degrees]")
    north: int = Field(default=20, ge=-90, le=90, description="Northern edge of the box [degrees]")
    west: int = Field(default=-180, ge=-180, le=180, description="Western edge of the box [degrees]")
    east: int = Field(default=180, ge=-180, le=180, description="Eastern edge of the box [degrees]")
    regime: Regime = Field(default="any", description="Columns of which regime are selected, by their inputs")
    target: Literal["column", "composite", "own"] = Field(
        default="column",
        description="Profiles and responses of the selected column, means over the region, or the reader's own column",
    )
    own: Annotated[str, AfterValidator(_own_column)] = Field(
        default="", description="Column of the reader's own, as diffmp_core.columns.user_column writes it"
    )
    every: bool = Field(default=False, description="Ensembles of every emulator are shown")
    spread_error: bool = Field(default=False, description="The error of the mean is shown against the spread")
    denoising: bool = Field(default=False, description="Steps from noise to profiles are shown")
    step: int = Field(default=LIVE_STEPS, ge=0, le=LIVE_STEPS, description="Denoising steps done, all for the answer")
    sweep: str = Field(default="fluxes", description="Slider that is swept")
    sweep_across: str = Field(default="none", description="Second slider that is swept")
    sweep_of: Integral = Field(default="heating", description="Column integral in a sweep over two sliders")

    study: str = Field(default="models", description="Study shown, or the trainings")
    study_file: str = Field(
        default="", max_length=100, description="File of a study of which there are several, empty for the first"
    )
    charts: Charts = Field(
        default="criteria",
        description="A study's scores of one output, one score of all outputs, or the paper's figure",
    )
    criterion: str = Field(default="crps_fair", description="Score of a study")

    temperature: Literal["theta", "T"] = Field(default="theta", description="Potential temperature or temperature")
    top_level: int = Field(default=11, ge=1, description="Change T and qv below this level")


def _one_of(field: str, *words: str) -> tuple[Any, Any]:
    """A field of :class:`_Choices` that is one of some words."""
    return Literal[words], _Choices.model_fields[field]


def _slider(slider: Slider) -> tuple[Any, Any]:
    """A field for a slider."""
    return float, Field(default=slider.neutral, ge=slider.low, le=slider.high, description=slider.definition)


if TYPE_CHECKING:
    Choices = _Choices
else:
    Choices = create_model(
        "Choices",
        __base__=_Choices,
        __module__=__name__,
        __doc__=_Choices.__doc__,
        metric=_one_of("metric", *MAPS),
        study=_one_of("study", *STUDIES, TRAINING),
        criterion=_one_of("criterion", *shown_scores()),
        sweep=_one_of("sweep", *SWEPT),
        sweep_across=_one_of("sweep_across", "none", *SWEPT),
        **{name: _slider(slider) for name, slider in SLIDERS.items()},
    )
for registry in (MAPS, SCORES, STUDIES, SLIDERS):
    registry.close(__name__)

NAMES = tuple(Choices.model_fields)
PERTURBATIONS = ("top_level", *SLIDERS)
"""What the sliders of the Sensitivity tab set."""

Bounds = tuple[float, float]


def field_bounds(name: str) -> Bounds | None:
    """Least and greatest value of a field that the table above bounds."""
    ends = {type(end): end for end in Choices.model_fields[name].metadata}
    return (ends[Ge].ge, ends[Le].le) if {Ge, Le} <= ends.keys() else None


def options(name: str) -> tuple[str, ...]:
    """What a field can be, if it is one of a few words."""
    return get_args(Choices.model_fields[name].annotation)
