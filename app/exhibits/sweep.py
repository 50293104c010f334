"""Sweeps: the emulator's column integrals along one slider, or their change over two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from bokeh.models import UIElement
from matplotlib.figure import Figure

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.column_integrals import larger_error

from ..data.axes import edges, title_of
from ..data.catalog import Catalog
from ..figures.axes import padded_range
from ..figures.colouring import Colouring
from ..figures.response import BAND
from ..figures.sweep import CurvePanel, MapPanel
from ..figures.theme import LIGHT
from ..state.choices import LIVE_STEPS
from ..state.sweeps import ONE_WAY, SWEPT_SLIDERS, TWO_WAY, SweptSlider
from .changed import Asked, integral_key, panels_in_rows
from .exhibit import Progress, Rows, quantity
from .paper import colour_bar, coloured

TITLES = {
    "heating": "Heating of the column",
    "moistening": "Moistening of the column (< 0: drying, as by rain)",
    "liquid water path": "Cloud liquid of the column",
    "ice water path": "Cloud ice of the column",
}
"""Titles of column integrals; a single value is called after its variable."""


@dataclass(frozen=True, kw_only=True)
class Swept(Asked):
    """Answers along one slider or more; the other sliders stay where they are.

    Attributes:
        sweep: slider, a name in ``diffmp_app.state.sweeps.SWEPT_SLIDERS``.
    """

    sweep: str = "fluxes"

    @property
    def names(self) -> tuple[str, ...]:
        """Sliders swept, the outer one first."""
        return (self.sweep,)

    def ask(self, catalog: Catalog, progress: Progress | None = None) -> xr.Dataset:
        """Have the emulator answer at every point, as :func:`diffmp_core.response.sweep.sweep` gives it.

        To be called from a thread that may wait: other questions to the emulator go before each point.

        Args:
            progress: told of each point; what it raises ends the sweep.

        Raises:
            DiffmpError: no such columns, emulator or sliders.
        """
        from diffmp_core.response.sweep import SweepAxis, sweep  # torch takes a second: only when it is asked for

        live, columns, most = catalog.live(self.experiment, self.emulator), self.columns(catalog), self._most
        ends = catalog.limits(self.experiment).bounds
        return sweep(
            live,
            columns.read_by(live.schema.inputs),
            self.perturbation,
            [
                SweepAxis(name=name, settings=slider.settings, values=slider.values(most, ends))
                for name, slider in zip(self.names, self._sliders, strict=True)
            ],
            pressure=catalog.grid(self.experiment).pressure,
            layer_mass=columns.layer_mass,
            members=self.members,
            steps=LIVE_STEPS,
            seed=self.seed,
            notes=columns.notes,
            progress=progress,
        )

    def gather(self, catalog: Catalog) -> xr.Dataset:
        """Column integrals at every point: mean and band of the members, change, its error and significance."""
        return self.arrange(catalog, self.ask(catalog))

    def arrange(self, catalog: Catalog, found: xr.Dataset) -> xr.Dataset:
        """What :meth:`gather` gives, from the answers of the emulator."""
        columns, names, sliders = self.columns(catalog), self.names, self._sliders
        titles = self._titles(catalog)
        errors = larger_error(found["standard_error"], found["standard_error_columns"])
        variables = {"out_of_range": quantity(names, found["out_of_range"], "1", "share of columns out of range")}
        larger = ", the larger of draw and columns" if len(columns.layer_mass) > 1 else ", by draw"
        for place, name in enumerate(map(str, found["integral"].values)):
            one, key = found.sel(integral=name), integral_key(name)
            unit = str(one["unit"].values)
            low, high = (one["quantiles"].sel(quantile=quantile).values for quantile in BAND)
            for ending, values, words in (
                ("", one["perturbed"], "mean"),
                ("_low", low, f"{BAND[0]:.0%} quantile of the members"),
                ("_high", high, f"{BAND[1]:.0%} quantile of the members"),
                ("_change", one["change"], "change"),
                ("_standard_error", errors[place], "standard error of the change" + larger),
            ):
                variables[key + ending] = quantity(names, values, unit, f"{name} of the column, {words}")
            variables[f"{key}_significant"] = quantity(
                names, one["significant"].values.astype(np.int8), "1", f"change of {name} is significant"
            )
            before = float(one["baseline"].values.flat[0])
            words = f"{name} of the column, unchanged inputs"
            variables[f"{key}_baseline"] = quantity((), before, unit, words, integral=name, title=titles[name])
        still: dict[str, Any] = {setting: slider.neutral for slider in sliders for setting in slider.settings}
        kept = replace(self, **still)
        others = "" if kept.perturbation.changes_nothing else f" · elsewhere: {kept.change_words}"
        return xr.Dataset(
            variables,
            coords={
                name: quantity(name, found[name].values * slider.factor, slider.unit or "1", slider.label)
                for name, slider in zip(names, sliders, strict=True)
            },
            attrs=found.attrs | {"subtitle": f"{columns.rule}{others}", "columns": len(columns.layer_mass)},
        )

    @property
    def _sliders(self) -> list[SweptSlider]:
        return [SWEPT_SLIDERS[name] for name in self.names]

    @property
    def _most(self) -> int:
        """Values of each slider at most."""
        return ONE_WAY if len(self.names) == 1 else TWO_WAY

    def _titles(self, catalog: Catalog) -> dict[str, str]:
        """Titles of column integrals and of single values, by name."""
        return TITLES | {variable.name: title_of(variable) for variable in self.outputs(catalog).singles}


def integrals_of_sweep(data: xr.Dataset) -> dict[str, tuple[str, str]]:
    """Title and unit of each column integral that a sweep has, by name."""
    kept = (variable.attrs for variable in data.data_vars.values())
    return {attrs["integral"]: (attrs["title"], attrs["axis_label"]) for attrs in kept if "integral" in attrs}


@dataclass(frozen=True, kw_only=True)
class SweepCurve(Swept):
    """Four column integrals along one slider."""

    what: ClassVar[str] = "sweep"

    def arrange(self, catalog: Catalog, found: xr.Dataset) -> xr.Dataset:
        """As :meth:`Swept.arrange`, with the words of a curve."""
        data = super().arrange(catalog, found)
        return data.assign_attrs(
            title=f"{self.emulator}: response to {SWEPT_SLIDERS[self.sweep].label}",
            subtitle=f"{data.attrs['subtitle']} · band: {BAND[1] - BAND[0]:.0%} of the members, dashed: unchanged "
            "inputs, ×: outside the training data",
        )

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """One panel an integral."""
        x, slider, integrals = data[self.sweep].values, SWEPT_SLIDERS[self.sweep], integrals_of_sweep(data)
        panels = panels_in_rows(figure, len(integrals), row=2)
        for axes, (name, (title, unit)) in zip(panels, integrals.items(), strict=True):
            key = integral_key(name)
            mean, low, high = (data[key + ending].values for ending in ("", "_low", "_high"))
            out = np.nan_to_num(data["out_of_range"].values) > 0
            axes.fill_between(x, low, high, color=LIGHT.perturbed, alpha=0.2, linewidth=0)
            axes.plot(x, mean, color=LIGHT.perturbed)
            axes.scatter(x[~out], mean[~out], 9, LIGHT.perturbed)
            axes.scatter(x[out], mean[out], 26, LIGHT.text, marker="x", zorder=3)
            baseline = float(data[f"{key}_baseline"])
            axes.axhline(baseline, color=LIGHT.emulator, linestyle="--", linewidth=1)
            axes.axvline(slider.neutral * slider.factor, color=LIGHT.muted, linestyle=":", linewidth=0.8)
            axes.set(title=title, xlabel=slider.axis_label, ylabel=unit)
            axes.set_ylim(padded_range(low, high, [baseline]))

    def show(self, data: xr.Dataset, panels: dict[str, CurvePanel]) -> None:
        """Draw into the panels of the page."""
        slider = SWEPT_SLIDERS[self.sweep]
        for name, panel in panels.items():
            key = integral_key(name)
            panel.show(
                data[self.sweep].values.astype(float),
                *(data[key + ending].values for ending in ("", "_low", "_high")),
                change=data[f"{key}_change"].values,
                error=data[f"{key}_standard_error"].values,
                out_of_range=data["out_of_range"].values,
                baseline=float(data[f"{key}_baseline"]),
                neutral=slider.neutral * slider.factor,
                label=slider.axis_label,
            )

    def screen(self, data: xr.Dataset) -> Rows:
        """The panels as the page draws them."""
        panels = curve_panels(data)
        self.show(data, panels)
        for panel in panels.values():
            panel.paint(False)
        drawn: list[UIElement] = [panel.figure for panel in panels.values()]
        return [drawn[place : place + 2] for place in range(0, len(drawn), 2)]


def curve_panels(data: xr.Dataset) -> dict[str, CurvePanel]:
    """An empty panel of the page for each column integral of a sweep, by name."""
    return {name: CurvePanel(title, unit) for name, (title, unit) in integrals_of_sweep(data).items()}


@dataclass(frozen=True, kw_only=True)
class SweepMap(Swept):
    """Change of one column integral, ``sweep_of``, over two sliders, ``sweep`` and ``sweep_across``."""

    sweep_across: str = "none"
    sweep_of: str = "heating"
    what: ClassVar[str] = "sweep-map"
    size: ClassVar[tuple[float, float]] = (7.5, 6.5)

    def ask(self, catalog: Catalog, progress: Progress | None = None) -> xr.Dataset:
        """As :meth:`Swept.ask`, of two sliders that move different things."""
        if self.sweep_across == "none":
            raise DiffmpError("expected a second slider, found none; choose one or draw a curve")
        second, first = self._sliders
        if set(first.settings) & set(second.settings):
            raise DiffmpError(
                f"expected sliders that move different things, found {first.label} and {second.label}; choose others"
            )
        return super().ask(catalog, progress)

    def arrange(self, catalog: Catalog, found: xr.Dataset) -> xr.Dataset:
        """As :meth:`Swept.arrange`, with the words of a map.

        Raises:
            DiffmpError: the emulator's outputs do not add up to the integral.
        """
        data = super().arrange(catalog, found)
        if self.sweep_of not in (there := integrals_of_sweep(data)):
            raise DiffmpError(f"expected one of {', '.join(there)} to map, found {self.sweep_of!r}; choose another")
        return data.assign_attrs(
            title=f"{self.emulator}: change of {self.sweep_of}",
            subtitle=f"{data.attrs['subtitle']} · star: unchanged, line: no change, ×: not significant, "
            "○: outside the training data",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The second slider, then the first, as rows and columns of a map are."""
        return self.sweep_across, self.sweep

    def unit_words(self, data: xr.Dataset) -> str:
        """What the colours say."""
        return f"change of {self.sweep_of} [{integrals_of_sweep(data)[self.sweep_of][1]}]"

    def _drawn(self, data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Change, and whether it is significant, (second slider, first)."""
        key = integral_key(self.sweep_of)
        return data[f"{key}_change"].values, data[f"{key}_significant"].values.astype(bool)

    def _neutral(self) -> tuple[float, float]:
        second, first = self._sliders
        return first.neutral * first.factor, second.neutral * second.factor

    def draw(self, data: xr.Dataset, figure: Figure) -> None:
        """The map with its colour bar."""
        (change, sure), axes = self._drawn(data), figure.subplots()
        x, y = (data[name].values.astype(float) for name in (self.sweep, self.sweep_across))
        size = float(np.abs(change).max()) or 1.0
        colours, norm, labels = coloured(
            Colouring(palette="diverging", low=-size, high=size, title=self.unit_words(data))
        )
        mesh = axes.pcolormesh(edges(x), edges(y), change, cmap=colours, norm=norm, rasterized=True)
        across, along = np.meshgrid(x, y)
        out = np.nan_to_num(data["out_of_range"].values) > 0
        axes.scatter(across[~sure], along[~sure], 18, LIGHT.text, marker="x", linewidths=0.8)
        axes.scatter(across[out], along[out], 70, facecolors="none", edgecolors=LIGHT.text, linewidths=0.7)
        if change.min() < 0 < change.max():
            axes.contour(x, y, change, levels=[0.0], colors=LIGHT.text, linewidths=1.2)
        x_start, y_start = self._neutral()
        axes.scatter([x_start], [y_start], 130, LIGHT.paper, marker="*", edgecolors=LIGHT.text, zorder=3)
        second, first = self._sliders
        axes.set(xlabel=first.axis_label, ylabel=second.axis_label)
        axes.grid(False)
        colour_bar(figure, axes, mesh, self.unit_words(data), labels)

    def show(self, data: xr.Dataset, panel: MapPanel) -> None:
        """Draw into the panel of the page."""
        change, sure = self._drawn(data)
        second, first = self._sliders
        panel.show(
            data[self.sweep].values.astype(float),
            data[self.sweep_across].values.astype(float),
            change,
            error=data[f"{integral_key(self.sweep_of)}_standard_error"].values,
            significant=sure,
            out_of_range=data["out_of_range"].values,
            neutral=self._neutral(),
            labels=(first.axis_label, second.axis_label),
            title=f"Change of {self.sweep_of}",
            unit=self.unit_words(data),
        )

    def screen(self, data: xr.Dataset) -> Rows:
        """The map as the page draws it."""
        panel = MapPanel()
        self.show(data, panel)
        panel.paint(False)
        return [[panel.figure]]
