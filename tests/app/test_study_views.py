"""The Studies tab without a browser: what it shows, how it follows its files, and that it sleeps when hidden."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from bokeh.document import Document
from diffmp_app.data.catalog import Catalog
from diffmp_app.exhibits import StudyScores
from diffmp_app.state.state import State
from diffmp_app.views.studies import StudiesView
from diffmp_app.views.training import MOST, chosen_trainings, duration, progress_words
from panel.io.state import set_curdoc

from diffmp_core.stores import write_store
from diffmp_core.training.log import LOG_FILE, write_log
from diffmp_core.training.watch import QUIET_S, read_training
from tests.app.experiment import make_experiment
from tests.app.studies import add_studies, add_training, make_study, row


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return add_studies(make_experiment(tmp_path / "globe", cells=42, times=2))


def opened(folder: Path, **choices) -> tuple[StudiesView, State]:
    catalog = Catalog([folder])
    state = State(catalog.names, catalog.limits)
    state.param.update(tab="Studies", **choices)
    view = StudiesView(state, catalog)
    view.panel()
    state.param.watch(lambda *events: view.refresh(frozenset(e.name for e in events)), list(view.depends))
    return view, state


def test_choices_change_what_is_drawn_and_equal_figures_are_kept(folder: Path):
    view, state = opened(folder)
    assert "Study of models: Subgrid heating" in view.about.object
    first = [plot.figure for plot in view.plots]
    state.variable = "qi"
    assert [plot.figure for plot in view.plots] == first
    assert "Cloud ice" in view.about.object
    state.study = "guidance"
    assert "least CRPS" in view.table.object
    assert {name for name, chooser in view.choosers.items() if chooser.visible} == {"charts", "variable"}
    state.charts = "outputs"
    assert {name for name, chooser in view.choosers.items() if chooser.visible} == {"charts", "criterion"}
    state.param.update(study="models", charts="criteria")
    assert [plot.figure for plot in view.plots] == first
    assert [layout.visible for layout in view.place].count(True) == 1
    state.dark = True
    assert view.plots[0].figure.title.text_color == "#e8edf2"


def test_without_a_study_one_sentence_says_the_command_and_a_new_file_is_seen(folder: Path):
    (folder / "studies" / "samplers.nc").unlink()
    view, _ = opened(folder, study="samplers")
    assert "diffmp study samplers COLUMNS globe/studies/samplers.nc --emulator FOLDER" in view.about.object
    assert not view.leave.visible
    assert view.plots == []
    write_store(make_study("samplers"), folder / "studies" / "samplers.nc")
    view.look()
    assert "Study of samplers" in view.about.object
    assert view.leave.visible
    drawn = view.about.object = "untouched"
    view.look()
    assert view.about.object == drawn


def test_of_several_files_of_a_study_one_can_be_chosen_and_a_new_one_is_offered(folder: Path):
    view, state = opened(folder)
    assert not view.file.visible
    write_store(make_study("models").assign_attrs(members=5), folder / "studies" / "ranking.nc")
    view.look()
    assert view.file.visible
    assert (view.file.options, view.file.value) == (["models", "ranking"], "models")
    assert "9 members" in view.about.object
    view.file.value = "ranking"
    assert state.study_file == "ranking"
    assert "study_file=ranking" in state.query()
    assert "Study of models (ranking)" in view.about.object
    assert "5 members" in view.about.object
    assert StudyScores.of(state).stem == "study-models-ranking-tend-T-sgs"
    state.study = "guidance"
    assert (state.study_file, view.file.visible) == ("", False)
    state.param.update(study="models", study_file="ranking")
    assert (view.file.value, view.file.visible) == ("ranking", True)
    state.study = "training"
    assert not view.file.visible


def test_an_address_with_a_file_that_is_not_there_shows_the_first_and_says_so(folder: Path):
    view, state = opened(folder)
    notices = state.apply_query("?tab=Studies&study_file=../../secret")
    assert len(notices) == 1
    assert "study_file = '../../secret', expected one of nothing, guidance, models" in notices[0]
    assert notices[0].endswith("; it is ignored.")
    assert "Study of models: " in view.about.object
    assert state.apply_query("?tab=Studies&study_file=guidance") == []
    assert state.study_file == ""
    assert "Study of models: " in view.about.object


def test_a_running_training_is_followed(folder: Path):
    run = add_training(folder / "new", rows=2, unfinished=True)
    view, _ = opened(folder, study="training")
    cards = view.trainings.cards
    assert [card.name for card in cards] == ["new", "DIFF-MP calibrated"]
    assert "Running: " in cards[0].words.object
    assert "step 200 of 1,000" in cards[0].words.object
    figures = [plot.figure for plot in cards[0].plots]
    write_log(run / LOG_FILE, [row(number) for number in range(1, 5)])
    view.look()
    assert view.trainings.cards == cards
    assert [plot.figure for plot in cards[0].plots] == figures
    assert list(cards[0].plots[0].sources[0].data["y"]) == pytest.approx([1, 0.5, 1 / 3, 0.25])
    assert "step 400 of 1,000" in cards[0].words.object
    (run / "checkpoint" / "state.safetensors").unlink()
    view.look()
    assert {card.name: "Finished" in card.words.object for card in view.trainings.cards}["new"]


def test_what_has_not_changed_is_not_read_again(folder: Path, monkeypatch):
    view, _ = opened(folder, study="training")
    monkeypatch.setattr("diffmp_app.views.training.read_training", lambda _: pytest.fail("read"))
    view.look()


def test_a_broken_log_is_a_sentence_on_its_card(folder: Path):
    run = add_training(folder / "new", rows=1, unfinished=True)
    view, _ = opened(folder, study="training")
    (run / LOG_FILE).write_text("step,loss\n1,<b>\n")
    os.utime(run / LOG_FILE, ns=(1, 1))
    view.look()
    assert "expected numbers in" in view.trainings.cards[0].words.object


def test_the_folders_are_looked_at_only_while_the_tab_is_visible(folder: Path):
    document = Document()
    context = SimpleNamespace(request=SimpleNamespace(arguments={}))
    document._session_context = lambda: context
    _, state = opened(folder)
    with set_curdoc(document):
        for tab, watchers in (("Maps", 0), ("Studies", 1), ("Overview", 0)):
            state.tab = tab
            assert len(document.session_callbacks) == watchers


def test_an_experiment_without_logs_says_so(tmp_path: Path):
    view, _ = opened(make_experiment(tmp_path / "globe", cells=42, times=2), study="training")
    assert "No training to be seen" in view.trainings.place[0].object


def test_unfinished_trainings_come_first_then_the_selected_emulators(tmp_path: Path):
    known = {f"done {i}": add_training(tmp_path / f"done{i}", rows=1) for i in range(MOST)}
    known["mine"] = add_training(tmp_path / "mine", rows=1)
    known["other"] = add_training(tmp_path / "other", rows=1)
    known["running"] = add_training(tmp_path / "running", rows=1, unfinished=True)
    chosen = chosen_trainings(known, "mine", {"mine", "other"})
    assert chosen[:2] == ["running", "mine"]
    assert len(chosen) == MOST
    assert "other" not in chosen


def test_progress_in_words(tmp_path: Path):
    training = read_training(add_training(tmp_path / "run", rows=2, unfinished=True))
    words = progress_words(training, training.changed + 30)
    assert words.startswith("Running: 26 %, step 200 of 1,000")
    # 130 s are done, and 30 s less than 800 steps at two a second are left
    for part in ("epoch 2, 1,600 columns", "validation loss 0.75", "16 columns/s", "6 min left", "30 s ago"):
        assert part in words
    assert progress_words(training, time.time() + 2 * QUIET_S).startswith("Quiet, perhaps stopped: step 200")
    assert [duration(seconds) for seconds in (90, 600, 7200)] == ["90 s", "10 min", "2 h"]
