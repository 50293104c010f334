"""A scenario: a title, a state of the page and scenes to present, as a JSON file that people save, load and share.

A file is data: it names an experiment, never a path, and nothing in it is markup. It is read scene by scene and field
by field like an address; what cannot be read is said.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from diffmp_core.errors import DiffmpError

from .address import StateParser
from .choices import Choices

FORMAT = "diffmp-scenario"
VERSION = 1
LARGEST = 500_000
"""Bytes of a scenario file that are read; a scene has about 1,200."""
MOST_SCENES = 100
LONGEST_NAME, LONGEST_NOTE = 120, 4000


class Scene(BaseModel):
    """A state of the page under a name, with what the presenter wants to say."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    note: str = Field(default="", max_length=LONGEST_NOTE)
    state: Choices


class Scenario(BaseModel):
    """What a scenario file holds."""

    model_config = ConfigDict(frozen=True)

    title: str = Field(default="", max_length=LONGEST_NAME)
    state: Choices
    scenes: tuple[Scene, ...] = Field(default=(), max_length=MOST_SCENES)

    def to_json(self) -> str:
        """The file, UTF-8; the whole state is written, so that a later change of defaults changes no scenario."""
        content = {"format": FORMAT, "version": VERSION, **self.model_dump(mode="json")}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def read_scenario(content: bytes, parser: StateParser) -> tuple[Scenario, list[str]]:
    """A scenario from the bytes of a file, and a sentence for each part that could not be read, unescaped.

    Raises:
        DiffmpError: it is no scenario file, of a later version, or too large.
    """
    if len(content) > LARGEST:
        raise DiffmpError(f"expected a scenario file of at most {LARGEST:,} bytes, found {len(content):,}")
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise DiffmpError(f"expected a scenario file (JSON), found something else{where}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DiffmpError(f'expected a scenario file with "format": "{FORMAT}", found another kind of file')
    if found.get("version") != VERSION:
        raise DiffmpError(f"expected version {VERSION} of scenario files, found {str(found.get('version'))[:20]}")
    notices: list[str] = []
    title = _text(found.get("title", ""), "the title", LONGEST_NAME, notices)
    state = _state(found.get("state", {}), "The scenario", parser, notices)
    scenes = found.get("scenes", [])
    if not isinstance(scenes, list):
        notices.append("The scenes are no list, so there are none.")
        scenes = []
    if len(scenes) > MOST_SCENES:
        notices.append(f"The scenario has {len(scenes)} scenes; the first {MOST_SCENES} are taken.")
    read = (_scene(scene, number, parser, notices) for number, scene in enumerate(scenes[:MOST_SCENES], start=1))
    return Scenario(title=title, state=state, scenes=tuple(scene for scene in read if scene)), notices


def _scene(found: Any, number: int, parser: StateParser, notices: list[str]) -> Scene | None:
    if not isinstance(found, dict):
        notices.append(f"Scene {number} cannot be read; it is left out.")
        return None
    where = f"Scene {number}"
    name = _text(found.get("name", ""), f"the name of scene {number}", LONGEST_NAME, notices) or where
    note = _text(found.get("note", ""), f"the note of scene {number}", LONGEST_NOTE, notices)
    return Scene(name=name, note=note, state=_state(found.get("state", {}), where, parser, notices))


def _state(found: Any, where: str, parser: StateParser, notices: list[str]) -> Choices:
    if not isinstance(found, dict):
        notices.append(f"{where} has no state that can be read; showing the start of the first experiment.")
        return parser.first()
    choices, refused = parser.read(found, source=where, typed=True)
    notices += refused
    return choices


def _text(found: Any, what: str, longest: int, notices: list[str]) -> str:
    if not isinstance(found, str):
        notices.append(f"Expected text as {what}, found {type(found).__name__}; it is left empty.")
        return ""
    if len(found) > longest:
        notices.append(f"Cut {what} to {longest} characters.")
    return plain_text(found[:longest])


def plain_text(text: str) -> str:
    """Text that can be written as UTF-8, without room at its ends: halves of characters become question marks."""
    return text.encode(errors="replace").decode().strip()


def _refuse_constant(name: str) -> None:
    """NaN and infinities are no JSON.

    Raises:
        ValueError: always.
    """
    raise ValueError(name)
