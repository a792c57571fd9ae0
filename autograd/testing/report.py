"""What the comparison says: of each gradient, and of all of them, in a terminal and as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.testing.catalogue.fit import as_size, sizes
from autograd.testing.catalogue.mistake import number
from autograd.testing.replay import Replay
from autograd.testing.verdict import Verdict
from autograd.testing.words import Words
from autograd.text import printable, shown

CAUSES: Final[Mapping[str, str]] = {
    "scale": "a constant factor",
    "missing-derivative": "a local derivative left out",
    "derivative-at-output": "a local derivative evaluated at the wrong place",
    "wrong-operand": "another tensor in the place of the right one",
    "transposed": "a transpose too many or too few",
    "wrong-axis": "a sum over the wrong axis, or a mean for it",
    "unsummed-axis": "a contraction turned into a broadcast",
    "missing-term": "the contribution of one use left out",
    "regulariser": "the penalty: missing, scaled, or of another norm",
    "target": "a slip with the target or the labels",
    "stale-parameter": "computed with weights that were updated already",
    "kink": "another subgradient at a kink, as right as the engine's",
    "precision": "arithmetic of less precision",
    "consequence": "right, given an earlier gradient that is wrong",
    "unknown": "wrong, and no mistake of the catalogue explains it",
}
REMARKS: Final = ("kink", "precision")  # causes of differences that are no mistakes
_IN_FLOAT32 = "a match: the difference is that of arithmetic in float32"
_LONGEST_NOTE = 1000  # characters
_IN_FLOAT64 = (
    "right within the precision of float32, though the numbers are of float64: a part was computed in float32, or one "
    "of the two derivations has a constant such as 1e-8 that the other one has not"
)
_LONGEST_LINE = 110  # characters of a second line
_SAME_LOSS = 1e-6  # relative difference of two losses that may be printed alike
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Finding:
    """What the comparison says of one gradient.

    Errors are of hand against true: the largest absolute difference, the largest difference relative to the
    true element, and the norm of the difference relative to the norm of the truth.

    Attributes:
        name, shape: of the tensor.
        matches: whether the gradient is right; with a cause of "kink" or "precision", right with a remark.
        cause: a key of `CAUSES`, or None.
        factor: hand over true, where the mistake is a factor.
        explanation: the mistake in words, with the line that would be right.
        line: the statement that computes this gradient rightly, as NumPy source.
        where: what the names of constants that have none stand for, in the explanation and the line.
        also: other causes that explain the numbers as well, as `others` says in words.
        worst: the index of the largest difference, with the `hand` and `true` element there.
    """

    name: str
    shape: tuple[int, ...]
    matches: bool
    max_abs_error: float
    max_rel_error: float
    norm_rel_error: float
    worst: tuple[int, ...]
    hand: float
    true: float
    cause: str | None = None
    factor: float | None = None
    explanation: str = ""
    line: str = ""
    where: str = ""
    also: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shown("\n".join([self._head(), *(f"        {text}" for text in self.notes())]))

    def _head(self) -> str:
        shape = "×".join(map(str, self.shape)) or "scalar"
        word = "ok" if self.matches else "follows" if self.cause == "consequence" else "WRONG"
        error = "< 1e-14" if self.norm_rel_error < 1e-14 else f"{self.norm_rel_error:.1e}"  # rounding, another each run
        head = f"{word:8}{self.name} ({shape})  error {error}"
        return f"{head}  {self.cause}" if self.cause and self.cause != "consequence" else head

    def notes(self) -> list[str]:
        """What is said of it, in lines."""
        return [printable(note, _LONGEST_NOTE) for note in self._notes()]

    def _notes(self) -> list[str]:
        notes = [self.explanation] if self.explanation else []
        if self.matches or self.cause == "consequence":
            return notes
        short = len(self.line) <= _LONGEST_LINE and ";" not in self.line
        if short and self.line and f"right: {self.line.partition(' = ')[0]} = " not in self.explanation:
            notes.append(f"so {self.line}")
        if self.where:
            notes.append(f"where {self.where}")
        at = f"[{', '.join(map(str, self.worst))}]" if self.worst else ""
        notes.append(f"largest at {self.name}{at}: hand {self.hand:.6g}, true {self.true:.6g}")
        for code, words in zip(self.also, self.others, strict=True):
            notes.append(f"or {code}, which gives the same numbers here: {words}")
        return notes


def finding_of(
    name: str, given: Array, replay: Replay, node: Node, verdict: Verdict, words: Words, scale: float = 1.0
) -> Finding:
    """The errors of one gradient, in the scale of its author, and why."""
    true = np.broadcast_to(scale * np.asarray(replay.truth.get(node, 0.0)), given.shape)
    finding = _measured(name, given, true, matches=verdict.cause in (None, *REMARKS))
    if verdict.cause is None:
        double = given.dtype == np.float32 and np.asarray(replay.loss.value).dtype == np.float64
        if double and finding.norm_rel_error > 1e-10:
            return replace(finding, cause="precision", explanation=_IN_FLOAT32)
        return finding
    explanation = _explanation(node, verdict, words)
    if verdict.cause == "precision" and not _is_single(given) and np.asarray(node.value).dtype == np.float64:
        explanation = _IN_FLOAT64
    line = "" if finding.matches else words.line(node)
    return replace(
        finding,
        cause=verdict.cause,
        factor=verdict.mistake.factor if verdict.mistake is not None else None,
        explanation=explanation,
        line=line,
        where="" if finding.matches or verdict.cause == "consequence" else words.unnamed(f"{explanation} {line}"),
        also=tuple(other.cause for other in verdict.others),
        others=tuple(words.text(other) for other in verdict.others),
    )


def _is_single(array: Array) -> bool:
    """Whether numbers have no more digits than float32."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(array, array.astype(np.float32)))


