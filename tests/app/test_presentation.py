"""Scenes in order."""

from __future__ import annotations

from diffmp_app.state.choices import Choices
from diffmp_app.state.presentation import Presentation
from diffmp_app.state.scenario import MOST_SCENES


def named(*names: str) -> Presentation:
    made = Presentation()
    for number, name in enumerate(names):
        made.add(name, "", Choices(seed=number))
    return made


def names(presentation: Presentation) -> list[str]:
    return [scene.name for scene in presentation.scenes]


def test_moving_stops_at_the_ends():
    presentation = named("a", "b", "c")
    assert presentation.place == 2
    assert presentation.go_to(3).name == "c"
    assert presentation.go_to(-1).name == "a"
    assert Presentation().go_to(5) is None


def test_a_scene_is_added_after_the_present_one():
    presentation = named("a", "c")
    presentation.go_to(0)
    presentation.add("  ", "", Choices())
    assert names(presentation) == ["a", "Scene 3", "c"]
    assert presentation.place == 1


def test_scenes_move_change_and_go():
    presentation = named("a", "b", "c")
    presentation.move(0, 1)
    assert names(presentation) == ["b", "a", "c"]
    presentation.move(2, 1)
    assert names(presentation) == ["b", "a", "c"]
    presentation.change(1, name="A", note="n")
    assert (presentation.scenes[1].note, presentation.scenes[1].state) == ("n", Choices(seed=0))
    presentation.change(1, name="A", note="n", choices=Choices(seed=9))
    assert presentation.scenes[1].state == Choices(seed=9)
    presentation.go_to(2)
    presentation.remove(2)
    assert (names(presentation), presentation.place) == (["b", "A"], 1)
    presentation.remove(0)
    presentation.remove(0)
    assert presentation.scene is None


def test_there_is_an_end_to_scenes():
    presentation = named(*("x" * (MOST_SCENES + 3)))
    assert len(presentation.scenes) == MOST_SCENES
