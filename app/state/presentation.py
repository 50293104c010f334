"""Presenting: the scenes of a talk, which of them is shown, and whether its note is."""

from __future__ import annotations

from collections.abc import Sequence

import param

from .choices import Choices
from .scenario import LONGEST_NAME, LONGEST_NOTE, MOST_SCENES, Scene, plain_text


class Presentation(param.Parameterized):
    """Scenes in order, a place among them, and whether the page is being presented."""

    scenes = param.Parameter(default=(), doc="The scenes, a tuple")
    place = param.Integer(default=0, bounds=(0, None), doc="Index of the scene shown last")
    on = param.Boolean(default=False, doc="The page is being presented")
    controls = param.Boolean(default=False, doc="The controls beside the figures are shown")
    notes = param.Boolean(default=False, doc="The note of the scene is shown")

    @property
    def scene(self) -> Scene | None:
        """The scene at the present place; None where there are none."""
        return self.scenes[self.place] if self.scenes else None

    def take(self, scenes: Sequence[Scene]) -> None:
        """Replace all scenes."""
        self.param.update(scenes=tuple(scenes), place=0)

    def go_to(self, place: int) -> Scene | None:
        """Move to a scene, at most to the first or the last."""
        self.place = min(max(place, 0), max(len(self.scenes) - 1, 0))
        return self.scene

    def add(self, name: str, note: str, choices: Choices) -> None:
        """A new scene after the present one; nothing where there are as many as a scenario may have."""
        if len(self.scenes) >= MOST_SCENES:
            return
        at = self.place + 1 if self.scenes else 0
        scenes = (*self.scenes[:at], make_scene(name, note, choices, len(self.scenes) + 1), *self.scenes[at:])
        self.param.update(scenes=scenes, place=at)

    def change(self, place: int, *, name: str, note: str, choices: Choices | None = None) -> None:
        """Give a scene another name and note, and another state if there is one."""
        old = self.scenes[place]
        new = make_scene(name, note, choices or old.state, place + 1)
        self.scenes = (*self.scenes[:place], new, *self.scenes[place + 1 :])

    def remove(self, place: int) -> None:
        """Take a scene out."""
        scenes = (*self.scenes[:place], *self.scenes[place + 1 :])
        self.param.update(scenes=scenes, place=min(self.place, max(len(scenes) - 1, 0)))

    def move(self, place: int, by: int) -> None:
        """Move a scene up (-1) or down (1) and stay with it."""
        to = place + by
        if 0 <= to < len(self.scenes):
            scenes = list(self.scenes)
            scenes.insert(to, scenes.pop(place))
            self.param.update(scenes=tuple(scenes), place=to)


def make_scene(name: str, note: str, choices: Choices, number: int) -> Scene:
    """A scene; one without a name is called by its number."""
    name, note = plain_text(name)[:LONGEST_NAME], plain_text(note)[:LONGEST_NOTE]
    return Scene(name=name or f"Scene {number}", note=note, state=choices)