def _measured(name: str, given: Array, true: Array, matches: bool) -> Finding:
    difference = np.abs(given.astype(np.float64) - true)
    norm, error = float(np.linalg.norm(true)), float(np.linalg.norm(difference))
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), given.shape)) if given.size else ()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(difference == 0, 0.0, difference / np.abs(true))
    return Finding(
        name=name,
        shape=given.shape,
        matches=matches,
        max_abs_error=float(np.max(difference, initial=0.0)),
        max_rel_error=float(np.max(relative, initial=0.0)),
        norm_rel_error=error / norm if norm else (0.0 if error == 0 else float("inf")),
        worst=worst,
        hand=float(given[worst]) if given.size else 0.0,
        true=float(true[worst]) if given.size else 0.0,
    )


def _explanation(node: Node, verdict: Verdict, words: Words) -> str:
    mistake = words.best_place(verdict.mistake, verdict.alike) if verdict.mistake is not None else None
    if verdict.cause == "precision":
        return _IN_FLOAT32
    if verdict.cause == "consequence":
        if verdict.after is not None:
            return f"given your {words.gradient(verdict.after)}, your {words.gradient(node)} is right"
        where = "earlier" if mistake is None else f"in {words.gradient(mistake.where)}"
        return f"your {words.gradient(node)} is right, but for the mistake {where}"
    if verdict.cause == "kink":
        return words.text(mistake) if mistake is not None else ""
    line = words.right(mistake, node)
    right = f"; right: {line}" if line else ""
    if mistake is not None:
        return words.text(mistake, node) + right
    if verdict.seconds is not None:
        time = f"{verdict.seconds:g} seconds, in which {verdict.tried} were tried; budget= gives it more"
        return f"no mistake that gives these numbers was found: the search ended after {time}{right}"
    kinds = ", ".join(cause for cause in CAUSES if cause not in (*REMARKS, "consequence", "unknown"))
    return f"none of the {verdict.tried} mistakes that were tried gives these numbers ({kinds}){right}"


