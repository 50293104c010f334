"""Error against spread on the page: nothing is read before it is asked for, then it follows region and emulator."""

import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import SpreadAgainstError
from diffmp_app.state.state import State
from diffmp_app.views.spread_error import SpreadErrorView


def test_it_is_drawn_on_request_and_follows_region_and_pinned_emulator(catalog: Catalog, state: State, monkeypatch):
    view = SpreadErrorView(state, catalog)
    view.panel()
    monkeypatch.setattr(SpreadAgainstError, "gather", lambda *_: pytest.fail("read"))
    view.refresh(frozenset(view.depends))
    assert not view.shown.visible
    monkeypatch.undo()

    def change(**choices) -> list[int]:
        state.param.update(**choices)
        view.refresh(frozenset(choices))
        return [len(plot.chart.series) for plot in view.plots]

    assert change(spread_error=True) == [1, 1, 1, 1]
    assert view.shown.visible
    everywhere = view.plots[0].sources[0].data
    assert change(region="tropics") == [1, 1, 1, 1]
    assert view.plots[0].sources[0].data["y"] != everywhere["y"]
    assert "the tropics" in view.said.object
    other = catalog.limits(state.experiment).emulators[1]
    assert change(compare="side by side", pinned_emulator=other) == [2, 2, 2, 2]
    assert other in view.legend.object
    assert "perfect ensemble" in view.legend.object
    assert view.plots[0].diagonal.visible
    assert change(dark=True) == [2, 2, 2, 2]
    assert view.plots[0].figure.title.text_color == "#e8edf2"
