"""The page: header, six tabs, and the traffic between the state, the visible tab, the history and the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.io import hold

from diffmp_core.shipped import ASSETS

from .data.catalog import Catalog
from .data.places import BEARINGS
from .figures.theme import OWN_FIGURES, PAGE_THEME
from .state.choices import NAMES, Choices
from .state.history import History
from .state.presentation import Presentation
from .state.state import State
from .views.explain import ExplainDrawer
from .views.notices import Notices, notice
from .views.presenter import PresenterStrip
from .views.scenes import ScenesDrawer
from .views.tabs import VIEWS, Tabs
from .views.toolbar import Toolbar
from .views.tour import Tour
from .web.ahead import activity
from .web.browser import Browser
from .web.template import TEMPLATE

TITLE = "DIFF-MP"
SETTLED_MS = 400
"""Address and history follow the state when nothing has changed for this long, so not during a drag."""


class DashboardPage:
    """One session: it owns a state, the views of it, its history and a presentation."""

    def __init__(self, catalog: Catalog, query: str = "") -> None:
        """Start from the query of the address; what it cannot be followed in is said at the top of the page."""
        activity.note()
        self.catalog = catalog
        self.state = State(catalog.names, catalog.limits)
        self.notices = Notices()
        self.state.tell = lambda sentence: self.notices.tell([sentence])
        self.notices.tell([*catalog.problems, *self.state.apply_query(query)])
        self.history, self.presentation = History(self.state.choices), Presentation()
        self.commands: dict[str, Callable[[], None]] = {
            "undo": lambda: self._travel(self.history.undo),
            "redo": lambda: self._travel(self.history.redo),
            "reset": self.state.reset,
            "explain": lambda: self.explain.open(),
            "tour": lambda: self.tour.start(),
            "scenes": lambda: self.drawer.open(),
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
            self.state, self.presentation, show=self._show_scene, present=self._present, tell=self.notices.tell
        )
        self.presenter = PresenterStrip(self.presentation, self.commands, lambda: self.state.dark)
        self.tabs = Tabs(self.state, catalog, self.presentation)
        self._pending: object | None = None
        self._unseen: set[str] = set()
        self.state.param.watch(self._changed, list(NAMES))
        self.presentation.param.watch(lambda *_: self._keep_talk(), ["scenes", "place"])
        for drawer in (self.drawer.drawer, self.explain.drawer):
            drawer.param.watch(lambda _: self.browser.param.update(drawers=self.browser.drawers + 1), "open")

    def panel(self) -> pmui.Page:
        """The whole page, with the visible tab built."""
        state = self.state
        if pn.state.curdoc is not None:
            pn.state.curdoc.theme = OWN_FIGURES
        bar, tabs = self.toolbar.panel(), self.tabs.panel()
        others = _busy_watchers()
        page = pmui.Page(
            title=TITLE,
            template=TEMPLATE,
            busy_indicator=None,
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
                    self.notices,
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
        _let_go([watcher for watcher in _busy_watchers() if watcher not in others])
        page.param.watch(lambda event: setattr(state, "dark", event.new), "dark_theme")
        state.param.watch(lambda event: setattr(page, "dark_theme", event.new), "dark")

        def present(event: param.parameterized.Event) -> None:
            bar.visible = not event.new
            page.sx = WITHOUT_BAR if event.new else None
            self.browser.presenting = event.new

        self.presentation.param.watch(present, "on")
        return page

    def _titles(self) -> dict[str, str]:
        """What the drop-down says for each experiment; the name too where titles are the same."""
        titles = {name: self.catalog.experiment(name).title for name in self.catalog.names}
        every = list(titles.values())
        return {title if every.count(title) == 1 else f"{title} ({name})": name for name, title in titles.items()}

    def _changed(self, *events: param.parameterized.Event) -> None:
        """Bring the visible tab up to the state; address and history when all is quiet.

        What follows an experiment waits for the experiment itself: in between a tab would show some of each.
        """
        activity.note()
        self._unseen |= {event.name for event in events}
        if self.state.entering:
            return
        changed, self._unseen = self._unseen, set()
        with hold(pn.state.curdoc):
            self.tabs.refresh(changed)
        self._settle_soon()

    def _step(self, bearing: str) -> None:
        self.toolbar.step(bearing)

    def _step_level(self, by: int) -> None:
        limits = self.catalog.limits(self.state.experiment)
        self.state.level = limits.within("level", self.state.level + by)

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
    """Take watchers off Panel's busy sign.

    A page that follows it would stay, with all its session, for ever; and Panel walks over all that the page holds each
    time the sign changes, twice an event. Figures say themselves when they are waited for.
    """
    for watcher in watchers:
        pn.state.param.unwatch(watcher)


WITHOUT_BAR = {"& .MuiAppBar-root, & main .MuiToolbar-root": {"display": "none"}}
"""Look of the page while it is presented."""

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


def failure_page(message: str) -> pmui.Page:
    """The page when there is nothing to serve: what was expected and what to do."""
    return pmui.Page(
        title=TITLE,
        theme_config=PAGE_THEME,
        main=[pn.Column(notice([message]), margin=16, sizing_mode="stretch_width")],
    )
