"""Functions with one wrong line, made by rewriting source, and how often the judge names the line."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
import time
import types
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from autograd.testing import Report, check_backprop
from autograd.testing.search import Search
from tests.benchmarks.planted.sources import MARK, SOURCES, Source
from tests.benchmarks.planted.strangers import STRANGERS_A
from tests.benchmarks.planted.strangers_steps import STRANGERS_B

STRANGERS = (*STRANGERS_A, *STRANGERS_B)
SIZES = {"plain": (7, 3, 5, 4, 2), "square": (4, 4, 4, 4, 4)}
# A pattern in a line, what is put there, and what the mistake may be called.
SLIPS: tuple[tuple[str, str, str], ...] = (
    (r"\s/ (?:m|y\.size|len\(\w+\)|self\.y\.size|out\.size)\b", "", "scale"),
    (r"\s/ d\b", "", "scale"),
    (r"= 2 \* \(", "= (", "scale"),
    (r"return 2 \* \(", "return (", "scale"),
    (r"= (\w+) - (y|Y|t|ys\[t\])(?=\s|$)", r"= \2 - \1", "scale|target"),
    (r"= (outs\[t\]) - (ys\[t\])", r"= \2 - \1", "scale|target"),
    (r"\((out|p|p3|o) - (y|Y)\)", r"(\2 - \1)", "scale|target"),
    (r"\((out|p|p3|o) - (y|Y)\)", r"\1", "target|missing-term"),
    (r"y - l2$", "l2 - y", "scale|target"),
    (r" \* \(1 - (\w+)\*\*2\)", "", "missing-derivative"),
    (r" \* \(1 - np\.power\(A1, 2\)\)", "", "missing-derivative"),
    (r"\(1 - hs\[t\] \*\* 2\) \* ", "", "missing-derivative"),
    (r" \* \(1 - np\.tanh\(z1\) \*\* 2\)", "", "missing-derivative"),
    (r" \* \(1 - h \* h\)", "", "missing-derivative"),
    (r" \* \((z2|self\.x|v|out) > 0\)", "", "missing-derivative"),
    (r"np\.where\(z1 > 0, da1, 0\)", "da1", "missing-derivative"),
    (r" \* self\.y \* \(1 - self\.y\)", "", "missing-derivative"),
    (r" \* nonlin\((l[12]), deriv=True\)", "", "missing-derivative"),
    (r" \* sigmoid_prime\(cache\[.*\]\)", "", "missing-derivative"),
    (r"\(1 - (\w+)\*\*2\)", r"(1 - \1)", "derivative-at-output"),
    (r"\(1 - (\w+)\*\*2\)", r"(1 + \1**2)", "derivative-at-output"),
    (r"np\.power\(A1, 2\)", "A1", "derivative-at-output"),
    (r"1 - hs\[t\] \*\* 2", "1 - hs[t]", "derivative-at-output"),
    (r"1 - np\.tanh\(z1\) \*\* 2", "1 - z1 ** 2", "derivative-at-output"),
    (r"1 - h \* h", "1 - h", "derivative-at-output"),
    (r" \* \(1 - self\.y\)", "", "derivative-at-output|missing-derivative"),
    (r" \* \(1 - sigmoid\(z\)\)", "", "derivative-at-output|missing-derivative"),
    (r"x \* \(1 - x\)", "(1 - x)", "derivative-at-output|missing-derivative"),
    (r"sigmoid\(z\) \* \(1 - sigmoid\(z\)\)", "z * (1 - z)", "derivative-at-output"),
    (r"\((z2|self\.x|v|out) > 0\)", r"(\1 < 0)", "missing-derivative|derivative-at-output"),
    (r"\b(W2|W3|self\.W2|self\.w|self\.W|v|p\[[^\]]*\]|net\[[^\]]*\])\.T", r"\1", "transposed"),
    (r"\b(h|a1|a2|x|A1|X|self\.x|l1|l0|flat|a|ds|hs\[t\]|hs\[t - 1\]|xs\[t\])\.T", r"\1", "transposed"),
    (r"axis=0", "axis=1", "wrong-axis"),
    (r"axis=1", "axis=0", "wrong-axis"),
    (r"\.sum\(axis", ".mean(axis", "wrong-axis|scale"),
    (r"np\.sum\(", "np.mean(", "wrong-axis|scale"),
    (r"\ba1\.T", "a2.T", "wrong-operand"),
    (r"\b(x|X)\.T", "h.T", "wrong-operand"),
    (r"\bh\.T", "x.T", "wrong-operand"),
    (r"\bA1\.T", "X.T", "wrong-operand"),
    (r"\bX\.T", "A1.T", "wrong-operand"),
    (r"\bW2\.T", "W1.T", "wrong-operand"),
    (r"\bW3\.T", "W2.T", "wrong-operand"),
    (r"hs\[t - 1\]\.T", "hs[t].T", "wrong-operand"),
    (r"x\.T @ dz1", "x.T @ dh", "wrong-operand|missing-derivative"),
    (r"dz1\.sum", "dh.sum", "wrong-operand|missing-derivative"),
    (r"np\.dot\(x\.T, dz1\)", "np.dot(x.T, da1)", "wrong-operand|missing-derivative"),
    (r"np\.outer\(dz, x\)", "np.outer(dz, h)", "wrong-operand"),
    (r"np\.outer\(delta1, x\)", "np.outer(delta1, h1)", "wrong-operand"),
    (r"np\.outer\((\w+), (\w+)\)", r"np.outer(\2, \1)", "transposed"),
    (r" \+ dh_next", "", "missing-term"),
    (r" - dxhat\.sum\(axis=0\)", "", "missing-term"),
    (r" - xhat \* np\.sum\(dxhat \* xhat, axis=0\)", "", "missing-term"),
    (r" \* gamma", "", "missing-derivative|scale|wrong-operand"),
    (r"dout \* xhat", "dout", "missing-derivative|wrong-operand"),
    (r"\(da - np\.sum\(.*\)\)", "da", "missing-term|missing-derivative"),
    (r" \+ reg \* W\d", "", "regulariser"),
    (r"reg \* (W\d)$", r"2 * reg * \1", "regulariser"),
    (r"reg \* (W\d)$", r"reg * np.sign(\1)", "regulariser"),
    (r" -= lr", " += lr", "scale"),
    (r" \+= ", " -= ", "scale|missing-term"),
    (r" \* mask", "", "missing-derivative|missing-term"),
    (r"(dW2|db2|dW1|db1|dw\[f\]|db\[f\]) \+= ", r"\1 = ", "missing-term|unknown"),
    (r"grads\[(.*)\] \+= ", r"grads[\1] = ", "missing-term|unknown"),
)  # fmt: skip


@dataclass
class Planted:
    """A function with a wrong line, or with none.

    Attributes:
        source, size: of which it was made.
        line, was, now: where it was rewritten; 0 if nowhere.
        causes: what the mistake may be called.
        dtype: of its numbers.
    """

    source: Source
    size: str
    text: str
    line: int
    was: str
    now: str
    causes: frozenset[str]
    dtype: str = "float64"

    @property
    def title(self) -> str:
        made = f"{self.source.name} [{self.source.shape}, {self.size}, {self.dtype}]"
        return f"{made} {self.was.strip()} -> {self.now.strip()}"

    def judged(self) -> Report:
        """What the judge says."""
        scope = self.module()
        args, params = scope["setup"](np.random.default_rng(3), SIZES[self.size])
        if self.dtype == "float32":
            args, params = _single(args, params, scope)
        np.random.seed(5)  # noqa: NPY002
        with contextlib.redirect_stdout(io.StringIO()):
            return check_backprop(scope["run"], *args, params=params)

    def module(self) -> dict[str, Any]:
        """The module, executed; its text is where tracebacks look for it."""
        name = f"planted_{zlib.crc32(self.text.encode()):x}"
        module = types.ModuleType(name)
        linecache.cache[f"{name}.py"] = (len(self.text), None, self.text.splitlines(True), f"{name}.py")
        exec(compile(self.text, f"{name}.py", "exec"), module.__dict__)
        return module.__dict__


def _single(args: Any, params: Any, scope: dict[str, Any]) -> Any:
    """The arguments in float32; those that are their own parameters stay one."""

    def turned(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            return value.astype(np.float32)
        if isinstance(value, dict):
            for key in value:
                value[key] = turned(value[key])
        elif isinstance(value, list) and not all(isinstance(part, str) for part in value):
            value[:] = [turned(part) for part in value]
        elif isinstance(value, tuple):
            return tuple(turned(part) for part in value)
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            turned(vars(value))
        return value

    if isinstance(params, list) and params and isinstance(params[0], str):
        for name in params:
            if name in scope:
                scope[name] = turned(scope[name])
    return turned(args), params


def planted() -> Iterator[Planted]:
    """Every rewritten function whose gradients are others: with the slips of its own, and with those of the table."""
    for source in (*SOURCES, *STRANGERS):
        lines = source.text.strip("\n").split("\n")
        plain = plain_text(source).split("\n")
        for number, line in enumerate(lines):
            bare, marked, own = line.partition(MARK)
            if not marked:
                continue
            indent = bare[: len(bare) - len(bare.lstrip())]
            slips = [(indent + now.strip(), causes.strip()) for now, _, causes in _own(own)]
            if not own:
                slips = [(re.sub(pattern, put, bare, count=1), causes) for pattern, put, causes in SLIPS]
            for now, causes in slips:
                text = "\n".join([*plain[:number], now, *plain[number + 1 :]])
                if now == bare or not _is_python(text):
                    continue
                for size in SIZES:
                    case = Planted(source, size, text, number + 1, bare, now, frozenset(causes.split("|")))
                    if _differs(case):
                        yield case
                        break


def _own(marks: str) -> Iterator[tuple[str, str, str]]:
    """The slips that stand behind a mark: each line, and its causes."""
    return (slip.rpartition("::") for slip in marks.split(MARK.strip()))


def plain_text(source: Source) -> str:
    """The module without marks."""
    return "\n".join(line.partition(MARK)[0] for line in source.text.strip("\n").split("\n")) + "\n"


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def right() -> Iterator[Planted]:
    """The functions as they are."""
    for source in (*SOURCES, *STRANGERS):
        for size in SIZES:
            for dtype in ("float64", "float32"):
                yield Planted(source, size, plain_text(source), 0, "", "", frozenset(), dtype)


def _differs(case: Planted) -> bool:
    """Whether the function runs, and gives something else than the right one."""
    results = []
    for each in (case, Planted(case.source, case.size, plain_text(case.source), 0, "", "", frozenset())):
        scope = each.module()
        args, params = scope["setup"](np.random.default_rng(3), SIZES[case.size])
        np.random.seed(5)  # noqa: NPY002
        try:
            with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                result = scope["run"](*args)
        except (ValueError, IndexError, NameError, TypeError, AttributeError):
            return False
        held = (
            [scope[name] for name in params]
            if isinstance(params, list) and isinstance(params[0], str) and params[0] in scope
            else params
        )
        results.append(_flat((result, args, held)))
    a, b = results
    if a.shape != b.shape:
        return False
    return bool(np.linalg.norm(a - b) > 1e-6 * np.linalg.norm(b))


def _flat(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.ravel().astype(float)
    if isinstance(value, (int, float, np.generic)):
        return np.array([float(value)])
    if isinstance(value, dict):
        parts = [_flat(value[key]) for key in sorted(value, key=str)]
    elif isinstance(value, (list, tuple)):
        parts = [_flat(part) for part in value]
    elif hasattr(value, "__dict__"):
        return _flat(vars(value))
    else:
        return np.zeros(0)
    return np.concatenate([np.zeros(0), *parts])


@dataclass
class Answer:
    """How the judge did."""

    case: Planted
    line: bool
    cause: bool
    seconds: float
    said: str


def ask(case: Planted) -> Answer:
    """Judge a function, and score what was said."""
    start = time.perf_counter()
    try:
        report = case.judged()
    except Exception as error:  # the judge must not fail
        return Answer(case, False, False, time.perf_counter() - start, f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - start
    if not case.line:
        return Answer(case, report.matches and not report.lines, True, seconds, str(report))
    line = [found.line for found in report.lines] == [case.line]
    cause = any(found.cause in case.causes for found in report.lines if found.line == case.line)
    return Answer(case, line, line and cause, seconds, str(report))


@contextlib.contextmanager
def no_catalogue() -> Iterator[None]:
    """Lines by the flow of data, and by edits of them, alone: no mistake of the catalogue is tried."""

    def nothing(*_: Any, **__: Any) -> list[Any]:
        return []

    with (
        mock.patch.object(Search, "_explain", return_value=([], 0)),
        mock.patch.multiple(Search, _explained_by_line=nothing, _explained_after_a_step=nothing),
        mock.patch.object(Search, "_explained_by_pairs", nothing),
    ):
        yield


def main(
    every: int = 1, show: int = 0, only: str = "", without_catalogue: bool = False, strangers: bool = False
) -> None:
    """Print how often the line and the cause are named, and whether a right function is blamed."""
    chosen = [case for case in planted() if not strangers or case.source in STRANGERS]
    with no_catalogue() if without_catalogue else contextlib.nullcontext():
        answers = [ask(case) for k, case in enumerate(chosen) if k % every == 0 and only in case.title]
    by: dict[str, list[Answer]] = {}
    for answer in answers:
        by.setdefault(f"{answer.case.source.shape}: {answer.case.source.name}", []).append(answer)
    print("\nwithout the catalogue" if without_catalogue else "")
    print(f"{'Functions with a wrong line':60} {'number':>6} {'line':>8} {'cause':>8}")
    for name, found in {**by, "all": answers}.items():
        line, cause = _share([a.line for a in found]), _share([a.cause for a in found])
        print(f"{name:60} {len(found):6} {line} {cause}")
    seconds = [a.seconds for a in answers]
    print(f"seconds: {np.median(seconds):.2f}, at most {max(seconds):.2f}")
    honest = [case for case in right() if not strangers or case.source in STRANGERS]
    right_ones = [ask(case) for k, case in enumerate(honest) if k % every == 0 and only in case.title]
    alarms = [answer for answer in right_ones if not answer.line]
    print(f"right functions: {len(right_ones)}, blamed: {len(alarms)}")
    failures = [*alarms, *(a for a in answers if not a.line), *(a for a in answers if a.line and not a.cause)]
    for answer in failures[:show]:
        print(f"\n--- {answer.case.title} (line {answer.case.line}, {'|'.join(answer.case.causes)})\n{answer.said}")


def _share(found: list[bool]) -> str:
    return f"{100 * sum(found) / max(len(found), 1):6.1f} %"


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th function; 1 takes all")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print the first N failures in full")
    parser.add_argument("--without-catalogue", action="store_true", help="find lines only, by the flow of data alone")
    parser.add_argument("--strangers", action="store_true", help="only derivations in the manner of strangers")
    parser.add_argument("--only", default="", help="only functions whose title holds this")
    main(**vars(parser.parse_args()))
