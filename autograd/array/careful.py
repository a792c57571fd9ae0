"""Gradients through values that the program threw away.

A plain pass multiplies what arrives by a slope: 0 by an infinite slope is NaN, although nothing arrived. So where the
plain pass ends in a gradient that is not finite, the pass is made again with two things beside each gradient:

- which elements are *reached*: a choice, an index, a write, a mask or a factor that is a constant 0 cuts, and where
  nothing arrives the gradient is 0 whatever the slope. A computed zero cuts nothing, as the slope of u**2 at 0.
- the *root* part: what is multiplied by the infinite slope of a root at the end of its domain, where f = sqrt(q) has
  its minimum. Rules are linear, so it goes through them by itself. Where it ends as exactly 0, so does the slope of q,
  and 0 is a subgradient of f, since f is nowhere smaller (Fermat's rule); else what the plain pass says stays.

What a zero of a rule means is a fact of its record, `Op.zeros`: of a "choice" (by the operands' values), and of what
is "nan" (a NaN that is left out), that nothing arrives there; of a "factor" (in a sum of products with other
operands, as all with the role "product") that a constant is 0; of what may "overflow" (its slope is of its own size)
that the limit is 0. A ufunc else passes on where it is reached. For other functions a zero cuts where it stays for
values taken at random.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container
from math import isfinite
from sys import modules
from typing import Any

import numpy as np

from autograd.array.lazy import fetched
from autograd.basis.arrays import ARRAYS, Proxy, is_foreign, no_fetching
from autograd.basis.broadcasting import unbroadcast
from autograd.basis.frames import user_frame
from autograd.basis.reads import StandIn
from autograd.basis.signatures import without_dispatcher
from autograd.core.backward import backpropagate, call_hooks, in_shape
from autograd.core.errors import describe
from autograd.core.node import Node, observers, topological
from autograd.core.op import Op, plain

_INF = float("inf")
_ARRAYS = (np.ndarray, np.generic)
_vdot = without_dispatcher(np.vdot)


def gradients(
    output: Node,
    seed: Any,
    *,
    wrap: Callable[[Node, Any], Any] | None = None,
    keep: bool = False,
    free: bool = False,
    wanted: Container[Node] = (),
    hooks: bool = True,
) -> dict[Node, Any]:
    """What `backpropagate` gives, from a careful pass where the plain one ends in what is not finite.

    Whether it does is looked at only where an operation on the way may throw something away, or have an infinite slope.
    """
    if free and any(map(_may_throw_away, behind := topological((output,)))):  # a careful pass needs the graph
        found = gradients(output, seed, wrap=wrap, keep=keep, wanted=wanted, hooks=hooks)
        for node in behind:
            if node.op is not None:
                node.args, node.output, node.saved = None, None, []
        return found
    quiet: Any = None

    def met(node: Node) -> bool:
        """Called with the operations of a pass until one of them asks for a look; NumPy is quiet from then on."""
        nonlocal quiet
        if not _may_throw_away(node):
            return False
        quiet = np.errstate(divide="ignore", invalid="ignore")
        quiet.__enter__()
        return True

    try:
        if isinstance(plain(seed) if type(output.held) is StandIn else output.held, Proxy):
            any(map(met, topological((output,))))  # in the recording of a compiled step a look is made in each replay
        look = met if quiet is None else None
        go_back = backpropagate if type(seed) in ARRAYS or not is_foreign(plain(seed)) else _without_fetching
        found = go_back(output, seed, wrap=wrap, keep=keep, free=free, wanted=wanted, hooks=hooks, met=look)
        if "dask" in modules and not keep and wrap is None:  # what is lazy comes with Dask
            found = fetched(output, found)
        if quiet is None or _finite(found, wanted) or _is_lost(output):
            return found
        again = _CarefulPass(output, seed, wrap, keep, wanted, hooks).run()
        found = {node: _combined(*again[node], g) if node in again else g for node, g in found.items()}
        found = found if keep or wrap else fetched(output, found)
        finite = _finite(found, wanted)
    finally:
        if quiet is not None:
            quiet.__exit__(None, None, None)
    if not finite:
        _tell(f"a gradient of {describe(output)} is not finite. autograd.detect_anomaly() names the first place")
    return found


def _without_fetching(*args: Any, **options: Any) -> dict[Node, Any]:
    with no_fetching():
        return backpropagate(*args, **options)


def _may_throw_away(node: Node) -> bool:
    op = node.op
    if op is None:
        return False
    if op.wary == "always" or "where" in node.kwargs:
        return True
    if op.wary == "pole":
        args = node.args or ()
        return not (op.label == "^" and type(args[1]) in (int, float) and args[1] >= 1)  # that has no pole
    return op.wary == "values" and _chooses_from_infinity(node)


def _chooses_from_infinity(node: Node) -> bool:
    """Whether an element is not finite among those that a choice goes by, as it is where a constant factor was not."""
    for value in node.saved:
        if type(value) in ARRAYS or issubclass(type(value), _ARRAYS):
            if not _is_finite(value):
                return True
        elif hasattr(value, "shape"):
            # not kept, or of a recording, which is for other values too: what all networks have is taken for finite
            return node.op.zeros == "nan" or node.op.role not in ("activation", "extreme")
    return False


def _finite(found: dict[Node, Any], wanted: Container[Node]) -> bool:
    """Whether the gradients asked for are: sums of squares, which NaN and infinities do not leave alone, say so soon.

    Where large numbers overflow in these, the elements say it.
    """
    asked = [plain(g) for node, g in found.items() if node.op is None or node in wanted]
    asked = [g for g in asked if isinstance(g, _ARRAYS)]  # one of another library is not asked for numbers
    total: Any = 0.0
    for g in asked:
        if g.dtype.char in "fd":
            total = total + (_vdot if type(g) in ARRAYS else np.vdot)(g, g)  # a traced one dispatches
        elif not _is_finite(g):
            return False
    return bool(total < _INF) or all(bool(np.all(np.isfinite(g))) for g in asked)


def _is_finite(array: Any) -> bool:
    if array.dtype.char in "fd":
        return isfinite(_vdot(array, array))
    return array.dtype.kind != "f" or bool(np.all(np.isfinite(array)))


def _is_lost(output: Node) -> bool:
    """Whether a loss is not finite itself, as when training diverges; an observer may look for where that began."""
    value = output.value
    watched = any(getattr(observer, "watches", False) for observer in observers)
    return bool(not watched and value.size == 1 and not np.isfinite(value).all())


def _tell(message: str) -> None:
    """As NumPy tells of a division by zero, which the user may have switched."""
    how = np.geterr()["invalid"]
    if how == "raise":
        raise FloatingPointError(message)
    if how not in ("ignore", "log"):
        frame = user_frame()
        warnings.warn_explicit(message, RuntimeWarning, frame.f_code.co_filename, frame.f_lineno)


def _combined(g: Any, reached: Any, root: Any, by_plain_pass: Any) -> Any:
    return g if root is None else np.where(root != 0, by_plain_pass, g)


class _CarefulPass:
    """The pass from `output` with, beside each gradient, where it is reached (None: everywhere) and its root part."""

    def __init__(self, output: Node, seed: Any, wrap: Any, keep: bool, wanted: Container[Node], hooks: bool) -> None:
        arrives = None if getattr(seed, "requires_grad", False) else _unless_all(plain(seed) != 0)
        self._arrived: dict[Node, tuple[Any, Any, Any]] = {output: (seed, arrives, None)}
        self._output, self._wrap, self._keep, self._wanted, self._hooks = output, wrap, keep, wanted, hooks

    def run(self) -> dict[Node, tuple[Any, Any, Any]]:
        """By node: the gradient, where it is reached, and the root part."""
        for node in reversed(topological((self._output,))):
            if node not in self._arrived:
                continue
            if node.hooks and self._hooks:
                g, reached, root = self._arrived[node]
                held = {node: g}
                call_hooks(node, held)
                self._arrived[node] = held[node], reached, root
            if node.op is not None and node not in self._wanted:
                arrived = self._arrived[node] if self._keep else self._arrived.pop(node)
                self._through(node, *arrived)
        return self._arrived

    def _through(self, node: Node, g: Any, reached: Any, root: Any) -> None:
        """Send what arrived at a node to its operands."""
        args = node.args or ()
        raw = [a.value if type(a) is Node else a for a in (node, *args)]
        seen = raw if self._wrap is None else [self._wrap(a, a.value) if type(a) is Node else a for a in (node, *args)]
        ends = None if node.op.root is None else _and(reached, node.op.root(*raw[1:]))
        for k, (operand, rule) in enumerate(zip(args, node.op.vjp, strict=False)):  # options follow the operands
            if type(operand) is not Node or not operand.requires_grad or rule is None:
                continue
            d, arrives = _sent(node, k, g, reached, seen, raw)
            d_root = None if root is None else _sent(node, k, root, root != 0, raw, raw)[0]
            shown = d if d_root is None else np.where(d_root != 0, d_root * _INF, d)
            if ends is not None and k == 0 and np.any(ends):
                times = np.where(plain(g) != 0, plain(g), 1.0)  # 0 times an infinite slope may be any number
                d, d_root = np.where(ends, 0, d), np.where(ends, times, 0.0 if d_root is None else d_root)
            for observer in tuple(observers):
                if hasattr(observer, "corrected"):
                    observer.corrected(node, operand, g, shown)
            self._add(node, operand, d, arrives, d_root)

    def _add(self, node: Node, operand: Node, d: Any, arrives: Any, root: Any) -> None:
        """Add to what has arrived at an operand, in its shape and dtype."""
        shape = operand.shape
        if arrives is not None:
            arrives = _unless_all(unbroadcast(arrives, shape) != 0)
        if root is not None:
            root = root if np.shape(root) == shape else unbroadcast(root, shape)
        if np.shape(d) != shape:
            d = in_shape(d, shape, node, operand)
        if d.dtype != operand.dtype:
            d = d.astype(operand.dtype)
        if operand in self._arrived:
            before, reached, other = self._arrived[operand]
            d, arrives, root = before + d, _or(reached, arrives), _sum(other, root)
        self._arrived[operand] = d, arrives, root


def _sent(node: Node, k: int, g: Any, reached: Any, seen: list[Any], raw: list[Any]) -> tuple[Any, Any]:
    """What a rule sends to an operand, and where that arrives; 0 elsewhere."""
    rule, op = node.op.vjp[k], node.op
    d = rule(g, *seen, **node.kwargs)
    if isinstance(op.fn, np.ufunc) and op.fn.signature is None and op.zeros in ("", "overflow"):
        arrives = reached
        if reached is not None and np.shape(d) != np.shape(reached):  # as of zeros in the operand's shape
            arrives = unbroadcast(reached, np.shape(d)) != 0
        if op.zeros == "overflow":
            d = np.where((plain(g) == 0) & np.isinf(raw[0]), 0, d)
    else:
        ones = np.ones(node.shape) if reached is None else reached.astype(np.float64)
        if _multiplies(op):
            d = _without_unreached_terms(node, rule, g, d, ones, seen, raw)
        arrives = _unless_all(_mapped(node, k, rule, ones, raw))
    return (d if arrives is None else np.where(arrives, d, 0)), arrives


def _mapped(node: Node, operand: int, rule: Any, ones: Any, raw: list[Any]) -> Any:
    """Where a rule sends anything of what arrives at `ones`, by its own zeros for other values of the operands.

    A choice goes by the values that there are. Else a zero of a rule is one of its form where it is there for values
    taken at random; a constant factor keeps its zeros. So that nothing cancels, what arrives is random too.
    """
    op: Op = node.op
    rng = np.random.default_rng(0)
    ones = ones * rng.uniform(0.5, 1.5, ones.shape)
    if op.zeros == "choice" or op.role == "extreme":
        return rule(ones, *raw, **node.kwargs) != 0
    args = []
    for k, a in enumerate(node.args or ()):
        value = raw[k + 1]
        if not _is_float(value) or (not op.variadic and (k >= len(op.vjp) or op.vjp[k] is None)):
            args.append(value)
        elif _multiplies(op):
            args.append(np.ones(np.shape(value)) if type(a) is Node and a.requires_grad else 1.0 * (value != 0))
        else:
            drawn = rng.uniform(0.25, 0.75, np.shape(value))
            args.append(np.where(np.isnan(value), value, drawn) if op.zeros == "nan" else drawn)
    try:
        y = op.on_any_array(*args, **node.kwargs)
        return rule(ones, y, *args, **node.kwargs) != 0
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):  # no values for this function
        return np.broadcast_to(np.any(ones), np.shape(raw[operand + 1]))


def _without_unreached_terms(node: Node, rule: Any, g: Any, d: Any, ones: Any, seen: list[Any], raw: list[Any]) -> Any:
    """A sum of products without the terms g b to which nothing arrives, though b is NaN or infinite."""
    if np.all(np.isfinite(plain(d))):
        return d
    finite, count, marked = [], [], []
    for a, value in zip(seen, raw, strict=True):
        bad = ~np.isfinite(value) if _is_float(value) else False
        finite.append(np.where(bad, 0, a) if np.any(bad) else a)
        count.append(np.ones(np.shape(value)) if _is_float(value) else value)
        marked.append(1.0 + bad if _is_float(value) else value)
    met = rule(ones, *marked, **node.kwargs) != rule(ones, *count, **node.kwargs)
    return np.where(met, d, rule(g, *finite, **node.kwargs))


def _multiplies(op: Op) -> bool:
    return op.zeros == "factor" or op.role == "product"


def _is_float(value: Any) -> bool:
    return type(value) is float or getattr(getattr(value, "dtype", None), "kind", "") == "f"


def _unless_all(reached: Any) -> Any:
    return None if np.all(reached) else reached


def _and(reached: Any, condition: Any) -> Any:
    return condition if reached is None else reached & condition


def _or(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one | other


def _sum(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other
