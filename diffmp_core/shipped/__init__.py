"""What comes with the code: the page's assets, trained emulators, the shipped experiments and configurations.

A wheel has these folders in here, a repository at its root; in both they lie alike, since an experiment names its
emulators by a path (``../../assets/emulators/...``).
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE if (HERE / "assets").is_dir() else HERE.parents[1]

ASSETS = ROOT / "assets"
"""Scripts, styles and coastline of the page; below it ``emulators``."""
DATA = ROOT / "data"
"""Experiments, a folder each: the demo, and others put beside it."""
