"""Ask the comparison about a case, score its answer, and print how often it is right."""

from __future__ import annotations

import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from autograd import Tensor
from autograd.testing import compare_grads


class Question(Protocol):
    """What is asked: see `cases.Case`."""

    @property
    def kind(self) -> Any: ...
    @property
    def title(self) -> str: ...
    @property
    def first(self) -> frozenset[str]: ...
    @property
    def causes(self) -> Any: ...
    def build(self) -> tuple[Tensor, dict[Any, Any]]: ...
    def truth(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Answer:
    """How the comparison did.

    Attributes:
        cause: whether it named an expected cause; None if there is none to name.
        link: whether it named an expected first wrong tensor; None if nothing is wrong.
        alarm: a right derivation was called wrong; None if it is not right.
        strays: other tensors that are blamed, not called consequences.
        factor: whether the factor of a scale is right; None if there is none to name.
        said: its answer in short.
        seconds: its time.
        report: all it said.
    """

    question: Question
    cause: bool | None
    link: bool | None
    alarm: bool | None
    strays: int
    factor: bool | None
    said: str
    seconds: float
    report: str


def ask(question: Question) -> Answer:
    """Compare, and score the report."""
    loss, hand = question.build()
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report = compare_grads(loss, hand)
    except Exception as error:
        seconds = time.perf_counter() - start
        said = f"{type(error).__name__}: {error}".splitlines()[0][:100]
        wrong = bool(question.first)
        return Answer(
            question, False if question.causes else None, False if wrong else None, None if wrong else True,
            0, None, said, seconds, said,
        )  # fmt: skip
    seconds = time.perf_counter() - start
    findings = {str(finding.name): finding for finding in report.findings}
    first = getattr(report, "first_wrong", None)
    said = f"{first.name}: {cause_of(first)}" if first is not None else remark(findings.values())
    strays = [
        finding
        for name, finding in findings.items()
        if first is not None
        and not finding.matches
        and finding is not first
        and name not in question.causes
        and cause_of(finding) not in ("consequence", cause_of(first))
    ]
    alarm = None
    if not question.first:
        alarm = first is not None or not all(finding.matches for finding in findings.values())
    return Answer(
        question,
        _cause(question, first, findings),
        first is not None and str(first.name) in question.first if question.first else None,
        alarm,
        len(strays),
        _factor(
            first, {key if isinstance(key, str) else key.name: value for key, value in hand.items()}, question.truth()
        ),
        said,
        seconds,
        str(report),
    )


def cause_of(finding: Any) -> str:
    return str(getattr(finding, "cause", None) or "")


def remark(findings: Iterable[Any]) -> str:
    return ", ".join(sorted({cause_of(finding) for finding in findings} - {""})) or "all right"


def _cause(question: Question, first: Any, findings: dict[str, Any]) -> bool | None:
    """One mistake: the cause of the first wrong link. Two: that of each one's tensor. None: the remark."""
    if not question.causes:
        return None
    if "" in question.causes:
        return bool({cause_of(finding) for finding in findings.values()} & question.causes[""])
    if len(question.causes) == 1:
        (causes,) = question.causes.values()
        return first is not None and cause_of(first) in causes
    return all(name in findings and cause_of(findings[name]) in causes for name, causes in question.causes.items())


def _factor(first: Any, hand: dict[str, Any], truth: dict[str, Any]) -> bool | None:
    """Whether the factor of a scale is hand / true; None if no scale is claimed, or hand is no multiple of true."""
    if first is None or cause_of(first) != "scale":
        return None
    given, true = hand[str(first.name)], truth[str(first.name)]
    ratio = np.vdot(true, given) / np.vdot(true, true)
    if not np.allclose(given, ratio * true, rtol=1e-3, atol=1e-3 * np.max(np.abs(given))):
        return None
    factor = getattr(first, "factor", None)
    return factor is not None and bool(np.isclose(factor, ratio, rtol=1e-2))


# Figures


@dataclass(frozen=True)
class Figures:
    """Rates over answers; how many factors are right, and of how many; the seconds of each answer."""

    cause: float
    link: float
    alarms: int
    correct: int
    strays: int
    factors: tuple[int, int]
    seconds: tuple[float, ...]


def figures(answers: Sequence[Answer]) -> Figures:
    """The rates."""
    causes = [answer.cause for answer in answers if answer.cause is not None]
    links = [answer.link for answer in answers if answer.link is not None]
    alarms = [answer.alarm for answer in answers if answer.alarm is not None]
    return Figures(
        statistics.fmean(causes) if causes else 1.0,
        statistics.fmean(links) if links else 1.0,
        sum(alarms),
        len(alarms),
        sum(answer.strays for answer in answers),
        (sum(answer.factor is True for answer in answers), sum(answer.factor is not None for answer in answers)),
        tuple(answer.seconds for answer in answers),
    )


def failed(answer: Answer) -> bool:
    return answer.cause is False or answer.link is False or bool(answer.alarm)


def print_figures(title: str, answers: Sequence[Answer]) -> None:
    """The rates, and the time a case."""
    found = figures(answers)
    count = Counter(answer.question.kind for answer in answers)
    print(f"\n{title}: {len(answers)} cases ({', '.join(f'{number} {kind}' for kind, number in count.items())})")
    print(f"  top-1 cause             {found.cause:7.1%}")
    print(f"  first wrong link        {found.link:7.1%}")
    print(f"  false alarms            {found.alarms:5} of {found.correct} right derivations")
    print(f"  consequences blamed     {found.strays:5}")
    print(f"  factors of scales       {found.factors[0]:5} of {found.factors[1]}")
    print(
        f"  time a case             {statistics.median(found.seconds):.3f} s median, {max(found.seconds):.3f} s at most"
    )


def print_table(title: str, answers: Sequence[Answer], group: Callable[[Answer], str]) -> None:
    """Failures by group, the worst first; groups without any are counted in the last line."""
    groups: dict[str, list[Answer]] = {}
    for answer in answers:
        groups.setdefault(group(answer), []).append(answer)
    rows = sorted(((sum(map(failed, some)), name, some) for name, some in groups.items()), key=lambda r: (-r[0], r[1]))
    width = max((len(name) for _, name, _ in rows), default=0)
    print(f"\nFailures by {title}")
    for wrong, name, some in rows:
        if wrong:
            said = Counter(answer.said.split(": ", 1)[-1] for answer in some if failed(answer)).most_common(3)
            print(f"  {name:{width}}  {wrong:4} of {len(some):4}  " + ", ".join(f"{what} {n}" for what, n in said))
    print(f"  none in {sum(not wrong for wrong, *_ in rows)} others of {len(rows)}")


def print_failures(answers: Sequence[Answer], show: int) -> None:
    """The first failures in full."""
    for answer in [answer for answer in answers if failed(answer)][:show]:
        question = answer.question
        causes = "; ".join(f"{name or 'remark'}: {'|'.join(sorted(some))}" for name, some in question.causes.items())
        print(f"\n-- {question.title}")
        expected = "/".join(sorted(question.first)) or "none"
        print(f"   expected first {expected}, cause {causes or 'none'}; said {answer.said}")
        print("   " + answer.report.replace("\n", "\n   "))
