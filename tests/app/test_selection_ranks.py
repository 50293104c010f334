"""Ranks over the selection on the page: asked for by a button, taken away with the selection that they are of."""

import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.state.state import State
from diffmp_app.views.selection_ranks import SelectionRanksView

REFERENCE = "Analogue ensemble"


@pytest.fixture
def view(live_folder) -> SelectionRanksView:
    catalog = Catalog([live_folder])
    view = SelectionRanksView(State(catalog.names, catalog.limits), catalog)
    view.panel()
    view.refresh(frozenset(view.depends))
    return view


def change(view: SelectionRanksView, **choices) -> None:
    view.state.param.update(**choices)
    view.refresh(frozenset(choices))


def test_it_is_counted_on_request_and_goes_with_its_selection(view: SelectionRanksView):
    change(view, members=3, region="tropics")
    assert not view.shown.visible
    view._run()
    assert view.shown.visible
    assert "columns of the tropics" in view.said.object
    drawn = view.panels["tend_T_sgs"].source.data
    assert sum(drawn["share"]) == pytest.approx(1)
    assert (drawn["high"] > drawn["relative"]).all()
    change(view, dark=True)
    assert view.shown.visible
    assert view.panels["qc"].whiskers.glyph.line_color == view.panels["qc"].flat.line_color
    change(view, regime="trade cumulus")
    assert not view.shown.visible


def test_an_emulator_without_network_is_refused_in_one_sentence(view: SelectionRanksView):
    change(view, emulator=REFERENCE)
    view._run()
    assert view.notice.visible
    assert not view.shown.visible
    change(view, emulator=view.catalog.limits(view.state.experiment).emulators[0])
    assert not view.notice.visible
