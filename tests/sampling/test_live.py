"""Live answers: the newest question wins, clients take turns, kept answers come at once."""

import ctypes
import threading
from concurrent.futures import wait

import numpy as np
import pytest

from diffmp_core.errors import DiffmpError
from diffmp_core.sampling.draw import draw_ensemble
from diffmp_core.sampling.live import LatestWins, LiveEmulator, WorkerLost, shared_worker
from diffmp_core.stores import stack_inputs


class Gate:
    """Keeps the worker busy until it is opened."""

    def __init__(self, worker: LatestWins) -> None:
        self.opened, started = threading.Event(), threading.Event()

        def hold() -> None:
            started.set()
            self.opened.wait(30)

        self.future = worker.submit("gate", hold)
        started.wait(30)


@pytest.fixture
def worker():
    return LatestWins()


def test_only_the_newest_waiting_work_of_a_client_is_done(worker):
    gate, done = Gate(worker), []
    futures = [worker.submit("slider", lambda number=number: done.append(number)) for number in range(40)]
    gate.opened.set()
    wait(futures, timeout=30)
    assert done == [39]
    assert [future.cancelled() for future in futures] == [True] * 39 + [False]


def test_clients_take_turns_however_much_one_asks(worker):
    gate, served = Gate(worker), []
    futures = []
    for number in range(3):
        for client in ("a", "b", "c"):
            futures.append(worker.submit(client, lambda client=client, number=number: served.append((client, number))))
        futures += [worker.submit("a", lambda number=number: served.append(("a", 10 + number))) for _ in range(5)]
    gate.opened.set()
    wait(futures, timeout=30)
    assert served == [("a", 12), ("b", 2), ("c", 2)]


def test_work_that_fails_hands_its_error_over_and_the_worker_goes_on(worker):
    def fail() -> None:
        raise DiffmpError("expected a column, found none; choose one")

    assert isinstance(worker.submit("a", fail).exception(30), DiffmpError)
    assert worker.submit("a", lambda: 7).result(30) == 7


def test_work_cancelled_by_its_client_is_not_done(worker):
    gate, done = Gate(worker), []
    future = worker.submit("a", lambda: done.append(1))
    assert future.cancel()
    gate.opened.set()
    worker.submit("b", lambda: None).result(30)
    assert done == []


def test_all_work_runs_on_one_thread_which_all_emulators_share(worker):
    threads = {worker.submit(number, threading.get_ident).result(30) for number in range(5)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}
    assert shared_worker() is shared_worker()


@pytest.fixture(scope="module")
def live(folder):
    return LiveEmulator(folder, worker=LatestWins())


@pytest.fixture(scope="module")
def inputs(columns):
    return stack_inputs(columns.isel(time=[0], cell=[3]))


def test_answer_is_the_ensemble_of_its_seed(live, inputs):
    answer = live.submit("view", inputs, members=5, steps=2, seed=4).result(30)
    np.testing.assert_array_equal(answer, draw_ensemble(live.emulator, inputs, members=5, steps=2, seed=4))
    assert live.profile_milliseconds > 0
    assert not np.array_equal(answer, live.submit("view", inputs, members=5, steps=2, seed=5).result(30))


def test_kept_answer_comes_while_the_worker_is_busy_and_drops_what_waits(live, inputs):
    kept = live.submit("view", inputs, members=5, steps=2, seed=9).result(30)
    gate = Gate(live._worker)
    waiting = live.submit("view", inputs + 1, members=5, steps=2, seed=9)
    again = live.submit("view", inputs.copy(), members=5, steps=2, seed=9)
    assert again.done()
    assert again.result() is kept
    assert waiting.cancelled()
    gate.opened.set()


