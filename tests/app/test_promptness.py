"""What we set in Panel that has no public option: these fail when Panel no longer heeds it."""

from __future__ import annotations

from types import SimpleNamespace

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document
from bokeh.model import DataModel
from bokeh.plotting import figure
from diffmp_app.web.promptness import IMPORTS, PROMPT_MS, drop_import_map, shorten_debounce, tag_models_once
from panel.reactive import Syncable
from panel_material_ui.base import MaterialComponent


def test_panel_waits_as_long_as_it_is_told(monkeypatch):
    monkeypatch.setattr(Syncable, "_debounce", Syncable._debounce)  # put back afterwards
    monkeypatch.setattr(Document, "session_context", SimpleNamespace(request=SimpleNamespace(arguments={})))
    waits: list[float] = []
    monkeypatch.setattr(Document, "add_timeout_callback", lambda _, callback, wait: waits.append(wait))
    shorten_debounce()
    pn.widgets.IntSlider(start=0, end=9).get_root(Document()).value = 3
    assert waits == [PROMPT_MS]


def test_components_send_no_list_of_imports_for_each(monkeypatch):
    monkeypatch.setattr(MaterialComponent, "_process_importmap", MaterialComponent._process_importmap)
    before = pmui.Button(label="Go").get_root(Document()).importmap
    assert len(str(before)) > 1000
    drop_import_map()
    for component in (pmui.Button(label="Go"), pmui.Grid(), pmui.Select(options=["a"])):
        assert component.get_root(Document()).importmap == IMPORTS


def test_every_data_model_is_marked_as_panel_does_it(monkeypatch):
    """Of a tree of components and plain layouts, and of what is put into it later."""

    def marked() -> list[bool]:
        inner = pmui.Grid(pn.Column(pmui.Button(label="Go"), pn.pane.Bokeh(figure())), container=True)
        tree = pmui.Paper(inner, pmui.Select(options=["a"]))
        document = Document()
        root = tree.get_root(document)
        document.add_root(root)
        inner.append(pmui.Grid(pn.Row(pmui.Switch(label="Later"))))
        return [f"__ref:{root.ref['id']}" in model.tags for model in root.select({"type": DataModel})]

    expected = marked()
    monkeypatch.setattr(MaterialComponent, "_patch_datamodel_ref", MaterialComponent._patch_datamodel_ref)
    tag_models_once()
    assert marked() == expected
    assert len(expected) >= 6
    assert all(expected)
