"""Command line ``diffmp``: simulate, fetch, prepare, train, sample, score, study, export, card, report, serve.

Each command does one step of the way raw data -> columns -> emulator -> ensemble -> scores -> views.
Libraries that load slowly are imported inside the command that needs them, so that ``--help`` is instant.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from traceback import extract_tb
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from diffmp_core import __version__
from diffmp_core.cli.dashboard import report, serve
from diffmp_core.cli.exchange import card, export, fetch
from diffmp_core.cli.options import Guidance, Members, Seed, Split, Steps, parse_guidance, parse_names, parse_split
from diffmp_core.cli.study import study
from diffmp_core.cli.terminal import console, progress_bar
from diffmp_core.errors import DiffmpError
from diffmp_core.plugins import VARIABLE, load_plugins, name_plugins
from diffmp_core.storage.files import unreadable

STOPPED, FAULT = 130, 70
"""Exit statuses of :func:`run`."""
LONGEST = 2000
"""Characters of a sentence on what went wrong."""

app = typer.Typer(
    name="diffmp",
    help="DIFF-MP: simulate, learn, score and look into stochastic moist physics.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        typer.echo(f"diffmp {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(help=f"Python file that registers what is not in the package (docs/extending.md); or {VARIABLE}."),
    ] = None,
) -> None:
    """DIFF-MP: simulate, learn, score and look into stochastic moist physics."""
    if plugin:
        name_plugins(plugin)
        load_plugins()


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Store to write (zarr folder); a killed run goes on where it stopped.")],
    grid: Annotated[
        str, typer.Option(help="Icosahedral grid: G0 (12 cells) ... G3 (642), G4 (2,562), G5 (10,242), G6 (40,962).")
    ] = "G3",
    hours: Annotated[int, typer.Option(min=1, help="Simulated hours, the first 24 are spin-up.")] = 48,
    start: Annotated[str, typer.Option(help="Start date, YYYY-MM-DD.")] = "2005-04-01",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the initial noise and of the segments.")] = 0,
    sea_table: Annotated[
        Path | None,
        typer.Option(help="CSV file of monthly sea temperatures by latitude (K), header latitude,1,2,...,12."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Run on the workers of this Dask scheduler instead, e.g. tcp://HOST:8786; they must see OUT."
        ),
    ] = None,
) -> None:
    """Run one cloud-resolving model in each cell of a global grid and write hourly snapshots."""
    from diffmp_core.crm.simulate import simulate as run

    with progress_bar("simulate", "cells") as report:
        run(
            out,
            grid=grid,
            hours=hours,
            start=start,
            seed=seed,
            sea_table=sea_table,
            workers=workers,
            scheduler=scheduler,
            progress=report,
        )
    console.print(f"wrote {out}; next: diffmp prepare {out} COLUMNS")


@app.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="Simulator store, ClimSim file or folder, or high-resolution fields.")],
    out: Annotated[Path, typer.Argument(help="Column store to write (zarr folder, or a name ending in .nc).")],
    spacing_km: Annotated[int, typer.Option(help="Width of the columns: 120, 60, 30 or 15 (simulator).")] = 120,
    kind: Annotated[
        str | None,
        typer.Option("--source", help="Name of the source's reader; recognised by its content when not given."),
    ] = None,
    spin_up_hours: Annotated[
        float | None, typer.Option(help="Hours after the start of each run to leave out (simulator; 24 by default).")
    ] = None,
    split: Annotated[
        str, typer.Option(help="Shares of training, validation and test times; 0,0,1 keeps all for testing.")
    ] = "13,4,2",
    fields: Annotated[
        Path | None,
        typer.Option(help="YAML file with names, mesh and group size of a high-resolution run of another model."),
    ] = None,
    variables: Annotated[
        str, typer.Option(help="What columns are made of: paper, climsim-v1, or a YAML file of variables.")
    ] = "paper",
    inputs: Annotated[
        str | None, typer.Option(help="All inputs by name, such as T,qv,Ps,qc,qi, instead of those of --variables.")
    ] = None,
    outputs: Annotated[
        str | None, typer.Option(help="All outputs by name, such as tend_T_sgs,PRECC, instead of those of --variables.")
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option(help="Number of levels below 20 km, or all of the source; 30 by default, of climsim-v1 all."),
    ] = None,
) -> None:
    """Turn a source into columns: the paper's equations (1) to (5), variables and levels of choice, split by time."""
    from diffmp_core.columns.choice import choose, parse_levels
    from diffmp_core.columns.prepare import prepare as run
    from diffmp_core.stores import count_splits, open_columns

    with progress_bar("prepare", "steps") as report:
        run(
            source,
            out,
            choice=choose(
                variables,
                inputs=parse_names(inputs),
                outputs=parse_names(outputs),
                levels=None if levels is None else parse_levels(levels),
            ),
            spacing_km=spacing_km,
            kind=kind,
            proportions=parse_split(split),
            spin_up_hours=spin_up_hours,
            fields=fields,
            progress=report,
        )
    times = count_splits(open_columns(out))
    console.print(f"wrote {out}: times by split " + ", ".join(f"{name} {count}" for name, count in times.items()))
    if parse_split(split)[0] == 0:
        return
    if times["train"]:
        console.print(f"next: diffmp train {out} EMULATOR")
    else:
        console.print("too few times to train on, all are for testing; a longer run has three splits")


