"""Looking inside a recorded computation: why a gradient is missing, what is kept, where a NaN came from."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.arrays import is_lazy
from autograd.basis.frames import source_line
from autograd.core.backward import RETAIN_GRAD
from autograd.core.errors import describe
from autograd.core.node import Node, observers, topological
from autograd.notation.names import Scope
from autograd.text import printable, shown

_GENERAL = "check the operands' range; np.where needs its operands finite on both branches (the double where)"


class AnomalyError(FloatingPointError):
    """A NaN or an infinity appeared; the message says where and what to do."""


class detect_anomaly(ContextDecorator):  # noqa: N801
    """Stop at the first NaN or infinity, forward or backward: `with autograd.detect_anomaly():`.

    The error names the operation, its operands, the line of the program that called it, and the usual
    remedy. Operations recorded inside remember their source line, which `explain` shows. Every
    value is looked at, so programs run at a fraction of their speed. Only this thread or task is watched.

    Raises:
        AnomalyError: inside the block.

    >>> x = Tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with np.errstate(divide="ignore"), detect_anomaly():  # doctest: +ELLIPSIS
    ...     y = np.log(x)
    Traceback (most recent call last):
      ...
    autograd.inspection.AnomalyError: np.log of x of shape (2,) gave 1 infinite of 2 elements, from finite ...
    """

    def __init__(self) -> None:
        self._mine: ContextVar[bool] = ContextVar("mine", default=False)

    def _recreate_cm(self) -> detect_anomaly:
        return type(self)()

    def __enter__(self) -> detect_anomaly:
        self._mine.set(True)
        observers.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        observers.remove(self)

    @property
    def watches(self) -> bool:
        """Whether it is this thread or task that is watched."""
        return self._mine.get()

    def recorded(self, op: Any, args: tuple[Any, ...], node: Node, value: Any) -> None:
        """Called after each operation of the forward computation."""
        if not self._mine.get():
            return
        node.where = source_line()
        problem = _problem(value)
        if problem and not any(_problem(_value(arg)) for arg in args):
            raise AnomalyError(
                f"{op.name} of {_listed(args)} gave {problem}, from finite operands, {node.where}. "
                f"{op.remedy or _GENERAL}"
            )

    def pulled(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """A pass that ends in what is not finite is made again, carefully: that one tells where it began."""

    def corrected(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """Called after each derivative rule of a careful pass."""
        if not self._mine.get():
            return
        problem = _problem(_value(d))
        if problem and not _problem(_value(g)):
            raise AnomalyError(
                f"the derivative of {node.op.name} of {_listed(node.args or ())} with respect to {describe(operand)} "
                f"gave {problem}, from a finite gradient; recorded {_where(node)}. "
                f"{node.op.remedy or _GENERAL}"
            )


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Node) else value.data if isinstance(value, Tensor) else value


def _problem(value: Any) -> str:
    """What is not finite in it, in words; empty where all is."""
    if not isinstance(value, float) and getattr(getattr(value, "dtype", None), "kind", "") != "f":
        return ""
    nans, infinite = int(np.count_nonzero(np.isnan(value))), int(np.count_nonzero(np.isinf(value)))
    parts = [f"{count} {word}" for count, word in ((nans, "NaN"), (infinite, "infinite")) if count]
    return f"{' and '.join(parts)} of {prod(np.shape(value))} elements" if parts else ""


def _listed(args: Sequence[Any]) -> str:
    return " and ".join(describe(arg) for arg in args if isinstance(arg, (Node, np.ndarray)))


def _where(node: Node) -> str:
    return str(node.get("where") or "outside detect_anomaly(), so without its line")


@dataclass(frozen=True)
class Kept:
    """Bytes that the graph keeps alive for one value, counted once however often it is used."""

    name: str
    shape: tuple[int, ...]
    bytes: int
    where: str


@dataclass(frozen=True)
class Explanation:
    """What `explain` gives; printed, it is the explanation."""

    title: str
    gradient: str
    operations: int
    kept: tuple[Kept, ...]
    anomaly: str

    @property
    def bytes(self) -> int:
        """All that the graph keeps alive."""
        return sum(kept.bytes for kept in self.kept)

    def __str__(self) -> str:
        lines = [self.title, f"  gradient: {self.gradient}"]
        lines.append(f"  graph: {self.operations} operations keep {_size(self.bytes)} alive")
        for kept in self.kept[:8]:
            shape = "×".join(map(str, kept.shape)) or "scalar"
            lines.append(f"    {_size(kept.bytes):>9}  {kept.name} ({shape}){' ' + kept.where if kept.where else ''}")
        if len(self.kept) > 8:
            lines.append(f"    {_size(sum(k.bytes for k in self.kept[8:])):>9}  in {len(self.kept) - 8} more")
        lines.append(f"  NaN and infinity: {self.anomaly}")
        return shown("\n".join(lines))

    __repr__ = __str__


def explain(tensor: Tensor, loss: Tensor | None = None) -> Explanation:
    """Why `.grad` is as it is, what the graph behind a Tensor keeps alive, where a NaN first appeared.

    Values are called by their names, or by your variables.

    Args:
        tensor: the Tensor in question.
        loss: what was differentiated; then the answer says whether the gradient can get from there to here.

    Raises:
        TypeError: something that is no Tensor.

    >>> w = Tensor(np.ones((2, 3)), requires_grad=True, name="w")
    >>> print(explain(w))
    w of shape (2, 3), a leaf that requires grad
      gradient: None: no backward() has reached it since it was made or cleared
      graph: 0 operations keep 48 B alive
             48 B  w (2×3)
      NaN and infinity: none
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"explain takes a Tensor, not {type(tensor).__name__}")
    if loss is not None and not isinstance(loss, Tensor):
        raise TypeError(f"explain takes the loss as a Tensor, not {type(loss).__name__}: a plain number has no graph")
    caller = sys._getframe(1)
    scope = Scope(caller.f_locals, caller.f_globals)
    node = tensor._node
    nodes = topological((node,), constants=True)
    name = None if node.get("name") else scope.of(node)
    return Explanation(
        title=f"{f'{printable(name, 80)} of shape {tensor.shape}' if name else describe(tensor)}, {_kind(node)}",
        gradient=_gradient(tensor, loss),
        operations=sum(n.op is not None for n in nodes),
        kept=_kept(nodes, scope),
        anomaly=_first_anomaly(nodes),
    )


