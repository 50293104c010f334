"""Verdicts by hand: what is beyond noise, what agrees, and in which words."""

from __future__ import annotations

import math

import pytest

from diffmp_core.physics.column_integrals import Change, chance, integrals_of
from diffmp_core.response.verdict import MEANING, Estimate, Verdict, judge, verdict_words
from diffmp_core.variables import PAPER

NAN = math.nan


def estimate(change: float, error: float, samples: int = 8) -> Estimate:
    return Estimate(change, error, "draw", samples)


def verdict(emulator: Estimate, model: Estimate, *hourly: Estimate) -> Verdict:
    return Verdict("heating", "W/m²", emulator, model, hourly or (model,))


def test_a_t_test_by_hand():
    """t of 2.4 and 2.3 with 7 degrees of freedom: 5 % lie beyond 2.365; of 40 columns beyond 2.023."""
    assert estimate(24.0, 10.0).is_beyond_noise
    assert not estimate(23.0, 10.0).is_beyond_noise
    assert estimate(-20.5, 10.0, samples=40).is_beyond_noise
    assert float(chance(1.0, 1.0, degrees=1)) == pytest.approx(0.5)
    assert not estimate(0.0, 0.0).is_beyond_noise  # nothing changed at all
    assert not estimate(5.0, NAN).is_beyond_noise  # one member tells no error
    assert estimate(1e-9, 0.0).is_beyond_noise


def test_two_changes_differ_by_welchs_test():
    """Errors 3 and 4 of 8 members each: 5 together, (9 + 16)^2 / ((81 + 256) / 7) = 12.98 degrees, 5 % beyond 2.16."""
    assert estimate(10.9, 3.0).differs(estimate(0.0, 4.0))
    assert not estimate(10.7, 3.0).differs(estimate(0.0, 4.0))
    assert estimate(1.0, 0.0).differs(estimate(2.0, 0.0))
    assert not estimate(1.0, NAN).differs(estimate(2.0, 1.0))


@pytest.mark.parametrize(
    ("emulator", "model", "outcome"),
    [
        ((-1408.0, 44.0), (245.0, 60.0), "contradicts"),
        ((-698.0, 40.0), (-10.0, 60.0), "not confirmed"),
        ((-600.0, 40.0), (-200.0, 20.0), "agrees"),
        ((10.0, 30.0), (-400.0, 20.0), "missed"),
        ((10.0, 30.0), (-60.0, 20.0), "undecided"),
        ((10.0, 30.0), (-10.0, 20.0), "undecided"),
        ((90.0, 20.0), (70.0, 60.0), "undecided"),
        ((-500.0, NAN), (400.0, 20.0), "undecided"),
        ((0.0, 0.0), (0.0, 0.0), "undecided"),
    ],
)
def test_outcomes(emulator, model, outcome):
    found = verdict(estimate(*emulator), estimate(*model))
    assert found.outcome == outcome
    assert MEANING[outcome] in found.words
    assert math.isfinite(found.factor) == (outcome == "agrees")


def test_the_sentence_has_both_changes_their_errors_and_hours():
    hours = (estimate(900.0, 120.0), estimate(500.0, 100.0), estimate(-20.0, 90.0))
    words = verdict(Estimate(-1408.4, 44.3, "columns", 40), estimate(460.0, 66.0), *hours).words
    assert words == (
        "The emulator contradicts the model: the signs are opposite. "
        "Change of heating: emulator −1,408 ± 44 W/m² (columns), cloud-resolving model +460 ± 66 W/m² (draw), "
        "mean of 3 h; hour 1 +900 ± 120 W/m² (draw); hour 3 −20 ± 90 W/m² (draw, within noise)."
    )
    agreed = verdict(estimate(-600.0, 40.0), estimate(-187.5, 20.0))
    assert agreed.factor == pytest.approx(3.2)
    assert agreed.words.startswith(
        "The emulator agrees with the model in sign; its change is 3.2 times the model's. Change of heating: "
    )
    assert agreed.words.endswith(", 1 h.")
    assert agreed.record["factor"] == pytest.approx(3.2)
    unknown = verdict(estimate(-600.0, NAN), estimate(-187.5, 20.0)).record
    assert (unknown["outcome"], unknown["factor"], unknown["emulator"]["standard_error"]) == ("undecided", None, None)


def test_the_same_sign_is_not_all_that_is_said_of_the_other_integrals():
    near, far = (verdict(estimate(change, 0.1), estimate(130.0, 2.0)) for change in (100.0, 0.62))
    assert (near.is_near, far.is_near) == (True, False)
    assert verdict_words([near, far]).endswith(" Also heating: agrees in sign, 0.0048 times.")
    apart = verdict(estimate(-5.0, 0.1), estimate(130.0, 2.0))
    assert not apart.is_near
    assert verdict_words([near, apart]).endswith(" Also heating: contradicts.")


def test_a_model_that_turns_is_told():
    turning = verdict(estimate(300.0, 20.0), estimate(100.0, 20.0), estimate(400.0, 30.0), estimate(-200.0, 30.0))
    assert turning.turns
    assert turning.words.endswith("The model's own change turns its sign in these hours.")
    assert not verdict(estimate(300.0, 20.0), estimate(100.0, 20.0), estimate(400.0, 30.0)).turns


def changes(value: float, draw: float, columns: float) -> list[Change]:
    return [Change(entry.name, entry.unit, 0.0, value, value, draw, columns) for entry in integrals_of(PAPER.outputs)]


def test_verdicts_take_the_larger_error_and_the_samples_it_is_of():
    emulator, mean = changes(-5.0, 1.0, 3.0), changes(2.0, 0.9, 0.5)
    mean.append(Change("precipitation", "mm/day", 0.0, 1.0, 1.0, 0.1, 0.1))
    found = judge(emulator, mean, [mean, mean], members=(32, 8), columns=40)
    assert [each.integral for each in found] == ["heating", "moistening", "liquid water path", "ice water path"]
    assert (found[0].emulator, found[0].model) == (Estimate(-5.0, 3.0, "columns", 40), Estimate(2.0, 0.9, "draw", 8))
    assert len(found[0].hourly) == 2
    one = judge(changes(-5.0, 1.0, NAN), changes(2.0, 0.5, NAN), [mean], members=(32, 8), columns=1)
    assert one[0].emulator == Estimate(-5.0, 1.0, "draw", 32)
    words = verdict_words(one)
    assert words.count("Change of heating") == 1
    assert words.endswith(" Also moistening: contradicts; liquid water path: contradicts; ice water path: contradicts.")
