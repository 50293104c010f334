"""Make the figures and tables of docs/simulator.md: ``make figures``, or ``python -m docs.measured [RUN ...]``.

Each RUN is a store of ``diffmp simulate``, one a season. Without any, the four seasons are simulated first into the
work folder; what is there already is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.make_data import SEASONS, TRAINING
from diffmp_core.crm.simulate import simulate
from diffmp_core.errors import DiffmpError

from .climate_figures import convection_figure, latitude_figure, map_figure
from .climate_tables import region_table, season_table
from .noise_share import noise_figure, noise_table, read_members
from .regime_profiles import regime_figure, regime_statistics, regime_table
from .season import read_season
from .style import save, use_style

FIGURES = Path(__file__).parents[1] / "figures"


def main(
    runs: Annotated[list[Path] | None, typer.Argument(help="Stores of diffmp simulate, one a season.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the figures.")] = FIGURES,
    work: Annotated[Path, typer.Option(help="Folder of the runs and members that are made here.")] = Path(
        "runs/climate"
    ),
    grid: Annotated[str, typer.Option(help="Grid of the runs that are made here.")] = "G4",
    hours: Annotated[int, typer.Option(help="Their length.")] = TRAINING["hours"],
    spin_up_hours: Annotated[int, typer.Option(help="Hours left out at the start of every run.")] = TRAINING[
        "spin_up_hours"
    ],
    noise: Annotated[bool, typer.Option(help="Run members of one column on, for the share of noise.")] = True,
) -> None:
    """Make the figures of docs/simulator.md and print its tables."""
    runs = runs or [simulate(work / f"{start}-{grid}.zarr", grid=grid, hours=hours, start=start) for start in SEASONS]
    seasons = sorted((read_season(path, spin_up_hours) for path in runs), key=lambda season: season.start)
    if len({season.start for season in seasons}) < len(seasons):
        raise DiffmpError("expected runs of different starts, found two of one; name one run a season")
    out.mkdir(parents=True, exist_ok=True)
    use_style()
    statistics = regime_statistics(seasons)
    save(latitude_figure(seasons), out / "latitude.svg")
    save(map_figure(seasons), out / "precipitation.png")
    save(convection_figure(seasons), out / "convection.svg")
    save(regime_figure(statistics), out / "regimes.svg")
    used = ", ".join(f"{season.start} {season.grid} {season.fields.sizes['time']} h" for season in seasons)
    print(f"After the first {spin_up_hours} h: {used}\n")
    for text in (season_table(seasons), region_table(seasons), regime_table(seasons, statistics)):
        print(text)
    if noise:
        members = read_members(work / "noise.nc", SEASONS[1])
        save(noise_figure(members), out / "noise.svg")
        print(noise_table(members))


if __name__ == "__main__":
    typer.run(main)
