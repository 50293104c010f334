"""The commands that show an experiment: ``diffmp serve``, a page, and ``diffmp report``, a file.

The package ``diffmp_app`` stands above this one, so it is run, not imported.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from diffmp_core.cli.address import check_free, check_origin, check_prefix, open_at, plain_name
from diffmp_core.cli.terminal import console
from diffmp_core.errors import DiffmpError
from diffmp_core.shipped import ASSETS
from diffmp_core.storage.documents import UnreadableError, read_json

DEFAULT_PORT = 5006
ORIGINS = "BOKEH_ALLOW_WS_ORIGIN"
"""Variable of the names that may open the page; Bokeh's option for them knows no IPv6."""
LARGEST_MESSAGE = 4_000_000  # bytes that a browser may send the page at once; an upload is smaller
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Added to the environment of the processes that draw, unless it says otherwise: on shared cores more are slower."""


def report(
    experiment: Annotated[Path, typer.Argument(help="Experiment folder (with experiment.yaml).")],
    out: Annotated[Path, typer.Argument(help="HTML file to write; it needs no network and no server.")],
    emulator: Annotated[
        str | None, typer.Option(help="Emulator that maps, profiles and responses are of; the first by default.")
    ] = None,
) -> None:
    """Write the dashboard's figures of an experiment as one HTML file."""
    from diffmp_core.experiments import load_experiment

    load_experiment(experiment)
    dashboard_package()
    named = [] if emulator is None else ["--emulator", emulator]
    command = [sys.executable, "-m", "diffmp_app.report.write", str(experiment), str(out), *named]
    code = subprocess.run(command, env=ONE_THREAD | os.environ, check=False).returncode
    if code:
        raise typer.Exit(code)
    console.print(f"wrote {out}")


def serve(
    experiments: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Experiment folders, folders of such, or of trainings to watch; the shipped demo is there too."
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = DEFAULT_PORT,
    address: Annotated[str, typer.Option(help="Address to listen on; only this machine by default.")] = "127.0.0.1",
    allow_websocket_origin: Annotated[
        list[str] | None, typer.Option(help="Name under which the page may be opened, too, as host:port.")
    ] = None,
    basic_auth: Annotated[
        Path | None, typer.Option(help='Ask for a name and a password: JSON file of them, {"name": "password"}.')
    ] = None,
    prefix: Annotated[str, typer.Option(help="Path at which a proxy offers the page, such as /diffmp.")] = "",
    use_xheaders: Annotated[
        bool, typer.Option("--use-xheaders", help="Believe a proxy's headers on who asks and whether by https.")
    ] = False,
) -> None:
    """Open the dashboard on these experiments and on those that come with the code; the page switches between them."""
    from diffmp_core.experiments import find_experiments
    from diffmp_core.training.watch import find_trainings

    for folder in experiments or []:
        if not find_experiments([folder]) and not find_trainings(folder):
            raise DiffmpError(
                f"expected an experiment folder (with experiment.yaml), a folder of such, or trainings to watch, "
                f"found none at {folder}; run 'diffmp score' or 'diffmp train' first"
            )
    path = check_prefix(prefix)
    names = [f"{plain_name(address)}:{port}", f"localhost:{port}", *map(check_origin, allow_websocket_origin or [])]
    environment = ONE_THREAD | os.environ
    environment[ORIGINS] = ",".join([*names, *filter(None, environment.get(ORIGINS, "").split(","))])
    check_free(address, port)
    package = dashboard_package()
    command = [sys.executable, "-m", "panel", "serve", str(package / "main.py"), "--warm"]
    command += ["--address", address, "--port", str(port), "--websocket-max-message-size", str(LARGEST_MESSAGE)]
    if basic_auth is not None:
        check_passwords(basic_auth)
        login = ASSETS / "login.html"
        command += ["--basic-auth", os.path.realpath(basic_auth), "--basic-login-template", str(login)]
        environment.setdefault("PANEL_COOKIE_SECRET", secrets.token_urlsafe(32))
    command += ["--prefix", path] if path else []
    command += ["--use-xheaders"] if use_xheaders else []
    if experiments:
        command += ["--args", *(os.path.realpath(folder) for folder in experiments)]
    raise typer.Exit(run_server(command, environment, host=open_at(address), port=port, path=path))


def dashboard_package() -> Path:
    """Folder of the package ``diffmp_app``.

    Raises:
        DiffmpError: it is not installed.
    """
    specification = importlib.util.find_spec("diffmp_app")
    if specification is None or specification.origin is None:
        raise DiffmpError("expected the package 'diffmp_app' beside diffmp_core, found none; install the project again")
    return Path(specification.origin).parent


def check_passwords(file: Path) -> None:
    """See that a file holds names and passwords.

    Raises:
        DiffmpError: it is missing, or holds something else.
    """
    wanted = 'a JSON file of names and passwords, {"name": "password"}, for --basic-auth'
    try:
        found = read_json(file)
    except UnreadableError as error:
        raise DiffmpError(f"expected {wanted}, found {error} at {file}; write one that only you can read") from error
    if not isinstance(found, dict) or not found or not all(isinstance(word, str) and word for word in found.values()):
        raise DiffmpError(f"expected {wanted}, found something else in {file}; name at least one person")


def answers(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def run_server(command: list[str], environment: Mapping[str, str], *, host: str, port: int, path: str) -> int:
    """Run the server until it ends, say once when and where it answers; interrupt and terminate reach it."""
    console.print("starting the dashboard ...")
    server = subprocess.Popen(command, env=environment)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: server.send_signal(received))

    def announce() -> None:
        while server.poll() is None:
            if answers(host, port):
                url = escape(f"http://{plain_name(host)}:{port}{path}")
                console.print(f"[bold]dashboard ready at {url}[/bold] (Ctrl-C stops it)", soft_wrap=True)
                return
            time.sleep(0.2)

    threading.Thread(target=announce, daemon=True).start()
    code = server.wait()
    return 0 if code in (0, -signal.SIGINT, -signal.SIGTERM) else code
