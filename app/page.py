"""The page: header, six tabs, and the traffic between the state, the visible tab, the history and the address."""

from __future__ import annotations

import html
import logging
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.io import hold
from panel.reactive import Syncable

from app.browser import Browser
from app.catalog import Catalog
from app.choices import NAMES, TABS, Choices
from app.history import History
from app.places import BEARINGS
from app.presentation import Presentation
from app.state import State
from app.theme import OWN_FIGURES, PAGE_THEME, set_type_size
from app.views.base import View
from app.views.distributions import DistributionsView
from app.views.explain import ExplainDrawer
from app.views.layout import Beside
from app.views.maps import MapsView
from app.views.overview import OverviewView
from app.views.presenter import PresenterStrip
from app.views.profiles import ProfilesView
from app.views.scenes import ScenesDrawer
from app.views.sensitivity import SensitivityView
from app.views.studies import StudiesView
from app.views.toolbar import Toolbar
from app.views.tour import Tour
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import LEVELS

ASSETS = Path(__file__).resolve().parents[1] / "assets"
TITLE = "DIFF-MP"
SETTLED_MS = 400
"""Address and history follow the state when nothing has changed for this long, so not during a drag."""
LARGE = 1.3
"""Type of figures while the page is presented, times its usual size."""
PROMPT_MS = 10
"""Panel waits so long for more changes of a widget before it acts; its own 50 ms are half of what a picture may take.

Not nothing, so that the moves of a drag that came while the server was busy are answered once.
"""
Syncable._debounce = PROMPT_MS
MOST_SENTENCES = 8
"""Sentences in one notice."""
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

log = logging.getLogger(__name__)


