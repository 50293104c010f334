"""The drawer that explains: every control of the visible tab and every score, with its formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from ..data.composites import WHY_BY_INPUTS
from ..figures.theme import PAGE_STYLE, colours
from ..state.state import State
from . import explanations
from .controls import small_button

OWN = "dl { grid-template-columns: 1fr; } dt { font-weight: 650; } dd { margin-bottom: 0.4rem; }"


class ExplainDrawer:
    """Written anew whenever it is opened, for the tab that is visible then."""

    def __init__(self, state: State, depends: Callable[[str], Iterable[str]]) -> None:
        """``depends`` names the choices that a tab follows."""
        self.state, self.depends = state, depends
        self.text = pn.pane.HTML("", sizing_mode="stretch_width", stylesheets=[PAGE_STYLE, OWN], margin=0)
        self.drawer = pmui.Drawer(anchor="right", size=460, open=False)

    def panel(self) -> Viewable:
        """The drawer, closed and empty at first."""
        return self.drawer

    def open(self) -> None:
        """Explain what is visible."""
        if not self.drawer:
            close = small_button("Close", lambda: self.drawer.param.update(open=False), says="Close the explanations")
            self.drawer[:] = [pn.Column(close, self.text, sizing_mode="stretch_width", margin=16)]
        tab, chosen = self.state.tab, colours(self.state.dark)
        self.text.styles = {"color": chosen.text, "--accent": chosen.accent}
        self.text.object = (
            f"<h2>Controls: {tab}</h2>{explanations.as_list(explanations.controls(self.depends(tab)))}"
            f'<h2>Regimes</h2><p class="note">{WHY_BY_INPUTS}</p>'
            f"{explanations.as_list(explanations.regimes())}"
            f'<h2>Scores</h2><p class="note">{explanations.NOTATION}</p>{explanations.as_list(explanations.scores())}'
            f"<h2>Scores on the maps</h2>{explanations.as_list(explanations.map_scores())}"
        )
        self.drawer.open = True
