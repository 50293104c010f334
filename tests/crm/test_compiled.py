"""The cache of compiled code knows what a function is made of, and the hash of a run what its bytes depend on."""

import subprocess
import sys

import pytest

from diffmp_core.crm import compiled
from diffmp_core.crm.chunk import SOURCES, simulate_chunk
from diffmp_core.crm.dynamics import step
from diffmp_core.crm.thermodynamics import saturation_profile

SHOW = "from diffmp_core.crm import compiled; print(compiled.cache_folder(compiled.FOLDER / 'dynamics.py'))"


def names(path):
    return {file.stem for file in compiled.sources(path)}


def test_a_cache_is_named_after_the_sources_of_its_function():
    for function, file in ((saturation_profile, "thermodynamics.py"), (step, "dynamics.py")):
        folder = compiled.cache_folder(compiled.FOLDER / file)
        assert folder.name == f"numba-{compiled.source_hash(compiled.FOLDER / file)}"
        assert function._cache._cache_path.startswith(str(folder))


def test_compiled_code_depends_on_what_it_calls_and_its_constants_and_on_no_climate():
    whole = names(compiled.FOLDER / "dynamics.py")
    assert {"dynamics", "microphysics", "large_scale", "thermodynamics", "vertical_grid", "constants"} <= whole
    assert not {"forcing", "waves", "surface_map", "cell", "simulate", "response"} & whole
    assert names(compiled.FOLDER / "advection.py") == {"advection", "compiled", "vertical_grid"}


def test_a_run_depends_on_its_climate_and_its_means_and_on_no_reader_of_it():
    whole = names(compiled.FOLDER / "chunk.py")
    assert {"dynamics", "forcing", "waves", "surface_map", "snapshots", "coarse_grain", "output_store"} <= whole
    assert not {"climate", "noise", "response", "workers", "simulate"} & whole
    assert compiled.source_hash(compiled.FOLDER / "chunk.py") == SOURCES == simulate_chunk.__globals__["SOURCES"]


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("crm/step.py", True), ("crm/fall.py", True), ("constants.py", True), ("crm/climate.py", False)],
)
def test_an_edit_counts_where_it_can_change_the_code(tmp_path, monkeypatch, edited, changes):
    package = tmp_path / "diffmp_core"
    (package / "crm").mkdir(parents=True)
    for path, text in {
        "constants.py": "A = 1",
        "crm/fall.py": "from diffmp_core.constants import A",
        "crm/climate.py": "import diffmp_core.crm.step",
        "crm/step.py": "import numpy\ndef step():\n    from diffmp_core.crm import fall",
    }.items():
        (package / path).write_text(text)
    monkeypatch.setattr(compiled, "PACKAGE", package)
    step_file = package / "crm" / "step.py"
    before = compiled.source_hash.__wrapped__(step_file)
    (package / edited).write_text((package / edited).read_text() + "\nB = 2")
    assert (compiled.source_hash.__wrapped__(step_file) != before) is changes


def test_the_users_cache_folder_is_respected(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    shown = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(str(tmp_path))