class Views(dict[str, View]):
    """The tabs by name, each made when it is first asked for: half the work of a new session is figures unseen."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        super().__init__()
        self._make = lambda name: VIEWS[name](state, catalog)

    def __missing__(self, name: str) -> View:
        view = self[name] = self._make(name)
        return view


class DashboardPage:
    """One session: it owns a state, the views of it, its history and a presentation."""

    def __init__(self, catalog: Catalog, query: str = "") -> None:
        """Start from the query of the address; what it cannot be followed in is said at the top of the page."""
        self.catalog = catalog
        self.state = State(catalog.names, catalog.limits)
        self.state.tell = lambda sentence: self.tell([sentence])
        notices = [*catalog.problems, *self.state.apply_query(query)]
        self.history, self.presentation = History(self.state.choices), Presentation()
        self.commands: dict[str, Callable[[], None]] = {
            "undo": lambda: self._travel(self.history.undo),
            "redo": lambda: self._travel(self.history.redo),
            "reset": self.state.reset,
            "explain": lambda: self.explain.open(),
            "tour": lambda: self.tour.start(),
            "scenes": lambda: self.drawer.drawer.param.update(open=True),
            "present": self._present,
            "leave": lambda: self.presentation.param.update(on=False),
            "notes": lambda: self.presentation.param.update(notes=not self.presentation.notes),
            "controls": lambda: self.presentation.param.update(controls=not self.presentation.controls),
            "next": lambda: self._show_scene(self.presentation.place + 1),
            "previous": lambda: self._show_scene(self.presentation.place - 1),
            "first": lambda: self._show_scene(0),
            "last": lambda: self._show_scene(len(self.presentation.scenes) - 1),
            "up": lambda: self._step_level(1),
            "down": lambda: self._step_level(-1),
            **{bearing: partial(self._step, bearing) for bearing in BEARINGS},
        }
        self.browser = Browser(
            lambda command: self.commands[command](),
            lambda *kept: self._restore_talk(*kept),
            query=self.state.query(),
        )
        self.toolbar = Toolbar(self.state, catalog, self.history, self.commands)
        self.explain = ExplainDrawer(self.state, lambda tab: VIEWS[tab].depends)
        self.tour = Tour(lambda tab: self.state.param.update(tab=tab), self.toolbar.welcome)
        self.drawer = ScenesDrawer(
            self.state, self.presentation, show=self._show_scene, present=self._present, tell=self.tell
        )
        self.presenter = PresenterStrip(self.presentation, self.commands, lambda: self.state.dark)
        self.views = Views(self.state, catalog)
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
        self._notices = pn.Column(sizing_mode="stretch_width", margin=0)
        self.tell(notices)
        self._pending: object | None = None
        self.state.param.watch(self._changed, list(NAMES))
        self.presentation.param.watch(lambda *_: self._keep_talk(), ["scenes", "place"])
        for drawer in (self.drawer.drawer, self.explain.drawer):
            drawer.param.watch(lambda _: self.browser.param.update(drawers=self.browser.drawers + 1), "open")

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
        bar = self.toolbar.panel()
        others = _busy_watchers()
        page = pmui.Page(
            title=TITLE,
            meta_name=f"{TITLE} dashboard",
            header=[
                pmui.Select.from_param(
                    state.param.experiment, label="Experiment", options=self._titles(), width=250, **HEADER
                ),
                pmui.Select.from_param(state.param.emulator, label="Emulator", width=230, **HEADER),
            ],
            main=[
                pn.Column(
                    self.browser,
                    self._notices,
                    bar,
                    tabs,
                    self.drawer.panel(),
                    self.explain.panel(),
                    self.tour,
                    self.presenter.panel(),
                    sizing_mode="stretch_width",
                    margin=(0, 16),
                )
            ],
            dark_theme=state.dark,
            theme_config=PAGE_THEME,
            logo=ASSETS / "logo.svg",
            favicon=ASSETS / "favicon.svg",
        )
        if pn.state.curdoc is not None:
            own = [watcher for watcher in _busy_watchers() if watcher not in others]
            pn.state.on_session_destroyed(lambda _: _let_go(own))
        page.param.watch(lambda event: setattr(state, "dark", event.new), "dark_theme")
        state.param.watch(lambda event: setattr(page, "dark_theme", event.new), "dark")

        def present(event: param.parameterized.Event) -> None:
            bar.visible = not event.new
            page.sx = WITHOUT_BAR if event.new else None
            tabs.sx = WITHOUT_TABS if event.new else None
            self.browser.presenting = event.new
            for tab in self._stale:
                self._fit(tab)

        self.presentation.param.watch(present, "on")
        self.presentation.param.watch(lambda _: self._fit(state.tab), "controls")
        if state.tab in LIVE_TABS and pn.state.curdoc is not None:
            pn.state.onload(lambda: self._show(state.tab))
        else:
            self._show(state.tab)
        return page

    def tell(self, sentences: Sequence[str]) -> None:
        """Say all of this in one notice at the top of the page; nothing if there is nothing to say."""
        if sentences:
            self._notices[:] = [_notice(sentences)]

    def reporter(self) -> Callable[[BaseException], None]:
        """:meth:`report` for Panel's configuration, which would keep the whole session alive for what it refers to."""
        report = weakref.WeakMethod(self.report)

        def tell(error: BaseException) -> None:
            if found := report():
                found(error)

        return tell

    def report(self, error: BaseException) -> None:
        """Tell the reader that something failed in this session, and the log what; the session goes on."""
        log.error("a callback of the dashboard failed", exc_info=error)
        self.tell(
            [
                f"Something went wrong ({type(error).__name__}); the server's log says what. "
                "Reload the page to start afresh."
            ]
        )

    def _titles(self) -> dict[str, str]:
        """What the drop-down says for each experiment; the name too where titles are the same."""
        titles = {name: self.catalog.experiment(name).title for name in self.catalog.names}
        every = list(titles.values())
        return {title if every.count(title) == 1 else f"{title} ({name})": name for name, title in titles.items()}

    def _changed(self, *events: param.parameterized.Event) -> None:
        """Note what each view has missed; redraw the visible one soon, address and history when all is quiet."""
        names = {event.name for event in events}
        for tab in self._stale:
            self._stale[tab] |= names & set(self.views[tab].depends)
        with hold(pn.state.curdoc):
            self._show(self.state.tab)
        self._settle_soon()

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
            self.tell([str(error)])
            if tab not in self._stale:
                self._places[tab][:] = [pmui.Typography("Nothing to show here; the sentence above says why.")]
        if self.presentation.on:
            self._fit(tab)

    def _fit(self, tab: str) -> None:
        """A tab to be read at a desk, or from afar: type of the figures, and whether controls stand beside them."""
        for layout in self._places[tab].select(Beside):
            layout.show_controls(not self.presentation.on or self.presentation.controls)
        for pane in self._places[tab].select(pn.pane.Bokeh):
            set_type_size(pane.object, LARGE if self.presentation.on else 1.0)

    def _step(self, bearing: str) -> None:
        self.toolbar.step(bearing)

    def _step_level(self, by: int) -> None:
        self.state.level = min(max(self.state.level + by, 0), LEVELS - 1)

    def _present(self) -> None:
        self.drawer.drawer.open = False
        self.presentation.on = True
        self._show_scene(self.presentation.place)

    def _show_scene(self, place: int) -> None:
        scene = self.presentation.go_to(place)
        if scene is not None:
            self.state.show(scene.state)

    def _keep_talk(self) -> None:
        """Have the browser keep scenes and place: they are in no address."""
        talk = self.drawer.scenario.to_json() if self.presentation.scenes else ""
        self.browser.param.update(talk=talk, place=self.presentation.place)

    def _restore_talk(self, talk: str, place: int, presenting: bool) -> None:
        """Take back the scenes that the browser kept over a reload; what is shown is the address's."""
        if self.drawer.load_scenes(talk.encode(errors="replace")):
            self.presentation.go_to(place)
            self.presentation.on = presenting

    def _travel(self, step: Callable[[], Choices]) -> None:
        """Undo or redo, after what was done last has been remembered."""
        self._settled()
        self.state.show(step())
        self._settled()

    def _settle_soon(self) -> None:
        """Settle when nothing has changed for a while; at once where there is no session (tests)."""
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._settled()
            return
        self._forget_timer()
        self._pending = document.add_timeout_callback(self._settled, SETTLED_MS)

    def _settled(self) -> None:
        """Write the address and remember the state."""
        self._forget_timer()
        self.browser.query = self.state.query() or "?"
        self.history.record(self.state.choices)
        self.toolbar.remember()

    def _forget_timer(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None and pn.state.curdoc is not None:
            with suppress(ValueError):  # it is what has just called
                pn.state.curdoc.remove_timeout_callback(pending)


def _busy_watchers() -> list[param.parameterized.Watcher]:
    """Who follows Panel's busy sign, which outlives every session."""
    return list(pn.state.param.watchers.get("busy", {}).get("value", ()))


def _let_go(watchers: Sequence[param.parameterized.Watcher]) -> None:
    """Take watchers off Panel's busy sign: a page that follows it would stay, with all its session, for ever."""
    for watcher in watchers:
        pn.state.param.unwatch(watcher)


WITHOUT_BAR = {"& .MuiAppBar-root, & main .MuiToolbar-root": {"display": "none"}}
WITHOUT_TABS = {"& .MuiTabs-root": {"display": "none"}}
"""Looks of the page and of the tabs while it is presented."""

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


def _notice(sentences: Sequence[str]) -> pmui.Alert:
    """A closable box; the text may come from an address or a file, so it is neither HTML nor Markdown."""
    more = len(sentences) - MOST_SENTENCES
    lines = [*sentences[:MOST_SENTENCES], *([f"… and {more} more."] if more > 0 else [])]
    return pmui.Alert(
        pn.pane.HTML("<br>".join(map(html.escape, lines)), margin=0),
        severity="warning",
        closeable=True,
        sizing_mode="stretch_width",
        margin=(5, 0),
    )


def failure_page(message: str) -> pmui.Page:
    """The page when there is nothing to serve: what was expected and what to do."""
    return pmui.Page(
        title=TITLE,
        theme_config=PAGE_THEME,
        main=[pn.Column(_notice([message]), margin=16, sizing_mode="stretch_width")],
    )
