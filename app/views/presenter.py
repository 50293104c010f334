"""The strip at the bottom of the page while it is presented: scene, place, note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from ..figures.theme import colours
from ..state.presentation import Presentation
from .controls import small_button


class PresenterStrip:
    """Name of the scene, where it stands, its note on demand, and buttons for those without a keyboard."""

    def __init__(
        self, presentation: Presentation, actions: Mapping[str, Callable[[], None]], dark: Callable[[], bool]
    ) -> None:
        """``actions``: what to do for previous, next, notes, controls and leave."""
        self.presentation, self.dark = presentation, dark
        self.name = pn.pane.HTML("", sizing_mode="stretch_width", margin=(4, 8))
        self.note = pn.pane.HTML("", sizing_mode="stretch_width", margin=(4, 8))
        self.actions = actions
        self.strip = pmui.Paper(
            elevation=6,
            visible=False,
            sizing_mode="stretch_width",
            margin=0,
            styles={"position": "fixed", "bottom": "0", "left": "0", "right": "0", "z-index": "1200"},
        )
        presentation.param.watch(lambda *_: self._draw(), ["scenes", "place", "on", "notes"])

    def panel(self) -> Viewable:
        """The strip, hidden and empty until the page is presented."""
        return self.strip

    def _fill(self) -> None:
        actions = self.actions
        buttons = [
            small_button("‹", actions["previous"], says="Previous scene (PageUp)"),
            small_button("›", actions["next"], says="Next scene (PageDown)"),
            small_button("Note", actions["notes"], says="Note: show it (N)"),
            small_button("Controls", actions["controls"], says="Controls: show or hide them (C)"),
            small_button("Leave", actions["leave"], says="Leave the presentation (Esc)"),
        ]
        self.strip[:] = [
            self.note,
            pn.Row(self.name, *buttons, sizing_mode="stretch_width", margin=0, align="center"),
        ]

    def _draw(self) -> None:
        scene, presentation = self.presentation.scene, self.presentation
        colour = {"color": colours(self.dark()).text}
        name = scene.name if scene else "No scenes: add some under 'Scenes and files'"
        where = f"{presentation.place + 1} / {len(presentation.scenes)}" if scene else ""
        self.name.param.update(
            object=f"<b style='font-size: 1.15rem'>{escape(name)}</b> <span style='opacity: 0.7'>{where}</span>",
            styles=colour,
        )
        self.note.param.update(
            object=f"<div style='white-space: pre-wrap; font-size: 1rem; max-height: 30vh; overflow: auto'>"
            f"{escape(scene.note) if scene and scene.note else 'No note.'}</div>",
            styles=colour,
            visible=presentation.notes,
        )
        if presentation.on and not self.strip:
            self._fill()
        self.strip.visible = presentation.on
