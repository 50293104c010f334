"""The scores in words: what the table and the maps show, in which unit, and what a perfect ensemble gets."""

from __future__ import annotations

from diffmp_core.scores import maps, score
from diffmp_core.scores.maps import MapScore as MapMetric
from diffmp_core.scores.maps import Palette
from diffmp_core.scores.score import Score, perfect_coverage

__all__ = ["MAPS", "MAP_BY_NAME", "SCORES", "MapMetric", "Palette", "Score", "perfect_coverage"]

SCORES = tuple(score.SCORES.values())
MAPS = tuple(maps.MAPS.values())
MAP_BY_NAME = maps.MAPS
