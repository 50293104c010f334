"""What is to be borne in mind with a live answer goes wherever the answer goes: page, report and every export."""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xarray as xr
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.target import ABOUT_OWN
from diffmp_app.exhibits import (
    DenoisingSteps,
    EmulatorResponse,
    Ensemble,
    EnsemblePair,
    EveryEnsemble,
    Exhibit,
    SelectionRanks,
    SweepCurve,
    SweepMap,
)
from diffmp_app.exhibits.formats import FORMATS, export
from diffmp_app.report.sections import COMPOSITES, RESPONSE_MEMBERS
from diffmp_app.report.write import report
from diffmp_app.state.state import State
from diffmp_app.views.profiles import ProfilesView
from diffmp_app.views.sensitivity import SensitivityView
from PIL import Image

from diffmp_core.columns.user_column import to_text
from diffmp_core.physics.sliders import SLIDERS
from diffmp_core.response.cautions import NO_DOMAIN
from diffmp_core.response.verdict import ASSOCIATION
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs
from tests.app.experiment import add_networks, make_experiment

EMULATOR, OTHER = "DIFF-MP calibrated", "DIFF-MP paper"
GLOBE = {"experiment": "globe", "emulator": EMULATOR, "members": 2}
COLUMN = GLOBE | {"time": 0, "cell": 9}
LIVE: tuple[Exhibit, ...] = (
    Ensemble(**COLUMN),
    EnsemblePair(**COLUMN, pinned_emulator=OTHER),
    EveryEnsemble(**COLUMN),
    DenoisingSteps(**COLUMN),
    EmulatorResponse(**COLUMN, moistening=-0.2),
    SweepCurve(**COLUMN, sweep="warming"),
    SweepMap(**COLUMN, sweep="fluxes", sweep_across="warming"),
    SelectionRanks(**GLOBE, region="box", south=-10, north=10, west=0, east=60),
)
EACH = pytest.mark.parametrize("exhibit", LIVE, ids=lambda exhibit: type(exhibit).__name__)
OUTSIDE = "outside the training data"


def concrete(kind: type) -> Iterator[type]:
    """Exhibits that can be made, below a class."""
    for below in kind.__subclasses__():
        yield from concrete(below)
        if not getattr(below, "__abstractmethods__", None) and "what" in below.__dict__:
            yield below


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """162 cells and 2 times, with two small, untrained networks."""
    folder = make_experiment(tmp_path_factory.mktemp("said") / "globe", cells=162, times=2)
    add_networks(folder)
    return Catalog([folder])


