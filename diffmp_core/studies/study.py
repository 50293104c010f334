"""The studies: what each compares, on which axes, how it is drawn and read. Known without torch.

The cases of a study are made by its plan, which is imported when the study is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from diffmp_core.kinds import KINDS
from diffmp_core.registry import Registry

Emulators = Literal["none", "needed", "instead"]


@dataclass(frozen=True)
class Plan:
    """How a study is made.

    Attributes:
        presets: options by name (:class:`diffmp_core.studies.preset.Preset`): ``default``, ``paper`` and ``smoke``.
        run: ``run(runner, inputs, preset)`` does the cases and gives their scores on the axes of the study
            (:meth:`diffmp_core.studies.cases.CaseRunner.results`).
    """

    presets: Mapping[str, Any]
    run: Callable[[Any, Any, Any], Any]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study: what it shows, how its cases are made, and how they are drawn.

    Attributes:
        name: on the command line, in stores and addresses.
        title: of its store.
        label: what the page calls it.
        paper: the figures of the paper that it makes, or "none".
        plan: gives the plan.
        axes: of its scores, before ``variable``.
        series: axes that tell the curves of a chart apart.
        along: the axis that they are drawn against, and ``along_label``, what that is called.
        how_to_read: what to bear in mind with its charts.
        logarithmic: whether ``along`` is.
        rows: values of ``along`` are names, drawn as rows of dots.
        emulators: whether trained ones are of no use, needed, or taken instead of training.
        reports: whether it reports on test columns; else it looks at validation columns.
        cost: whether its charts show what an ensemble costs.
        labels: values of the axes in words, those that are not names themselves.
    """

    name: str
    title: str
    label: str
    paper: str
    plan: Callable[[], Plan]
    axes: tuple[str, ...]
    series: tuple[str, ...]
    along: str
    along_label: str
    how_to_read: str
    logarithmic: bool = False
    rows: bool = False
    emulators: Emulators = "none"
    reports: bool = False
    cost: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def value_label(self, value: object) -> str:
        """A value of an axis in words: its own, that of a kind of emulator, or as it is."""
        name = str(value)
        return self.labels.get(name) or (KINDS[name].label if name in KINDS else name)


def _of(module: str) -> Callable[[], Plan]:
    """``PLAN`` of a module of this package, imported when it is asked for."""
    return lambda: import_module(f"diffmp_core.studies.{module}").PLAN


STUDIES: Registry[Study] = Registry(
    "study",
    (
        Study(
            name="models",
            title="Emulators and references",
            label="Emulators and resolutions (Figure 7)",
            paper="Figure 7",
            plan=_of("models"),
            axes=("spacing_km", "model", "seed"),
            series=("spacing_km",),
            along="model",
            along_label="",
            rows=True,
            emulators="instead",
            reports=True,
            labels={"calibrated": "DIFF-MP calibrated", "paper": "DIFF-MP paper"},
            how_to_read="Each dot is an emulator, trained on the same columns (how long, the Overview says); its "
            "colour and shape are the resolution. Bars span one standard deviation over trainings: where they overlap, "
            "read no ranking. The analogue ensemble and the climatology are made of the training columns; what they "
            "beat has learnt little.",
        ),
        Study(
            name="steps",
            title="Fixed steps against continuous noise levels",
            label="Denoising steps (Figures 3 and 4)",
            paper="Figures 3 and 4",
            plan=_of("steps"),
            axes=("training", "steps", "seed"),
            series=("training",),
            along="steps",
            along_label="denoising steps",
            logarithmic=True,
            labels={"fixed": "trained on n fixed steps", "continuous": "trained on all noise levels"},
            how_to_read="Models trained on n fixed steps are sampled with the same n (Figure 3); the one that was "
            "trained on all noise levels is sampled with any number (Figure 4). With few fixed steps the samples start "
            "from noise that their training has not seen: the standard deviation leaves that of the truth, and a "
            "coverage near 1 is then no merit.",
        ),
        Study(
            name="guidance",
            title="Strength of guidance",
            label="Guidance (Figure 6, Table 2)",
            paper="Figure 6 and Table 2",
            plan=_of("guidance"),
            axes=("emulator", "guidance"),
            series=("emulator",),
            along="guidance",
            along_label="strength of guidance w",
            emulators="needed",
            reports=True,
            how_to_read="Samples are drawn towards what the inputs say with strength w, the same for all outputs. The "
            "marks are the strengths that three rules choose for each output on validation columns; the table says "
            "what they are worth on columns that took no part in the choice.",
        ),
        Study(
            name="samplers",
            title="Samplers by cost",
            label="Samplers and their cost",
            paper="none",
            plan=_of("samplers"),
            axes=("emulator", "sampler", "steps"),
            series=("emulator", "sampler"),
            along="steps",
            along_label="network evaluations",
            logarithmic=True,
            emulators="needed",
            cost=True,
            labels={
                "ddim": "DDIM",
                "dpm_solver_pp_2m": "DPM-Solver++(2M)",
                "dpm_solver_pp_2m_sde": "DPM-Solver++(2M) SDE",
            },
            how_to_read="The same network sampled in different ways, against the passes of the network that a member "
            "takes. What is lower at the left is better and cheaper. Compare times within a study only.",
        ),
    ),
)
"""The studies, in the order in which the page offers them."""
