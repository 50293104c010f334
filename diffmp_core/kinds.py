"""Kinds of emulator: what they are called and how they draw a member.

Known without torch, because whoever shows an ensemble or its scores has to say it, too; the network is imported when it
is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from diffmp_core.registry import Registry

REFERENCE = "reference"
"""Kind of an ensemble that is made of data, where nothing more is known of it."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of emulator.

    Attributes:
        name: ``kind`` of its configuration.
        label: what figures call it.
        emulator: gives its class, a :class:`diffmp_core.models.base.NetworkEmulator`; None for what has no network.
        denoises: whether in steps, which guidance may steer; else a network is evaluated once.
        alike: whether all members of a column are the same profiles.
        parent: option that names the trained emulator which this one is made from, '' for none.
        parent_config: configuration by which a study trains that emulator first.
    """

    name: str
    label: str
    emulator: Callable[[], type[Any]] | None = None
    denoises: bool = False
    alike: bool = False
    parent: str = ""
    parent_config: str = ""

    @property
    def network(self) -> bool:
        """Whether a network is evaluated."""
        return self.emulator is not None


def _of(module: str, name: str) -> Callable[[], type[Any]]:
    """A class of :mod:`diffmp_core.models`, imported when it is asked for."""
    return lambda: getattr(import_module(f"diffmp_core.models.{module}"), name)


KINDS: Registry[Kind] = Registry(
    "kind of emulator",
    (
        Kind(name="diffusion", label="DIFF-MP", emulator=_of("diffusion", "DiffMP"), denoises=True),
        Kind(
            name="one_step",
            label="DIFF-MP one step",
            emulator=_of("one_step", "OneStep"),
            parent="initial",
            parent_config="calibrated",
        ),
        Kind(name="cvae", label="CVAE-MP", emulator=_of("cvae", "CVAEMP")),
        Kind(
            name="cgan",
            label="CGAN-MP",
            emulator=_of("cgan", "CGANMP"),
            parent="pretrained",
            parent_config="regression",
        ),
        Kind(name="gaussian", label="Gaussian", emulator=_of("regression", "GaussianRegression")),
        Kind(name="regression", label="regression", emulator=_of("regression", "Regression"), alike=True),
        Kind(name="analogue", label="analogues"),
        Kind(name="climatology", label="climatology"),
        Kind(name=REFERENCE, label="reference"),
    ),
)
"""Kinds of emulator; of others it is not known what they do with steps and guidance."""