@pytest.fixture
def narrow(live: Catalog, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The same, but what the emulators were trained on was colder than any column."""
    for name in (EMULATOR, OTHER):
        emulator = live.live("globe", name)
        monkeypatch.setattr(emulator, "domain", replace(emulator.domain, high=emulator.domain.mean - 9.0))
    return live


def test_every_exhibit_that_asks_an_emulator_is_looked_at():
    asking = {kind for kind in concrete(Exhibit) if "members" in {field.name for field in fields(kind)}}
    assert {type(exhibit) for exhibit in LIVE} == asking


@EACH
def test_an_answer_out_of_range_says_so_in_every_format(
    exhibit: Exhibit, narrow: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said = exhibit.data(narrow).attrs["cautions"]
    assert OUTSIDE in said
    assert set(FORMATS) == {"png", "svg", "pdf", "csv", "netcdf", "python"}
    found = {name: export(exhibit, narrow, name).content for name in FORMATS}
    assert said in Image.open(io.BytesIO(found["png"])).text["Description"]
    assert OUTSIDE in " ".join("".join(ElementTree.fromstring(found["svg"]).itertext()).split())
    assert found["pdf"].startswith(b"%PDF")
    assert b"outside the training data" in found["pdf"]
    assert f"# cautions: {said}\n" in found["csv"].decode()
    (tmp_path / "data.nc").write_bytes(found["netcdf"])
    with xr.open_dataset(tmp_path / "data.nc", decode_times=False) as opened:
        assert opened.attrs["cautions"] == said
    (tmp_path / "figure.py").write_bytes(found["python"])
    monkeypatch.setattr("diffmp_app.data.catalog.Catalog", lambda folders: narrow)
    monkeypatch.setattr(sys, "argv", ["figure.py", str(tmp_path / "figure.svg")])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(tmp_path / "figure.py"), run_name="__main__")
    assert said in printed.getvalue()


@EACH
def test_an_emulator_that_came_without_its_domain_cannot_tell_and_says_so(exhibit: Exhibit, live: Catalog, monkeypatch):
    for name in (EMULATOR, OTHER):
        monkeypatch.setattr(live.live("globe", name), "domain", None)
    assert NO_DOMAIN in exhibit.data(live).attrs["cautions"]


def test_each_of_several_emulators_has_its_own_cautions(live: Catalog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live.live("globe", OTHER), "domain", None)
    for exhibit, whose in ((LIVE[2], OTHER), (LIVE[1], "Pinned")):
        assert f"{whose}: {NO_DOMAIN}" in exhibit.data(live).attrs["cautions"]


def test_a_composite_says_in_an_export_what_the_documentation_says(live: Catalog):
    drier = EmulatorResponse(**COLUMN, target="composite", moistening=-0.2).data(live).attrs["cautions"]
    for sentence in (ASSOCIATION, SLIDERS["moistening"].also_tells, "A mean over 40 columns"):
        assert sentence in drier


def test_the_report_says_what_the_page_says(narrow: Catalog):
    text = unescape(report(narrow, "globe", EMULATOR))
    composite = {"target": "composite", "members": RESPONSE_MEMBERS, **COMPOSITES[0]}
    response = EmulatorResponse(**GLOBE | composite, time=0, cell=narrow.limits("globe").cell, neutralise_qv=1.0)
    data = response.data(narrow)
    assert OUTSIDE in data.attrs["cautions"]
    assert f"<p class='said'>{data.attrs['cautions']}</p>" in text
    assert f"<p class='said'>{data.attrs['verdict']}</p>" in text
    assert "(columns)" in data.attrs["subtitle"]
    assert data.attrs["subtitle"] in text


def own_column(catalog: Catalog) -> str:
    """A column of one's own, 15 K warmer than a stored one."""
    inputs = stack_inputs(catalog.columns("globe").isel(time=[0], cell=[9]))[0]
    inputs[0] += 15.0
    return to_text(inputs, schema_of(catalog.columns("globe")))


def test_profiles_warn_of_a_column_of_ones_own(live: Catalog):
    state = State(live.names, live.limits)
    state.param.update(members=2)
    view = ProfilesView(state, live)
    view.panel()
    assert not view.caution.visible
    state.param.update(own=own_column(live), target="own", every=True, compare="side by side", pinned_emulator=OTHER)
    view.refresh(frozenset({"own", "target", "every", "compare", "pinned_emulator"}))
    for box in (view.caution, view.pinned.caution, *(row.caution for row in view.every.rows)):
        assert box.visible
        assert f"This input lies {OUTSIDE}" in box.object
        assert ABOUT_OWN in box.object
        assert box.severity == "warning"
    state.param.update(target="column", compare="none")
    view.refresh(frozenset({"target", "compare"}))
    assert not view.caution.visible


def test_what_is_asked_for_by_a_button_or_a_switch_warns_too(narrow: Catalog):
    state = State(narrow.names, narrow.limits)
    state.param.update(members=2, denoising=True, region="tropics", target="column", scale_LHF=0.5)
    profiles, sensitivity = ProfilesView(state, narrow), SensitivityView(state, narrow)
    for view in (profiles, sensitivity):
        view.panel()
    profiles.selection_ranks._run()
    sensitivity.sweeps._run()
    for part in (profiles.denoising, profiles.selection_ranks, sensitivity.sweeps):
        assert part.caution.visible
        assert OUTSIDE in part.caution.object
    assert OUTSIDE in sensitivity.warning.object
    assert ASSOCIATION in sensitivity.verdict_line.meaning.object
