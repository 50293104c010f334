"""What a reader sees of a page: words and drawn data of all that is visible, to be held against another page's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, GlyphRenderer, LegendItem, Plot
from bokeh.models.annotations import ColorBar, Span, Title
from panel.viewable import Viewable

TOOK = re.compile(r",? ?(in \**[\d.,]+ m?s\**|kept from before|drawn in [\d.,]+ ms)")
"""How long an answer took is no part of what it says."""
WORDS = ("object", "label", "value", "options", "disabled", "items", "description", "severity", "name_")

Seen = Mapping[str, Any]


def seen(part: Viewable) -> Seen:
    """Everything visible of a part, by where it stands."""
    return dict(_walk(part, ""))


def differences(first: Seen, second: Seen) -> list[str]:
    """Where two pages are not the same."""
    found = [f"{place}: only in one" for place in sorted(first.keys() ^ second.keys())]
    for place in sorted(first.keys() & second.keys()):
        if not _same(first[place], second[place]):
            found.append(f"{place}: {_short(first[place])} != {_short(second[place])}")
    return found


def _walk(part: Any, place: str) -> Iterator[tuple[str, Any]]:
    if not getattr(part, "visible", True):
        return
    if isinstance(part, pn.pane.Bokeh):
        yield from _figure(part.object, f"{place}/figure")
        return
    for name in WORDS:
        if name in part.param:
            value = getattr(part, name)
            if isinstance(value, str):
                yield f"{place}/{type(part).__name__}.{name}", TOOK.sub("", value)
            elif not isinstance(value, Viewable) and not callable(value):
                yield f"{place}/{type(part).__name__}.{name}", value
    for name in ("objects", "cells", "object"):
        children = getattr(part, name, None) if name in part.param else None
        children = [children] if isinstance(children, Viewable) else children
        if isinstance(children, (list, tuple)):
            shown = [child for child in children if isinstance(child, Viewable) and child.visible]
            for number, child in enumerate(shown):
                yield from _walk(child, f"{place}/{type(part).__name__}{number}")


def _figure(plot: Plot, place: str) -> Iterator[tuple[str, Any]]:
    """Data, colours and words of a figure; one in which nothing is drawn says nothing."""
    if not any(_is_drawn(renderer) for renderer in plot.renderers):
        yield f"{place}/nothing", True
        return
    for number, renderer in enumerate(plot.renderers):
        if not isinstance(renderer, GlyphRenderer) or not renderer.visible:
            continue
        source = renderer.data_source
        if isinstance(source, ColumnDataSource):
            for column, values in source.data.items():
                yield f"{place}/{number}.{column}", values
        mapper = getattr(renderer.glyph, "color_mapper", None)
        if mapper is not None:
            yield f"{place}/{number}.colours", (tuple(mapper.palette), mapper.low, mapper.high)
        for look in ("line_color", "fill_color"):
            colour = getattr(renderer.glyph, look, None)
            if isinstance(colour, str):
                yield f"{place}/{number}.{look}", colour
    for side in ("above", "below", "left", "right", "center"):
        for number, part in enumerate(getattr(plot, side)):
            where = f"{place}/{side}{number}"
            if not getattr(part, "visible", True):
                continue
            match part:
                case Title():
                    yield f"{where}.title", part.text
                case ColorBar():
                    yield f"{where}.bar", (part.title, dict(part.major_label_overrides))
                case Span():
                    yield f"{where}.span", part.location
                case LegendItem():
                    yield f"{where}.legend", part.label
            if hasattr(part, "axis_label"):
                yield f"{where}.axis", (part.axis_label, dict(part.major_label_overrides))
    yield f"{place}.title", plot.title.text if isinstance(plot.title, Title) else None


def _is_drawn(renderer: Any) -> bool:
    source = getattr(renderer, "data_source", None)
    if not renderer.visible or not isinstance(source, ColumnDataSource):
        return False
    columns = [np.asarray(values, dtype=object).ravel() for name, values in source.data.items() if name != "y"]
    return any(any(value == value for value in column) for column in columns)


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(_same(a, b) for a, b in zip(first, second, strict=True))
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        first, second = np.asarray(first), np.asarray(second)
        if first.shape != second.shape:
            return False
        if first.dtype.kind == "f" and second.dtype.kind == "f":
            return bool(np.allclose(first, second, rtol=1e-5, atol=1e-12, equal_nan=True))
        return bool((first == second).all())
    if isinstance(first, float) and isinstance(second, float):
        return first == second or (first != first and second != second) or abs(first - second) < 1e-6 * abs(first)
    return bool(first == second)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 160 else f"{text[:160]}…"
