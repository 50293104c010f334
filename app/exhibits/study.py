"""The scores of a study: steps, guidance, models or samplers (Figures 3, 4, 6 and 7 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import xarray as xr
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.scores.score import SCORES, ideal, perfect_coverage
from diffmp_core.studies.result import scored_on
from diffmp_core.studies.study import STUDIES
from diffmp_core.studies.table import PAPER_CRITERIA, TRAININGS, shown_scores

from ..data.catalog import Catalog
from ..figures.study import COST, guidance_table, study_charts, study_gaps
from ..figures.study_chart import ChartPlot, legend
from ..figures.study_gaps import CASES, LOST
from .exhibit import Exhibit, Rows, quantity, stem_of
from .paper import draw_page
from .study_paper import draw_charts

LAYOUTS = {"criteria": (4, (10.0, 7.2)), "outputs": (2, (10.0, 7.2)), "all": (4, (10.0, 14.5))}
"""Charts beside each other, and width and height on paper [inches], for each way of choosing them."""
HEIGHTS = {"criteria": 220, "outputs": 320, "all": 200}
"""Height of a chart on the page [pixels]."""


@dataclass(frozen=True, kw_only=True)
class StudyScores(Exhibit):
    """Scores of a study: ``charts`` says of all criteria of one output, of one criterion, or the paper's figure.

    ``study_file`` names one of several files of such a study, '' the first; ``variable`` an output, '' the first.
    """

    study: str
    study_file: str = ""
    charts: str = "criteria"
    variable: str = ""
    criterion: str = "crps_fair"
    what: ClassVar[str] = "study"
    size: ClassVar[tuple[float, float]] = LAYOUTS["criteria"][1]

    def drawn_by(self, catalog: Catalog) -> str:
        """Preset, members and trainings."""
        attrs = catalog.study(self.experiment, self.study, self.study_file).attrs
        said = [
            f"{word} {attrs[key]}" for word, key in (("preset", "preset"), ("seed", "sampling_seed")) if key in attrs
        ]
        return ", ".join([f"Study {self.study}", f"{attrs.get('members')} members", *said])

    def columns_words(self, catalog: Catalog) -> tuple[str, str]:
        """Those of the study, which need not be those of the experiment."""
        title = scored_on(catalog.study(self.experiment, self.study, self.study_file)) or "not said"
        return title, title

    @property
    def stem(self) -> str:
        """Name of a file of it, without ending."""
        chosen = {"criteria": (self.variable,), "outputs": (self.criterion,)}.get(self.charts, ("all",))
        return stem_of(self.what, self.study, self.study_file, *chosen)

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Mean of each score over the trainings, ``NAME_std`` their standard deviation where there are several.

        ``guidance`` has ``best_guidance(emulator, choice, variable)`` and ``report_NAME`` too, ``samplers`` the cost.
        """
        study = catalog.study(self.experiment, self.study, self.study_file)
        names = {"criteria": shown_scores(), "outputs": (self.criterion,)}.get(self.charts, PAPER_CRITERIA)
        outputs = [str(name) for name in study["variable"].values]
        if self.charts == "criteria":
            wanted = self.variable or outputs[0]
            if wanted not in outputs:
                raise DiffmpError(f"This study is of {', '.join(outputs)} and not of {wanted}; choose another output.")
            outputs = [wanted]
        called = catalog.limits(self.experiment).outputs
        shown, members = study.sel(variable=outputs), int(study.attrs.get("members", 0))
        perfect = ideal(members) | {"coverage_ratio": perfect_coverage(members)} if members else {}
        known = [name for name in names if name in shown]
        parts: dict[str, tuple] = {}
        for name in known:
            score, words = shown[name], SCORES[name].definition
            reference = {"perfect": perfect[name]} if name in perfect else {}
            many = TRAININGS in score.dims
            mean = score.mean(TRAININGS) if many else score
            parts[name] = _quantity(mean, "1", words, **reference)
            if many and score.sizes[TRAININGS] > 1:
                count = score.notnull().sum(TRAININGS)
                spread = score.std(TRAININGS, ddof=1).where(count > 1)
                parts[f"{name}_std"] = _quantity(spread, "1", f"standard deviation of {SCORES[name].heading}")
        if "columns" in shown:
            tried, over = shown["columns"], (TRAININGS,) if TRAININGS in shown["columns"].dims else ()
            parts[CASES] = _quantity(tried.notnull().sum(over), "1", "trainings in the study")
            parts[LOST] = _quantity((tried == 0).sum(over), "1", "trainings whose samples were not finite")
        if "best_guidance" in shown:
            parts |= self._choices(shown, known)
        if STUDIES[self.study].along == "steps":
            passes = shown["network_evaluations"].fillna(shown["steps"])  # where samples diverged none were counted
            passes = passes.mean(TRAININGS) if TRAININGS in passes.dims else passes
            parts["network_evaluations"] = _quantity(passes, "1", "passes of the network for each member")
        if STUDIES[self.study].cost:
            cost = shown["seconds_per_column"]
            parts[COST] = _quantity(cost * 1e3, "ms", "wall-clock time of one column's ensemble")
        axes = {str(dim): study[dim].values for name in known for dim in study[name].dims if dim != TRAININGS}
        titles = ("variable", [called.get(name, name) for name in outputs], {"long_name": "what the output is called"})
        data = xr.Dataset(parts, coords=axes | {"variable": outputs, "title": titles})
        if "choice" in data.dims:
            data = data.assign_coords(choice=study["criterion"].values)
        data = data.assign_attrs(criteria=" ".join(known), title=self._title(study, titles[1][0]))
        return data.assign_attrs(subtitle=". ".join(["; ".join(_subtitle(study)), *study_gaps(data, self.study)]))

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """A chart a score and output."""
        draw_charts(study_charts(data, self.study, full=self.charts != "criteria"), figure, columns=self._columns(data))

    def paper(self, data: xr.Dataset) -> Figure:
        """The figure on a page that has room for its charts."""
        return draw_page(self.draw, data, self._layout[1])

    def screen(self, data: xr.Dataset) -> Rows:
        """The charts as the page shows them, the legend above and the strengths chosen below."""
        charts = study_charts(data, self.study, full=self.charts != "criteria")
        plots = [ChartPlot(chart, dark=False, height=HEIGHTS[self.charts]).figure for chart in charts]
        wide = self._columns(data)
        rows: list[list] = [[legend(charts, dark=False)]]
        rows += [list(plots[first : first + wide]) for first in range(0, len(plots), wide)]
        return [*rows, *([[f'<div class="scores">{guidance_table(data)}</div>']] if "best_guidance" in data else [])]

    def _columns(self, data: xr.Dataset) -> int:
        """Charts beside each other; of the paper's figure those of all outputs."""
        return data.sizes["variable"] if self.charts == "all" else self._layout[0]

    @property
    def _layout(self) -> tuple[int, tuple[float, float]]:
        return LAYOUTS[self.charts]

    def _title(self, study: xr.Dataset, output: str) -> str:
        of = {"criteria": output, "outputs": SCORES[self.criterion].heading}.get(self.charts)
        title = str(study.attrs.get("title") or self.study) + (f" ({self.study_file})" if self.study_file else "")
        return f"{title}: {of}" if of else title

    @staticmethod
    def _choices(shown: xr.Dataset, known: list[str]) -> dict[str, tuple]:
        """Strengths chosen and their scores on the columns reported on; ``criterion`` is a score elsewhere."""
        parts = {"best_guidance": shown["best_guidance"]}
        parts |= {f"report_{name}": shown[f"report_{name}"] for name in known if f"report_{name}" in shown}
        named = {name: array.rename(criterion="choice") for name, array in parts.items()}
        return {name: _quantity(array, "1", str(array.attrs.get("long_name", name))) for name, array in named.items()}


def _quantity(values: xr.DataArray, unit: str, name: str, **attrs: float) -> tuple:
    """:func:`quantity` on the dimensions of an array."""
    return quantity(tuple(map(str, values.dims)), values, unit, name, **attrs)


def _subtitle(study: xr.Dataset) -> list[str]:
    """Columns, members, trainings, preset."""
    attrs = study.attrs
    seeds = study.sizes.get(TRAININGS, 0)
    trainings = [f"{seeds} training{'s' if seeds > 1 else ''} of each model"] if seeds else []
    bars = ["bars: one standard deviation over trainings"] if seeds > 1 else []
    tried = ["preset smoke: to try, not to be believed"] if attrs.get("preset") == "smoke" else []
    return [scored_on(study), f"{attrs.get('members')} members", *trainings, *bars, *tried]
