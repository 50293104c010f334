"""How soon Panel acts on what a widget sends, and how much it sends: the one place that reaches into Panel for it."""

from __future__ import annotations

from bokeh.model import DataModel, Model
from bokeh.model.util import visit_immediate_value_references
from panel.reactive import Syncable
from panel_material_ui.base import MaterialComponent

PROMPT_MS = 10
"""Panel waits so long for more changes of a widget before it acts; its own 50 ms are half of what a picture may take.

Not nothing, so that the moves of a drag that came while the server was busy are answered once.
"""
IMPORTS = {"imports": {"@mui/material": "data:text/javascript,"}}
"""What a component of panel-material-ui says that it imports: that it is one of Material UI's. Its code comes in one
bundle, and the whole list, 2 kB for each of a hundred components of a page, is for code that does not."""


def shorten_debounce() -> None:
    """Have every session of this process wait ``PROMPT_MS`` (``Syncable._debounce``)."""
    Syncable._debounce = PROMPT_MS


def drop_import_map() -> None:
    """Have every component of this process send ``IMPORTS`` (``MaterialComponent._process_importmap``)."""
    MaterialComponent._process_importmap = classmethod(lambda cls: IMPORTS)


def tag_models_once() -> None:
    """Have every component of this process mark the models below it only as far as they are not marked yet."""
    MaterialComponent._patch_datamodel_ref = classmethod(lambda cls, top, ref: mark(top, f"__ref:{ref}"))


def mark(top: Model, tag: str) -> None:
    """Tag the data models at and below ``top``, by which Panel finds them when their session ends.

    Panel looks through all that is below each component, and so again and again at what lies deep: a fifth of the time
    that it takes to make a tab. Below a model that has the tag all have it, as parts are made before what holds them.
    """
    left, seen = [top], {top.id}

    def visit(model: Model) -> None:
        if model.id not in seen:
            seen.add(model.id)
            left.append(model)

    while left:
        model = left.pop()
        if isinstance(model, DataModel):
            if tag in model.tags:
                continue
            model.tags.append(tag)
        visit_immediate_value_references(model, visit)