def loss_remark(replay: Replay, published: float, first: Finding | None, words: Words) -> str:
    """What a published loss says beside the gradients; nothing where it is the recorded one."""
    recorded = float(np.asarray(replay.value(replay.loss)).item())
    if abs(published - recorded) <= _SAME_LOSS * max(abs(recorded), 1e-300):
        return ""
    reason = as_size(published / recorded, sizes(replay)) if recorded else None
    losses = f"the published loss is {published:.10g}, and that of the graph {recorded:.10g}"
    if reason is not None:
        names: Mapping[str, str] = {gap: words.value(array) for gap, array in reason.arrays.items()}
        losses += f", so it is {reason.factor:.6g} times as much: {reason.words.format(**names)}"
    if first is None:
        return f"the published loss is another function than the one differentiated: {losses}"
    factor = first.factor
    if reason is not None and factor is not None and abs(factor - reason.factor) < _SAME_LOSS * abs(reason.factor):
        return f"the gradients are right for the published loss, which has their factor: {losses}"
    return f"the published loss is another function than that of the graph: {losses}"


def for_another_loss(factors: Sequence[float | None]) -> str:
    """What concerns all gradients, where they are right for another loss; nothing where they are not.

    Args:
        factors: how many times the true one each gradient is; None where it is no multiple of it.
    """
    factor = factors[0] if factors else None
    if factor is None or abs(factor - 1) <= 1e-6 or any(f is None or abs(f / factor - 1) > 1e-5 for f in factors):
        return ""
    known = {0.5: ", as of half the square", 2.0: ", as of a square without its half"}
    extra = known.get(round(factor, 6), ", as of a sum for a mean" if factor > 1.5 else "")
    times = f"{number(factor)} of" if factor < 1 else f"{number(factor)} times"
    negative = abs(factor + 1) < 1e-6
    loss = "the negative of this loss, which a step would make greater" if negative else f"{times} this loss{extra}"
    return f"All are {number(factor)} times the true ones: right for {loss}."


@dataclass(frozen=True)
class WrongLine:
    """A wrong line of the author's source.

    Attributes:
        file, line, function: where it stands.
        source: its text, with carets under the wrong part.
        cause: a key of `CAUSES`.
        explanation: the mistake in words.
        right: the line that would be right.
        gradients: the names of the gradients that are right once this line is.
        own: of those, the ones that this very line gives.
    """

    file: str
    line: int
    function: str
    source: str
    cause: str
    explanation: str = ""
    right: str = ""
    gradients: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"{Path(self.file).name}:{self.line}" + (f" in {self.function}" if self.function else "")
        told = [place, *([self.source] if self.source.strip() else []), f"  {self.cause}: {self.explanation}"]
        if self.right:
            told.append(f"  right:  {self.right}")
        return shown("\n".join(told))


