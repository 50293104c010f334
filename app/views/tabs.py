"""The tabs of the page: built on the first visit, or ahead of it while nobody waits; each catches up when seen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.custom import Child, Children, JSComponent
from panel.io import hold
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError
from diffmp_core.shipped import ASSETS

from ..data.catalog import Catalog
from ..figures.theme import set_type_size
from ..state.choices import TABS
from ..state.presentation import Presentation
from ..state.state import State
from ..web.ahead import activity
from .answers import session
from .base import View
from .distributions import DistributionsView
from .layout import Beside
from .maps import MapsView
from .notices import hidden_notice
from .overview import OverviewView
from .profiles import ProfilesView
from .sensitivity import SensitivityView
from .studies import StudiesView

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
AHEAD = ("Maps", "Profiles", "Sensitivity", "Distributions", "Overview", "Studies")
"""Tabs in the order in which they are built ahead: that in which readers come to them."""
LARGE = 1.3
"""Type of figures while the page is presented, times its usual size."""
WITHOUT_BAR = {"& .MuiTabs-root": {"display": "none"}}
"""Look of the tabs while the page is presented."""


class Views(dict[str, View]):
    """The tabs by name, each made when it is first asked for: half the work of a new session is figures unseen."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        super().__init__()
        self._make = lambda name: VIEWS[name](state, catalog)

    def __missing__(self, name: str) -> View:
        view = self[name] = self._make(name)
        return view


class Panes(JSComponent):
    """A bar of tabs and their panes, of which one is seen; the others keep what was laid out and drawn in them."""

    bar = Child(doc="pmui.Tabs, for its buttons")
    panes = Children(doc="One for each button; empty until its tab is built")
    ahead = param.Integer(default=-1, doc="Index of the pane that was built ahead last")
    behind = param.List(default=[], doc="Indices of panes that show an earlier state, until they have caught up")
    complete = param.Boolean(default=False, doc="Whether there is nothing left to build ahead")

    _esm = (ASSETS / "tabs.js").read_text(encoding="utf-8")

    def __init__(self, untouched: Callable[[], None], **params: Any) -> None:
        """``untouched`` is called now and then while nobody touches the page and the browser has nothing to do."""
        super().__init__(**params)
        self._untouched = untouched

    def _handle_msg(self, data: Any) -> None:
        """A message of the page; what is none of ours is dropped."""
        if data == {"untouched": True}:
            self._untouched()


class Place(pn.Column):
    """Where a tab stands: what it shows, or why it can't show the present state; empty until it is first asked for."""

    def __init__(self) -> None:
        super().__init__(sizing_mode="stretch_width", min_height=400, margin=(10, 0))
        self._words = pn.pane.HTML("", margin=0)
        self._notice = hidden_notice(self._words)

    @property
    def said(self) -> str:
        """Why the tab is not shown, escaped; '' while it is."""
        return self._words.object if self._notice in self and self._notice.visible else ""

    def fill(self, content: Viewable) -> None:
        """Put the tab here."""
        self[:] = [content, self._notice]
        self.uncover()

    def cover(self, why: str) -> None:
        """Show these words, unescaped, and nothing else."""
        self._words.object = escape(why)
        if not len(self):
            self[:] = [self._notice]
        self._show(content=False)

    def uncover(self) -> None:
        """Show the tab again."""
        self._show(content=True)

    def _show(self, *, content: bool) -> None:
        for part in self:
            part.visible = (part is not self._notice) == content


class Tabs:
    """The views, a place for each, and what those that were seen have missed since."""

    def __init__(self, state: State, catalog: Catalog, presentation: Presentation) -> None:
        self.state, self.presentation = state, presentation
        self.views = Views(state, catalog)
        self._missed: dict[str, set[str]] = {}
        self._tried: set[str] = set()
        self.places = {name: Place() for name in TABS}
        buttons = [(name, pn.Spacer(height=0)) for name in TABS]
        self.bar = pmui.Tabs(*buttons, active=TABS.index(state.tab), sizing_mode="stretch_width")
        self.panes = Panes(
            self.build_ahead, bar=self.bar, panes=list(self.places.values()), sizing_mode="stretch_width"
        )

    def panel(self) -> Viewable:
        """The bar of tabs and the visible one, which is built now, or when the browser listens."""
        state, presentation, tabs = self.state, self.presentation, self.bar
        tabs.param.watch(lambda event: setattr(state, "tab", TABS[event.new]), "active")
        state.param.watch(lambda event: setattr(tabs, "active", TABS.index(event.new)), "tab")

        def present(*_: object) -> None:
            tabs.sx = WITHOUT_BAR if presentation.on else None
            for tab in self._missed:
                self._fit(tab)

        presentation.param.watch(present, "on")
        presentation.param.watch(lambda _: self._fit(state.tab), "controls")
        document = session()
        if state.tab in LIVE_TABS and pn.state.curdoc is not None:
            pn.state.onload(self._show)
        elif document is not None:
            document.add_next_tick_callback(self._show)
        else:
            self._show()
        return self.panes

    def build_ahead(self) -> None:
        """Build one tab that was not seen yet, if no session has asked for anything for a while."""
        if not activity.quiet or self.presentation.on:
            return
        left = [tab for tab in AHEAD if tab not in self._missed and tab not in self._tried]
        if left:
            self._tried.add(left[0])
            self.panes.ahead = TABS.index(left[0])
            with suppress(DiffmpError):  # said when it is visited
                self._build(left[0])
            activity.note()
        self.panes.complete = len(left) < 2

    def refresh(self, changed: set[str]) -> None:
        """Note what each tab that was seen has missed, and let the visible one catch up, or build it."""
        for tab, missed in self._missed.items():
            missed |= changed & set(self.views[tab].depends)
        self._show()
        self.panes.behind = [
            TABS.index(tab) for tab, missed in self._missed.items() if missed and tab != self.state.tab
        ]

    def _show(self) -> None:
        tab = self.state.tab
        try:
            if tab not in self._missed:
                self._build(tab)
            elif self._missed[tab]:
                missed, self._missed[tab] = frozenset(self._missed[tab]), set()
                self.views[tab].refresh(missed)
                self.places[tab].uncover()
        except DiffmpError as error:
            self._cover(tab, str(error))
        except Exception:
            self._cover(tab, "drawing it failed, and the server's log says how.")
            raise
        if self.presentation.on:
            self._fit(tab)

    def _build(self, tab: str) -> None:
        self.places[tab].fill(self.views[tab].panel())
        self._missed[tab] = set()

    def _cover(self, tab: str, why: str) -> None:
        """Show nothing that is of an earlier state, and say why; all of it is drawn anew when that is over."""
        self.places[tab].cover(f"Nothing to show here: {why}")
        if tab in self._missed:
            self._missed[tab] = set(self.views[tab].depends)

    def _fit(self, tab: str) -> None:
        """A tab to be read at a desk, or from afar: type of the figures, and whether controls stand beside them.

        A button's click comes without the document's lock, which Bokeh asks of a change that is not held back.
        """
        with hold(pn.state.curdoc):
            for layout in self.places[tab].select(Beside):
                layout.show_controls(not self.presentation.on or self.presentation.controls)
            for pane in self.places[tab].select(pn.pane.Bokeh):
                set_type_size(pane.object, LARGE if self.presentation.on else 1.0)
