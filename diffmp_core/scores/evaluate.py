"""Score an emulator on columns: ensembles pass by in batches, statistics stay.

Memory does not grow with the number of columns: cells are taken ``CELLS_AT_ONCE`` at a time through all times, so that at
most that many cells have statistics at the same moment; fields go to the disk as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import FILE, add_to_experiment, check_same_columns, file_stem, write_text
from diffmp_core.scores.ensemble import Ensemble, reduce_members
from diffmp_core.scores.histograms import BINS, bin_edges, count_ranks, count_values
from diffmp_core.scores.moments import Array, stack
from diffmp_core.scores.score_store import UNITS, ScoreStore
from diffmp_core.scores.statistics import Statistics, truth_std
from diffmp_core.scores.table import METRICS, VANISHING_STD, metrics
from diffmp_core.stores import columns_id, open_columns, select_split, write_store
from diffmp_core.variables import LEVELS, OUTPUT_NAMES, OUTPUTS
