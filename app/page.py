"""The page: header, five tabs, and the traffic between the state, the visible tab and the address."""

from __future__ import annotations

import html
import logging
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.custom import JSComponent
from panel.io import hold

from app.catalog import Catalog
from app.state import TABS, State
from app.theme import OWN_FIGURES, PAGE_THEME
from app.views.base import View
from app.views.distributions import DistributionsView
from app.views.maps import MapsView
from app.views.overview import OverviewView
from app.views.profiles import ProfilesView
from app.views.sensitivity import SensitivityView
from diffmp_core.errors import DiffmpError

ASSETS = Path(__file__).resolve().parents[1] / "assets"
TITLE = "DIFF-MP"
SETTLED_MS = 400
"""The address follows the state when nothing has changed for this long, so not during a drag."""
VIEWS: dict[str, type[View]] = {
    "Overview": OverviewView,
    "Maps": MapsView,
    "Distributions": DistributionsView,
    "Profiles": ProfilesView,
    "Sensitivity": SensitivityView,
}
LIVE_TABS = ("Profiles", "Sensitivity")
"""Tabs that ask a model: built once the browser listens, because an answer that comes before that would be lost."""

log = logging.getLogger(__name__)


class Address(JSComponent):
    """The query of the page's address, replaced in place: no reload and no entry in the history."""

    query = param.String(default="")

    _esm = """
    export function render({model}) {
      model.on("query", () => window.history.replaceState(null, "", window.location.pathname + model.query));
    }
    """


class DashboardPage:
    """One session: it owns a state and the views of it."""

    def __init__(self, catalog: Catalog, query: str = "") -> None:
        """Start from the query of the address; what it cannot be followed in is said at the top of the page."""
        self.catalog = catalog
        self.state = State(catalog.names, catalog.limits)
        notices = [*catalog.problems, *self.state.apply_query(query)]
        self.views: dict[str, View] = {name: view(self.state, catalog) for name, view in VIEWS.items()}
        self._places = {
            name: pn.Column(
                pmui.Typography("Drawing …", variant="body2"),
                sizing_mode="stretch_width",
                min_height=400,
                margin=(10, 0),
            )
            for name in TABS
        }
        self._stale: dict[str, set[str]] = {}
        self._address = Address(query=self.state.query(), visible=False, width=0, height=0, margin=0)
        self._notices = pn.Column(*(_notice(text) for text in notices), sizing_mode="stretch_width", margin=0)
        self._pending: object | None = None
        self.state.param.watch(self._changed, list(self.state.param))

    def panel(self) -> pmui.Page:
        """The whole page, with the visible tab built."""
        state = self.state
        if pn.state.curdoc is not None:
            pn.state.curdoc.theme = OWN_FIGURES
        tabs = pmui.Tabs(
            *((name, place) for name, place in self._places.items()),
            active=TABS.index(state.tab),
            sizing_mode="stretch_width",
        )
        tabs.param.watch(lambda event: setattr(state, "tab", TABS[event.new]), "active")
        state.param.watch(lambda event: setattr(tabs, "active", TABS.index(event.new)), "tab")
        page = pmui.Page(
            title=TITLE,
            meta_name=f"{TITLE} dashboard",
            header=[
                pmui.Select.from_param(
                    state.param.experiment, label="Experiment", options=self._titles(), width=250, **HEADER
                ),
                pmui.Select.from_param(state.param.emulator, label="Emulator", width=230, **HEADER),
            ],
            main=[pn.Column(self._address, self._notices, tabs, sizing_mode="stretch_width", margin=(0, 16))],
            dark_theme=state.dark,
            theme_config=PAGE_THEME,
            logo=ASSETS / "logo.svg",
            favicon=ASSETS / "favicon.svg",
        )
        page.param.watch(lambda event: setattr(state, "dark", event.new), "dark_theme")
        state.param.watch(lambda event: setattr(page, "dark_theme", event.new), "dark")
        if state.tab in LIVE_TABS and pn.state.curdoc is not None:
            pn.state.onload(lambda: self._show(state.tab))
        else:
            self._show(state.tab)
        return page

    def _titles(self) -> dict[str, str]:
        """What the drop-down says for each experiment; the name too where titles are the same."""
        titles = {name: self.catalog.experiment(name).title for name in self.catalog.names}
        every = list(titles.values())
        return {title if every.count(title) == 1 else f"{title} ({name})": name for name, title in titles.items()}

    def _changed(self, *events: param.parameterized.Event) -> None:
        """Note what each view has missed; redraw the visible one soon, the address when all is quiet."""
        names = {event.name for event in events}
        for tab in self._stale:
            self._stale[tab] |= names & set(self.views[tab].depends)
        with hold(pn.state.curdoc):
            self._show(self.state.tab)
        self._schedule_address()

    def _show(self, tab: str) -> None:
        """Build a tab on its first visit, otherwise let it catch up."""
        try:
            if tab not in self._stale:
                self._places[tab][:] = [self.views[tab].panel()]
                self._stale[tab] = set()
            elif self._stale[tab]:
                missed, self._stale[tab] = frozenset(self._stale[tab]), set()
                self.views[tab].refresh(missed)
        except DiffmpError as error:
            self._notices[:] = [_notice(str(error))]

    def report(self, error: BaseException) -> None:
        """Tell the reader that something failed in this session, and the log what; the session goes on."""
        log.error("a callback of the dashboard failed", exc_info=error)
        self._notices[:] = [
            _notice(
                f"Something went wrong ({type(error).__name__}); the server's log says what. "
                "Reload the page to start afresh."
            )
        ]

    def _write_address(self) -> None:
        self._address.query = self.state.query() or "?"

    def _schedule_address(self) -> None:
        """Write the address when nothing has changed for a while; at once where there is no session (tests)."""
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._write_address()
            return
        if self._pending is not None:
            document.remove_timeout_callback(self._pending)
        self._pending = document.add_timeout_callback(self._settled, SETTLED_MS)

    def _settled(self) -> None:
        self._pending = None
        self._write_address()


HEADER: dict[str, Any] = {
    "description": "",
    "margin": (6, 0, 6, 16),
    "size": "small",
    "sx": {
        "color": "#ffffff",
        "& .MuiSvgIcon-root": {"color": "#ffffff"},
        "& .MuiOutlinedInput-notchedOutline": {"borderColor": "rgba(255, 255, 255, 0.45) !important"},
    },
    "stylesheets": [".MuiInputLabel-root { color: #ffffff !important; }"],
}
"""Look of the drop-downs on the coloured bar."""


def _notice(text: str) -> pmui.Alert:
    """A closable line; the text may come from an address or a file, so it is neither HTML nor Markdown."""
    return pmui.Alert(
        pn.pane.HTML(html.escape(text), margin=0),
        severity="warning",
        closeable=True,
        sizing_mode="stretch_width",
        margin=(5, 0),
    )


def failure_page(message: str) -> pmui.Page:
    """The page when there is nothing to serve: what was expected and what to do."""
    return pmui.Page(
        title=TITLE, theme_config=PAGE_THEME, main=[pn.Column(_notice(message), margin=16, sizing_mode="stretch_width")]
    )