def test_kept_answers_cannot_be_changed_and_stay_within_bounds(live, inputs, monkeypatch):
    answer = live.answer(inputs, members=4, steps=1)
    with pytest.raises(ValueError, match="read-only"):
        answer[:] = 0
    monkeypatch.setattr("diffmp_core.sampling.live.KEPT_BYTES", 3 * answer.nbytes)
    for seed in range(10):
        live.answer(inputs, members=4, steps=1, seed=seed)
    assert sum(value.nbytes for value in live._kept.values()) <= 3 * answer.nbytes
    assert live.answer(inputs, members=4, steps=1, seed=9) is live.answer(inputs, members=4, steps=1, seed=9)


def test_question_is_taken_as_it_was_asked(live, inputs):
    """Inputs that the caller changes afterwards do not change the question."""
    gate, mine = Gate(live._worker), inputs.copy()
    future = live.submit("other", mine, members=3, steps=1, seed=2)
    mine[:] = 0
    gate.opened.set()
    np.testing.assert_array_equal(future.result(30), live.answer(inputs, members=3, steps=1, seed=2))


def test_work_on_the_emulator_runs_on_the_worker(live):
    assert live.submit_work("view", lambda emulator: emulator).result(30) is live


def test_bad_question_is_answered_by_an_error(live, inputs):
    assert isinstance(live.submit("view", inputs[:, :5], members=3).exception(30), DiffmpError)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_a_question_that_is_not_finite_gets_no_answer(live, inputs, value):
    broken = inputs[:1].astype(np.float64)
    broken[0, 1, -1] = value  # 1e39 is infinite in float32
    with pytest.raises(DiffmpError, match="expected finite values of qv, found NaN or infinity in 1 of 1 columns"):
        live.answer(broken)
    with pytest.raises(DiffmpError, match="expected finite values of qv"):
        live.submit("me", broken).result()


def test_training_domain_comes_along(live, inputs):
    assert live.domain is not None
    assert not live.domain.is_out_of_range(inputs)[0]


def test_a_worker_that_hangs_is_replaced_and_the_others_are_served():
    worker = LatestWins(patience=0.2)
    gate = Gate(worker)
    served = worker.submit("other", threading.get_ident)
    with pytest.raises(WorkerLost, match=r"within 0\.2 s, found none; its worker was started again"):
        gate.future.result(30)
    assert served.result(30) == worker.submit("other", threading.get_ident).result(30)
    gate.opened.set()
    assert worker.submit("gate", lambda: "back").result(30) == "back"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_has_died_is_replaced():
    worker = LatestWins()
    first = worker.submit("a", threading.get_ident).result(30)
    thread = worker._worker
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(first), ctypes.py_object(SystemExit))
    with worker._lock:  # the exception comes when the thread wakes
        worker._lock.notify_all()
    thread.join(30)
    assert not thread.is_alive()
    assert worker.submit("a", lambda: 7).result(30) == 7


def test_patient_work_waits_until_nobody_else_does(worker):
    gate, served = Gate(worker), []
    futures = [worker.submit(f"sweep {n}", lambda n=n: served.append(f"sweep {n}"), patient=True) for n in range(2)]
    futures += [worker.submit(f"slider {n}", lambda n=n: served.append(f"slider {n}")) for n in range(3)]
    gate.opened.set()
    wait(futures, timeout=30)
    assert served == ["slider 0", "slider 1", "slider 2", "sweep 0", "sweep 1"]


def test_a_slider_waits_for_one_piece_of_long_work_only(live, inputs):
    """A sweep asks from a thread of its own; a question put in between is answered before the next piece."""
    order, gate = [], Gate(live._worker)

    def long_work() -> None:
        for seed in range(100, 103):
            live.answer_patiently(inputs, members=2, steps=1, seed=seed)
            order.append(f"piece {seed}")

    thread = threading.Thread(target=long_work)
    thread.start()
    slider = live.submit("slider", inputs, members=2, steps=1, seed=999)
    slider.add_done_callback(lambda _: order.append("slider"))
    gate.opened.set()
    thread.join(30)
    assert order == ["slider", "piece 100", "piece 101", "piece 102"]
    np.testing.assert_array_equal(
        live.answer_patiently(inputs, members=2, steps=1, seed=101), live.answer(inputs, members=2, steps=1, seed=101)
    )
