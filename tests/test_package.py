"""One version number: that of the code."""

from pathlib import Path

from diffmp_core import __version__

ROOT = Path(__file__).parents[1]


def test_citation_and_changelog_are_of_this_version():
    citation, changes = (
        (ROOT / name).read_text(encoding="utf-8").splitlines() for name in ("CITATION.cff", "CHANGELOG.md")
    )
    released = next(line for line in citation if line.startswith("date-released:")).split('"')[1]
    assert f"version: {__version__}" in citation
    assert f"## [{__version__}] - {released}" in changes