@dataclass(frozen=True)
class Report:
    """The findings, one for each gradient given, in the order given.

    Attributes:
        findings: of each gradient.
        loss_remark: what the published loss says, where one was given and differs.
        first_wrong: the finding nearest the loss that is wrong by itself, or None.
        convention: what the gradients on the way are, where they are a multiple of the loss's by the author's habit.
        lines: the wrong lines of the author's source, where it was run (`check_backprop`).
        missing: the parameters of which no gradient came back, where the author's function was run.
    """

    findings: tuple[Finding, ...]
    loss_remark: str = ""
    first_wrong: Finding | None = None
    _drawn: Any = field(default=None, repr=False, compare=False)
    convention: str = ""
    lines: tuple[WrongLine, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether all gradients are right, and none is missing."""
        return not self.missing and all(finding.matches for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """All that the report says, as JSON has it: what is right, of how many, the wrong lines, and each gradient.

        >>> import json
        >>> json.loads(json.dumps(Report((), missing=("b",)).as_dict()))["missing"]
        ['b']
        """
        gradients = [
            {"name": f.name, "shape": list(f.shape), "matches": f.matches, "cause": f.cause,
             "error": f.norm_rel_error if isfinite(f.norm_rel_error) else None, "explanation": f.explanation}
            for f in self.findings
        ]  # fmt: skip
        return {
            "matches": self.matches, "right": sum(f.matches for f in self.findings),
            "gradients": gradients, "missing": list(self.missing),
            "lines": [asdict(line) for line in self.lines], "remarks": self._remarks(),
        }  # fmt: skip

    def __bool__(self) -> bool:
        """As `matches`, so that `assert compare_grads(...)` fails where a gradient is wrong."""
        return self.matches

    def __getitem__(self, name: str) -> Finding:
        """The finding of a name."""
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"no gradient {name!r} was given; there is {', '.join(f.name for f in self.findings)}")

    def __str__(self) -> str:
        if self.lines:
            right = sum(finding.matches for finding in self.findings)
            verdict = f"{right} of {len(self.findings)} gradients are right.{self._following()}"
            return shown("\n".join([*map(str, self.lines), verdict, *self._remarks()]))
        return shown("\n".join([self._verdict(), *map(str, self.findings), *self._remarks()]))

    def _following(self) -> str:
        """Which wrong gradients are right but for the wrong lines."""
        wrong = [finding.name for finding in self.findings if not finding.matches]
        made = {name for line in self.lines for name in line.own}
        follow = [name for name in wrong if name not in made and any(name in line.gradients for line in self.lines)]
        if not follow:
            return ""
        line = "that line" if len(self.lines) == 1 else "these lines"
        return f" {', '.join(follow)} {'is' if len(follow) == 1 else 'are'} right, given what {line} gave."

    def _remarks(self) -> list[str]:
        """What concerns all gradients."""
        convention = f"your gradients on the way are {self.convention}" if self.convention else ""
        missing = f"No gradient was given of {', '.join(self.missing)}." if self.missing else ""
        return [remark for remark in (convention, missing, self.loss_remark) if remark]

    def _verdict(self) -> str:
        wrong = sum(not finding.matches for finding in self.findings)
        count = len(self.findings)
        if not wrong:
            return f"all {count} gradients match" if count > 1 else "the gradient matches"
        first = f"; the first wrong link is {self.first_wrong.name}" if self.first_wrong is not None else ""
        return f"{wrong} of {count} gradients {'is' if wrong == 1 else 'are'} wrong{first}"

    def draw(self, **options: Any) -> Any:
        """A picture of the computation with the wrong gradients marked, hand and true values side by side.

        Takes what `autograd.draw_comparison` takes: `title`, `names`, `size` and so on.
        """
        from autograd.render import draw_comparison

        loss, given = self._drawn
        verdicts: dict[Any, Any] = {}
        remarks: dict[Any, str] = {}
        for node, finding in zip(given, self.findings, strict=True):
            wrong = "first wrong" if finding is self.first_wrong else "wrong"
            verdicts[node] = "right" if finding.matches else "follows" if finding.cause == "consequence" else wrong
            if finding.cause and finding.cause != "consequence":
                remarks[node] = finding.cause
        return draw_comparison(loss, given, verdicts=verdicts, remarks=remarks, **options)

    def _repr_html_(self) -> str:
        rows = "".join(_row(finding, finding is self.first_wrong) for finding in self.findings)
        head = "".join(f"<th {_CELL}>{text}</th>" for text in ("gradient", "shape", "error", "verdict"))
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self._remarks())
        lines = "".join(f"<pre>{escape(str(line))}</pre>" for line in self.lines)
        return f"<p><b>{escape(self._verdict())}</b></p>{lines}<table><tr>{head}</tr>{rows}</table>{remarks}"


_CELL = "style='text-align:left;vertical-align:top;padding:2px 12px 2px 0'"


def _row(finding: Finding, first: bool) -> str:
    colour = "#1B7F4B" if finding.matches else "#6B5900" if finding.cause == "consequence" else "#A61B1B"
    word = "right" if finding.matches and not finding.cause else finding.cause or "wrong"
    name = printable(f"d{finding.name}" if finding.name.isidentifier() else finding.name, 80)
    name = f"<b>{escape(name)}</b>" if first else escape(name)
    cells = (name, "×".join(map(str, finding.shape)) or "scalar", f"{finding.norm_rel_error:.1e}")
    notes = [_with_code(note) for note in finding.notes()]
    verdict = "<br>".join([f"<b style='color:{colour}'>{escape(word)}</b>", *notes])
    return f"<tr>{''.join(f'<td {_CELL}>{cell}</td>' for cell in (*cells, verdict))}</tr>"


def _with_code(note: str) -> str:
    """A note as HTML, with the line of source in it as code."""
    words, right, line = note.partition("; right: ")
    if note.startswith("so "):
        return f"so <code>{escape(note.removeprefix('so '))}</code>"
    return escape(words) + (f"; right:<br><code>{escape(line)}</code>" if right else "")
