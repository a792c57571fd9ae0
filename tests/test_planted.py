"""The benchmark of planted mistakes: that its expectations are honest, and that the comparison meets them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from tests.benchmarks.planted import score
from tests.benchmarks.planted.cases import (
    EFFECT,
    NETWORKS,
    Case,
    all_cases,
    distance,
    handed_in,
    right,
    sample,
    slips_of,
    wrong,
)
from tests.benchmarks.planted.network import Config, Network, slope

CAUSES = {
    "scale", "missing-derivative", "derivative-at-output", "wrong-operand", "transposed", "wrong-axis",
    "unsummed-axis", "missing-term", "regulariser", "target", "stale-parameter", "kink", "unknown",
}  # fmt: skip
RATE_OF_CAUSES, RATE_OF_LINKS, FALSE_ALARMS = 0.95, 0.98, 0

SIZES = [
    pytest.param(network, config, id=f"{network.name} - {config.name}")
    for network in NETWORKS
    for config in network.configs
    if not config.ties
]


@pytest.mark.parametrize(("network", "config"), SIZES)
def test_a_right_derivation_agrees_with_central_differences(network: Network, config: Config) -> None:
    for name, gradient in right(network, config).gradients.items():
        np.testing.assert_allclose(gradient, slope(network, config, name), rtol=1e-7, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_the_derivation_of_ties_is_right_where_there_are_none(network: Network) -> None:
    """At a tie differences average two slopes; a student's other subgradient must be wrong nowhere else."""
    for config in network.configs:
        if config.ties:
            moved = Config(config.name, config.samples, config.widths)
            for name, gradient in right(network, moved).gradients.items():
                np.testing.assert_allclose(gradient, slope(network, moved, name), rtol=1e-7, atol=1e-8, err_msg=name)


def test_every_planted_mistake_changes_the_numbers_and_no_right_derivation_does() -> None:
    for case in all_cases():
        order = None if case.order is None else np.array(case.order)
        hand = case.network.derive(case.config, case.hand_dtype, case.planted, order).gradients
        truth, names = case.truth(), handed_in(case.network, case.config, case.given)
        if case.planted:
            assert max(distance(hand[name], truth[name]) for name in names) > 0.9 * EFFECT[case.dtype], case.title
            continue
        noise = 1e-12 if {case.dtype, case.hand_dtype} == {"float64"} else 1e-4
        scale = max(np.linalg.norm(gradient) for gradient in truth.values())  # at a minimum, sums cancel
        for name in names:
            assert np.linalg.norm(hand[name] - truth[name]) <= noise * scale, (case.title, name)


def test_expectations_name_what_is_handed_in_and_wrong() -> None:
    for case in all_cases():
        names = handed_in(case.network, case.config, case.given)
        assert case.first <= set(names)
        assert bool(case.first) == (case.kind in ("mistake", "two mistakes"))
        assert set().union(*case.causes.values()) <= {*CAUSES, "precision"}
        if case.kind == "two mistakes":
            assert set(case.causes) <= set(names)
            assert len(case.causes) == 2


def test_slips_with_the_same_numbers_are_both_accepted() -> None:
    """With two samples 1/N and 1/2 are one number: whichever was planted, the same is expected."""
    for network, config in ((n, c) for n in NETWORKS for c in n.configs if c.samples == 2):
        cases = [c for c in all_cases() if c.config is config and c.kind == "mistake" and c.given == "all"]
        effects = wrong(network, config)
        for a, b in itertools.combinations(cases, 2):
            one, other = effects[a.planted[0]], effects[b.planted[0]]
            if a.dtype == b.dtype and all(distance(one[name], other[name]) < 1e-9 for name in one):
                assert list(a.causes.values()) == list(b.causes.values())
                assert a.first == b.first


def test_every_cause_and_every_wording_is_planted_somewhere() -> None:
    offered = {how for network in NETWORKS for _, how in slips_of(network)}
    planted = [case for case in all_cases() if case.planted]
    assert offered == {how for case in planted for _, how in case.planted}
    for dtype in ("float64", "float32"):
        causes = [case.causes for case in planted if case.dtype == dtype and len(case.causes) == 1]
        sure = {cause for some in causes for accepted in some.values() if len(accepted) == 1 for cause in accepted}
        assert sure >= CAUSES


def test_a_derivation_is_the_same_at_every_call() -> None:
    case = sample(60)[0]
    (_, first), (_, second) = case.build(), case.build()
    for (_, a), (_, b) in zip(first.items(), second.items(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_sample_has_every_kind_of_case() -> None:
    cases = sample(60)
    assert 55 <= len(cases) <= 65
    assert {case.kind for case in cases} == {"mistake", "two mistakes", "correct", "noise", "kink", "precision"}


def report(case: Case, first: str | None, causes: dict[str, str]) -> SimpleNamespace:
    """What a comparison might say: these causes, and a match wherever it names none."""
    findings = [
        SimpleNamespace(name=name, cause=causes.get(name), matches=causes.get(name) in (None, "kink", "precision"))
        for name in handed_in(case.network, case.config, case.given)
    ]
    return SimpleNamespace(findings=findings, first_wrong=next((f for f in findings if f.name == first), None))


def expected_report(case: Case) -> SimpleNamespace:
    first = min(case.first, default=None)
    causes = {name: min(some) for name, some in case.causes.items() if name}
    if len(causes) == 1 and first is not None:
        causes = {first: next(iter(causes.values()))}
    if "" in case.causes:
        causes = {handed_in(case.network, case.config, case.given)[0]: min(case.causes[""])}
    return report(case, first, causes)


def scores(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Case], SimpleNamespace]) -> score.Figures:
    """Of a comparison that answers so."""
    answers = []
    for case in sample(60):
        monkeypatch.setattr(score, "compare_grads", lambda loss, hand, case=case: answer(case))
        answers.append(score.ask(case))
    return score.figures(answers)


def test_the_expected_answers_get_full_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = scores(monkeypatch, expected_report)
    assert (found.cause, found.link, found.alarms, found.strays) == (1, 1, 0, 0)


def test_silence_gets_none_and_raises_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    found = scores(monkeypatch, lambda case: report(case, None, {}))
    assert (found.cause, found.link, found.alarms) == (0, 0, 0)


def test_an_answer_that_is_always_the_same_gets_few_marks_and_many_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    def blame_all(case: Case) -> SimpleNamespace:
        names = handed_in(case.network, case.config, case.given)
        return report(case, names[0], dict.fromkeys(names, "scale"))

    found = scores(monkeypatch, blame_all)
    assert found.cause < 0.4
    assert found.link < 0.7
    assert found.alarms == found.correct


def test_the_comparison_names_planted_mistakes() -> None:
    answers = [score.ask(case) for case in sample(60)]
    found = score.figures(answers)
    failures = [f"{answer.question.title}: {answer.said}" for answer in answers if score.failed(answer)]
    assert found.alarms <= FALSE_ALARMS, failures
    assert found.link >= RATE_OF_LINKS, failures
    assert found.cause >= RATE_OF_CAUSES, failures
