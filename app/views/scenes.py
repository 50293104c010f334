"""The drawer for scenarios: save and load a file, and the scenes that are presented."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError

from ..state.presentation import Presentation
from ..state.scenario import LARGEST, LONGEST_NAME, LONGEST_NOTE, Scenario, plain_text, read_scenario
from ..state.state import State
from ..web.browser import PRESENT_CLASS
from .controls import download_button, small_button, upload_button
from .layout import paper, words

ABOUT = """
A scenario is everything chosen on this page, and any number of scenes: states of the page under a name, with a note for
the speaker. Save it as a file, share it, load it again. **Present** shows the scenes in full screen: *PageDown*,
*PageUp* or arrow keys (any presenter's clicker) move, *N* shows the note, *C* the controls, *Esc* leaves.
"""
FILE = "scenario.json"


class ScenesDrawer:
    """Title, file, and the list of scenes."""

    def __init__(
        self,
        state: State,
        presentation: Presentation,
        *,
        show: Callable[[int], None],
        present: Callable[[], None],
        tell: Callable[[list[str]], None],
    ) -> None:
        """``show`` shows a scene by its index, ``present`` starts presenting, ``tell`` says what cannot be read."""
        self.state, self.presentation, self.tell = state, presentation, tell
        self._show, self._present = show, present
        self._typed = False
        self.title = pmui.TextInput(
            label="Title", value="", max_length=LONGEST_NAME, size="small", sizing_mode="stretch_width", margin=(8, 4)
        )
        self.list = pn.Column(sizing_mode="stretch_width", margin=0)
        self.drawer = pmui.Drawer(anchor="right", size=440, open=False)
        presentation.param.watch(lambda *_: self._fill(), ["scenes", "place"])
        self._fill()

    def panel(self) -> Viewable:
        """The drawer, closed and empty at first."""
        return self.drawer

    def open(self) -> None:
        """Open the drawer."""
        if not self.drawer:
            self.drawer[:] = [self._content()]
        self.drawer.open = True

    def _content(self) -> Viewable:
        save = download_button("Save as file", self._file, filename=FILE)
        upload = upload_button("Load a file", self.load, accept=".json,application/json", largest=LARGEST)
        return pn.Column(
            words("Scenario", "h6"),
            words(ABOUT),
            self.title,
            pn.Row(save, upload, margin=0),
            words("Scenes", "h6"),
            self.list,
            pn.Row(
                small_button("Add what is shown as a scene", self._add),
                small_button("Present", self._present, variant="contained", css_classes=[PRESENT_CLASS]),
                small_button("Close", lambda: self.drawer.param.update(open=False), variant="text"),
                margin=0,
            ),
            sizing_mode="stretch_width",
            margin=16,
        )

    @property
    def scenario(self) -> Scenario:
        """What would be saved."""
        return Scenario(
            title=plain_text(self.title.value)[:LONGEST_NAME], state=self.state.choices, scenes=self.presentation.scenes
        )

    def load(self, content: bytes) -> None:
        """Show a scenario file; what cannot be read is said, all in one notice."""
        if scenario := self._read(content):
            self.state.show(scenario.state)

    def load_scenes(self, content: bytes) -> bool:
        """Take title and scenes of a scenario file, not its state; False where it could not be read, which is said."""
        return self._read(content) is not None

    def _read(self, content: bytes) -> Scenario | None:
        try:
            scenario, notices = read_scenario(content, self.state.parser)
        except DiffmpError as error:
            self.tell([str(error)])
            return None
        self.title.value = scenario.title
        self.presentation.take(scenario.scenes)
        self.tell(notices)
        return scenario

    def _file(self) -> io.BytesIO:
        return io.BytesIO(self.scenario.to_json().encode())

    def _add(self) -> None:
        self.presentation.add("", "", self.state.choices)

    def _fill(self) -> None:
        """Make the list anew, unless it was typed into."""
        if not self._typed:
            scenes = self.presentation.scenes
            self.list[:] = [self._scene(place) for place in range(len(scenes))] or [words("None yet.")]

    def _scene(self, place: int) -> Viewable:
        scene, presentation = self.presentation.scenes[place], self.presentation
        name = pmui.TextInput(
            label=f"Scene {place + 1}", value=scene.name, max_length=LONGEST_NAME, size="small",
            sizing_mode="stretch_width", margin=(4, 2),
        )  # fmt: skip
        note = pmui.TextAreaInput(
            label="Note for the speaker", value=scene.note, max_length=LONGEST_NOTE, rows=2, size="small",
            sizing_mode="stretch_width", margin=(4, 2),
        )  # fmt: skip

        def write(_: object) -> None:
            self._typed = True
            try:
                presentation.change(place, name=name.value, note=note.value)
            finally:
                self._typed = False

        name.param.watch(write, "value")
        note.param.watch(write, "value")

        def update() -> None:
            presentation.change(place, name=name.value, note=note.value, choices=self.state.choices)

        number = f"scene {place + 1}"
        buttons = [
            small_button("Show", partial(self._show, place), says=f"Show {number}"),
            small_button("Replace", update, says=f"Replace the state of {number} by what is shown"),
            small_button("↑", partial(presentation.move, place, -1), says=f"Move {number} up", disabled=place == 0),
            small_button(
                "↓",
                partial(presentation.move, place, 1),
                says=f"Move {number} down",
                disabled=place == len(presentation.scenes) - 1,
            ),
            small_button("Delete", partial(presentation.remove, place), says=f"Delete {number}", color="error"),
        ]
        return paper(name, note, pmui.FlexBox(*buttons))
