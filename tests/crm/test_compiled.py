import subprocess
import sys

from diffmp_core.crm import compiled
from diffmp_core.crm.thermodynamics import saturation_profile

SHOW = "from diffmp_core.crm import compiled; print(compiled.CACHE)"


def test_cache_is_named_after_all_sources():
    assert compiled.source_hash() in compiled.CACHE
    assert saturation_profile._cache._cache_path.startswith(compiled.CACHE)


def test_a_change_of_any_source_changes_the_hash(tmp_path, monkeypatch):
    package = tmp_path / "package"
    (package / "crm").mkdir(parents=True)
    (package / "constants.py").write_text("A = 1")
    (package / "crm" / "fall.py").write_text("B = 1")
    monkeypatch.setattr(compiled, "FOLDER", package / "crm")
    first = compiled.source_hash()
    (package / "crm" / "fall.py").write_text("B = 2")
    second = compiled.source_hash()
    (package / "constants.py").write_text("A = 2")
    assert len({first, second, compiled.source_hash()}) == 3


def test_the_users_cache_folder_is_respected(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    shown = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(str(tmp_path))