def _kind(node: Node) -> str:
    if node.op is None:
        return "a leaf that requires grad" if node.requires_grad else "a constant"
    where = node.get("where")
    return f"computed by {node.op.name}{' ' + where if where else ''}"


def _kind_of_value(node: Node) -> str:
    """What a value without a name is called."""
    return str(node.op.name) if node.op is not None else "a parameter" if node.requires_grad else "a constant"


def _gradient(tensor: Tensor, loss: Tensor | None) -> str:
    node = tensor._node
    if tensor.grad is not None:
        return f"an array of shape {np.shape(tensor.grad)}, of norm {np.linalg.norm(_value(tensor.grad)):.4g}"
    if not node.requires_grad:
        return (
            "None: nothing in it requires grad. It was made without requires_grad=True, computed inside no_grad(), "
            "or detached"
        )
    if loss is not None:
        if not loss.requires_grad:
            return "None: the loss has no graph; it was computed inside no_grad(), or from detached data"
        if node not in set(topological((loss._node,))):
            return (
                "None: the loss does not depend on it. It was not used, was used through .data or detach(), or "
                "was written to since"
            )
    if node.op is not None and RETAIN_GRAD not in (node.hooks or ()):
        return "None: it is interior, and only leaves keep theirs; call retain_grad() before backward()"
    return "None: no backward() has reached it since it was made or cleared"


def _kept(nodes: list[Node], scope: Scope) -> tuple[Kept, ...]:
    """Every block of memory behind the graph, largest first, under the name of its first user."""
    owners: dict[int, Kept] = {}
    names = {node: printable(node.get("name") or scope.of(node) or _kind_of_value(node), 80) for node in nodes}
    for node in nodes:
        values = [(node, node.held), *_saved(node)]
        for source, value in values:
            if type(source) is Node:
                name, where = names[source], str(source.get("where") or "")
            else:
                name, where = scope.of_array(source) or f"operand of {names[node]}", str(node.get("where") or "")
            if isinstance(value, np.ndarray):
                owner = value if value.base is None or not isinstance(value.base, np.ndarray) else value.base
                owners.setdefault(id(owner), Kept(name, value.shape, owner.nbytes, where))
            elif isinstance(value, np.generic):
                owners.setdefault(id(value), Kept(name, (), value.nbytes, where))
    groups: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for kept in owners.values():
        groups[kept.name, kept.shape, kept.where] += kept.bytes
    holders = [Kept(name, shape, total, where) for (name, shape, where), total in groups.items()]
    return tuple(sorted(holders, key=lambda kept: -kept.bytes))


def _saved(node: Node) -> list[tuple[Any, Any]]:
    """What the rules of an operation read, each with what it is the value of."""
    return [(node, node.output), *zip(node.args, node.saved, strict=True)] if node.op and node.args is not None else []


def _first_anomaly(nodes: list[Node]) -> str:
    held = [(node, node.held) for node in nodes]
    problems = [(node, "" if is_lazy(node.held) else _problem(node.value)) for node in nodes]
    for node, value in held:  # explaining holds nothing
        node.held = value
    for node, problem in problems:
        if problem:
            origin = "given as data" if node.op is None else f"computed by {node.op.name} of {_listed(node.args or ())}"
            where = node.get("where")
            return f"first in {describe(node)}, {origin}{' ' + where if where else ''}: {problem}"
    return (
        "none" if not any(is_lazy(value) for _, value in held) else "not looked for in chunks, which are not computed"
    )


def _size(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.4g} {unit}"
        count = count / 1000  # type: ignore[assignment]
    return f"{count:.4g} GB"
