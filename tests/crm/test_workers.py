"""Who runs the chunks: killed workers, lost parents, clusters that do not answer or see another disk."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial

import psutil
import pytest
from distributed import Client, LocalCluster

from diffmp_core.crm import output_store, workers
from diffmp_core.crm.chunk import SOURCES, simulate_chunk
from diffmp_core.crm.simulate import simulate
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.lock import hold
from tests.crm.test_simulate import digest

RUN = {"grid": "G1", "hours": 2, "seed": 3}
SCRIPT = """
import sys, time
from functools import partial
from pathlib import Path
from diffmp_core.crm.workers import run_here
if __name__ == "__main__":
    run_here([*(partial(Path.touch, Path(name)) for name in sys.argv[1:]), *[partial(time.sleep, 300)] * 2], 2, print)
"""


def wait_for(condition):
    """Until the condition holds, two minutes at most."""
    deadline = time.monotonic() + 120
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


@pytest.fixture
def cluster():
    """A scheduler and two workers, each a process of this machine."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        worker_dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as local:
        yield local


def test_a_worker_killed_halfway_leaves_no_trace_in_the_store(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(output_store, "SMALLEST_CHUNK", 6)  # seven tasks
    with Client(cluster, set_as_default=False) as client:
        victim = next(iter(client.run(os.getpid).values()))
    killed_at = []

    def kill_halfway(done, total, _elapsed):
        if done and not killed_at:
            killed_at.append(done)
            os.kill(victim, signal.SIGKILL)

    out = simulate(tmp_path / "cluster.zarr", **RUN, scheduler=cluster.scheduler_address, progress=kill_halfway)
    assert killed_at == [6]
    assert not psutil.pid_exists(victim)
    assert digest(out) == digest(simulate(tmp_path / "one.zarr", **RUN, workers=1))


def test_a_cluster_without_workers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "WORKERLESS_SECONDS", 0.5)
    monkeypatch.setattr(workers, "WATCH_SECONDS", 0.1)
    with (
        LocalCluster(n_workers=0, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL) as local,
        pytest.raises(DiffmpError, match="expected workers at the scheduler.*found none"),
    ):
        simulate(tmp_path / "x.zarr", **RUN, scheduler=local.scheduler_address)
    assert len(output_store.missing_chunks(tmp_path / "x.zarr")) == 2  # ready to go on


def test_an_address_without_a_scheduler_is_one_sentence_in_bounded_time(monkeypatch):
    monkeypatch.setattr(workers, "ANSWER_SECONDS", 0.5)
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for address in (f"tcp://127.0.0.1:{port}", "tcp://127.0.0.1:1", "nonsense", "no-scheme://here:1"):
            with pytest.raises(DiffmpError, match="expected a Dask scheduler at.*none that answers"):
                workers.run_on_cluster([partial(int)], address, print)
    assert time.monotonic() - begun < 30


def test_a_scheduler_that_dies_is_one_sentence(tmp_path):
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        [*command, "--no-dashboard", "--scheduler-file", str(file)], stderr=subprocess.DEVNULL
    ) as scheduler:
        wait_for(file.exists)
        killer = threading.Timer(2.0, scheduler.kill)
        killer.start()
        with pytest.raises(DiffmpError, match="found it gone or silent|found none that answers"):
            workers.run_on_cluster([partial(int)], json.loads(file.read_text())["address"], print)
        killer.join()


def test_a_scheduler_that_falls_silent_is_one_sentence_and_keeps_what_is_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(output_store, "SMALLEST_CHUNK", 6)
    monkeypatch.setattr(workers, "WATCH_SECONDS", 0.1)
    monkeypatch.setattr(workers, "SILENCE_SECONDS", 10.0)
    monkeypatch.setattr(workers, "ANSWER_SECONDS", 2.0)
    file, out = tmp_path / "scheduler.json", tmp_path / "x.zarr"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen([*module, "--no-dashboard", "--scheduler-file", str(file)], **quiet) as scheduler:
        wait_for(file.exists)
        address = json.loads(file.read_text())["address"]
        module = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
        with subprocess.Popen([*module, "--no-dashboard", "--local-directory", str(tmp_path)], **quiet) as worker:

            def silence(done, total, _elapsed):
                if done:
                    scheduler.send_signal(signal.SIGSTOP)

            with pytest.raises(DiffmpError, match="found it gone or silent"):
                simulate(out, **RUN, scheduler=address, progress=silence)
            worker.kill()
        scheduler.kill()
    finished = 42 - sum(last - first for first, last in output_store.missing_chunks(out))
    assert finished >= 6
    before = []
    simulate(out, **RUN, workers=1, progress=lambda done, *_: before.append(done))
    assert before[0] == finished
    assert digest(out) == digest(simulate(tmp_path / "one.zarr", **RUN, workers=1))


@pytest.mark.parametrize(
    ("difference", "message"),
    [({"token": "another"}, "folder that all workers share"), ({"sources": "older"}, "found other sources")],
)
def test_a_worker_with_another_disk_or_other_code_refuses(tmp_path, difference, message):
    out = tmp_path / "x.zarr"
    with hold(out) as token, pytest.raises(DiffmpError, match=message):
        simulate_chunk(out, 0, [], [], configuration={}, **({"token": token, "sources": SOURCES} | difference))


def test_a_killed_process_is_one_sentence_and_stops_the_others():
    begun = time.monotonic()
    with pytest.raises(DiffmpError, match="found one killed"):
        workers.run_here([partial(time.sleep, 300), partial(os._exit, 9)], 2, print)
    assert time.monotonic() - begun < 200


def test_processes_end_when_the_run_is_killed(tmp_path):
    files = [tmp_path / "a", tmp_path / "b"]
    run = subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, files)], stdout=subprocess.DEVNULL)
    wait_for(lambda: all(file.exists() for file in files))
    children = psutil.Process(run.pid).children(recursive=True)
    assert len(children) >= 2
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