@app.command()
def train(
    columns: Annotated[Path, typer.Argument(help="Column store (its splits train and validation are read).")],
    out: Annotated[Path, typer.Argument(help="Emulator folder to write; a killed training goes on where it stopped.")],
    config: Annotated[
        str, typer.Option(help="Name of a shipped configuration (docs/training.md), or a YAML file.")
    ] = "calibrated",
    device: Annotated[str | None, typer.Option(help="cpu or cuda; cuda when there is one.")] = None,
) -> None:
    """Train an emulator; for several GPUs: torchrun --nproc-per-node N -m diffmp_core train ..."""
    from diffmp_core.training.config import load_config
    from diffmp_core.training.loop import train as run

    run(columns, out, config=load_config(config), device=device)
    console.print(f"wrote {out}; next: diffmp score {out} {columns} EXPERIMENT")


@app.command()
def sample(
    emulator: Annotated[Path, typer.Argument(help="Emulator folder.")],
    columns: Annotated[Path, typer.Argument(help="Column store.")],
    out: Annotated[Path, typer.Argument(help="Ensemble store to write (zarr folder).")],
    members: Members = 32,
    steps: Steps = 5,
    guidance: Guidance = None,
    seed: Seed = 0,
    split: Split = "auto",
) -> None:
    """Draw an ensemble of subgrid tendencies and clouds for each column."""
    from diffmp_core.sampling.generate import generate

    with progress_bar("sample", "columns") as report:
        generate(
            emulator,
            columns,
            out,
            members=members,
            steps=steps,
            guidance=parse_guidance(guidance, emulator),
            seed=seed,
            split=split,
            progress=report,
        )
    console.print(f"wrote {out}")


@app.command()
def score(
    emulator: Annotated[Path, typer.Argument(help="Emulator folder.")],
    columns: Annotated[Path, typer.Argument(help="Column store.")],
    out: Annotated[Path | None, typer.Argument(help="Experiment folder to write, for diffmp serve.")] = None,
    members: Members = 32,
    steps: Steps = 5,
    guidance: Guidance = None,
    seed: Seed = 0,
    split: Split = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Score at most this many columns, spread evenly.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the scores as JSON here.")] = None,
) -> None:
    """Score an emulator's ensembles against the truth, by variable, level and cell."""
    from diffmp_core.scores.evaluate import evaluate
    from diffmp_core.scores.table import rich_table

    with progress_bar("score", "columns") as report:
        result = evaluate(
            emulator,
            columns,
            out,
            members=members,
            steps=steps,
            guidance=parse_guidance(guidance, emulator),
            seed=seed,
            split=split,
            limit=limit,
            json_path=json,
            progress=report,
        )
    Console().print(rich_table(result))
    if out is not None:
        console.print(f"wrote {out}; next: diffmp serve {out}")


for command in (study, fetch, export, card, report, serve):
    app.command()(command)


def run(command: Callable[[], object] = app) -> None:
    """Entry point: what goes wrong becomes one sentence on standard error and an exit status.

    2: what the user can mend, a :class:`DiffmpError` or the system's refusal of a file; 130: stopped from the keyboard;
    70: anything else, a fault of DIFF-MP, named to be reported, and shown whole where ``DIFFMP_TRACEBACK`` is set.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal of other letters shows ? for those it lacks
    try:
        load_plugins()
        command()
    except SystemExit as end:
        if end.code == STOPPED:
            console.print("stopped; run the same command again to go on")
        raise
    except DiffmpError as error:
        fail(str(error))
    except OSError as error:
        if isinstance(error, PermissionError):
            fail(str(unreadable(Path(error.filename or "."), error, str(error))))
        where = f" {error.filename}" if error.filename is not None else ""
        fail(f"expected a file or folder that can be used, found{where}: {error.strerror or error}; check the path")
    except MemoryError:
        fail("expected more memory, found none left; take fewer columns or members, or another machine")
    except Exception as error:
        if os.environ.get("DIFFMP_TRACEBACK"):
            raise
        place = extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        fail(
            f"this is a fault of DIFF-MP, not yours: {type(error).__name__}: {error} ({where}); please report it with "
            "the command. DIFFMP_TRACEBACK=1 shows how it came to be",
            status=FAULT,
        )


def fail(sentence: str, status: int = 2) -> NoReturn:
    """Say what went wrong, cut where it quotes a whole file, and leave."""
    said = " ".join(sentence.split())
    said = said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."
    console.print(f"[bold red]error:[/bold red] {escape(said)}", highlight=False, soft_wrap=True)
    sys.exit(status)
