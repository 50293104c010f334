"""Long work says what it does, also while nothing is done yet and while it is being stopped."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future

from diffmp_app.views.long_work import LongWork, Stopped


class Later(Executor):
    """Work that begins when the test says so."""

    def submit(self, fn, /, *args, **kwargs):
        """Keep it."""
        self.future: Future = Future()
        self.work = lambda: fn(*args, **kwargs)
        return self.future


def test_what_is_stopped_says_so_until_it_hears_of_it():
    later, said = Later(), []
    work = LongWork("Run", lambda: None, lambda: later)
    running = threading.Thread(
        target=lambda: work.begin(
            lambda report: report(1, 2), said.append, said.append, first="Getting ready …", progress="{done} of {total}"
        )
    )
    running.start()
    while not hasattr(later, "work"):
        pass
    work._show(work.stop, "{done} of {total}", 0, 2)
    assert work.status.object == "Getting ready …"
    work._show(work.stop, "{done} of {total}", 1, 2)
    assert (work.status.object, work.bar.value) == ("1 of 2", 50)
    work.halt()
    assert work.status.object == "Stopping …"
    try:
        later.work()
    except Stopped as stopped:
        later.future.set_exception(stopped)
    running.join(10)
    assert (work.status.object, work.running, said) == ("Stopped.", False, [])


def test_a_result_that_comes_after_the_stop_is_not_drawn():
    later, said = Later(), []
    work = LongWork("Run", lambda: None, lambda: later)
    running = threading.Thread(
        target=lambda: work.begin(lambda _: "of a column left since", lambda *found: said.append(found), said.append,
                                  first="Getting ready …", progress="{done} of {total}")
    )  # fmt: skip
    running.start()
    while not hasattr(later, "work"):
        pass
    work.halt()
    later.future.set_result(later.work())
    running.join(10)
    assert (work.status.object, work.running, said) == ("Stopped.", False, [])
