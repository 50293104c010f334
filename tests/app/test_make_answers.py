"""The script that keeps the model's answers with an experiment: it goes on where it was stopped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from diffmp_app.data.catalog import Catalog
from diffmp_app.data.model_answers import ModelQuestion
from diffmp_app.data.target import take_target
from diffmp_app.state.choices import Choices

from data import make_answers as script
from diffmp_core.crm.answers import FILE
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.physics.regimes import REGIMES

pytestmark = pytest.mark.timeout(1500)  # a cold cache compiles the simulator here
CHANGE = Perturbation(neutralise_T=1.0)


class Stopped(Exception):
    """The script was stopped."""


def test_a_stopped_script_goes_on_and_asks_nothing_twice(simulated: Path, tmp_path: Path, monkeypatch):
    folder = tmp_path / "globe"
    shutil.copytree(simulated, folder)
    asked, run_model = [], script.run_model

    def ask(columns, time, cells, changes):
        if len(asked) == 2:
            raise Stopped
        asked.append((time, cells))
        return run_model(columns, time, cells, changes, hours=1, members=2)

    monkeypatch.setattr(script, "run_model", ask)
    monkeypatch.setattr(script, "CHANGES", (CHANGE, Perturbation(warming=-2.0)))
    monkeypatch.setattr(script, "MEMBERS", 2)
    with pytest.raises(Stopped):
        script.make_answers(folder)
    catalog = Catalog([folder])
    assert catalog.model_answers("globe").find(ModelQuestion(0, asked[1][1], CHANGE)) is not None
    first = list(asked)
    asked.clear()
    monkeypatch.setattr(script, "run_model", lambda *question: asked.append(question[1:3]) or run_model(
        *question, hours=1, members=2
    ))  # fmt: skip
    script.make_answers(folder)
    assert asked
    assert not set(first) & set(asked)
    assert len(asked) == len(set(asked))
    done = len(asked)
    script.make_answers(folder)
    assert len(asked) == done
    answers = Catalog([folder]).model_answers("globe")
    assert answers.find(ModelQuestion(0, (catalog.limits("globe").cell,), CHANGE)).members == 2
    for regime in REGIMES:
        shown, _ = take_target(Choices(experiment="globe", target="composite", regime=regime), catalog)
        assert shown is None or answers.find(ModelQuestion(0, shown.cells, CHANGE)).columns == len(shown.cells)
    monkeypatch.setattr(script, "CHANGES", (Perturbation(warming=-1.0),))
    script.make_answers(folder)
    assert len(asked) > done
    assert (folder / FILE).is_file()
