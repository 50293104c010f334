"""The tabs of the page: each is built on its first visit, and catches up on what it missed when it is seen again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from app.catalog import Catalog
from app.choices import TABS
from app.presentation import Presentation
from app.state import State
from app.theme import set_type_size
from app.views.base import View
from app.views.distributions import DistributionsView
from app.views.layout import Beside
from app.views.maps import MapsView
from app.views.overview import OverviewView
from app.views.profiles import ProfilesView
from app.views.sensitivity import SensitivityView
from app.views.studies import StudiesView
from diffmp_core.errors import DiffmpError

VIEWS: dict[str, type[View]] = {
    "Overview": OverviewView,
    "Maps": MapsView,
    "Distributions": DistributionsView,
    "Profiles": ProfilesView,
    "Sensitivity": SensitivityView,
    "Studies": StudiesView,
}
LIVE_TABS = ("Profiles", "Sensitivity")
"""Tabs that ask a model: built once the browser listens, because an answer that comes before that would be lost."""
SEEN = {"visibility": "visible", "position": "relative", "height": "auto", "overflow": "visible"}
ASIDE = {"visibility": "hidden", "position": "absolute", "height": "0", "overflow": "hidden"}
"""How a tab waits that is not seen: it keeps its width, so that no figure is laid out or drawn anew when it is seen."""
LARGE = 1.3
"""Type of figures while the page is presented, times its usual size."""


class Views(dict[str, View]):
    """The tabs by name, each made when it is first asked for: half the work of a new session is figures unseen."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        super().__init__()
        self._make = lambda name: VIEWS[name](state, catalog)

    def __missing__(self, name: str) -> View:
        view = self[name] = self._make(name)
        return view


class Tabs:
    """The views, a place for each, and what those that were seen have missed since."""

    def __init__(
        self, state: State, catalog: Catalog, presentation: Presentation, tell: Callable[[Sequence[str]], None]
    ) -> None:
        """``tell`` gets why a tab cannot be drawn."""
        self.state, self.presentation, self.tell = state, presentation, tell
        self.views = Views(state, catalog)
        self._missed: dict[str, set[str]] = {}
        self._places = {
            name: pn.Column(
                pmui.Typography("Drawing …", variant="body2"),
                sizing_mode="stretch_width",
                margin=(10, 0),
                css_classes=[f"tab-{name.lower()}"],
            )
            for name in TABS
        }

    def panel(self) -> Viewable:
        """The bar of tabs, and below it their places: the visible one is built now, or when the browser listens.

        The bar's own tabs are empty. It would take the figures of a tab from the page and draw all of them anew when the
        tab is seen again, which takes a second; places that were seen only hide.
        """
        state, presentation = self.state, self.presentation
        bar = pmui.Tabs(
            *((name, pn.Spacer(height=0)) for name in TABS), active=TABS.index(state.tab), sizing_mode="stretch_width"
        )
        bar.param.watch(lambda event: setattr(state, "tab", TABS[event.new]), "active")

        def turn(*_: object) -> None:
            bar.active = TABS.index(state.tab)
            for name, place in self._places.items():
                place.styles = SEEN if name == state.tab else ASIDE

        state.param.watch(turn, "tab")
        turn()

        def present(*_: object) -> None:
            bar.visible = not presentation.on
            for tab in self._missed:
                self._fit(tab)

        presentation.param.watch(present, "on")
        presentation.param.watch(lambda _: self._fit(state.tab), "controls")
        if state.tab in LIVE_TABS and pn.state.curdoc is not None:
            pn.state.onload(self._show)
        else:
            self._show()
        return pn.Column(bar, *self._places.values(), sizing_mode="stretch_width")

    def refresh(self, changed: set[str]) -> None:
        """Note what each tab that was seen has missed, and let the visible one catch up, or build it."""
        for tab, missed in self._missed.items():
            missed |= changed & set(self.views[tab].depends)
        self._show()

    def _show(self) -> None:
        tab = self.state.tab
        try:
            if tab not in self._missed:
                self._places[tab][:] = [self.views[tab].panel()]
                self._missed[tab] = set()
            elif self._missed[tab]:
                missed, self._missed[tab] = frozenset(self._missed[tab]), set()
                self.views[tab].refresh(missed)
        except DiffmpError as error:
            self.tell([str(error)])
            if tab not in self._missed:
                self._places[tab][:] = [pmui.Typography("Nothing to show here; the sentence above says why.")]
        if self.presentation.on:
            self._fit(tab)

    def _fit(self, tab: str) -> None:
        """A tab to be read at a desk, or from afar: type of the figures, and whether controls stand beside them."""
        for layout in self._places[tab].select(Beside):
            layout.show_controls(not self.presentation.on or self.presentation.controls)
        for pane in self._places[tab].select(pn.pane.Bokeh):
            set_type_size(pane.object, LARGE if self.presentation.on else 1.0)
