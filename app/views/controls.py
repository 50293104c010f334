"""Controls bound to the state: labelled, reachable by keyboard, as wide as their place."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import panel as pn
import panel_material_ui as pmui
import param
from panel.viewable import Viewable

from ..state.state import State

Disabled: TypeAlias = param.Parameter | Callable[..., bool] | bool
"""Whether a control is greyed: a parameter, a function bound to parameters, or a constant."""


STEP = {"minWidth": 24, "p": "0", "fontSize": "1.05rem"}
"""Look of the small buttons beside a slider."""
TIP = ".MuiTooltip-popper { pointer-events: none !important; }"
"""A tip does not stand between the pointer and the button that it covers, as that of Undo covers Redo."""


def _look(label: str, options: Mapping[str, str] | None) -> dict[str, Any]:
    """What the controls that offer words have in common."""
    look = {"label": label, "description": "", "size": "small", "sizing_mode": "stretch_width", "margin": (8, 4)}
    return look | ({"options": dict(options)} if options else {})


def select(state: State, name: str, label: str, options: Mapping[str, str] | None = None) -> Viewable:
    """A drop-down of one parameter; ``options`` gives what is read for each value."""
    return pmui.Select.from_param(state.param[name], **_look(label, options))


def free_select(label: str, take: Callable[[str], None]) -> pmui.Select:
    """A drop-down that follows no parameter: its options come with files, and are set together with its value."""
    chooser = pmui.Select(**_look(label, {"": ""}))
    chooser.param.watch(lambda event: take(event.new), "value")
    return chooser


def switch(state: State, name: str, label: str, disabled: Disabled = False) -> Viewable:
    """An on-off switch of one parameter."""
    return pmui.Switch.from_param(
        state.param[name], label=label, description="", size="small", disabled=disabled, margin=(8, 4)
    )


def choice(state: State, name: str, label: str, options: Mapping[str, str] | None = None) -> Viewable:
    """Buttons of which one is chosen; ``options`` gives what is read for each value."""
    return pmui.RadioButtonGroup.from_param(state.param[name], **_look(label, options))


def small_button(label: str, action: Callable[[], None], *, says: str = "", **options: Any) -> pmui.Button:
    """A framed button; ``says`` is its tip and its name for screen readers, and begins with the words of the label."""
    return pmui.Button(
        **{
            "label": label,
            "description": says or None,
            "size": "small",
            "variant": "outlined",
            "margin": 2,
            "stylesheets": [TIP],
        }
        | options
        | {"on_click": lambda _: action()}
    )


class OneFile(pmui.FileInput):
    """Takes one file in one piece.

    The browser refuses a larger one before it sends it; another program might send piece after piece, which Panel keeps
    until the last has come.
    """

    def _process_chunk(self, msg: dict) -> None:
        self._buffer.clear()
        self._file_buffer.clear()
        if msg["total_chunks"] == 1 and len(msg["data"]) <= self.max_file_size:
            super()._process_chunk(msg)


def upload_button(label: str, take: Callable[[bytes], None], *, accept: str, largest: int) -> OneFile:
    """A framed button that loads a file of at most ``largest`` bytes; ``take`` gets its content.

    Also that of the same file once more, and nothing of an empty one, of which Panel tells as of no file.
    """
    button = OneFile(
        label=label,
        uploaded_label=label,  # the name of a file may be wider than its place
        accept=accept,
        max_file_size=largest,
        chunk_size=largest,
        size="small",
        variant="outlined",
        margin=2,
    )
    button.param.watch(lambda event: take(event.new or b""), "value", onlychanged=False)
    return button


def download_button(label: str, make: Callable[[], io.BytesIO], *, filename: str) -> pmui.FileDownload:
    """A framed button that saves a file, made at the click."""
    button = pmui.FileDownload(label=label, callback=make, filename=filename, size="small", margin=2)
    button.variant = "outlined"  # given to the constructor, Panel takes it for the deprecated button_style and warns
    return button


def stepped_slider(
    state: State, name: str, label: str, text: Callable[[int], str], disabled: Disabled = False
) -> pn.Row:
    """A slider of an integer with a button for one step down and up; its label says what the value stands for there."""
    parameter = state.param[name]

    def step(sign: int) -> None:
        low, high = parameter.bounds
        setattr(state, name, min(max(getattr(state, name) + sign * (parameter.step or 1), low), high))

    slider = pmui.IntSlider.from_param(
        parameter,
        label=pn.bind(lambda value, _: f"{label}: {text(value)}", parameter, state.param.entered),
        description="",
        size="small",
        sizing_mode="stretch_width",
        show_value=False,
        disabled=disabled,
        margin=(2, 4, 2, 8),
        sx={"& .MuiFormLabel-root": {"fontSize": "0.8rem"}},
    )
    down, up = (
        pmui.Button(
            label=sign,
            variant="outlined",
            size="small",
            margin=(0, 1),
            width=26,
            disabled=disabled,
            description=f"{word} {label.lower()}",
            on_click=lambda _, by=by: step(by),
            sx=STEP,
        )
        for sign, word, by in (("‹", "Previous", -1), ("›", "Next", 1))
    )
    return pn.Row(slider, down, up, sizing_mode="stretch_width", margin=(4, 0), styles={"align-items": "end"})
