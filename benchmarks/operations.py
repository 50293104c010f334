"""Floating-point operations of one step of the column simulator, counted by running it on numbers that count.

The compiled functions run as plain Python (NUMBA_DISABLE_JIT), so what is counted is what is written: additions,
multiplications, divisions, powers, roots and exponentials are one each, comparisons and what depends on the layer alone
none. It is a lower bound of what the processor does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from diffmp_core.crm.workers import environment


class Counted:
    """A number whose arithmetic is counted in the class attribute ``operations``."""

    __slots__ = ("value",)
    __array_priority__ = 1000.0  # so that numpy's scalars leave the arithmetic to this class
    operations = 0

    def __init__(self, value: float) -> None:
        self.value = np.float64(value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __repr__(self) -> str:
        return f"Counted({self.value})"


def _number(other: object) -> np.float64:
    return other.value if isinstance(other, Counted) else np.float64(other)


def _arithmetic(function: Callable, *, swapped: bool = False) -> Callable:
    def method(self: Counted, other: object) -> Counted:
        Counted.operations += 1
        one, two = (_number(other), self.value) if swapped else (self.value, _number(other))
        return Counted(function(one, two))

    return method


def _single(function: Callable, cost: int = 1) -> Callable:
    def method(self: Counted) -> Counted:
        Counted.operations += cost
        return Counted(function(self.value))

    return method


def _comparison(function: Callable) -> Callable:
    def method(self: Counted, other: object) -> bool:
        return bool(function(self.value, _number(other)))

    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Counted, f"__{_name}__", _arithmetic(getattr(operator, _name)))
    setattr(Counted, f"__r{_name}__", _arithmetic(getattr(operator, _name), swapped=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Counted, f"__{_name}__", _comparison(getattr(operator, _name)))
for _name in ("sqrt", "exp", "log", "sin", "cos"):
    setattr(Counted, _name, _single(getattr(np, _name)))
for _name in ("floor", "ceil", "abs"):
    setattr(Counted, f"__{_name}__", _single(getattr(np, _name), cost=0))
Counted.__neg__ = _single(operator.neg, cost=0)


def counted(array: np.ndarray) -> np.ndarray:
    """The array with numbers that count."""
    return np.array([Counted(value) for value in array.ravel()], dtype=object).reshape(array.shape)


def count_here(state, surface, base, forcing, work, budget, dt: float) -> int:
    """Operations of one step of a column; in a process without compilation."""
    from diffmp_core.crm.dynamics import step

    scratch = type(work)(*(counted(array) for array in work))
    Counted.operations = 0
    with np.errstate(all="ignore"):
        step(counted(state), counted(surface), base, forcing, dt, True, False, scratch, counted(budget))
    return Counted.operations


def count_operations(state, surface, base, forcing, work, budget, dt: float) -> int:
    """Operations of one step of a column, counted in a process of its own."""
    with (
        environment({"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1"}),
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        return pool.submit(count_here, state, surface, base, forcing, work, budget, dt).result()
